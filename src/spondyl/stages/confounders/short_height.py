"""Short vertebral height: low like its neighbours, and no endplate is broken (§1.6; S25)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.stages.confounders.case import Case

_NEAR = 2
_FEWEST = 2


def find(case: Case) -> Iterator[Confounder]:
    """Bodies of grade 1 without endplate evidence among neighbours that are low as well."""
    settings = case.settings
    low, high = settings.short_loss
    for view, _ in case.measured():
        grade = case.graded(view.level)
        if grade is None or not low <= grade.loss_fraction < high or case.signs[view.level].evidence:
            continue
        others = [
            loss
            for other, measured in case.measured()
            if 0 < abs(other.level.order - view.level.order) <= _NEAR
            and (loss := case.losses(other, measured)) is not None
        ]
        short = sum(float(np.max(loss)) >= settings.short_neighbour_loss for loss in others)
        if short < _FEWEST:
            continue
        yield Confounder(
            kind=Kind.SHORT_VERTEBRAL_HEIGHT,
            level=view.level,
            value=grade.loss_fraction,
            threshold=low,
            unit="fraction",
            effect=Effect.DOWNGRADE,
            text=f"Low by {grade.loss_fraction:.0%} (grade {grade.grade}) without a broken "
            f"endplate, and {short} of "
            "its neighbours are low as well: a short vertebra rather than a broken one.",
        )
