"""Lytic destruction: bone missing in the core and a breach of the cortex, both (§2)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.stages.confounders.case import Case, parts_of


def find(case: Case) -> Iterator[Confounder]:
    """Bodies with a hole in core and cortex."""
    settings = case.settings
    for view, _ in case.measured():
        core, normal, signs = (
            case.cores.get(view.level),
            case.normal_for(view.level),
            case.signs.get(view.level),
        )
        if core is None or normal is None or signs is None:
            continue
        low, high = settings.lytic_hu
        below = min(high, normal.median_hu - settings.lytic_sd * normal.sd_hu)
        half = settings.vein_half_mm
        vein = (np.abs(view.left_mm) < half) & (np.abs(view.superior_mm) < half) & (view.posterior_mm > 0)
        hole = core.mask & ~vein & (core.smooth_hu < below) & (core.smooth_hu > low)
        parts = parts_of(hole, settings.lytic_ml / view.voxel_ml)
        if not parts or signs.cortex_gap_mm2 < settings.cortex_gap_mm2:
            continue
        volume_ml = np.count_nonzero(parts[0]) * view.voxel_ml
        yield Confounder(
            kind=Kind.LYTIC_LESION,
            level=view.level,
            value=volume_ml,
            threshold=settings.lytic_ml,
            unit="ml",
            effect=Effect.FLAG,
            text=f"Lytic lesion: {volume_ml:.1f} ml below {below:.0f} HU and "
            f"{signs.cortex_gap_mm2:.0f} mm² of "
            "wall without cortex; a malignant fracture is possible.",
            excludes_from_references=True,
            place_lps_mm=view.place_of(parts[0]),
        )
