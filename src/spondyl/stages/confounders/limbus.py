"""Limbus vertebra: a corner of the body that never joined it (§2, from memory)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from spondyl.domain.body_view import BodyView
from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.domain.measurement import Measured
from spondyl.geometry.arrays import Float64Array
from spondyl.geometry.columns import median_seen
from spondyl.stages.confounders.case import Case, parts_of
from spondyl.stages.confounders.surfaces import front_and_back

_SLAB_MM = 6.0
_MIDDLE = (0.3, 0.8)
_RIM = (0.0, 0.15)
_FEWEST = 6
_CORNERS = ((0, 1.0, "upper"), (3, -1.0, "lower"))


def find(case: Case) -> Iterator[Confounder]:
    """A small dense fragment before an anterior corner, parted from it by a gap."""
    settings = case.settings
    for view, measured in case.measured():
        landmarks = view.local(measured.landmarks_lps_mm)
        near = ndimage.binary_dilation(view.inside, iterations=2)  # the body's own cortex is blurred
        steady = ndimage.uniform_filter(view.hu, 2)
        for row, sign, name in _CORNERS:
            surface = view.top_mm if sign > 0 else -view.bottom_mm
            if _missing_mm(view, measured, surface) < settings.limbus_missing_mm:
                continue
            x, y, z = landmarks[row]
            offsets = (view.left_mm - x, view.posterior_mm - y, sign * (view.superior_mm - z))
            distance = np.sqrt(offsets[0] ** 2 + offsets[1] ** 2 + offsets[2] ** 2)
            # behind the corner lies the disc's own chalk, above it the neighbour's corner
            region = (distance < settings.limbus_reach_mm) & (offsets[2] < 2.0) & (offsets[1] < 2.0)
            bone = region & view.in_scan & ~near & (steady > settings.limbus_hu)
            parts = [
                part
                for part in parts_of(bone, settings.limbus_ml / view.voxel_ml)
                if not np.any(
                    ndimage.binary_dilation(part)
                    & (distance >= settings.limbus_reach_mm)
                    & (view.hu > settings.limbus_hu)
                )
            ]
            if not parts:
                continue
            volume_ml = np.count_nonzero(parts[0]) * view.voxel_ml
            yield Confounder(
                kind=Kind.LIMBUS,
                level=view.level,
                value=volume_ml,
                threshold=settings.limbus_ml,
                unit="ml",
                effect=Effect.DOWNGRADE,
                text=f"A fragment of {volume_ml:.2f} ml stands before the {name} front corner: a "
                "limbus vertebra "
                "is likely.",
                place_lps_mm=view.place_of(parts[0]),
            )
            break


def _missing_mm(view: BodyView, measured: Measured, surface_mm: Float64Array) -> float:
    """How far an endplate lies at its front rim under the line through its middle part, mm."""
    front, back = front_and_back(view, measured)
    share = (view.along_mm - front) / (back - front)
    profile = median_seen(surface_mm[np.abs(view.across_mm) <= _SLAB_MM])
    low, high = _MIDDLE
    middle = (share > low) & (share < high) & np.isfinite(profile)
    rim = (share > _RIM[0]) & (share < _RIM[1])
    if np.count_nonzero(middle) < _FEWEST:
        return 0.0
    slope, level = np.polyfit(share[middle], profile[middle], 1)
    # a corner that is not there at all is missing as far as one that lies deep
    missing = np.where(np.isfinite(profile[rim]), level + slope * share[rim] - profile[rim], np.inf)
    return float(np.median(missing)) if missing.size else 0.0
