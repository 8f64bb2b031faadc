"""The readers' six points: walls and endplates extrapolated to their crossings, and the contour half-way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from spondyl.geometry.arrays import BoolArray, Float64Array
from spondyl.geometry.columns import median_seen
from spondyl.geometry.planes import fit_robust, polynomial_design
from spondyl.stages.measure.settings import Settings
from spondyl.stages.measure.surfaces import Section, Slab

_FIT_NOISE_MM = 0.15
_PLATE_NOISE_MM = 0.5
_STEEPEST_WALL = 0.6
_SHORTEST_WALL_MM = 4.0
_FEWEST_SAMPLES = 6
_FEWEST_IN_WINDOW = 3
_LEAST_MIDDLE_HALF_MM = 1.5
_CROSSING_ROUNDS = 4
_LONGEST_REACH_FRACTION = 0.2
_JUMPS_WITHIN_SHARE = 0.25  # further inside a jump is a break of the endplate
_LARGEST_JUMP_MM = 2.5  # between neighbouring columns, 0.6 mm apart: steeper is a wall, not an endplate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SixPoints:
    """The six points in the mid-sagittal plane, order of LANDMARK_NAMES.

    points_mm: (6, 2) posterior and superior. sd_mm: (6,) one standard deviation along the superior axis,
        from the scatter about the fit.
    """

    points_mm: Float64Array
    sd_mm: Float64Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Line:
    """A straight line: value = level + slope · (position - centre), with the scatter of its points."""

    centre: float
    level: float
    slope: float
    level_sd: float
    slope_sd: float

    def at(self, position: float) -> float:
        return self.level + self.slope * (position - self.centre)

    def sd_at(self, position: float) -> float:
        return float(np.hypot(self.level_sd, self.slope_sd * (position - self.centre)))


def place_six_points(
    slab: Slab, section: Section, slice_spacing_mm: float, settings: Settings
) -> SixPoints | None:
    """Place the points; None where a window holds too little of the contour."""
    contours = slab.contour(slab.top_mm), slab.contour(slab.bottom_mm)
    midline = slab.narrowed(section.middle_x_mm, settings.wall_half_mm)  # walls curve away from it
    walls = {
        0: _Wall(
            contour=midline.contour(midline.front_mm), start_mm=section.front_mm, inward_mm=section.depth_mm
        ),
        2: _Wall(
            contour=midline.contour(midline.back_mm), start_mm=section.back_mm, inward_mm=-section.depth_mm
        ),
    }
    points = np.zeros((6, 2))
    sds = np.zeros(6)
    for first, plate, other in ((0, *contours), (3, *contours[::-1])):
        for offset, wall in walls.items():
            corner = _corner(slab, plate, other, wall, settings)
            if corner is None:
                return None
            points[first + offset], sds[first + offset] = corner
        middle = _middle(slab, plate, (points[first], points[first + 2]), slice_spacing_mm, settings)
        if middle is None:
            return None
        points[first + 1], sds[first + 1] = middle
    return SixPoints(points_mm=points, sd_mm=sds)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Wall:
    """One wall.

    contour: (c,) posterior position per height. start_mm: at mid-height. inward_mm: to the other wall.
    """

    contour: Float64Array
    start_mm: float
    inward_mm: float

    def share(self, along_mm: Float64Array) -> Float64Array:
        """0 at this wall, 1 at the other."""
        return (along_mm - self.start_mm) / self.inward_mm


def _corner(
    slab: Slab, plate: Float64Array, other: Float64Array, wall: _Wall, settings: Settings
) -> tuple[Float64Array, float] | None:
    """Crossing of one wall and one endplate, both extrapolated; ``other`` is the opposite endplate."""
    share = wall.share(slab.along_mm)
    plate = _joined_part(plate, share)
    inner, outer = settings.plate_window
    # a blurred outline rounds its own rim: stay further inside by as much
    blurred = max(0.0, slab.softness_mm - settings.sharp_softness_mm) * settings.blur_factor
    moved = blurred / abs(wall.inward_mm)
    near_wall = _between(share, (inner + moved, outer + moved))
    line = _plate_line(slab.along_mm, plate, share, near_wall, settings)
    far = median_seen(other[near_wall])
    if line is None or not np.isfinite(far):
        return None
    wall_line = _wall_line(slab.up_mm, wall, line.level, float(far), settings)
    limit = _LONGEST_REACH_FRACTION * abs(wall.inward_mm)
    posterior = wall.start_mm
    for _ in range(_CROSSING_ROUNDS):
        posterior = wall_line.at(line.at(posterior))
        posterior = float(np.clip(posterior, wall.start_mm - limit, wall.start_mm + limit))
    return np.array([posterior, line.at(posterior)]), line.sd_at(posterior)


def _joined_part(plate: Float64Array, share: Float64Array) -> Float64Array:
    """The contour towards the wall as far as it runs on without a jump; NaN beyond.

    Where the outline's front or back is not straight, its outermost columns end on the wall.
    """
    outwards = [
        int(n) for n in np.argsort(-share) if share[n] <= _JUMPS_WITHIN_SHARE and np.isfinite(plate[n])
    ]
    kept = plate.copy()
    for inner, outer in pairwise(outwards):
        if abs(plate[outer] - plate[inner]) > _LARGEST_JUMP_MM:
            kept[share <= share[outer]] = np.nan
            break
    return kept


def _plate_line(
    along: Float64Array, plate: Float64Array, share: Float64Array, near_wall: BoolArray, settings: Settings
) -> _Line | None:
    """The endplate next to a wall: its level from a window just inside the rim.

    The slope lies between the window's own and the whole endplate's, because a window of a few
    millimetres alone gives a wild slope.
    """
    is_seen = np.isfinite(plate)
    in_window = near_wall & is_seen
    in_plate = _between(share, settings.whole_plate_window) & is_seen
    if np.count_nonzero(in_window) < _FEWEST_IN_WINDOW or np.count_nonzero(in_plate) < _FEWEST_SAMPLES:
        return None
    whole = _fit_line(along[in_plate], plate[in_plate], _PLATE_NOISE_MM)
    local = _fit_line(along[in_window], plate[in_window], _FIT_NOISE_MM)
    own = settings.own_slope_share
    slope = (1.0 - own) * whole.slope + own * local.slope
    level = np.median(plate[in_window] - slope * (along[in_window] - local.centre))
    return replace(local, level=float(level), slope=slope, slope_sd=own * local.slope_sd)


def _wall_line(up: Float64Array, wall: _Wall, near: float, far: float, settings: Settings) -> _Line:
    """Line through the wall's part that belongs to one endplate; upright where there is too little of it."""
    upright = _Line(centre=0.0, level=wall.start_mm, slope=0.0, level_sd=0.0, slope_sd=0.0)
    if abs(near - far) < _SHORTEST_WALL_MM:
        return upright
    share = (up - far) / (near - far)
    in_window = _between(share, settings.wall_window) & np.isfinite(wall.contour)
    if np.count_nonzero(in_window) < _FEWEST_SAMPLES:
        return upright
    line = _fit_line(up[in_window], wall.contour[in_window], _FIT_NOISE_MM)
    return line if abs(line.slope) <= _STEEPEST_WALL else upright


