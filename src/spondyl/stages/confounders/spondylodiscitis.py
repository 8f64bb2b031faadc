"""The pattern of spondylodiscitis: a collapsed disc between two eaten endplates (§2, from memory)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.stages.confounders.case import Case
from spondyl.stages.confounders.disc import disc_heights_mm
from spondyl.stages.confounders.surfaces import pitting

_FEWEST_DISCS = 3


def find(case: Case) -> Iterator[Confounder]:
    """Discs that are far lower than the others, with both endplates rough."""
    settings = case.settings
    heights = disc_heights_mm(case)
    if len(heights) < _FEWEST_DISCS:
        return
    usual_mm = float(np.median(list(heights.values())))
    for upper, lower in case.pairs():
        height_mm = heights[(upper.level, lower.level)]
        if height_mm >= settings.discitis_height * usual_mm:
            continue
        one, other = upper.measured, lower.measured
        assert one is not None
        assert other is not None
        plates = (pitting(upper, one, -upper.bottom_mm), pitting(lower, other, lower.top_mm))
        rough = [plate.rough_mm for plate in plates if plate is not None]
        if len(rough) < 2 or min(rough) < settings.discitis_rough_mm:
            continue
        for view in (upper, lower):
            yield Confounder(
                kind=Kind.SPONDYLODISCITIS,
                level=view.level,
                value=min(rough),
                threshold=settings.discitis_rough_mm,
                unit="mm",
                effect=Effect.FLAG,
                text=f"Disc {upper.level}/{lower.level} of {height_mm:.1f} mm between two "
                "irregular endplates: infection "
                "is possible; it forbids augmentation.",
            )
