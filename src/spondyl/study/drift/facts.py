"""The few numbers of one case that are watched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.domain.finding import State, StudyFinding


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """One case. order: its place in time (a date, a number, whatever sorts); no identifiers.

    is_flagged is None for a case that could not be judged. attenuation_hu: median over its vertebrae.
    """

    order: str
    is_flagged: bool | None
    is_not_evaluable: bool
    score: float | None
    attenuation_hu: float | None
    slice_spacing_mm: float | None
    n_vertebrae: int
    uncertain_fraction: float | None


def facts_of(finding: StudyFinding, order: str) -> CaseFacts:
    """The watched numbers of one finding."""
    hu = [v.attenuation_hu for v in finding.vertebrae if v.attenuation_hu is not None]
    spacings = [s.slice_spacing_mm for s in finding.series if s.chosen and s.slice_spacing_mm is not None]
    n = len(finding.vertebrae)
    refused = finding.state == State.NOT_EVALUABLE
    return CaseFacts(
        order=order,
        is_flagged=None if refused else finding.state == State.FLAG,
        is_not_evaluable=refused,
        score=finding.score,
        attenuation_hu=float(np.median(hu)) if hu else None,
        slice_spacing_mm=min(spacings) if spacings else None,
        n_vertebrae=n,
        uncertain_fraction=sum(v.level_uncertain for v in finding.vertebrae) / n if n else None,
    )
