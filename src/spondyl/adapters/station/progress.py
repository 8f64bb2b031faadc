"""What the coordinator and whoever watches the station want to know, and the drawing of negatives."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from spondyl.adapters.station import readings
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.readings import Kind
from spondyl.adapters.station.tables import Account, Answer, Message, Reading, Study
from spondyl.domain.finding import State
from spondyl.domain.level import Level
from spondyl.study.mentions import Category
from spondyl.study.records import InterventionalReview, ReadingRecord, current
from spondyl.study.sampling import UnflaggedCase, sample_negatives
from spondyl.study.statistics import Estimate, cohen_kappa
from spondyl.study.tables import from_cells
from spondyl.worklist.adjudicating import reading_of
from spondyl.worklist.states import ReadingState

_MENTIONED = frozenset({Category.R1.value, Category.R2.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderProgress:
    """How far one person has come, by pseudonym."""

    pseudonym: str
    kind: str
    given: int
    done: int
    median_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Of the cases that two readers have both answered: how many, and on how many both say the same.

    kappa: Cohen's, of presence, where both answers occur; None otherwise. For the coordinator's eye; the
    study report has the interval.
    """

    cases: int
    agree: int
    kappa: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A fracture that the interventional readers judged."""

    study_id: str
    level: Level
    reviews: tuple[InterventionalReview, ...]
    answered: int
    wanted: int


def by_reader(session: Session) -> list[ReaderProgress]:
    """One line per person and kind of task."""
    rows = session.execute(
        select(Account.pseudonym, Reading.kind, Reading.is_done, Reading.seconds)
        .join(Account, Account.account_id == Reading.account_id)
        .order_by(Account.pseudonym, Reading.kind)
    )
    grouped: dict[tuple[str, str], list[tuple[bool, float]]] = {}
    for pseudonym, kind, is_done, seconds in rows:
        grouped.setdefault((pseudonym, kind), []).append((is_done, seconds))
    return [
        ReaderProgress(
            pseudonym=pseudonym,
            kind=kind,
            given=len(tasks),
            done=sum(is_done for is_done, _ in tasks),
            median_s=_median([seconds for is_done, seconds in tasks if is_done]),
        )
        for (pseudonym, kind), tasks in grouped.items()
    ]


def agreement(session: Session) -> Agreement:
    """Agreement on whether there is a fracture, over the cases with two answered first readings."""
    rows = session.execute(
        select(Reading.study_id, Reading.reading_id, Answer.cells)
        .join(Answer, Answer.reading_id == Reading.reading_id)
        .where(Reading.kind == Kind.READING.value, Reading.time == 1, Reading.is_done)
        .order_by(Reading.study_id, Reading.reading_id, Answer.number)
    )
    by_case: dict[str, list[bool]] = {}
    for (study_id, _), records in groupby(rows, key=lambda row: (row.study_id, row.reading_id)):
        answer = reading_of([from_cells(ReadingRecord, row.cells) for row in records])
        by_case.setdefault(study_id, []).append(bool(answer.fractures))
    pairs = [(answers[0], answers[1]) for answers in by_case.values() if len(answers) > 1]
    agree = sum(first == second for first, second in pairs)
    return Agreement(cases=len(pairs), agree=agree, kappa=_kappa(pairs))


def reading_states(session: Session) -> dict[str, int]:
    """Number of studies in each state of reading."""
    rows = session.execute(select(Study.reading_state, func.count()).group_by(Study.reading_state)).all()
    return {str(state): count for state, count in rows}


def unread_negatives(session: Session) -> int:
    """Studies that were not flagged and are not to be read."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Study)
            .where(
                Study.finding_state == State.NO_FLAG.value,
                Study.reading_state == ReadingState.NONE.value,
            )
        )
        or 0
    )


def draw_negatives(session: Session, station: Station) -> int:
    """Draw the protocol's sample from all unflagged studies and give it to readers; gives how many were new.

    The same studies give the same sample, so that a second drawing adds only what belongs to new ones.
    """
    studies = {
        study.study_id: study
        for study in session.scalars(select(Study).where(Study.finding_state == State.NO_FLAG.value))
    }
    cases = [
        UnflaggedCase(
            case_id=study.study_id,
            score_probability=study.score_probability or 0.0,
            report_names_fracture=study.report_category in _MENTIONED,
        )
        for study in studies.values()
    ]
    drawn = [name for stratum in sample_negatives(station.protocol, cases) for name in stratum.to_read]
    seed = station.protocol.reading_order.seed.value
    return sum(readings.assign(session, station, studies[name], seed) > 0 for name in drawn)


