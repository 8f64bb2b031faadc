"""Robust averages over windows of the endplates, beside the six points (clinical-methods §1.1)."""

from __future__ import annotations

import numpy as np

from spondyl.domain.measurement import Heights
from spondyl.geometry.arrays import Float64Array
from spondyl.geometry.columns import median_seen
from spondyl.stages.measure.frame import LocalFrame
from spondyl.stages.measure.landmarks import SixPoints
from spondyl.stages.measure.outline import Outline
from spondyl.stages.measure.settings import Settings
from spondyl.stages.measure.surfaces import Section, Slab, cut_slab

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


def lateral_heights(
    outline: Outline, frame: LocalFrame, section: Section, settings: Settings
) -> Float64Array:
    """(2,) left and right parasagittal height, mm; NaN where the body does not reach there."""
    heights = []
    for side in (1.0, -1.0):
        at = section.middle_x_mm + side * settings.parasagittal_fraction * section.width_mm
        slab = cut_slab(outline, frame, middle_x_mm=at, half_mm=_PARASAGITTAL_HALF_MM)
        heights.append(_median_height(slab, section, _PARASAGITTAL_WINDOW))
    return np.array(heights)


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
