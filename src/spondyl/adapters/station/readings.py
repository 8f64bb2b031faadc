"""Readings in the database: who reads what, answers locked for good, and what follows from them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from spondyl.adapters.station import audit
from spondyl.adapters.station.accounts import Visitor, accounts_with
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.studies import report_of
from spondyl.adapters.station.tables import Account, Answer, Reading, Study
from spondyl.domain.finding import State, VertebraFinding
from spondyl.domain.level import Level
from spondyl.study.mentions import Category, vertebra_category
from spondyl.study.records import InterventionalReview, Look, Marks, ReadingRecord, Role, current
from spondyl.study.tables import Cell, from_cells, to_cells
from spondyl.worklist import adjudicating, assigning
from spondyl.worklist.answering import CaseAnswer, Circumstances, to_records
from spondyl.worklist.roles import Role as StationRole
from spondyl.worklist.seeing import Sight, is_finished, look_now, sight
from spondyl.worklist.states import ReadingState, reading_state


class Kind(StrEnum):
    """What a task asks for."""

    READING = "reading"
    ADJUDICATION = "adjudication"
    REVIEW = "review"
    REVIEW_ADJUDICATION = "review_adjudication"


_ADJUDICATES = {Kind.ADJUDICATION, Kind.REVIEW_ADJUDICATION}


class LockedError(ValueError):
    """An answer that may no longer be given or changed; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A reading as its reader meets it now.

    is_change: the task is done, and answering again changes what was answered.
    own: the reader's records that stand. others: those of the other readers, only where they may be seen.
    """

    reading: Reading
    study: Study
    look: Look
    sight: Sight
    is_change: bool
    own: tuple[ReadingRecord, ...]
    others: tuple[tuple[ReadingRecord, ...], ...]


def role_of(kind: Kind) -> Role:
    """As what its answers are recorded."""
    return Role.ADJUDICATOR if kind in _ADJUDICATES else Role.READER


def give_out(session: Session, station: Station, study: Study) -> int:
    """Give a study to its readers, where it is to be read; doing it twice changes nothing.

    Returns how many readings were added.
    """
    seed = station.protocol.reading_order.seed.value
    is_flagged = study.finding_state == State.FLAG
    is_mixed_in = study.finding_state == State.NO_FLAG and assigning.is_sampled(
        station.protocol.negatives.seed.value, study.study_id, station.settings.negative_fraction
    )
    if not (is_flagged or is_mixed_in):
        return 0
    return assign(session, station, study, seed)


def assign(session: Session, station: Station, study: Study, seed: int) -> int:
    """Give this study to as many readers as the protocol wants, flagged or not."""
    wanted = station.protocol.readers.first_readers.value
    have = set(
        session.scalars(
            select(Reading.account_id).where(
                Reading.study_id == study.study_id, Reading.kind == Kind.READING.value, Reading.time == 1
            )
        )
    )
    readers = {account.pseudonym: account for account in accounts_with(session, StationRole.READER)}
    free = {name: account for name, account in readers.items() if account.account_id not in have}
    chosen = assigning.choose_readers(
        {name: _load(session, account) for name, account in free.items()},
        max(0, wanted - len(have)),
        seed,
        study.study_id,
    )
    for name in chosen:
        _add(session, station, study, Kind.READING, free[name])
    if chosen:
        settle(session, station, study)
    return len(chosen)


def list_of(session: Session, station: Station, visitor: Visitor, kinds: Iterable[Kind]) -> list[Reading]:
    """The tasks of one person that can be done now: his own, and of adjudications those of nobody."""
    wanted = [kind.value for kind in kinds]
    statement = (
        select(Reading)
        .where(
            Reading.kind.in_(wanted),
            Reading.is_done.is_(False),
            Reading.opens_at <= station.clock(),
            (Reading.account_id == visitor.account_id) | Reading.account_id.is_(None),
        )
        .order_by(Reading.time, Reading.place, Reading.reading_id)
    )
    return list(session.scalars(statement))


def done_by(session: Session, visitor: Visitor, kinds: Iterable[Kind]) -> list[Reading]:
    """The tasks that this person has answered, the last one first."""
    wanted = [kind.value for kind in kinds]
    statement = (
        select(Reading)
        .where(Reading.kind.in_(wanted), Reading.is_done.is_(True), Reading.account_id == visitor.account_id)
        .order_by(Reading.opened_at.desc())
        .limit(200)
    )
    return list(session.scalars(statement))


def find_task(session: Session, station: Station, visitor: Visitor, reading_id: str) -> Task | None:
    """A task of this person, None where it is somebody else's, not open yet, or not there.

    Whether a task of another person exists is told to nobody.
    """
    reading = session.get(Reading, reading_id)
    if reading is None or reading.account_id not in (None, visitor.account_id):
        return None
    if reading.account_id is None and reading.is_done:
        return None
    study = session.get(Study, reading.study_id)
    if study is None or reading.opens_at > station.clock():
        return None
    kind, marks = Kind(reading.kind), Marks(reading.marks)
    look = look_now(marks, reading.looks > 0)
    seen = sight(station.protocol, role_of(kind), marks, look)
    own = records_of(session, reading)
    others = other_answers(session, reading) if kind is Kind.ADJUDICATION else ()
    return Task(
        reading=reading,
        study=study,
        look=look,
        sight=seen,
        is_change=reading.is_done,
        own=tuple(current(own)),
        others=others,
    )


def open_task(session: Session, station: Station, visitor: Visitor, task: Task, earlier: int = 0) -> None:
    """Note that the page was shown, with so many earlier CTs: time counts from here, and the audit tells."""
    now = station.clock()
    if task.reading.opened_at is None:
        task.reading.opened_at = now
    audit.record(
        session, now, visitor.name, f"{task.reading.kind}.viewed", task.reading.reading_id,
        study=task.study.study_id, look=task.look.value, marks=str(task.sight.marks),
        earlier=earlier,
    )  # fmt: skip


def lock_answer(
    session: Session,
    station: Station,
    visitor: Visitor,
    task: Task,
    answer: CaseAnswer,
    vertebrae: Sequence[VertebraFinding],
    seconds: float | None,
) -> None:
    """Write an answer for good, and let follow what follows from it.

    seconds: as the browser counted them while the page was in view; never more than really passed.

    Raises:
        AnswerError: with every problem of the answer.
        LockedError: the case was adjudicated, so that nothing is changed any more; or an adjudication that
            somebody else has answered.
    """
    reading, study = task.reading, task.study
    refuse_if_locked(session, task)
    now = station.clock()
    passed = max(0.0, (now - (reading.opened_at or now)).total_seconds())
    spent = passed if seconds is None else min(max(0.0, seconds), passed)
    records = to_records(
        answer,
        vertebrae,
        Circumstances(
            case_id=study.study_id,
            reader=visitor.pseudonym,
            role=role_of(Kind(reading.kind)),
            marks=Marks(reading.marks),
            look=task.look,
            reading=reading.time,
            sight=task.sight,
            decided_at=now,
            seconds_spent=spent,
            key=secrets.token_hex(12),
            earlier=_earlier(task, vertebrae) if task.is_change else {},
        ),
        station.protocol.positive.minimum_grade.value,
    )
    _keep(session, station, reading, [to_cells(record) for record in records], "reading")
    if reading.account_id is None:
        reading.account_id = visitor.account_id
    if not task.is_change:
        reading.looks += 1
        reading.is_done = Kind(reading.kind) is Kind.ADJUDICATION or is_finished(
            Marks(reading.marks), reading.looks
        )
    reading.seconds += spent
    reading.opened_at = None if not reading.is_done else now
    audit.record(
        session, now, visitor.name, f"{reading.kind}.{'changed' if task.is_change else 'answered'}",
        reading.reading_id, study=study.study_id, look=task.look.value, records=len(records),
    )  # fmt: skip
    _plan_reread(session, station, reading, study, visitor)
    settle(session, station, study)


def lock_review(
    session: Session,
    station: Station,
    visitor: Visitor,
    task: Task,
    cells: Mapping[str, object],
    seconds: float | None,
) -> InterventionalReview:
    """Write an interventional review for good.

    cells: the form's fields by column; those that the station knows itself are set here.

    Raises:
        ColumnError: a field that may not be so.
        LockedError: as for an answer.
    """
    reading, study = task.reading, task.study
    refuse_if_locked(session, task)
    now = station.clock()
    passed = max(0.0, (now - (reading.opened_at or now)).total_seconds())
    spent = passed if seconds is None else min(max(0.0, seconds), passed)
    standing = current(reviews_of(session, study.study_id, Level(reading.level)))
    own = [review for review in standing if review.reader == visitor.pseudonym]
    values: dict[str, object] = {
        **cells,
        "record_id": f"{secrets.token_hex(12)}-review",
        "case_id": study.study_id,
        "reader": visitor.pseudonym,
        "role": role_of(Kind(reading.kind)).value,
        "decided_at": now.isoformat(),
        "saw_other_reader": task.sight.other_readers,
        "saw_report": task.sight.report,
        "level": reading.level,
        "seconds_spent": spent,
        "supersedes": own[0].record_id if task.is_change and own else None,
        "change_reason": cells.get("change_reason") if task.is_change else None,
    }
    review = from_cells(InterventionalReview, values)
    _keep(session, station, reading, [to_cells(review)], "review")
    reading.account_id = visitor.account_id
    reading.looks, reading.is_done, reading.seconds = 1, True, reading.seconds + spent
    audit.record(
        session, now, visitor.name, f"{reading.kind}.{'changed' if task.is_change else 'answered'}",
        reading.reading_id, study=study.study_id, level=reading.level,
    )  # fmt: skip
    _settle_reviews(session, station, study, Level(reading.level))
    return review


def refuse_if_locked(session: Session, task: Task) -> None:
    """Refuse an answer that nothing may follow from any more.

    Raises:
        LockedError: see there.
    """
    reading = task.reading
    fresh = session.get(Reading, reading.reading_id, with_for_update=True)
    if fresh is None:
        raise LockedError("this task is no longer there")
    deciding = {
        Kind.READING.value: Kind.ADJUDICATION.value,
        Kind.REVIEW.value: Kind.REVIEW_ADJUDICATION.value,
    }.get(reading.kind)
    if deciding is None or not reading.is_done:
        return
    decided = session.scalars(
        select(Reading).where(
            Reading.study_id == reading.study_id,
            Reading.kind == deciding,
            Reading.level == reading.level,
            Reading.is_done.is_(True),
        )
    ).first()
    if decided is not None:
        raise LockedError("the case was adjudicated: the first answers are kept as they are")


def settle(session: Session, station: Station, study: Study) -> None:
    """Bring the study's reading state up to date; send it to adjudication or to the reviewers where due."""
    session.flush()
    firsts = _tasks(session, study, Kind.READING, time=1)
    answered = [task for task in firsts if task.is_done]
    readings = [adjudicating.reading_of(records_of(session, task)) for task in answered]
    decisions = [task for task in _tasks(session, study, Kind.ADJUDICATION) if task.is_done]
    differ = tuple(
        text
        for number, one in enumerate(readings)
        for other in readings[number + 1 :]
        for text in adjudicating.differences(one, other, station.protocol)
    )
    state = reading_state(len(firsts), len(answered), differ=bool(differ), adjudicated=bool(decisions))
    study.reading_state = state.value
    if state is ReadingState.TO_ADJUDICATE and not _tasks(session, study, Kind.ADJUDICATION):
        _add(session, station, study, Kind.ADJUDICATION, None)
    if state is ReadingState.CONCLUDED:
        _send_to_reviewers(session, station, study)


