"""Flag against reference, and reference against report: the second half of the flow diagram."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from spondyl.study.mentions import Category, NotReported, ReportMentions, Section, Status, vertebra_category
from spondyl.study.protocol import Matching, Protocol, TruePositiveRule
from spondyl.study.records import RejectionReason
from spondyl.study.report.consensus import NOT_READ, Fracture, ReferenceCase, Verdict, same_vertebra
from spondyl.study.report.flow import Mark


class Outcome(StrEnum):
    """What became of a flagged case."""

    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not_confirmed"
    OPEN = "open"  # not read, or readers differ and nobody has decided


@dataclass(frozen=True, slots=True, kw_only=True)
class FlaggedCase:
    """A flagged case with the fractures that were confirmed in it.

    strict, lenient: the outcome by either rule; ``outcome`` is the protocol's. cause: why it is a false
    positive, empty otherwise.
    """

    case_id: str
    marks: tuple[Mark, ...]
    reference: ReferenceCase
    strict: Outcome
    lenient: Outcome
    outcome: Outcome
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedFracture:
    """One confirmed fracture and what the report says of its level."""

    fracture: Fracture
    category: Category


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedCase:
    """A confirmed case and its report; category: the case's, by the protocol's rule over its fractures.

    body_only: the fracture stands in the findings and not in the conclusion (R0d), where there is one.
    all_levels: every one of its fractures is reported (R1 or R2).
    """

    case_id: str
    fractures: tuple[ReportedFracture, ...]
    category: Category
    body_only: bool
    all_levels: bool


_STATED = frozenset({Status.AFFIRMED, Status.PROBABLE})
_NAMED = frozenset({Category.R1, Category.R2})


def judge(
    case_id: str, marks: Sequence[Mark], reference: ReferenceCase | None, protocol: Protocol
) -> FlaggedCase:
    """Compare the marks of a flagged case with the reference standard."""
    known = reference or NOT_READ
    is_marked = any(
        same_vertebra(mark.place, fracture.place, protocol.matching)
        for mark in marks
        for fracture in known.fractures
    )
    strict = _outcome(known.verdict, is_true=is_marked)
    lenient = _outcome(known.verdict, is_true=bool(known.fractures))
    outcome = strict if protocol.true_positive.rule.value is TruePositiveRule.STRICT else lenient
    return FlaggedCase(
        case_id=case_id,
        marks=tuple(marks),
        reference=known,
        strict=strict,
        lenient=lenient,
        outcome=outcome,
        cause=_cause(marks, known, protocol.matching) if outcome is Outcome.NOT_CONFIRMED else "",
    )


def compare(
    case_id: str, fractures: Sequence[Fracture], report: ReportMentions, protocol: Protocol
) -> ReportedCase:
    """What the report says of each confirmed fracture, and of the case as a whole."""
    rule = protocol.not_reported
    said = tuple(
        ReportedFracture(
            fracture=fracture,
            category=vertebra_category(report.per_level, fracture.place.level, rule.tolerance_levels.value),
        )
        for fracture in fractures
    )
    choose = max if rule.needs_every_level.value else min
    return ReportedCase(
        case_id=case_id,
        fractures=said,
        category=choose((x.category for x in said), key=lambda category: category.rank),
        body_only=_is_in_body_only(report),
        all_levels=all(x.category in _NAMED for x in said),
    )


def headline_definition(protocol: Protocol) -> NotReported:
    """The definition of "not reported" that the protocol chose for the headline."""
    return NotReported(protocol.not_reported.headline.value.value)


def _outcome(verdict: Verdict, *, is_true: bool) -> Outcome:
    if verdict in {Verdict.UNRESOLVED, Verdict.NOT_READ}:
        return Outcome.OPEN
    return Outcome.CONFIRMED if is_true else Outcome.NOT_CONFIRMED


def _cause(marks: Sequence[Mark], reference: ReferenceCase, matching: Matching) -> str:
    """The reason given most often for the marked vertebrae; of equals the first of the list of codes.

    Reasons given for the case as a whole count where none is given for a mark.
    """
    at_marks = [
        x.reason
        for x in reference.rejections
        if x.place is not None and any(same_vertebra(m.place, x.place, matching) for m in marks)
    ]
    counts = Counter(at_marks or [x.reason for x in reference.rejections])
    if not counts:
        return reference.verdict.value
    order = {reason: place for place, reason in enumerate(RejectionReason)}
    return min(counts, key=lambda reason: (-counts[reason], order[reason])).value


def _is_in_body_only(report: ReportMentions) -> bool:
    """Whether a fracture is named in the findings while the conclusion does not name it."""
    named = {x.section for x in report.mentions if x.status in _STATED}
    return Section.FINDINGS in named and Section.IMPRESSION not in named
