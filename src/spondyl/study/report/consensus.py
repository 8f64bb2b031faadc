"""The reference standard: what the readers' records say of a case, and whether they agree.

First readers answer alone; where they differ in what the protocol names, the adjudicator's answer holds. No
first answer is changed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.study.protocol import Discordance, Matching, Protocol, TruePositive
from spondyl.study.records import (
    Decision,
    Look,
    Nature,
    ReadingRecord,
    RejectionReason,
    Role,
    current,
)

Point: TypeAlias = tuple[float, float, float]
_MODERATE = 2  # Genant grade that Discordance.GRADE_2_OR_MORE speaks of


class Verdict(StrEnum):
    """What stands in the end for a case."""

    FRACTURE = "fracture"
    NO_FRACTURE = "no_fracture"
    CANNOT_SAY = "cannot_say"
    UNRESOLVED = "unresolved"  # readers differ without an adjudicator, or too few have read
    NOT_READ = "not_read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A vertebra as one reader names it; marked_level: the software's name of it, centre: LPS mm."""

    level: Level
    marked_level: Level | None
    centre_lps_mm: Point | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fracture:
    """A fracture that counts by the protocol."""

    place: Place
    grade: int
    shape: Shape | None
    nature: Nature | None
    treated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A vertebra, or a whole case (place None), that is no fracture, and why."""

    place: Place | None
    reason: RejectionReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One reader's whole answer to a case."""

    reader: str
    fractures: tuple[Fracture, ...]
    rejections: tuple[Rejection, ...]
    cannot_say: bool
    seconds_spent: float

    @property
    def verdict(self) -> Verdict:
        """A fracture weighs more than a doubt about another vertebra."""
        if self.fractures:
            return Verdict.FRACTURE
        return Verdict.CANNOT_SAY if self.cannot_say else Verdict.NO_FRACTURE


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceCase:
    """What stands for a case.

    first: the first readers' answers in the end (marks seen, where the protocol shows them); blind: their
    answers at the first look; again: answers at the second reading, after the wash-out.
    """

    verdict: Verdict
    fractures: tuple[Fracture, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    first: tuple[Answer, ...] = ()
    blind: tuple[Answer, ...] = ()
    again: tuple[Answer, ...] = ()
    is_discordant: bool = False
    is_adjudicated: bool = False


NOT_READ = ReferenceCase(verdict=Verdict.NOT_READ)


def reference_cases(records: Sequence[ReadingRecord], protocol: Protocol) -> dict[str, ReferenceCase]:
    """The reference standard by case id, of every case with a record."""
    by_case: dict[str, list[ReadingRecord]] = {}
    for record in current(records):
        by_case.setdefault(record.case_id, []).append(record)
    return {case: _reference(of_case, protocol) for case, of_case in by_case.items()}


def same_vertebra(one: Place, other: Place, matching: Matching) -> bool:
    """The same mark, the same name, or names within the tolerance whose centres lie close together."""
    if one.marked_level is not None and one.marked_level == other.marked_level:
        return True
    if one.level == other.level:
        return True
    if abs(one.level.order - other.level.order) > matching.tolerance_levels.value:
        return False
    return _distance_mm(one.centre_lps_mm, other.centre_lps_mm) < matching.distance_mm.value


def pairs(
    left: Sequence[Fracture], right: Sequence[Fracture], matching: Matching
) -> tuple[list[tuple[Fracture, Fracture]], list[Fracture]]:
    """Fractures of the same vertebra, one to one, and those of either side that are left over."""
    free = list(right)
    matched: list[tuple[Fracture, Fracture]] = []
    alone: list[Fracture] = []
    for one in left:
        partner = next((x for x in free if same_vertebra(one.place, x.place, matching)), None)
        if partner is None:
            alone.append(one)
        else:
            free.remove(partner)
            matched.append((one, partner))
    return matched, alone + free


def _reference(records: Sequence[ReadingRecord], protocol: Protocol) -> ReferenceCase:
    rule = protocol.true_positive
    first = _answers(records, Role.READER, rule, reading=1, last_look=True)
    adjudicated = _answers(records, Role.ADJUDICATOR, rule, reading=1, last_look=True)
    blind = _answers(records, Role.READER, rule, reading=1, last_look=False)
    again = _answers(records, Role.READER, rule, reading=2, last_look=True)
    is_discordant = _is_discordant(first, protocol)
    verdict, fractures, rejections = _settled(first, adjudicated, protocol, is_discordant=is_discordant)
    return ReferenceCase(
        verdict=verdict,
        fractures=fractures,
        rejections=rejections,
        first=first,
        blind=blind,
        again=again,
        is_discordant=is_discordant,
        is_adjudicated=bool(adjudicated),
    )


def _settled(
    first: Sequence[Answer], adjudicated: Sequence[Answer], protocol: Protocol, *, is_discordant: bool
) -> tuple[Verdict, tuple[Fracture, ...], tuple[Rejection, ...]]:
    if adjudicated:
        last = adjudicated[-1]
        return last.verdict, last.fractures, last.rejections
    if is_discordant or len(first) < protocol.readers.first_readers.value:
        return Verdict.UNRESOLVED, (), ()
    rejections = tuple(x for answer in first for x in answer.rejections)
    return first[0].verdict, _common(first, protocol.matching), rejections


def _common(answers: Sequence[Answer], matching: Matching) -> tuple[Fracture, ...]:
    """Fractures on which all agree, named as by the first of them; of two grades the lower (ours: cautious).

    Where the protocol does not send a difference of level to adjudication, none may be common: then those of
    the first reader stand, so that the case keeps its verdict.
    """
    kept = list(answers[0].fractures)
    for other in answers[1:]:
        matched, _ = pairs(kept, other.fractures, matching)
        kept = [one if one.grade <= two.grade else _with_grade(one, two.grade) for one, two in matched]
    return tuple(kept) or answers[0].fractures


def _with_grade(fracture: Fracture, grade: int) -> Fracture:
    return Fracture(
        place=fracture.place,
        grade=grade,
        shape=fracture.shape,
        nature=fracture.nature,
        treated=fracture.treated,
    )


def _is_discordant(answers: Sequence[Answer], protocol: Protocol) -> bool:
    named = frozenset(protocol.readers.discordance.value)
    return any(_differ(answers[0], other, named, protocol.matching) for other in answers[1:])


def _differ(one: Answer, other: Answer, named: frozenset[Discordance], matching: Matching) -> bool:
    if one.verdict is not other.verdict:
        return Discordance.PRESENCE in named
    matched, alone = pairs(one.fractures, other.fractures, matching)
    differences = {
        Discordance.LEVEL: bool(alone),
        Discordance.GRADE_2_OR_MORE: any(
            (a.grade >= _MODERATE) is not (b.grade >= _MODERATE) for a, b in matched
        ),
        Discordance.SHAPE: any(a.shape is not b.shape for a, b in matched),
        Discordance.NATURE: any(a.nature is not b.nature for a, b in matched),
    }
    return any(differences[kind] for kind in named if kind in differences)


def _answers(
    records: Iterable[ReadingRecord], role: Role, rule: TruePositive, *, reading: int, last_look: bool
) -> tuple[Answer, ...]:
    """One answer per reader, in the order of their names.

    last_look: where marks were shown later, the answer given then replaces that of the first look.
    """
    by_reader: dict[str, dict[object, ReadingRecord]] = {}
    looks = (Look.FIRST, Look.SECOND) if last_look else (Look.FIRST,)
    mine = [x for x in records if x.role is role and x.reading == reading]
    for look in looks:
        for record in mine:
            if record.look is look:
                question = record.level or "case"
                by_reader.setdefault(record.reader, {})[question] = record
    return tuple(_answer(reader, by_reader[reader], rule) for reader in sorted(by_reader))


def _answer(reader: str, records: Mapping[object, ReadingRecord], rule: TruePositive) -> Answer:
    of_reader = list(records.values())
    confirmed = [x for x in of_reader if x.decision is Decision.CONFIRMED]
    return Answer(
        reader=reader,
        fractures=tuple(_fracture(x) for x in confirmed if _counts(x, rule)),
        rejections=tuple(
            Rejection(place=_place(x), reason=x.reason) for x in of_reader if x.reason is not None
        ),
        cannot_say=any(x.decision is Decision.CANNOT_SAY for x in of_reader),
        seconds_spent=sum(x.seconds_spent or 0.0 for x in of_reader),
    )


def _counts(record: ReadingRecord, rule: TruePositive) -> bool:
    is_pathological = record.nature is Nature.NEOPLASTIC
    return (
        (record.grade or 0) >= rule.minimum_grade.value
        and (rule.counts_pathological.value or not is_pathological)
        and (rule.counts_treated.value or not record.treated)
    )


def _fracture(record: ReadingRecord) -> Fracture:
    place = _place(record)
    assert place is not None  # a confirmed record has a level and a grade: ReadingRecord checks it
    assert record.grade is not None
    return Fracture(
        place=place, grade=record.grade, shape=record.shape, nature=record.nature, treated=record.treated
    )


def _place(record: ReadingRecord) -> Place | None:
    if record.level is None:
        return None
    x, y, z = record.centre_x_lps_mm, record.centre_y_lps_mm, record.centre_z_lps_mm
    centre = (x, y, z) if x is not None and y is not None and z is not None else None
    return Place(level=record.level, marked_level=record.marked_level, centre_lps_mm=centre)


def _distance_mm(one: Point | None, other: Point | None) -> float:
    """Infinite where either is not known: then only equal names match."""
    return math.inf if one is None or other is None else math.dist(one, other)
