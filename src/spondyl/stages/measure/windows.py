"""Robust averages over windows of the endplates, beside the six points (clinical-methods §1.1)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from spondyl.domain.measurement import Heights
from spondyl.geometry.arrays import Float64Array
from spondyl.geometry.columns import median_seen
from spondyl.stages.measure.landmarks import SixPoints
from spondyl.stages.measure.settings import Settings
from spondyl.stages.measure.surfaces import Section, Slab

_LOCAL_PATCH_MM = 3.0
_FULLY_COVERED = 0.999
_PARASAGITTAL_HALF_MM = 2.0
_PARASAGITTAL_WINDOW = (0.35, 0.65)
_DEPRESSION_WINDOW = (0.1, 0.9)


def window_heights(slab: Slab, section: Section, settings: Settings) -> Heights | None:
    """Median height of the columns in the anterior, middle and posterior window; None where one is empty."""
    windows = (settings.anterior_window, settings.middle_window, settings.posterior_window)
    heights = np.array([_median_height(slab, section, window) for window in windows])
    if not np.all(heights > 0):  # NaN is not greater than 0 either
        return None
    return Heights.from_array(heights)


def lateral_heights(wide: Slab, section: Section, settings: Settings) -> Float64Array:
    """(2,) left and right parasagittal height, mm; NaN where the body does not reach there."""
    aside = settings.parasagittal_fraction * section.width_mm
    slabs = [wide.narrowed(section.middle_x_mm + side * aside, _PARASAGITTAL_HALF_MM) for side in (1.0, -1.0)]
    return np.array([_median_height(slab, section, _PARASAGITTAL_WINDOW) for slab in slabs])


def lowest_height(wide: Slab, section: Section, settings: Settings) -> float | None:
    """Least local mean height over the central part of the body, mm; None where it has gaps everywhere."""
    heights = wide.top_mm - wide.bottom_mm
    size = [
        max(1, round(_LOCAL_PATCH_MM / float(np.diff(at[:2])[0]))) for at in (wide.across_mm, wide.along_mm)
    ]
    is_seen = np.isfinite(heights)
    covered = ndimage.uniform_filter(is_seen.astype(np.float64), size, mode="constant")
    mean = ndimage.uniform_filter(np.where(is_seen, heights, 0.0), size, mode="constant")
    mean = np.where(covered > _FULLY_COVERED, mean, np.nan)  # a patch with a gap does not count
    low, high = settings.lowest_window
    share = (wide.along_mm - section.front_mm) / section.depth_mm
    is_central = (
        np.abs(wide.across_mm - section.middle_x_mm) <= settings.lowest_half_fraction * section.width_mm
    )
    central = mean[is_central][:, (share >= low) & (share <= high)]
    seen = central[np.isfinite(central)]
    return float(np.min(seen)) if seen.size else None


def endplate_depression(slab: Slab, points: SixPoints) -> Float64Array:
    """(2,) deepest point of the superior and inferior contour below the line through its two corners, mm."""
    depths = []
    for first, surface, sign in ((0, slab.top_mm, 1.0), (3, slab.bottom_mm, -1.0)):
        contour = slab.contour(surface)
        anterior, posterior = points.points_mm[first], points.points_mm[first + 2]
        share = (slab.along_mm - anterior[0]) / (posterior[0] - anterior[0])
        chord = anterior[1] + share * (posterior[1] - anterior[1])
        low, high = _DEPRESSION_WINDOW
        seen = (share > low) & (share < high) & np.isfinite(contour)
        depths.append(max(0.0, float(np.max(sign * (chord - contour)[seen], initial=0.0))))
    return np.array(depths)


def _median_height(slab: Slab, section: Section, window: tuple[float, float]) -> float:
    low, high = section.along_mm(window[0]), section.along_mm(window[1])
    in_window = (slab.along_mm >= low) & (slab.along_mm <= high)
    heights = (slab.top_mm - slab.bottom_mm)[:, in_window].ravel()
    return float(median_seen(heights)) if heights.size else float("nan")
