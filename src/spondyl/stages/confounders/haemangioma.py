"""Haemangioma: fat with coarse upright trabeculae (§2; S50)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spondyl.domain.body_view import BodyView
from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.stages.confounders.case import Case, Core

_FEWEST_IN_COLUMN = 6
_FEWEST_COLUMNS = 30


def find(case: Case) -> Iterator[Confounder]:
    """Bodies whose core is fat with stripes along the axis."""
    settings = case.settings
    for view in case.views:
        core = case.cores.get(view.level)
        if core is None:
            continue
        fat = core.mask & (core.smooth_hu < settings.fat_hu) & (core.smooth_hu > settings.gas_hu)
        fraction = float(np.count_nonzero(fat) / np.count_nonzero(core.mask))
        if fraction < settings.fat_fraction or _stripes(view, core) < settings.stripe_ratio:
            continue
        yield Confounder(
            kind=Kind.HAEMANGIOMA,
            level=view.level,
            value=fraction,
            threshold=settings.fat_fraction,
            unit="fraction",
            effect=Effect.FLAG,
            text=f"Haemangioma: fat in {fraction:.0%} of the core, coarse trabeculae along the axis.",
            excludes_from_references=True,
            place_lps_mm=view.place_of(fat),
        )


def _stripes(view: BodyView, core: Core) -> float:
    """Scatter of the columns' means over the scatter within columns, the latter's share taken off."""
    count = np.count_nonzero(core.mask, axis=0)
    used = count >= _FEWEST_IN_COLUMN
    if np.count_nonzero(used) < _FEWEST_COLUMNS:
        return 0.0
    values = np.where(core.mask, view.hu, np.nan)[:, used]
    mean = np.nanmean(values, axis=0)
    within = float(np.sqrt(np.nanmean(np.nanvar(values, axis=0))))
    across2 = float(np.var(mean)) - within**2 / float(np.mean(count[used]))
    return float(np.sqrt(max(across2, 0.0)) / max(within, 1.0))
