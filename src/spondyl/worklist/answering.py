"""From what a reader entered to reading records: every rule of the form, without web and database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from spondyl.domain.finding import VertebraFinding
from spondyl.domain.grading import Shape
from spondyl.domain.level import STANDARD_LEVELS, Level
from spondyl.study.records import Age, Decision, Look, Marks, Nature, ReadingRecord, RejectionReason, Role
from spondyl.study.tables import ColumnError
from spondyl.worklist.seeing import Sight

MOST_SHIFT_LEVELS = 3  # a spine counted wrongly by more was not counted. Ours
COMMENT_CHARACTERS = 2000


class VertebraAnswer(BaseModel):
    """What a reader says of one vertebra.

    vertebra: its place in the finding's list, 0 for the first.
    """

    vertebra: int = Field(ge=0, le=60)
    decision: Decision
    reason: RejectionReason | None = None
    grade: int | None = Field(default=None, ge=1, le=3)
    shape: Shape | None = None
    nature: Nature | None = None
    age: Age | None = None
    treated: bool = False
    comment: str = Field(default="", max_length=COMMENT_CHARACTERS)

    model_config = ConfigDict(frozen=True, extra="forbid")


class CaseAnswer(BaseModel):
    """A whole answer: the vertebrae that the reader speaks of, and the case as a whole.

    level_shift: by how many levels the software's numbering is moved towards the foot, for all vertebrae.
    case_decision: rejected (nothing but what is confirmed above) or cannot_say.
    """

    vertebrae: tuple[VertebraAnswer, ...] = Field(default=(), max_length=60)
    level_shift: int = Field(default=0, ge=-MOST_SHIFT_LEVELS, le=MOST_SHIFT_LEVELS)
    case_decision: Decision = Decision.REJECTED
    case_reason: RejectionReason | None = None
    confidence: int | None = Field(default=None, ge=1, le=5)
    comment: str = Field(default="", max_length=COMMENT_CHARACTERS)
    change_reason: str | None = Field(default=None, max_length=COMMENT_CHARACTERS)

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong in an answer. vertebra: its place in the finding, None for the whole case."""

    vertebra: int | None
    field: str
    text: str


class AnswerError(ValueError):
    """An answer that cannot be locked; ``problems`` says all of it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.text for problem in problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Everything of a record that the reader does not enter.

    earlier: the record of each question that this answer replaces, by the vertebra's place (None for the
        case); empty for a first answer.
    key: of this answer, never used twice; the records' keys are made of it.
    """

    case_id: str
    reader: str
    role: Role
    marks: Marks
    look: Look
    reading: int
    sight: Sight
    decided_at: datetime
    seconds_spent: float
    key: str
    earlier: Mapping[int | None, str]


def marked(vertebrae: Sequence[VertebraFinding], minimum_grade: int) -> tuple[int, ...]:
    """Places of the vertebrae that the software marks: those of this grade or more."""
    return tuple(place for place, vertebra in enumerate(vertebrae) if counted(vertebra) >= minimum_grade)


def counted(vertebra: VertebraFinding) -> int:
    """The grade that counts for a mark: what the confounders leave of it; 0 where there is none."""
    grade = vertebra.genant_grade if vertebra.counted_grade is None else vertebra.counted_grade
    return grade or 0


def shifted(level: Level, shift: int) -> Level | None:
    """The level so many places towards the foot among the usual ones; None beyond their ends.

    T13 and L6 take part only where nothing is shifted: they exist in few people.
    """
    if shift == 0:
        return level
    usual = STANDARD_LEVELS
    near = {Level.T13: Level.T12, Level.L6: Level.L5}.get(level, level)
    place = usual.index(near) + shift
    return usual[place] if 0 <= place < len(usual) else None


def to_records(
    answer: CaseAnswer,
    vertebrae: Sequence[VertebraFinding],
    circumstances: Circumstances,
    minimum_grade: int,
) -> tuple[ReadingRecord, ...]:
    """The records of one answer: one per vertebra spoken of, one for the case, last.

    Raises:
        AnswerError: with every problem: a mark without an answer, a fracture without grade, a changed
            answer without a reason, a vertebra that is not there.
    """
    places = marked(vertebrae, minimum_grade)
    problems = list(_problems(answer, vertebrae, places, circumstances))
    records: list[ReadingRecord] = []
    for one in answer.vertebrae:
        if one.vertebra >= len(vertebrae):
            continue
        found = vertebrae[one.vertebra]
        try:
            records.append(_vertebra_record(one, found, one.vertebra in places, answer, circumstances))
        except ColumnError as error:
            problems.append(_told(one.vertebra, found.level, error))
    try:
        records.append(_case_record(answer, circumstances))
    except ColumnError as error:
        problems.append(_told(None, "the case", error))
    if problems:
        raise AnswerError(problems)
    return tuple(records)


