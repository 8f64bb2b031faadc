"""Limbus vertebra: a corner of the body that never joined it (§2, from memory)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.stages.confounders.case import Case, parts_of

_CORNERS = ((0, 1.0, "upper"), (3, -1.0, "lower"))


def find(case: Case) -> Iterator[Confounder]:
    """A small dense fragment before an anterior corner, parted from it by a gap."""
    settings = case.settings
    for view, measured in case.measured():
        landmarks = view.local(measured.landmarks_lps_mm)
        near = ndimage.binary_dilation(view.inside)
        for row, sign, name in _CORNERS:
            x, y, z = landmarks[row]
            offsets = (view.left_mm - x, view.posterior_mm - y, sign * (view.superior_mm - z))
            distance = np.sqrt(offsets[0] ** 2 + offsets[1] ** 2 + offsets[2] ** 2)
            # behind the corner lies the disc's own chalk, above it the neighbour's corner
            region = (distance < settings.limbus_reach_mm) & (offsets[2] < 2.0) & (offsets[1] < 2.0)
            bone = region & view.in_scan & ~near & (view.hu > settings.limbus_hu)
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
                text=f"A fragment of {volume_ml:.2f} ml stands before the {name} front corner: a limbus vertebra "
                "is likely.",
                place_lps_mm=view.place_of(parts[0]),
            )
            break
