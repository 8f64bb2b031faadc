"""The side wall: bends of its front, holes in its cortex, how far its back reaches into the canal."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from spondyl.domain.body_view import BodyView, sample_hu
from spondyl.domain.measurement import Measured
from spondyl.geometry.arrays import BoolArray, Float64Array
from spondyl.geometry.columns import crossings, median_seen
from spondyl.geometry.resample import sample
from spondyl.stages.signs.settings import Settings

_SURFACE = 0.5
_STEP_MM = 1.0
_ANGLES_DEG = np.arange(0.0, 360.0, 6.0)
_RADII_MM = np.arange(4.0, 34.0, 1.0)
_SKIN_MM = np.arange(-3.0, 2.1, 0.5)
_WALL_PART = 0.65  # of the half height: the rims belong to the endplates
_VEIN_MM = 7.0
_BACK_SHARE = 0.72  # behind it stand the pedicles


def wall_contours(view: BodyView, half_mm: float) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Heights (c,), and the front and back wall (c,) there in the midline; NaN where there is none."""
    across = np.arange(-half_mm, half_mm + 0.1, 1.5)
    up = np.arange(-22.0, 22.1, _STEP_MM)
    along = view.along_mm
    local = np.stack(np.meshgrid(across, up, along, indexing="ij"), axis=-1)[..., [0, 2, 1]]
    points = local @ view.frame.T + view.centre_lps_mm
    patch = view.vertebra.patch
    profiles = sample(patch.occupancy, patch.affine, points, order=1, outside=0.0)
    front, back = crossings(profiles, along, _SURFACE)
    fewest = max(1, len(across) // 2)
    return up, median_seen(front, fewest=fewest), median_seen(back, fewest=fewest)


def has_cortical_step(view: BodyView, measured: Measured, settings: Settings) -> bool:
    """Whether the front wall bends sharply between its rims."""
    up, front, _ = wall_contours(view, settings.slab_half_mm)
    landmarks = view.local(measured.landmarks_lps_mm)
    low, high = landmarks[3, 2], landmarks[0, 2]
    used = np.isfinite(front) & (up > low + 0.2 * (high - low)) & (up < high - 0.2 * (high - low))
    step = round(settings.step_mm / _STEP_MM)
    wall = front[used]
    if len(wall) < 2 * step + 1:
        return False
    angles = np.degrees(np.arctan((wall[step:] - wall[:-step]) / settings.step_mm))
    return bool(np.max(np.abs(angles[step:] - angles[:-step])) > settings.step_deg)


def cortex_gap_mm2(view: BodyView, measured: Measured, settings: Settings) -> float:
    """Largest joined part of the side wall without cortex, mm²."""
    half = _WALL_PART * 0.5 * float(measured.heights.middle_mm)
    up = np.arange(-half, half + 0.1, 1.5)
    angles = np.radians(_ANGLES_DEG)
    direction = np.stack([np.sin(angles), -np.cos(angles), np.zeros_like(angles)], axis=-1)
    axis = np.array([0.0, 0.0, 1.0])
    rays = direction[:, None, None, :] * _RADII_MM[:, None] + (up[:, None] * axis)[None, :, None, :]
    patch = view.vertebra.patch
    occupancy = sample(patch.occupancy, patch.affine, _to_lps(view, rays), order=1, outside=0.0)
    _, radius = crossings(
        np.concatenate([np.ones((*occupancy.shape[:2], 1)) * 0.0, occupancy], axis=2),
        np.concatenate([[_RADII_MM[0] - 1.0], _RADII_MM]),
        _SURFACE,
    )
    skin = radius[..., None] + _SKIN_MM
    points = direction[:, None, None, :] * np.nan_to_num(skin)[..., None]
    points = points + (up[:, None] * axis)[None, :, None, :]
    peak = np.max(sample_hu(patch, _to_lps(view, points), -1000.0), axis=2)
    is_seen = np.isfinite(radius) & (peak > -900.0) & ~_is_passage(view, measured, direction, radius, up)
    if not np.any(is_seen):
        return 0.0
    limit = min(settings.bone_hu, settings.bone_share * float(np.median(peak[is_seen])))
    cell_mm2 = np.nan_to_num(radius) * np.radians(_ANGLES_DEG[1]) * 1.5
    return _largest_part(is_seen & (peak < limit), cell_mm2)


def _to_lps(view: BodyView, local: Float64Array) -> Float64Array:
    return np.asarray(local @ view.frame.T + view.centre_lps_mm)


def _is_passage(
    view: BodyView, measured: Measured, direction: Float64Array, radius: Float64Array, up: Float64Array
) -> BoolArray:
    """Where there is no cortex in health: the pedicles' roots and the vein's foramen."""
    landmarks = view.local(measured.landmarks_lps_mm)
    front, back = landmarks[[0, 3], 1].mean(), landmarks[[2, 5], 1].mean()
    y = direction[:, None, 1] * radius
    x = direction[:, None, 0] * radius
    behind = (y - front) / (back - front) > _BACK_SHARE
    vein = (np.abs(x) < _VEIN_MM) & (np.abs(up)[None, :] < _VEIN_MM)
    aside = np.abs(x) > 0.14 * measured.width_mm
    return np.asarray(behind & (vein | aside))


def _largest_part(mask: BoolArray, cell_mm2: Float64Array) -> float:
    """Area of the largest joined part of a (angle, height) mask that closes on itself in angle."""
    twice, n_parts = ndimage.label(np.concatenate([mask, mask], axis=0))
    if n_parts == 0:
        return 0.0
    areas = ndimage.sum_labels(np.concatenate([cell_mm2, cell_mm2], axis=0), twice, np.arange(1, n_parts + 1))
    return float(min(np.max(areas), np.sum(cell_mm2[mask])))
