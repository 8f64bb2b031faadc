"""The interventional review: which fractures are shown, what its readers say, and the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spondyl.study.protocol import Protocol
from spondyl.study.records import InterventionalReview, Role, Suitability, current
from spondyl.study.report.outcomes import ReportedCase, ReportedFracture, headline_definition

_SUITABLE = frozenset({Suitability.SUITABLE, Suitability.SUITABLE_AFTER_CHECK})


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A fracture for the interventional readers.

    first: their independent reviews; deciding: the adjudicator's, where there is one. suitable: the end; None
    where it is open (too few reviews, or they differ and nobody has decided).
    """

    case_id: str
    reported: ReportedFracture
    first: tuple[InterventionalReview, ...]
    deciding: InterventionalReview | None
    suitable: bool | None


def is_suitable(review: InterventionalReview) -> bool:
    """Suitable at once or after MRI or a clinical check; ours: the seed's abstract says only "suitable"."""
    return review.suitability in _SUITABLE


def presented(
    cases: Iterable[ReportedCase], reviews: Sequence[InterventionalReview], protocol: Protocol
) -> tuple[Presented, ...]:
    """The fractures that the protocol presents, with their reviews, in the order of the cases."""
    by_case: dict[str, list[InterventionalReview]] = {}
    for review in current(reviews):
        by_case.setdefault(review.case_id, []).append(review)
    return tuple(
        _presented(case.case_id, one, by_case.get(case.case_id, []), protocol)
        for case in cases
        for one in case.fractures
        if _is_shown(one, protocol)
    )


def _is_shown(one: ReportedFracture, protocol: Protocol) -> bool:
    rule = protocol.intervention
    is_missed = one.category in headline_definition(protocol).categories
    return one.fracture.grade >= rule.minimum_grade.value and (is_missed or not rule.only_not_reported.value)


def _presented(
    case_id: str, one: ReportedFracture, reviews: Sequence[InterventionalReview], protocol: Protocol
) -> Presented:
    level = one.fracture.place.level.order
    tolerance = protocol.matching.tolerance_levels.value
    mine = sorted(
        (x for x in reviews if abs(x.level.order - level) <= tolerance),
        key=lambda x: (x.reader, x.decided_at),
    )
    first = tuple(x for x in mine if x.role is Role.READER)
    deciding = next((x for x in reversed(mine) if x.role is Role.ADJUDICATOR), None)
    return Presented(
        case_id=case_id,
        reported=one,
        first=first,
        deciding=deciding,
        suitable=_end(first, deciding, protocol.intervention.readers.value),
    )


def _end(
    first: Sequence[InterventionalReview], deciding: InterventionalReview | None, needed: int
) -> bool | None:
    if deciding is not None:
        return is_suitable(deciding)
    answers = {is_suitable(x) for x in first}
    return answers.pop() if len(first) >= needed and len(answers) == 1 else None