def concluded(session: Session, station: Station, study: Study) -> dict[Level, int]:
    """Levels and grades that stand once the reading is concluded; empty before."""
    if study.reading_state != ReadingState.CONCLUDED:
        return {}
    firsts = [task for task in _tasks(session, study, Kind.READING, time=1) if task.is_done]
    decisions = [task for task in _tasks(session, study, Kind.ADJUDICATION) if task.is_done]
    decided = adjudicating.reading_of(records_of(session, decisions[0])) if decisions else None
    readings = [adjudicating.reading_of(records_of(session, task)) for task in firsts]
    return adjudicating.concluded_fractures(
        readings, decided, station.protocol.matching.tolerance_levels.value
    )


def why_adjudicated(session: Session, station: Station, study: Study) -> tuple[str, ...]:
    """Where the readers of this study differ, as sentences."""
    firsts = [task for task in _tasks(session, study, Kind.READING, time=1) if task.is_done]
    readings = [adjudicating.reading_of(records_of(session, task)) for task in firsts]
    found = [
        text
        for number, one in enumerate(readings)
        for other in readings[number + 1 :]
        for text in adjudicating.differences(one, other, station.protocol)
    ]
    return tuple(dict.fromkeys(found))


def records_of(session: Session, reading: Reading) -> list[ReadingRecord]:
    """Every record of one reading, in the order in which they were locked."""
    rows = session.scalars(
        select(Answer).where(Answer.reading_id == reading.reading_id).order_by(Answer.number)
    )
    return [from_cells(ReadingRecord, row.cells) for row in rows]


