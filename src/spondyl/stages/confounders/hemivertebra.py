"""Hemivertebra and other lateral wedges from birth (§2, from memory)."""

from __future__ import annotations

from collections.abc import Iterator

from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.stages.confounders.case import Case
from spondyl.stages.confounders.surfaces import side_heights_mm, side_wedge_deg


def find(case: Case) -> Iterator[Confounder]:
    """Bodies far lower on one side: one grade less, so that a severe loss flags; as it is if broken."""
    settings = case.settings
    for view, measured in case.measured():
        grade, sides = case.graded(view.level), side_heights_mm(view, measured)
        if grade is None or sides is None:  # thick slices show no sides
            continue
        ratio, wedge = min(sides) / max(sides), abs(side_wedge_deg(view, measured))
        if ratio >= settings.hemivertebra_ratio and wedge <= settings.hemivertebra_deg:
            continue
        is_broken = bool(case.signs[view.level].evidence)
        before = "" if grade.grade < 1 else f" Grade {grade.grade} by height."
        yield Confounder(
            kind=Kind.HEMIVERTEBRA,
            level=view.level,
            value=ratio,
            threshold=settings.hemivertebra_ratio,
            unit="ratio",
            effect=Effect.FLAG if is_broken else Effect.DOWNGRADE,
            text=f"One side has {ratio:.0%} of the other's height ({wedge:.0f}° in the coronal plane)"
            + (", with signs of a broken endplate." if is_broken else ": a hemivertebra is likely.")
            + before,
        )
