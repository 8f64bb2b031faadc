"""Positions of slices: whether they lie on one regular grid, and what is wrong where they do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from spondyl.domain.refusal import Refusal, RefusalCode
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.ingest.refused import make_refusal
from spondyl.stages.ingest.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """Slices at equal steps on one straight line.

    first_mm: (3,) fitted position of the first slice. step_mm: (3,) vector from slice to slice.
    spacing_mm: its part along the normal. tilt_deg: angle between the step and the normal.
    missing_after: position in the stack after which one slice is missing, or None.
    """

    first_mm: Float64Array
    step_mm: Float64Array
    spacing_mm: float
    tilt_deg: float
    missing_after: int | None = None


def mean_orientation(orientations: Float64Array) -> Float64Array:
    """Mean of (n, 6) orientations as (3, 3) orthonormal rows: row direction, column direction, normal.

    The row direction (increasing column index) and column direction are those of DICOM; the
    normal is their cross product.
    """
    row, column = np.mean(orientations, axis=0).reshape(2, 3)
    row = row / np.linalg.norm(row)
    column = column - row * (row @ column)
    column = column / np.linalg.norm(column)
    return np.stack([row, column, np.cross(row, column)])


def fit_line(positions_mm: Float64Array, axes: Float64Array, settings: Settings) -> Line | Refusal:
    """Fit one regular grid to (n, 3) positions that are sorted along the normal and all differ.

    axes: (3, 3) rows row direction, column direction, normal. A grid is accepted where some regular
    grid lies within ``position_jitter_mm`` of all positions, along each of the three axes; the grid
    returned is the one of least squares.
    """
    heights = positions_mm @ axes[2]
    steps = np.diff(heights)
    spacing = float(np.median(steps))
    if spacing < settings.min_spacing_mm:
        return make_refusal(
            RefusalCode.IMPLAUSIBLE_GEOMETRY,
            f"Slices lie {spacing:.3f} mm apart.",
            f"at least {settings.min_spacing_mm} mm between slices.",
        )
    counts = np.maximum(np.round(steps / spacing), 1.0)
    numbers = np.concatenate([[0.0], np.cumsum(counts)])
    design = np.stack([np.ones_like(numbers), numbers], axis=1)
    (first, step), *_ = np.linalg.lstsq(design, positions_mm, rcond=None)
    residuals = (positions_mm - design @ np.stack([first, step])) @ axes.T
    *sideways, along = (_deviation(numbers, residuals[:, axis], settings) for axis in range(3))
    if along > settings.position_jitter_mm:
        return _refuse_mixed(steps, settings)
    if max(sideways) > settings.position_jitter_mm:
        return make_refusal(
            RefusalCode.IMPLAUSIBLE_GEOMETRY,
            f"Slices are shifted sideways against each other by up to {max(sideways):.2f} mm.",
            f"slices on one straight line within {settings.position_jitter_mm} mm.",
        )
    gaps = np.flatnonzero(counts > 1)
    if gaps.size and not (settings.allow_one_missing and counts.sum() == len(counts) + 1):
        return _refuse_missing(heights, counts, gaps)
    spacing = float(step @ axes[2])
    drift_mm = np.ptp(positions_mm @ axes[:2].T, axis=0)
    if np.max(drift_mm) <= 2.0 * settings.position_jitter_mm:  # jitter, not a tilt, in a short stack
        first, step = np.mean(positions_mm - numbers[:, None] * spacing * axes[2], axis=0), spacing * axes[2]
    shear = float(np.linalg.norm(step - spacing * axes[2]))
    return Line(
        first_mm=first,
        step_mm=step,
        spacing_mm=spacing,
        tilt_deg=float(np.degrees(np.arctan2(shear, spacing))),
        missing_after=int(gaps[0]) if gaps.size else None,
    )


def _deviation(numbers: Float64Array, values: Float64Array, settings: Settings) -> float:
    """Largest deviation of values from the straight line for which that is least (Chebyshev fit)."""
    largest = float(np.max(np.abs(values)))  # from the line of least squares: never less than the least
    if largest <= settings.position_jitter_mm:
        return largest
    ones = np.ones_like(numbers)
    above = np.stack([-ones, -numbers, -ones], axis=1)  # value - (a + b n) <= t
    below = np.stack([ones, numbers, -ones], axis=1)  # (a + b n) - value <= t
    fitted = linprog(
        [0.0, 0.0, 1.0],
        A_ub=np.concatenate([above, below]),
        b_ub=np.concatenate([-values, values]),
        bounds=[(None, None), (None, None), (0.0, None)],
    )
    return float(fitted.fun)


def split_in_two(heights_mm: Float64Array, settings: Settings) -> int | None:
    """Where a stack changes from one slice spacing to another, once: index of the second run's first slice.

    None where there is no such place, or the spacings are equal (then slices are missing). The step
    between the runs may belong to either or to none of them.
    """
    steps = np.diff(heights_mm)
    tolerance_mm = 2.0 * settings.position_jitter_mm
    n_run = settings.min_run_slices - 1
    if len(steps) < 2 * n_run:
        return None
    first, last = float(np.median(steps[:n_run])), float(np.median(steps[-n_run:]))
    if abs(first - last) <= tolerance_mm:
        return None
    fits_first = np.abs(steps - first) <= tolerance_mm
    fits_last = np.abs(steps - last) <= tolerance_mm
    n_first = len(steps) if fits_first.all() else int(np.argmin(fits_first))
    n_last = len(steps) if fits_last.all() else int(np.argmin(fits_last[::-1]))
    if min(n_first, n_last) < n_run or n_first + n_last < len(steps) - 1:
        return None
    return n_first + 1


def _refuse_missing(heights: Float64Array, counts: Float64Array, gaps: np.ndarray) -> Refusal:
    n_missing = int(counts.sum() - len(counts))
    first = int(gaps[0])
    return make_refusal(
        RefusalCode.MISSING_SLICES,
        f"{n_missing} slice(s) missing in {gaps.size} place(s), the first between "
        f"{heights[first]:.1f} and {heights[first + 1]:.1f} mm along the stack.",
        "every slice of the series; send it again from the archive.",
    )


def _refuse_mixed(steps: Float64Array, settings: Settings) -> Refusal:
    return make_refusal(
        RefusalCode.MIXED_SPACING,
        f"Slices lie {steps.min():.2f} to {steps.max():.2f} mm apart in one stack.",
        "equal distances between slices (positions within "
        f"{settings.position_jitter_mm} mm of a regular grid).",
    )