def _middle(
    slab: Slab,
    plate: Float64Array,
    corners: tuple[Float64Array, Float64Array],
    slice_spacing_mm: float,
    settings: Settings,
) -> tuple[Float64Array, float] | None:
    """The contour half-way between two corners: a line through the short piece around it.

    On thick slices it is a parabola through a longer piece, which spans more than one step of the slices.
    """
    anterior, posterior = corners[0][0], corners[1][0]
    at, depth = 0.5 * (anterior + posterior), abs(posterior - anterior)
    least, most = settings.middle_half_window
    excess_mm = max(0.0, slice_spacing_mm - settings.middle_thin_mm)
    half = np.clip(settings.middle_growth * excess_mm, least * depth, most * depth)
    in_window = (np.abs(slab.along_mm - at) <= max(half, _LEAST_MIDDLE_HALF_MM)) & np.isfinite(plate)
    if np.count_nonzero(in_window) < _FEWEST_IN_WINDOW:
        return None
    degree = 2 if half > least * depth else 1
    design = polynomial_design(slab.along_mm[in_window] - at, degree)
    fit = fit_robust(design, plate[in_window], scale_floor=_FIT_NOISE_MM)
    return np.array([at, fit.coefficients[0]]), float(np.sqrt(fit.covariance[0, 0]))


def _fit_line(positions: Float64Array, values: Float64Array, noise_mm: float) -> _Line:
    centre = float(positions.mean())
    fit = fit_robust(polynomial_design(positions - centre, 1), values, scale_floor=noise_mm)
    level, slope = (float(x) for x in fit.coefficients)
    level_sd, slope_sd = (float(x) for x in np.sqrt(np.diag(fit.covariance)))
    return _Line(centre=centre, level=level, slope=slope, level_sd=level_sd, slope_sd=slope_sd)


def _between(values: Float64Array, window: tuple[float, float]) -> BoolArray:
    return np.asarray((values >= window[0]) & (values <= window[1]))