def give_out_all(session: Session, station: Station) -> int:
    """Give every flagged study with too few readers to more of them; gives how many readings were added."""
    flagged = session.scalars(select(Study).where(Study.finding_state == State.FLAG.value)).all()
    return sum(readings.give_out(session, station, study) for study in flagged)


def candidates(session: Session, station: Station) -> list[Candidate]:
    """Every fracture that went to the interventional readers."""
    tasks = session.scalars(
        select(Reading).where(Reading.kind == Kind.REVIEW.value).order_by(Reading.created_at)
    ).all()
    places = dict.fromkeys((task.study_id, task.level) for task in tasks)
    found = []
    for study_id, level in places:
        mine = [task for task in tasks if (task.study_id, task.level) == (study_id, level)]
        is_open = any(not task.is_done for task in mine)
        found.append(
            Candidate(
                study_id=study_id,
                level=Level(level),
                # nobody sees an answer while another reader has still to give his
                reviews=()
                if is_open
                else tuple(current(readings.reviews_of(session, study_id, Level(level)))),
                answered=sum(task.is_done for task in mine),
                wanted=station.protocol.intervention.readers.value,
            )
        )
    return found


def folder_is_writable(station: Station) -> bool:
    """Whether a file can be made in the station's folder, and the disk is not full."""
    probe = station.settings.folder / f".probe-{secrets.token_hex(8)}"
    try:
        probe.write_bytes(b"spondyl")
        probe.unlink()
    except OSError:
        return False
    return True


def metrics_text(session: Session, station: Station) -> str:
    """Counts in Prometheus' text format; nothing of a patient."""
    lines = []

    def counted(name: str, meaning: str, label: str, rows: list[tuple[str, int]]) -> None:
        lines.append(f"# HELP spondyl_{name} {meaning}")
        lines.append(f"# TYPE spondyl_{name} gauge")
        lines.extend(f'spondyl_{name}{{{label}="{value}"}} {count}' for value, count in rows)

    for name, meaning, column in (
        ("studies", "Studies by state.", Study.state),
        ("readings", "Studies by state of their reading.", Study.reading_state),
        ("findings", "Studies by answer of the software.", Study.finding_state),
    ):
        rows = session.execute(select(column, func.count()).group_by(column)).all()
        counted(name, meaning, "state", [(str(value), count) for value, count in rows if value])
    open_tasks = session.execute(
        select(Reading.kind, func.count()).where(Reading.is_done.is_(False)).group_by(Reading.kind)
    ).all()
    counted("open_tasks", "Tasks that wait for a person.", "kind", [(str(k), n) for k, n in open_tasks])
    unsent = session.scalar(select(func.count()).select_from(Message).where(Message.sent_at.is_(None))) or 0
    counted("messages", "Notifications not sent yet.", "state", [("waiting", unsent)])
    oldest = session.scalar(select(func.min(Study.received_at)).where(Study.state == "complete"))
    age_s = 0.0 if oldest is None else (station.clock() - oldest).total_seconds()
    lines += [
        "# HELP spondyl_oldest_waiting_seconds Age of the oldest study that waits for its analysis.",
        "# TYPE spondyl_oldest_waiting_seconds gauge",
        f"spondyl_oldest_waiting_seconds {age_s:.0f}",
    ]
    return "\n".join(lines) + "\n"


def _median(values: list[float]) -> float | None:
    if not values:
        return None
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) / 2.0


def _kappa(pairs: list[tuple[bool, bool]]) -> float | None:
    """Cohen's kappa of two readers; None where nothing can be said."""
    table = np.zeros((2, 2), dtype=np.int64)
    for first, second in pairs:
        table[int(first), int(second)] += 1
    answer = cohen_kappa("kappa", table)
    return answer.value if isinstance(answer, Estimate) else None