def other_answers(session: Session, reading: Reading) -> tuple[tuple[ReadingRecord, ...], ...]:
    """What the first readers answered, without their names and in an order that tells nothing of them."""
    study = session.get(Study, reading.study_id)
    if study is None:
        return ()
    tasks = [task for task in _tasks(session, study, Kind.READING, time=1) if task.is_done]
    shuffled = sorted(tasks, key=lambda task: assigning.draw(0, "shown", task.reading_id))
    return tuple(
        tuple(replace(record, reader="hidden") for record in current(records_of(session, task)))
        for task in shuffled
    )


def reviews_of(session: Session, study_id: str, level: Level) -> list[InterventionalReview]:
    """Every interventional review of one fracture, in the order in which they were locked."""
    rows = session.scalars(
        select(Answer)
        .where(Answer.study_id == study_id, Answer.kind == "review")
        .order_by(Answer.at, Answer.number)
    )
    reviews = [from_cells(InterventionalReview, row.cells) for row in rows]
    return [review for review in reviews if review.level is level]


def _keep(
    session: Session, station: Station, reading: Reading, cells: Sequence[dict[str, Cell]], kind: str
) -> None:
    last = session.scalar(select(func.max(Answer.number)).where(Answer.reading_id == reading.reading_id)) or 0
    for number, one in enumerate(cells, start=last + 1):
        session.add(
            Answer(
                record_id=str(one["record_id"]),
                reading_id=reading.reading_id,
                study_id=reading.study_id,
                kind=kind,
                number=number,
                cells=one,
                at=station.clock(),
            )
        )
    session.flush()


