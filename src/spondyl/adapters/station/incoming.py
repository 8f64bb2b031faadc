"""What comes in: a study's files, by whatever way, and report texts."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from spondyl.adapters.report_texts import ReportTextError, read_report_texts
from spondyl.adapters.station import audit, notify, studies
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.tables import ReportText, Study
from spondyl.adapters.station.upload import facts_of, take_in
from spondyl.study.mentions import read_report
from spondyl.worklist.states import StudyState

LONGEST_REPORT_CHARACTERS = 100_000
MOST_REPORT_BYTES = 2**20
REPORT_ENDINGS = frozenset({".hl7", ".json", ".jsonl", ".csv", ".tsv"})


def take_study(station: Station, stream: BinaryIO, source: str, actor: str) -> str:
    """Take one file in as a study that is complete; gives its id.

    The same study sent again takes the place of the old files and is analysed again.

    Raises:
        UploadError: a file that is not taken.
        OSError: the folder cannot be written.
    """
    waiting = station.settings.folder / "incoming"
    path = take_in(stream, waiting, station.settings.most_upload_mib * 2**20)
    try:
        facts = facts_of(path)
        with station.database.writing() as session:
            study, _ = studies.register(session, station, facts, source, actor)
            studies.place_upload(station, study.study_id, path)
            study.has_images = True
            studies.move(session, station, study, StudyState.COMPLETE, actor)
    finally:
        path.unlink(missing_ok=True)
    return study.study_id


def keep_report(session: Session, station: Station, study: Study, text: str, actor: str) -> ReportText:
    """Keep a report's text with what it says of vertebral fractures.

    Raises:
        ReportTextError: no text, or far too much.
    """
    if not text.strip():
        raise ReportTextError("the report is empty; its text is needed")
    if len(text) > LONGEST_REPORT_CHARACTERS:
        raise ReportTextError(f"the report has {len(text)} characters; {LONGEST_REPORT_CHARACTERS} are taken")
    read = read_report(text)
    kept = ReportText(
        report_id=secrets.token_hex(12),
        study_id=study.study_id,
        text=text,
        language=read.language,
        category=read.case.value,
        levels={level: category.value for level, category in read.per_level.items()},
        at=station.clock(),
    )
    session.add(kept)
    study.report_category = kept.category
    session.flush()
    audit.record(session, station.clock(), actor, "report.received", study.study_id, category=kept.category)
    notify.plan_after_report(session, station, study)
    return kept


def study_of_report(session: Session, station: Station, identifier: str) -> Study | None:
    """The study that a report names by its accession number, or by its own id here."""
    by_id = session.get(Study, identifier)
    if by_id is not None:
        return by_id
    key = station.pseudonym("accession", identifier)
    return session.scalars(
        select(Study).where(Study.accession_key == key).order_by(Study.received_at.desc()).limit(1)
    ).first()


def take_reports(station: Station, stream: BinaryIO, name: str, actor: str) -> tuple[int, int]:
    """Take report texts in; gives how many found their study, and how many did not.

    Raises:
        ReportTextError: a file that cannot be read; none of it is kept.
    """
    ending = Path(name).suffix.lower()
    ending = ending if ending in REPORT_ENDINGS else ".hl7"
    with tempfile.TemporaryDirectory(dir=station.settings.folder) as folder:
        path = Path(folder) / f"reports{ending}"
        path.write_bytes(stream.read(MOST_REPORT_BYTES + 1))
        if path.stat().st_size > MOST_REPORT_BYTES:
            raise ReportTextError(
                f"the file is larger than {MOST_REPORT_BYTES // 2**20} MiB; send it in parts"
            )
        texts = read_report_texts(path)
    kept = 0
    with station.database.writing() as session:
        for text in texts:
            study = study_of_report(session, station, text.id)
            if study is not None:
                keep_report(session, station, study, text.text, actor)
                kept += 1
    return kept, len(texts) - kept
