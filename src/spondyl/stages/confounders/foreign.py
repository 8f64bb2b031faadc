"""Cement, screws and rods, and the streaks they cast (§2; no published HU range of cement: calibrate)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spondyl.domain.body_view import BodyView
from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.geometry.arrays import BoolArray
from spondyl.stages.confounders.case import Case, parts_of


def find(case: Case) -> Iterator[Confounder]:
    """Bodies that hold, or stand beside, something that is not bone."""
    settings = case.settings
    for view in case.views:
        bright = view.in_scan & (view.hu > settings.cement_hu)
        parts = parts_of(bright, settings.foreign_ml / view.voxel_ml)
        if not parts:
            continue
        foreign = np.logical_or.reduce(parts)
        volume_ml = np.count_nonzero(foreign) * view.voxel_ml
        is_metal = any(_is_metal(view, part, case) for part in parts)
        words = "Metal (screw, rod or cage)" if is_metal else "Cement: a treated vertebra"
        yield Confounder(
            kind=Kind.METAL if is_metal else Kind.CEMENT,
            level=view.level,
            value=volume_ml,
            threshold=settings.foreign_ml,
            unit="ml",
            effect=Effect.FLAG,
            text=f"{words}: {volume_ml:.1f} ml above {settings.cement_hu:.0f} HU.",
            excludes_from_references=True,
            place_lps_mm=view.place_of(parts[0]),
        )
        yield from _streaks(case, view)


def _is_metal(view: BodyView, part: BoolArray, case: Case) -> bool:
    """Metal is brighter than cement, or long and thin."""
    if np.max(view.hu[part]) > case.settings.metal_hu:
        return True
    places = np.stack([view.left_mm[part], view.posterior_mm[part], view.superior_mm[part]])
    spread = np.sqrt(np.linalg.eigvalsh(np.cov(places)))
    length = float(np.ptp(places, axis=1).max())
    return length > case.settings.metal_length_mm and spread[2] > 2 * spread[1]


def _streaks(case: Case, view: BodyView) -> Iterator[Confounder]:
    dark = view.inside & view.in_scan & (view.hu < case.settings.streak_hu)
    volume_ml = np.count_nonzero(dark) * view.voxel_ml
    if volume_ml < case.settings.streak_ml:
        return
    yield Confounder(
        kind=Kind.METAL_STREAK,
        level=view.level,
        value=volume_ml,
        threshold=case.settings.streak_ml,
        unit="ml",
        effect=Effect.FLAG,
        text=f"Dark streaks of metal cover {volume_ml:.1f} ml of the body; its outline is not to be trusted.",
        excludes_from_references=True,
    )