def _earlier(task: Task, vertebrae: Sequence[VertebraFinding]) -> dict[int | None, str]:
    """The standing records of the look that is changed, by the vertebra's place."""
    places = {vertebra.centre_lps_mm: place for place, vertebra in enumerate(vertebrae)}
    found: dict[int | None, str] = {}
    for record in task.own:
        if record.look is not task.look:
            continue
        if record.level is None:
            found[None] = record.record_id
        else:
            x, y, z = record.centre_x_lps_mm, record.centre_y_lps_mm, record.centre_z_lps_mm
            if x is not None and y is not None and z is not None and (x, y, z) in places:
                found[places[(x, y, z)]] = record.record_id
    return found


def _plan_reread(
    session: Session, station: Station, reading: Reading, study: Study, visitor: Visitor
) -> None:
    """A second reading by the same reader after the wash-out, for the share that the protocol names."""
    plan = station.protocol.readers.reread_fraction.value
    seed = station.protocol.reading_order.seed.value
    is_first = reading.kind == Kind.READING.value and reading.time == 1 and reading.is_done
    if not is_first or not assigning.is_read_again(seed, visitor.pseudonym, study.study_id, plan):
        return
    known = [
        task for task in _tasks(session, study, Kind.READING, time=2) if task.account_id == visitor.account_id
    ]
    account = session.get(Account, visitor.account_id)
    if not known and account is not None:
        _add(session, station, study, Kind.READING, account, time=2, after_days=station.settings.washout_days)


