"""Where two readings differ, what stands in the end, and which fractures go to the interventional readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spondyl.domain.level import STANDARD_LEVELS, Level
from spondyl.study.mentions import Category
from spondyl.study.protocol import Discordance, Protocol
from spondyl.study.records import Decision, InterventionalReview, Look, ReadingRecord, Role, current

_NEEDS_TREATMENT_GRADE = 2  # the border of Discordance.GRADE_2_OR_MORE
_MENTIONED = frozenset({Category.R1, Category.R2})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reader's last word on one case.

    fractures: the confirmed ones by level.
    is_doubtful: the case as a whole, or a vertebra of it, was answered with "cannot say".
    """

    reader: str
    fractures: Mapping[Level, ReadingRecord]
    is_doubtful: bool

    @property
    def worst_grade(self) -> int:
        """0 where there is no fracture."""
        return max((record.grade or 0 for record in self.fractures.values()), default=0)


def reading_of(records: Sequence[ReadingRecord]) -> Reading:
    """The last word in one reader's records of one case: what stands, the second look over the first.

    Raises:
        ValueError: records of several readers or cases, or none.
    """
    if len({(record.reader, record.case_id, record.reading) for record in records}) != 1:
        raise ValueError("one reading is needed: records of one reader, one case, one time of reading")
    standing = current(records)
    looks = {record.look for record in standing}
    last = Look.SECOND if Look.SECOND in looks else Look.FIRST
    said = [record for record in standing if record.look is last]
    return Reading(
        reader=said[0].reader,
        fractures={
            record.level: record
            for record in said
            if record.decision is Decision.CONFIRMED and record.level is not None
        },
        is_doubtful=any(record.decision is Decision.CANNOT_SAY for record in said),
    )


def differences(first: Reading, second: Reading, protocol: Protocol) -> tuple[str, ...]:
    """What of it goes to adjudication by the protocol, each as a sentence; empty where they agree."""
    found = []
    for rule in protocol.readers.discordance.value:
        text = _RULES[rule](first, second, protocol.matching.tolerance_levels.value)
        if text:
            found.append(text)
    return tuple(found)


def concluded_fractures(
    readings: Sequence[Reading], adjudicated: Reading | None, tolerance_levels: int
) -> dict[Level, int]:
    """Levels and grades that stand in the end: the adjudicator's, else those that all readers confirmed.

    Where readers who agree gave two grades, the higher one stands; the level is the first reader's.
    """
    if adjudicated is not None:
        return {level: record.grade or 0 for level, record in adjudicated.fractures.items()}
    if not readings:
        return {}
    concluded = {}
    for level, record in readings[0].fractures.items():
        partners = [_partner(level, other, tolerance_levels) for other in readings[1:]]
        if all(partner is not None for partner in partners):
            grades = [record.grade or 0, *(partner.grade or 0 for partner in partners if partner)]
            concluded[level] = max(grades)
    return concluded


def interventional_levels(
    concluded: Mapping[Level, int], report: Mapping[Level, Category] | None, protocol: Protocol
) -> tuple[Level, ...]:
    """The fractures that the interventional readers see: severe enough and, by the protocol, not reported.

    report: what the radiology report says of each level; None while there is none, which leaves all in.
    """
    plan = protocol.intervention
    severe = [level for level, grade in concluded.items() if grade >= plan.minimum_grade.value]
    if plan.only_not_reported.value and report is not None:
        severe = [level for level in severe if report[level] not in _MENTIONED]
    return tuple(sorted(severe, key=lambda level: level.order))


def reviews_differ(reviews: Sequence[InterventionalReview]) -> bool:
    """Whether the independent interventional readers gave different answers on suitability."""
    first = [review for review in current(reviews) if review.role is Role.READER]
    return len({review.suitability for review in first}) > 1


def _partner(level: Level, other: Reading, tolerance_levels: int) -> ReadingRecord | None:
    """The other reader's fracture at this level: of the same name, else the nearest within the tolerance."""
    near = [x for x in other.fractures if _distance(x, level) <= tolerance_levels]
    nearest = min(near, key=lambda x: (_distance(x, level), x.order), default=None)
    return None if nearest is None else other.fractures[nearest]


def _distance(one: Level, other: Level) -> int:
    return abs(_place(one) - _place(other))


def _place(level: Level) -> int:
    return sum(x.order <= level.order for x in STANDARD_LEVELS)


def _presence(first: Reading, second: Reading, _tolerance_levels: int) -> str:
    if first.is_doubtful != second.is_doubtful and not (first.fractures and second.fractures):
        return "one reader could not say"
    if bool(first.fractures) != bool(second.fractures):
        return "one reader sees a fracture, the other none"
    return ""


def _grade_2(first: Reading, second: Reading, _tolerance_levels: int) -> str:
    severe = {reading.worst_grade >= _NEEDS_TREATMENT_GRADE for reading in (first, second)}
    return "one reader grades 2 or more, the other less" if len(severe) > 1 else ""


def _level(first: Reading, second: Reading, tolerance_levels: int) -> str:
    alone = [
        level
        for one, other in ((first, second), (second, first))
        for level in one.fractures
        if other.fractures and _partner(level, other, tolerance_levels) is None
    ]
    names = ", ".join(sorted({level.value for level in alone}, key=lambda x: Level(x).order))
    return f"only one reader confirms {names}" if alone else ""


def _facet(name: str) -> str:
    return f"the {name} differs at "


def _shape(first: Reading, second: Reading, tolerance_levels: int) -> str:
    levels = [
        level.value
        for level, record in first.fractures.items()
        if (partner := _partner(level, second, tolerance_levels)) and partner.shape != record.shape
    ]
    return _facet("shape") + ", ".join(levels) if levels else ""


def _nature(first: Reading, second: Reading, tolerance_levels: int) -> str:
    levels = [
        level.value
        for level, record in first.fractures.items()
        if (partner := _partner(level, second, tolerance_levels)) and partner.nature != record.nature
    ]
    return _facet("cause") + ", ".join(levels) if levels else ""


_RULES = {
    Discordance.PRESENCE: _presence,
    Discordance.GRADE_2_OR_MORE: _grade_2,
    Discordance.LEVEL: _level,
    Discordance.SHAPE: _shape,
    Discordance.NATURE: _nature,
}
