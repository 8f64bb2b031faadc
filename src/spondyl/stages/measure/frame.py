"""The vertebra's own frame: axis from both endplate planes, mid-sagittal plane from its mirror symmetry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.domain.vertebra import BodyPatch
from spondyl.geometry.arrays import BoolArray, Float64Array
from spondyl.geometry.columns import crossings
from spondyl.geometry.planes import fit_robust, frame_from, plane_design, plane_normal, rotation_about
from spondyl.geometry.resample import grid_points, sample
from spondyl.geometry.symmetry import mirror_angle_rad
from spondyl.stages.measure.outline import SURFACE, Outline
from spondyl.stages.measure.settings import Settings

_REACH_MM = 28.0
_UP_REACH_MM = 24.0
_COARSE_STEP_MM = 2.0
_ROUNDS = 6
_SETTLED_DEG = 0.2
_SETTLED_MM = 0.2
_PLATE_NOISE_MM = 0.4
_FEWEST_COLUMNS = 12
_SYMMETRY_HALF_HEIGHT_MM = 8.0
_SYMMETRY_RADIUS_MM = 27.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocalFrame:
    """Origin and axes of one vertebra.

    centre_mm: (3,) LPS, in the mid-sagittal plane, half-way between the endplates and the walls.
    axes: (3, 3) columns left, posterior, superior.
    endplate_angle_deg: angle between the two endplate planes.
    half_width_mm, half_depth_mm, half_height_mm: of the body along the axes, from coarse columns.
    """

    centre_mm: Float64Array
    axes: Float64Array
    endplate_angle_deg: float
    half_width_mm: float
    half_depth_mm: float
    half_height_mm: float


def find_frame(
    outline: Outline, patch: BodyPatch, first: Float64Array, settings: Settings
) -> LocalFrame | None:
    """Refine a first frame (3, 3) to the body's own; None where there are no two endplates to be fitted."""
    frame = _level(outline, first, outline.centroid_mm, settings)
    if frame is None:
        return None
    turned = frame.axes @ rotation_about(np.array([0.0, 0.0, 1.0]), _yaw(outline, patch, frame, settings))
    # columns along the turned axes see the endplates' tilt anew
    return _level(outline, turned, frame.centre_mm, settings)


def _level(
    outline: Outline, first: Float64Array, centre_mm: Float64Array, settings: Settings
) -> LocalFrame | None:
    axes, centre = first, centre_mm
    offsets = np.arange(-_REACH_MM, _REACH_MM + _COARSE_STEP_MM, _COARSE_STEP_MM)
    heights = np.arange(-_UP_REACH_MM, _UP_REACH_MM + 1.0)
    frame = None
    for _ in range(_ROUNDS):
        profiles = outline.linear(grid_points(centre, axes, offsets, offsets, heights))
        bottom, top = crossings(profiles, heights, SURFACE)
        fitted = _fit_planes(bottom, top, offsets, settings)
        if fitted is None:
            return None
        local_up, local_centre, frame_size = fitted
        angle_deg = np.degrees(np.arccos(np.clip(local_up[2], -1.0, 1.0)))
        centre = centre + axes @ local_centre
        axes = frame_from(axes @ local_up, axes[:, 1])
        frame = LocalFrame(centre_mm=centre, axes=axes, **frame_size)
        if angle_deg < _SETTLED_DEG and np.linalg.norm(local_centre) < _SETTLED_MM:
            break
    return frame


def _fit_planes(
    bottom: Float64Array, top: Float64Array, offsets: Float64Array, settings: Settings
) -> tuple[Float64Array, Float64Array, dict[str, float]] | None:
    """Unit normal and centre in the present local frame, and the body's size; None if columns are missing."""
    left, posterior = np.meshgrid(offsets, offsets, indexing="ij")
    is_seen = np.isfinite(bottom) & np.isfinite(top)
    if np.count_nonzero(is_seen) < _FEWEST_COLUMNS:
        return None
    middle_x, half_x = _extent(is_seen, offsets, axis=0)
    middle_y, half_y = _extent(is_seen, offsets, axis=1)
    radius = np.hypot((left - middle_x) / half_x, (posterior - middle_y) / half_y)
    is_plate = is_seen & (radius < settings.rim_excluded_fraction)
    if np.count_nonzero(is_plate) < _FEWEST_COLUMNS:
        return None
    at = np.column_stack([left[is_plate] - middle_x, posterior[is_plate] - middle_y])
    upper = fit_robust(plane_design(at), top[is_plate], scale_floor=_PLATE_NOISE_MM)
    lower = fit_robust(plane_design(at), bottom[is_plate], scale_floor=_PLATE_NOISE_MM)
    normals = plane_normal(upper), plane_normal(lower)
    up = normals[0] + normals[1]
    middle_z = 0.5 * (upper.coefficients[0] + lower.coefficients[0])
    size = {
        "endplate_angle_deg": float(np.degrees(np.arccos(np.clip(normals[0] @ normals[1], -1.0, 1.0)))),
        "half_width_mm": half_x,
        "half_depth_mm": half_y,
        "half_height_mm": 0.5 * float(np.max(top[is_seen]) - np.min(bottom[is_seen])),
    }
    return up / np.linalg.norm(up), np.array([middle_x, middle_y, middle_z]), size


def _extent(is_seen: BoolArray, offsets: Float64Array, *, axis: int) -> tuple[float, float]:
    """Middle and half size of the seen columns along one axis, over the lines with at least half the most."""
    counts = np.count_nonzero(is_seen, axis=1 - axis)
    used = offsets[counts >= 0.3 * np.max(counts)]
    half = 0.5 * float(used[-1] - used[0]) + 0.5 * _COARSE_STEP_MM
    return 0.5 * float(used[-1] + used[0]), half


def _yaw(outline: Outline, patch: BodyPatch, frame: LocalFrame, settings: Settings) -> float:
    """Angle (rad) about the superior axis to the plane in which the vertebra best mirrors itself."""
    across = np.arange(-_REACH_MM, _REACH_MM + 1.0)
    up = np.arange(-_SYMMETRY_HALF_HEIGHT_MM, _SYMMETRY_HALF_HEIGHT_MM + 1.0, 2.0)
    points = grid_points(frame.centre_mm, frame.axes, across, across, up)
    whole = outline.linear(points) + sample(patch.posterior, patch.affine, points, order=1, outside=0.0)
    seen_from_above = whole.clip(0.0, 1.0).sum(axis=2)
    left, posterior = np.meshgrid(across, across, indexing="ij")
    seen_from_above[np.hypot(left, posterior) > _SYMMETRY_RADIUS_MM] = 0.0
    return mirror_angle_rad(seen_from_above, settings.largest_yaw_deg)
