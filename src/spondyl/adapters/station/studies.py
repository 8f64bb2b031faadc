"""Studies in the database: registering, moving along their states, and the worklist."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from spondyl.adapters.station import audit
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.tables import ReportText, Study, StudyEvent
from spondyl.adapters.station.upload import StudyFacts
from spondyl.domain.finding import State, StudyFinding
from spondyl.study.mentions import Category
from spondyl.worklist.priority import Suspicion, rank, suspicion_of
from spondyl.worklist.states import ReadingState, StudyState, checked_move

PAGE_SIZE = 50
_MENTIONED = (Category.R1.value, Category.R2.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What the worklist shows. Empty values do not narrow it. mentioned: yes, no, unknown or empty."""

    finding: str = ""
    state: str = ""
    reading: str = ""
    mentioned: str = ""
    search: str = ""
    order: str = "priority"
    page: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistPage:
    """One page of the worklist, and how many there are in all."""

    studies: tuple[Study, ...]
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // PAGE_SIZE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """How many studies are in which state."""

    total: int
    by_state: dict[str, int]
    by_finding: dict[str, int]
    by_reading: dict[str, int]


def register(
    session: Session, station: Station, facts: StudyFacts, source: str, actor: str
) -> tuple[Study, bool]:
    """The study that these files belong to, and whether it is new.

    The same study sent twice is one row: its key is a keyed hash of its identifier.
    """
    study_id = station.pseudonym("study", facts.uid)
    known = session.get(Study, study_id)
    if known is not None:
        return known, False
    now = station.clock()
    study = Study(
        study_id=study_id,
        patient_key=station.pseudonym("patient", facts.patient_id) if facts.patient_id else None,
        accession_key=station.pseudonym("accession", facts.accession) if facts.accession else None,
        source=source,
        study_date=facts.study_date,
        sex=facts.sex,
        age_years=facts.age_years,
        received_at=now,
        state=StudyState.RECEIVED.value,
        reading_state=ReadingState.NONE.value,
        analysis=0,
        levels="",
        rank=0.0,
        has_images=True,
        has_results=False,
    )
    session.add(study)
    session.flush()
    audit.record(session, now, actor, "study.received", study_id, source=source)
    return study, True


def place_upload(station: Station, study_id: str, path: Path) -> None:
    """Move a checked file to the study's folder, in place of what lay there.

    The old folder is moved aside first and removed last, so that a death between leaves one of both whole.
    """
    folder = station.incoming(study_id)
    fresh, old = folder.with_name("incoming.new"), folder.with_name("incoming.old")
    for left in (fresh, old):
        shutil.rmtree(left, ignore_errors=True)
    fresh.mkdir(parents=True)
    path.replace(
        fresh / ("study" + "".join(path.suffixes[-2:] if path.name.endswith(".nii.gz") else path.suffixes))
    )
    if folder.exists():
        folder.replace(old)
    fresh.replace(folder)
    shutil.rmtree(old, ignore_errors=True)


def input_of(station: Station, study_id: str) -> Path:
    """What the analysis is to read: an uploaded zip or volume itself, else the folder of DICOM files."""
    folder = station.incoming(study_id)
    uploaded = [folder / f"study{ending}" for ending in (".zip", ".nii", ".nii.gz")]
    return next((path for path in uploaded if path.is_file()), folder)


def move(
    session: Session, station: Station, study: Study, after: StudyState, actor: str, note: str = ""
) -> None:
    """Move a study to its next state; moving it to where it is does nothing, so that steps can be repeated.

    Raises:
        MoveError: that state may not follow.
    """
    before = StudyState(study.state)
    if before is after:
        return
    study.state = checked_move(before, after).value
    if after is not StudyState.FAILED:
        study.error = None
    now = station.clock()
    session.add(
        StudyEvent(study_id=study.study_id, at=now, before=before.value, after=after.value, note=note)
    )
    audit.record(session, now, actor, f"study.{after.value}", study.study_id)


def keep_finding(station: Station, study: Study, finding: StudyFinding) -> Suspicion:
    """Write what the worklist shows of a finding into the study's row."""
    suspicion = suspicion_of(finding, station.protocol.positive.minimum_grade.value)
    study.finding_state = suspicion.state.value
    study.score_probability = suspicion.score_probability
    study.worst_grade = suspicion.worst_grade
    study.levels = " ".join(suspicion.levels)
    study.rank = rank(suspicion, study.received_at.timestamp())
    study.analysed_at = station.clock()
    study.has_results = True
    study.analysis += 1
    return suspicion


