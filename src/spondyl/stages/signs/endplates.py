"""Evidence of a broken endplate: how deep it sank under its rims, and the compacted band under it."""

from __future__ import annotations

import numpy as np

from spondyl.domain.body_view import BodyView
from spondyl.domain.measurement import Measured
from spondyl.geometry.arrays import Float64Array
from spondyl.geometry.columns import median_seen
from spondyl.geometry.planes import MAD_TO_SD, fit_robust, plane_design
from spondyl.stages.signs.settings import Settings

_RIM_NOISE_MM = 0.4
_FEWEST_RIM = 12
_FEWEST_ALONG = 6
_LAYER_MM = 2.0
_FEWEST_VOXELS = 60
_CORE_DEPTH_MM = 3.0


def depressions(
    view: BodyView, measured: Measured, settings: Settings
) -> tuple[tuple[float, float], tuple[bool, bool]]:
    """Depth of the superior and inferior endplate under its rims, and whether each is depressed."""
    sides = [_depression(view, measured, surface, settings) for surface in (view.top_mm, -view.bottom_mm)]
    (top_mm, is_top), (bottom_mm, is_bottom) = sides
    return (top_mm, bottom_mm), (is_top, is_bottom)


def _depression(
    view: BodyView, measured: Measured, surface_mm: Float64Array, settings: Settings
) -> tuple[float, bool]:
    """Depth in the mid-sagittal slab, and whether it is deep over enough of the endplate's length."""
    landmarks = view.local(measured.landmarks_lps_mm)
    front, back = landmarks[[0, 3], 1].mean(), landmarks[[2, 5], 1].mean()
    middle_x = landmarks[:, 0].mean()
    x, y = np.meshgrid(view.across_mm - middle_x, view.along_mm, indexing="ij")
    radius = np.hypot(2.0 * x / measured.width_mm, (2.0 * y - front - back) / (back - front))
    inner, outer = settings.rim
    is_rim = view.is_column & (radius > inner) & (radius < outer)
    if np.count_nonzero(is_rim) < _FEWEST_RIM:
        return 0.0, False
    rim = np.column_stack([x[is_rim], y[is_rim]])
    plane = fit_robust(plane_design(rim), surface_mm[is_rim], scale_floor=_RIM_NOISE_MM).coefficients
    depth = plane[0] + plane[1] * x + plane[2] * y - surface_mm
    in_slab = np.abs(view.across_mm - middle_x) <= settings.slab_half_mm
    profile = median_seen(depth[in_slab], fewest=int(np.count_nonzero(in_slab)) // 2)
    share = (view.along_mm - front) / (back - front)
    first, last = settings.depression_window
    seen = (share > first) & (share < last) & np.isfinite(profile)
    if np.count_nonzero(seen) < _FEWEST_ALONG:
        return 0.0, False
    limit = max(settings.depression_mm, settings.depression_share * measured.heights.posterior_mm)
    deep = np.count_nonzero(profile[seen] >= limit) / np.count_nonzero(seen)
    return max(0.0, float(np.max(profile[seen]))), bool(deep >= settings.depression_extent)


def compaction_hu(view: BodyView, measured: Measured, settings: Settings) -> tuple[float | None, bool]:
    """How much denser the densest layer under an endplate is than the core, and whether that counts."""
    landmarks = view.local(measured.landmarks_lps_mm)
    front, back = landmarks[[0, 3], 1].mean(), landmarks[[2, 5], 1].mean()
    share = (view.posterior_mm - front) / (back - front)
    central = (np.abs(view.left_mm) < 0.25 * measured.width_mm) & (share > 0.2) & (share < 0.8)
    central &= view.inside & view.in_scan
    first, last = settings.band_mm
    core = view.hu[central & (view.depth_mm > last)]
    if core.size < _FEWEST_VOXELS:  # a low body: the layers of both endplates meet
        core = view.hu[central & (view.depth_mm > _CORE_DEPTH_MM)]
    if core.size < _FEWEST_VOXELS:
        return None, False
    median = float(np.median(core))
    sd = MAD_TO_SD * float(np.median(np.abs(core - median)))
    starts = np.arange(first + 1.0, last - _LAYER_MM + 0.1)  # the endplate itself and its blur are left out
    excess = []
    for start in starts:
        layer = central & (view.depth_mm >= start) & (view.depth_mm < start + _LAYER_MM)
        for side in (view.superior_mm > 0, view.superior_mm < 0):
            values = view.hu[layer & side]
            if values.size >= _FEWEST_VOXELS:
                excess.append(float(np.mean(values)) - median)
    if not excess:
        return None, False
    densest = max(excess)
    # noise averages out over a layer: the core's scatter stands for its texture only as far as it is seen
    return densest, densest >= max(settings.least_band_hu, settings.band_sd * min(sd, settings.least_band_hu))
