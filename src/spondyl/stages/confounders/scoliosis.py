"""Scoliosis: Cobb's angle from the endplates, and wedges that belong to the curve (§2; S42, S43)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spondyl.domain.body_view import BodyView
from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.domain.measurement import Measured
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.confounders.case import Case
from spondyl.stages.confounders.outline_askew import off_row_deg
from spondyl.stages.confounders.surfaces import side_heights_mm, side_wedge_deg

_FEWEST_BODIES = 4
_FOLLOWS_DEG = 25.0
_MOST_WEDGE_DEG = 8.0
_SMOOTH = 3


def find(case: Case) -> Iterator[Confounder]:
    """The largest angle between an upper endplate and a lower one below it, and the bodies it explains."""
    settings = case.settings
    every = list(case.measured())
    # an outline that is none would make a curve of its own
    bodies = [pair for pair, angle in zip(every, off_row_deg(every), strict=True) if angle <= _FOLLOWS_DEG]
    if len(bodies) < _FEWEST_BODIES:
        return
    cobb, upper, lower = cobb_deg(bodies)
    if cobb < settings.scoliosis_deg:
        return
    degree = "moderate or more" if cobb >= settings.scoliosis_moderate_deg else "mild"
    yield Confounder(
        kind=Kind.SCOLIOSIS,
        level=None,
        value=cobb,
        threshold=settings.scoliosis_deg,
        unit="deg",
        effect=Effect.FLAG,
        text=f"Scoliosis of {cobb:.0f}° by Cobb, {bodies[upper][0].level} to "
        f"{bodies[lower][0].level} ({degree}; lying "
        "down it reads 7 to 11° less than standing).",
    )
    for view, measured in bodies[upper : lower + 1]:
        yield from _wedge(case, view, measured, cobb)


def cobb_deg(bodies: list[tuple[BodyView, Measured]]) -> tuple[float, int, int]:
    """Cobb's angle and the indices of its end vertebrae."""
    tilt = np.array([_tilt_deg(measured) for _, measured in bodies])
    wedge = np.array([side_wedge_deg(view, measured) for view, measured in bodies])
    wedge = np.clip(
        wedge, -_MOST_WEDGE_DEG, _MOST_WEDGE_DEG
    )  # more is a fault of one outline, not the curve's
    # single endplates are noisy: the tilt of a body is steadied by its neighbours'
    steady = _steadied(tilt)
    upper, lower = steady + 0.5 * wedge, steady - 0.5 * wedge
    angle = np.abs(upper[:, None] - lower[None, :])
    angle[np.tril_indices(len(bodies))] = 0.0
    first, last = np.unravel_index(int(np.argmax(angle)), angle.shape)
    return float(angle[first, last]), int(first), int(last)


def _steadied(values: Float64Array) -> Float64Array:
    """Median of three along the spine."""
    padded = np.concatenate([values[:1], values, values[-1:]])
    windows = np.lib.stride_tricks.sliding_window_view(padded, _SMOOTH)
    return np.asarray(np.median(windows, axis=1))


def _tilt_deg(measured: Measured) -> float:
    """Tilt of a body in the coronal plane, positive to the left."""
    axis = measured.frame[:, 2]
    return float(np.degrees(np.arctan2(axis[0], axis[2])))


def _wedge(case: Case, view: BodyView, measured: Measured, cobb: float) -> Iterator[Confounder]:
    """A graded body of the curve that is lower on one side: the curve's wedge, not a fracture's."""
    grade = case.graded(view.level)
    sides = side_heights_mm(view, measured)
    if grade is None or grade.grade < 1 or sides is None:
        return
    left, right = sides
    difference = float(abs(left - right) / (0.5 * (left + right)))
    if difference <= case.settings.lateral_difference or case.signs[view.level].evidence:
        return
    yield Confounder(
        kind=Kind.SCOLIOSIS,
        level=view.level,
        value=difference,
        threshold=case.settings.lateral_difference,
        unit="fraction",
        effect=Effect.DOWNGRADE,
        text=f"Within a scoliosis of {cobb:.0f}°, left and right differ by {difference:.0%}, and "
        "no endplate is broken: "
        f"grade {grade.grade} counts one less.",
    )