def _problems(
    answer: CaseAnswer, vertebrae: Sequence[VertebraFinding], places: tuple[int, ...], now: Circumstances
) -> Iterator[Problem]:
    spoken_of = [one.vertebra for one in answer.vertebrae]
    for place in sorted({place for place in spoken_of if spoken_of.count(place) > 1}):
        yield Problem(
            vertebra=place, field="vertebra", text=f"vertebra {place} is answered twice; once is needed"
        )
    for place in spoken_of:
        if place >= len(vertebrae):
            text = f"vertebra {place} is not in this study, which has {len(vertebrae)}"
            yield Problem(vertebra=place, field="vertebra", text=text)
    if now.sight.marks:
        for place in places:
            if place not in spoken_of:
                text = f"{vertebrae[place].level} is marked and not answered yet"
                yield Problem(vertebra=place, field="decision", text=text)
    for earlier_place in now.earlier:
        if earlier_place is not None and earlier_place not in spoken_of:
            name = vertebrae[earlier_place].level
            text = f"{name} was answered before: answer it again, if only by rejecting it"
            yield Problem(vertebra=earlier_place, field="decision", text=text)
    if now.earlier and not (answer.change_reason or "").strip():
        text = "this answer changes an earlier one: say why"
        yield Problem(vertebra=None, field="change_reason", text=text)


def _vertebra_record(
    one: VertebraAnswer, found: VertebraFinding, is_marked: bool, answer: CaseAnswer, now: Circumstances
) -> ReadingRecord:
    level = shifted(Level(found.level), answer.level_shift)
    if level is None:
        raise ColumnError("level", f"{found.level} moved by {answer.level_shift}", "a level from C1 to S1")
    x, y, z = found.centre_lps_mm
    is_confirmed = one.decision is Decision.CONFIRMED
    return ReadingRecord(
        record_id=f"{now.key}-{one.vertebra:02d}",
        case_id=now.case_id,
        reader=now.reader,
        role=now.role,
        decision=one.decision,
        decided_at=now.decided_at,
        marks=now.marks,
        saw_marks=now.sight.marks,
        saw_other_reader=now.sight.other_readers,
        saw_report=now.sight.report,
        level=level,
        marked_level=Level(found.level) if is_marked else None,
        centre_x_lps_mm=x,
        centre_y_lps_mm=y,
        centre_z_lps_mm=z,
        reason=one.reason if one.decision is Decision.REJECTED else None,
        grade=one.grade if is_confirmed else None,
        shape=one.shape if is_confirmed else None,
        nature=one.nature if is_confirmed else None,
        age=one.age if is_confirmed else None,
        treated=one.treated,
        look=now.look,
        reading=now.reading,
        supersedes=now.earlier.get(one.vertebra),
        change_reason=answer.change_reason if one.vertebra in now.earlier else None,
        comment=one.comment,
    )


def _case_record(answer: CaseAnswer, now: Circumstances) -> ReadingRecord:
    is_rejected = answer.case_decision is Decision.REJECTED
    return ReadingRecord(
        record_id=f"{now.key}-case",
        case_id=now.case_id,
        reader=now.reader,
        role=now.role,
        decision=answer.case_decision,
        decided_at=now.decided_at,
        marks=now.marks,
        saw_marks=now.sight.marks,
        saw_other_reader=now.sight.other_readers,
        saw_report=now.sight.report,
        reason=(answer.case_reason or RejectionReason.NOTHING_SEEN) if is_rejected else None,
        confidence=answer.confidence,
        look=now.look,
        reading=now.reading,
        seconds_spent=now.seconds_spent,
        supersedes=now.earlier.get(None),
        change_reason=answer.change_reason if None in now.earlier else None,
        comment=answer.comment,
    )


def _told(vertebra: int | None, name: str, error: ColumnError) -> Problem:
    return Problem(
        vertebra=vertebra,
        field=error.column,
        text=f"{name}: {error.column} is {error.got}; needed is {error.allowed}",
    )
