"""Blood before the spine: the brightest round even place there, level by level (§3.3)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from spondyl.domain.body_view import BodyView
from spondyl.domain.level import Level
from spondyl.domain.volume import HU_FLOOR, CtVolume
from spondyl.geometry.resample import sample
from spondyl.stages.density.settings import Settings

_FIRST, _LAST = Level.T7, Level.L4  # the descending aorta as far as it forks
_STEP_MM = 1.5
_RIGHT_MM, _LEFT_MM = -12.0, 42.0  # the aorta lies before or to the left of the body
_BEFORE_MM, _BESIDE_MM = -45.0, 8.0
_OFF_BONE_MM = 3.0
_BLOOD_HU = (15.0, 700.0)  # anaemic blood to a first pass


def aorta_hu(ct: CtVolume, views: tuple[BodyView, ...], settings: Settings) -> float | None:
    """Median over the levels; None where blood was found at too few of them."""
    found = [
        hu
        for view in views
        if view.measured is not None and _FIRST.order <= view.level.order <= _LAST.order
        if (hu := _blood_hu(ct, view, settings)) is not None
    ]
    return float(np.median(found)) if len(found) >= settings.least_levels else None


def _blood_hu(ct: CtVolume, view: BodyView, settings: Settings) -> float | None:
    """Mean of the brightest even disc beside one body, in the plane of its middle; None for none."""
    measured = view.measured
    assert measured is not None
    front = float(view.local(measured.landmarks_lps_mm)[[0, 3], 1].mean())
    x = np.arange(_RIGHT_MM, _LEFT_MM, _STEP_MM)
    y = np.arange(front + _BEFORE_MM, front + _BESIDE_MM, _STEP_MM)
    local = np.stack([*np.meshgrid(x, y, indexing="ij"), np.zeros((len(x), len(y)))], axis=-1)
    points = local @ view.frame.T + view.centre_lps_mm
    hu = sample(ct.hu, ct.affine, points, order=1, outside=float(HU_FLOOR))
    radius = settings.vessel_radius_mm
    n_side = int(radius / _STEP_MM)
    grid = np.hypot(*np.meshgrid(*[np.arange(-n_side, n_side + 1) * _STEP_MM] * 2, indexing="ij"))
    disc = (grid <= radius).astype(np.float64)
    disc /= disc.sum()
    mean = ndimage.convolve(hu, disc, mode="nearest")
    square = ndimage.convolve(hu**2, disc, mode="nearest")
    scatter = np.sqrt(np.clip(square - mean**2, 0.0, None))
    reach = np.hypot(
        local[..., 0] / (0.5 * measured.width_mm), (local[..., 1] - front) / measured.depth_mm - 0.5
    )
    is_beside = (local[..., 1] < front - radius - _OFF_BONE_MM + radius) | (
        local[..., 0] > 0.5 * measured.width_mm + radius
    )
    low, high = _BLOOD_HU
    noise = float(np.median(scatter[(mean > low) & (mean < high)])) if np.any(mean > low) else 0.0
    even = scatter <= np.maximum(settings.vessel_sd * mean, 1.2 * noise)
    allowed = even & is_beside & (mean > low) & (mean < high) & (reach > 0.5)
    return float(np.max(mean[allowed])) if np.any(allowed) else None
