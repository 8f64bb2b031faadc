"""Endplates and walls in the mid-sagittal slab and to its sides, sub-voxel, in the vertebra's own frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spondyl.geometry.arrays import Float64Array
from spondyl.geometry.columns import crossings, median_seen
from spondyl.geometry.resample import grid_points
from spondyl.stages.measure.frame import LocalFrame
from spondyl.stages.measure.outline import SURFACE, Outline

_COLUMN_STEP_MM = 0.6
_ACROSS_STEP_MM = 1.0
_PROFILE_STEP_MM = 0.5
_BEYOND_MM = 4.0
_FEWEST_OF_SLAB = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slab:
    """A slab of parallel sagittal planes: surfaces per column.

    across_mm: (a,) left offsets; along_mm: (b,) posterior offsets; up_mm: (c,) superior offsets.
    top_mm, bottom_mm: (a, b) endplates; front_mm, back_mm: (a, c) walls; NaN where there is no surface.
    softness_mm: median distance between the 25 % and the 75 % level of the outline along the axis.
    """

    across_mm: Float64Array
    along_mm: Float64Array
    up_mm: Float64Array
    top_mm: Float64Array
    bottom_mm: Float64Array
    front_mm: Float64Array
    back_mm: Float64Array
    softness_mm: float

    def narrowed(self, middle_x_mm: float, half_mm: float) -> Slab:
        """The part of the slab within ``half_mm`` of a sagittal plane."""
        kept = np.abs(self.across_mm - middle_x_mm) <= half_mm
        return replace(
            self,
            across_mm=self.across_mm[kept],
            top_mm=self.top_mm[kept],
            bottom_mm=self.bottom_mm[kept],
            front_mm=self.front_mm[kept],
            back_mm=self.back_mm[kept],
        )

    def contour(self, surface_mm: Float64Array) -> Float64Array:
        """Median over the slab of an (a, b) or (a, c) surface; NaN where most of the slab has none."""
        return median_seen(surface_mm, fewest=int(np.ceil(_FEWEST_OF_SLAB * surface_mm.shape[0])))


def cut_slab(outline: Outline, frame: LocalFrame, *, middle_x_mm: float, half_mm: float) -> Slab:
    """Sample the body around a sagittal plane ``middle_x_mm`` left of the origin and find its surfaces."""
    n_side = int(half_mm / _ACROSS_STEP_MM)
    across = _steps(n_side, _ACROSS_STEP_MM) + middle_x_mm
    along = _symmetric(frame.half_depth_mm + _BEYOND_MM, _COLUMN_STEP_MM)
    up = _symmetric(frame.half_height_mm + _BEYOND_MM, _PROFILE_STEP_MM)
    profiles = outline.smooth(grid_points(frame.centre_mm, frame.axes, across, along, up))
    bottom, top = crossings(profiles, up, SURFACE)
    front, back = crossings(np.moveaxis(profiles, 1, 2), along, SURFACE)
    return Slab(
        across_mm=across,
        along_mm=along,
        up_mm=up,
        top_mm=top,
        bottom_mm=bottom,
        front_mm=front,
        back_mm=back,
        softness_mm=_softness(profiles, up),
    )


def _symmetric(reach: float, step: float) -> Float64Array:
    return _steps(int(np.ceil(reach / step)), step)


def _steps(n_side: int, step: float) -> Float64Array:
    return np.asarray(np.arange(-n_side, n_side + 1) * step, dtype=np.float64)


def _softness(profiles: Float64Array, up: Float64Array) -> float:
    low_bottom, low_top = crossings(profiles, up, SURFACE - 0.25)
    high_bottom, high_top = crossings(profiles, up, SURFACE + 0.25)
    widths = np.concatenate([(high_bottom - low_bottom).ravel(), (low_top - high_top).ravel()])
    widths = widths[np.isfinite(widths)]
    return float(np.median(widths)) if widths.size else float(up[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Walls of the mid-height section, mm from the frame's origin along its axes; NaN where unseen."""

    right_mm: float
    left_mm: float
    front_mm: float
    back_mm: float

    @property
    def is_seen(self) -> bool:
        """Whether all four walls were found."""
        return bool(np.isfinite(self.right_mm + self.left_mm + self.front_mm + self.back_mm))

    @property
    def middle_x_mm(self) -> float:
        """The body's midline."""
        return 0.5 * (self.right_mm + self.left_mm)

    @property
    def width_mm(self) -> float:
        """Left-right width."""
        return self.left_mm - self.right_mm

    @property
    def depth_mm(self) -> float:
        """Antero-posterior depth."""
        return self.back_mm - self.front_mm

    def along_mm(self, share: float) -> float:
        """Posterior position of u = ``share``: 0 anterior wall, 1 posterior wall."""
        return self.front_mm + share * self.depth_mm


def cut_section(outline: Outline, frame: LocalFrame) -> Section:
    """Find the four walls at mid-height: the widest lines across, then the walls in the midline."""
    across = _symmetric(frame.half_width_mm + _BEYOND_MM, _PROFILE_STEP_MM)
    along = _symmetric(frame.half_depth_mm + _BEYOND_MM, _PROFILE_STEP_MM)
    up = np.array([-0.2, -0.1, 0.0, 0.1, 0.2]) * frame.half_height_mm
    middle = np.array([-0.3, -0.15, 0.0, 0.15, 0.3]) * frame.half_depth_mm
    rows = outline.smooth(grid_points(frame.centre_mm, frame.axes, across, middle, up))
    right, left = crossings(np.moveaxis(rows, 0, 2), across, SURFACE)
    right_mm, left_mm = float(median_seen(right.ravel())), float(median_seen(left.ravel()))
    slab = np.array([-3.0, -1.5, 0.0, 1.5, 3.0])
    if np.isfinite(right_mm + left_mm):
        slab += 0.5 * (right_mm + left_mm)
    lines = outline.smooth(grid_points(frame.centre_mm, frame.axes, slab, along, up))
    front, back = crossings(np.moveaxis(lines, 1, 2), along, SURFACE)
    return Section(
        right_mm=right_mm,
        left_mm=left_mm,
        front_mm=float(median_seen(front.ravel())),
        back_mm=float(median_seen(back.ravel())),
    )