def suspicion_kept(study: Study) -> Suspicion:
    """What ``keep_finding`` wrote."""
    return Suspicion(
        state=State(study.finding_state or State.NOT_EVALUABLE),
        score_probability=study.score_probability or 0.0,
        worst_grade=study.worst_grade,
        levels=tuple(study.levels.split()),
    )


def load_finding(station: Station, study_id: str) -> StudyFinding | None:
    """The finding of a study, None where there is none (yet, or no more)."""
    try:
        return written_finding(station, study_id)
    except FileNotFoundError:
        return None


def written_finding(station: Station, study_id: str) -> StudyFinding:
    """The finding that the analysis wrote.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is no finding.
    """
    path = station.results(study_id) / "finding.json"
    return StudyFinding.model_validate(json.loads(path.read_text(encoding="utf-8")))


def worklist(session: Session, wanted: Filter) -> WorklistPage:
    """One page of the list, in the order asked for."""
    conditions = _conditions(wanted)
    total = session.scalar(select(func.count()).select_from(Study).where(*conditions)) or 0
    page = min(max(1, wanted.page), max(1, -(-total // PAGE_SIZE)))
    statement = _ordered(select(Study).where(*conditions), wanted.order)
    rows = session.scalars(statement.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE))
    return WorklistPage(studies=tuple(rows), total=total, page=page)


def counters(session: Session) -> Counters:
    """Counts for the top of the list."""

    def by(column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None]) -> dict[str, int]:
        rows = session.execute(select(column, func.count()).group_by(column)).all()
        return {str(name): count for name, count in rows if name is not None}

    by_state = by(Study.state)
    return Counters(
        total=sum(by_state.values()),
        by_state=by_state,
        by_finding=by(Study.finding_state),
        by_reading=by(Study.reading_state),
    )


def priors(session: Session, study: Study) -> list[Study]:
    """Earlier and later studies of the same patient, the newest first."""
    if study.patient_key is None:
        return []
    statement = (
        select(Study)
        .where(Study.patient_key == study.patient_key, Study.study_id != study.study_id, Study.has_results)
        .order_by(Study.study_date.desc(), Study.received_at.desc())
        .limit(10)
    )
    return list(session.scalars(statement))


def earlier(session: Session, study: Study) -> list[Study]:
    """The patient's studies that are not of a later date, the newest first: a reader must not see ahead."""
    return [
        prior
        for prior in priors(session, study)
        if not (prior.study_date and study.study_date and prior.study_date > study.study_date)
    ]


def events(session: Session, study_id: str) -> list[StudyEvent]:
    """The moves of a study, the first one first."""
    return list(
        session.scalars(
            select(StudyEvent).where(StudyEvent.study_id == study_id).order_by(StudyEvent.event_id)
        )
    )


def report_of(session: Session, study_id: str) -> ReportText | None:
    """The study's report that came last."""
    return session.scalars(
        select(ReportText).where(ReportText.study_id == study_id).order_by(ReportText.at.desc()).limit(1)
    ).first()


def unfinished(session: Session) -> list[Study]:
    """Studies that have all their files and are neither at their end nor given up."""
    waiting = (StudyState.COMPLETE.value, StudyState.ANALYSED.value, StudyState.SENT.value)
    return list(session.scalars(select(Study).where(Study.state.in_(waiting)).order_by(Study.received_at)))


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.finding:
        conditions.append(Study.finding_state == wanted.finding)
    if wanted.state:
        conditions.append(Study.state == wanted.state)
    if wanted.reading:
        conditions.append(Study.reading_state == wanted.reading)
    if wanted.mentioned:
        conditions.append(_mentioned(wanted.mentioned))
    if wanted.search:
        pattern = "".join(character for character in wanted.search if character.isalnum() or character == "-")
        levels = func.upper(" " + Study.levels + " ").contains(f" {pattern.upper()} ")
        conditions.append(
            or_(Study.study_id.startswith(pattern.lower()), Study.study_date == pattern, levels)
        )
    return conditions


def _mentioned(answer: str) -> ColumnElement[bool]:
    if answer == "unknown":
        return Study.report_category.is_(None)
    if answer == "yes":
        return Study.report_category.in_(_MENTIONED)
    return Study.report_category.is_not(None) & Study.report_category.not_in(_MENTIONED)


def _ordered(statement: Select[Study], order: str) -> Select[Study]:
    if order == "newest":
        return statement.order_by(Study.received_at.desc(), Study.study_id)
    if order == "oldest":
        return statement.order_by(Study.received_at, Study.study_id)
    return statement.order_by(Study.rank.desc(), Study.study_id.desc())  # as the index, read backwards
