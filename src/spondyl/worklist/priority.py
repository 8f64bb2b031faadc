"""The order of the worklist: what is most suspicious first, and what waits long moves up."""

from __future__ import annotations

from dataclasses import dataclass

from spondyl.domain.finding import State, StudyFinding
from spondyl.worklist.answering import counted

# A day of waiting weighs as much as this share of suspicion, so that a doubtful case of last week stands
# beside a likely one of today. Ours: after ten days an unsuspicious study leads. Calibrate on local traffic.
SUSPICION_PER_DAY_FRACTION = 0.1
_SECONDS_PER_DAY = 86_400.0
_MOST_SEVERE_GRADE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """What the worklist shows of a finding.

    score_probability: of a fracture of grade 2 or more in the study; 0 where there is none.
    worst_grade: highest Genant grade, None where nothing was graded.
    levels: those of grade 2 or more, head to foot.
    """

    state: State
    score_probability: float
    worst_grade: int | None
    levels: tuple[str, ...]


def suspicion_of(finding: StudyFinding, minimum_grade: int = 2) -> Suspicion:
    """Summarise a finding for the list."""
    grades = [counted(vertebra) for vertebra in finding.vertebrae if vertebra.genant_grade is not None]
    levels = tuple(vertebra.level for vertebra in finding.vertebrae if counted(vertebra) >= minimum_grade)
    return Suspicion(
        state=finding.state,
        score_probability=finding.score or 0.0,
        worst_grade=max(grades, default=None),
        levels=levels,
    )


def rank(suspicion: Suspicion, received_at_s: float) -> float:
    """A number that never changes with time and orders the list at any moment: higher stands above.

    Priority is suspicion plus a share for each day of waiting. The difference of two studies' priorities
    does not depend on the present, so that the time of arrival can stand for it and an index can sort.
    Suspicion is the probability plus one for a severe grade: grade 3 leads.
    """
    severe = 1.0 if suspicion.worst_grade == _MOST_SEVERE_GRADE else 0.0
    return (
        suspicion.score_probability + severe - SUSPICION_PER_DAY_FRACTION * received_at_s / _SECONDS_PER_DAY
    )