def _send_to_reviewers(session: Session, station: Station, study: Study) -> None:
    found = concluded(session, station, study)
    report = report_of(session, study.study_id)
    said = None
    if report is not None:
        levels = {name: Category(value) for name, value in report.levels.items()}
        tolerance = station.protocol.not_reported.tolerance_levels.value
        said = {level: vertebra_category(levels, level, tolerance) for level in found}
    reviewers = accounts_with(session, StationRole.INTERVENTIONAL)
    wanted = station.protocol.intervention.readers.value
    for level in adjudicating.interventional_levels(found, said, station.protocol):
        if _tasks(session, study, Kind.REVIEW, level=level):
            continue
        loads = {account.pseudonym: _load(session, account) for account in reviewers}
        chosen = assigning.choose_readers(
            loads, wanted, station.protocol.reading_order.seed.value, f"{study.study_id}/{level}"
        )
        for account in reviewers:
            if account.pseudonym in chosen:
                _add(session, station, study, Kind.REVIEW, account, level=level)


def _settle_reviews(session: Session, station: Station, study: Study, level: Level) -> None:
    session.flush()
    tasks = _tasks(session, study, Kind.REVIEW, level=level)
    if not all(task.is_done for task in tasks) or _tasks(
        session, study, Kind.REVIEW_ADJUDICATION, level=level
    ):
        return
    if adjudicating.reviews_differ(reviews_of(session, study.study_id, level)):
        _add(session, station, study, Kind.REVIEW_ADJUDICATION, None, level=level)


def _tasks(
    session: Session, study: Study, kind: Kind, *, time: int = 1, level: Level | None = None
) -> list[Reading]:
    statement = (
        select(Reading)
        .where(Reading.study_id == study.study_id, Reading.kind == kind.value, Reading.time == time)
        .order_by(Reading.created_at, Reading.reading_id)
    )
    if level is not None:
        statement = statement.where(Reading.level == level.value)
    return list(session.scalars(statement))


def _load(session: Session, account: Account) -> int:
    counted = session.scalar(
        select(func.count()).select_from(Reading).where(Reading.account_id == account.account_id)
    )
    return counted or 0


def _add(
    session: Session,
    station: Station,
    study: Study,
    kind: Kind,
    account: Account | None,
    *,
    time: int = 1,
    level: Level | None = None,
    after_days: int = 0,
) -> None:
    order = station.protocol.reading_order
    now = station.clock()
    place = assigning.order_in_list(
        order.seed.value,
        "" if account is None else account.pseudonym,
        study.study_id,
        differs_by_reader=order.differs_by_reader.value,
    )
    if not order.mixes_flagged_and_not.value and study.finding_state != State.FLAG:
        place += 1.0
    session.add(
        Reading(
            reading_id=secrets.token_hex(12),
            study_id=study.study_id,
            account_id=None if account is None else account.account_id,
            kind=kind.value,
            time=time,
            level="" if level is None else level.value,
            marks=_arm(station, kind).value,
            place=place,
            created_at=now,
            opens_at=now + timedelta(days=after_days),
            looks=0,
            is_done=False,
            seconds=0.0,
        )
    )
    session.flush()
    audit.record(
        session, now, "station", f"{kind.value}.given_out", study.study_id,
        reader=None if account is None else account.pseudonym, time=time,
        level=None if level is None else level.value,
    )  # fmt: skip


def _arm(station: Station, kind: Kind) -> Marks:
    """An adjudicator sees the marks at once, unless nobody does."""
    if kind is Kind.READING or station.marks is Marks.NEVER:
        return station.marks
    return Marks.AT_ONCE
