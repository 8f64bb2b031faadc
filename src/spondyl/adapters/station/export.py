"""The station's records as the folder of a study, which `spondyl study report` reads."""

from __future__ import annotations

import secrets
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from spondyl.adapters.parquet_tables import write_table
from spondyl.adapters.station import studies
from spondyl.adapters.station.opened import Station, protocol_text
from spondyl.adapters.station.tables import Answer, ReportText, Study
from spondyl.study.records import InterventionalReview, ReadingRecord
from spondyl.study.tables import (
    CaseRow,
    FailureCode,
    ReportRow,
    Row,
    Sex,
    StudyRow,
    VertebraRow,
    failed_study,
    from_cells,
    study_of,
    vertebrae_of,
)
from spondyl.worklist.states import StudyState


def export_folder(session: Session, station: Station, folder: Path) -> tuple[Path, ...]:
    """Write the tables, the records, the reports and the protocol into ``folder``; gives the files.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken = list(session.scalars(select(Study).order_by(Study.received_at, Study.study_id)))
    tables: tuple[tuple[str, type[Row], Iterator[Row]], ...] = (
        ("studies", StudyRow, _studies(station, taken)),
        ("vertebrae", VertebraRow, _vertebrae(station, taken)),
        ("readings", ReadingRecord, _records(session, "reading", ReadingRecord)),
        ("interventions", InterventionalReview, _records(session, "review", InterventionalReview)),
        ("reports", ReportRow, _reports(session)),
    )
    for name, row_type, rows in tables:
        write_table(folder / f"{name}.parquet", row_type, rows)
    (folder / "protocol.toml").write_text(protocol_text(station.settings.protocol), encoding="utf-8")
    return tuple(sorted(folder.iterdir()))


def export_zip(session: Session, station: Station) -> Path:
    """The same as a zip in the station's folder; whoever takes it removes it.

    Raises:
        OSError: the folder cannot be written.
    """
    with tempfile.TemporaryDirectory(dir=station.settings.folder) as temporary:
        files = export_folder(session, station, Path(temporary))
        path = station.settings.folder / f"export-{secrets.token_hex(8)}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.write(file, f"spondyl-study/{file.name}")
    return path


def _case(study: Study) -> CaseRow:
    return CaseRow(
        case_id=study.study_id,
        path=study.study_id,
        patient_id=study.patient_key,
        age_years=study.age_years,
        sex=Sex(study.sex) if study.sex else None,
    )


def _studies(station: Station, taken: list[Study]) -> Iterator[StudyRow]:
    """A row per study that has come to an answer, or was given up."""
    for study in taken:
        finding = studies.load_finding(station, study.study_id)
        if finding is not None:
            yield study_of(_case(study), finding)
        elif study.state == StudyState.FAILED:
            yield failed_study(_case(study), FailureCode.ANALYSIS_BROKE)


def _vertebrae(station: Station, taken: list[Study]) -> Iterator[VertebraRow]:
    for study in taken:
        finding = studies.load_finding(station, study.study_id)
        if finding is not None:
            yield from vertebrae_of(_case(study), finding)


def _records(
    session: Session, kind: str, row_type: type[ReadingRecord | InterventionalReview]
) -> Iterator[Row]:
    order = (Answer.at, Answer.reading_id, Answer.number)  # a record stands behind the one it replaces
    rows = session.scalars(select(Answer).where(Answer.kind == kind).order_by(*order))
    for row in rows:
        yield from_cells(row_type, row.cells)


def _reports(session: Session) -> Iterator[ReportRow]:
    """The last report of each study."""
    rows = session.scalars(select(ReportText).order_by(ReportText.study_id, ReportText.at))
    last = {row.study_id: row for row in rows}
    for study_id, row in last.items():
        yield ReportRow(case_id=study_id, text=row.text, lang=row.language)
