"""Doubt about the numbers, and vertebrae between two regions (§2; S44-S46)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.domain.level import Level
from spondyl.stages.confounders.case import Case

_FEWEST_STEPS = 3


def find(case: Case) -> Iterator[Confounder]:
    """One word for the whole spine where names are unsure or a body is missing, one for each odd vertebra."""
    unsure = [name for name in case.spine.names if name.is_uncertain]
    gaps = _gaps(case)
    if unsure or gaps:
        least = min((name.probability for name in case.spine.names), default=1.0)
        why = [f"{len(unsure)} names unsure"] if unsure else []
        why += [f"a body may be missing between {upper} and {lower}" for upper, lower in gaps]
        yield Confounder(
            kind=Kind.NUMBERING_DOUBT,
            level=None,
            value=least,
            threshold=1.0,
            unit="probability",
            effect=Effect.FLAG,
            text=f"The level numbers may be off by one: {'; '.join(why)}.",
        )
    yield from _transitional(case)


def _gaps(case: Case) -> list[tuple[Level, Level]]:
    """Neighbours that stand too far apart for the steps around them."""
    centres = np.array([view.centre_lps_mm for view in case.views])
    if len(centres) <= _FEWEST_STEPS:
        return []
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    _, most = case.settings.pitch_range
    wide = [
        n
        for n, step in enumerate(steps)
        if step > most * np.median(np.delete(steps, n)[max(0, n - 2) : n + 2])
    ]
    return [(case.views[n].level, case.views[n + 1].level) for n in wide]


def _transitional(case: Case) -> Iterator[Confounder]:
    settings = case.settings
    for name, vertebra in zip(case.spine.names, case.spine.masks.vertebrae, strict=True):
        rib = vertebra.candidate.rib_evidence
        if name.level in {Level.T13, Level.L6}:
            value, limit, why = name.probability, 1.0, "an additional vertebra"
        elif name.level == Level.T12 and rib <= settings.rib_absent and not vertebra.cut_by_border:
            value, limit, why = rib, settings.rib_absent, "no rib was seen where the last should be"
        elif name.level == Level.L1 and rib >= settings.rib_seen:
            value, limit, why = rib, settings.rib_seen, "a rib was seen where none should be"
        else:
            continue
        yield Confounder(
            kind=Kind.TRANSITIONAL,
            level=name.level,
            value=value,
            threshold=limit,
            unit="probability",
            effect=Effect.FLAG,
            text=f"{name.level}: {why}; a transitional vertebra, or numbers off by one.",
        )
