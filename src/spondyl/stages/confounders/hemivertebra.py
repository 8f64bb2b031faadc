"""Hemivertebra and other lateral wedges from birth (§2, from memory)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.stages.confounders.case import Case

_BETWEEN_SIDES = 0.5  # of the width, from one parasagittal height to the other (§1.1: 25 % to each side)


def find(case: Case) -> Iterator[Confounder]:
    """Bodies far lower on one side; with a broken endplate the grade stands."""
    settings = case.settings
    for view, measured in case.measured():
        left, right = measured.lateral_heights_mm
        if not np.isfinite(left + right):
            continue
        ratio = float(min(left, right) / max(left, right))
        wedge = float(np.degrees(np.arctan2(abs(left - right), _BETWEEN_SIDES * measured.width_mm)))
        if ratio >= settings.hemivertebra_ratio and wedge <= settings.hemivertebra_deg:
            continue
        is_broken = bool(case.signs[view.level].evidence)
        grade = case.graded(view.level)
        before = "" if grade is None or grade.grade < 1 else f" Grade {grade.grade} by height."
        yield Confounder(
            kind=Kind.HEMIVERTEBRA,
            level=view.level,
            value=ratio,
            threshold=settings.hemivertebra_ratio,
            unit="ratio",
            effect=Effect.FLAG if is_broken else Effect.REJECT,
            text=f"One side has {ratio:.0%} of the other's height ({wedge:.0f}° in the coronal plane)"
            + (", with signs of a broken endplate." if is_broken else ": a hemivertebra is likely.")
            + before,
        )
