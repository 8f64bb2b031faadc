"""Backup, restore and retention: what is kept, and for how long. Answers and audit are never removed."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, func, insert, select
from sqlalchemy.orm import Session

from spondyl.adapters.station import audit
from spondyl.adapters.station.database import DatabaseError
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.schema import version_of
from spondyl.adapters.station.tables import Base, Study, UtcTime
from spondyl.worklist.retention import Retention, images_may_go, results_may_go
from spondyl.worklist.states import ReadingState, StudyState

_VERSION_FILE, _STUDIES = "version.json", "studies"
_NOT_KEPT = frozenset({"web_session", "heartbeat", "login_failure"})  # of no use after a restore
_ROWS_AT_ONCE = 500


class BackupError(ValueError):
    """A file that is no backup, or a station that is not empty."""


def write_backup(station: Station, path: Path, *, with_images: bool) -> int:
    """Write tables and files into one tar file, whole or not at all; gives how many studies it holds.

    Rows are JSON, so that a backup of SQLite can be restored to PostgreSQL and the other way round.

    Raises:
        OSError: the file cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        with tarfile.open(part, "w:gz", compresslevel=1) as archive, station.database.reading() as session:
            version = {"tables": version_of(station.database), "made_at": station.clock().isoformat()}
            _add(archive, _VERSION_FILE, json.dumps(version).encode())
            for table in Base.metadata.sorted_tables:
                if table.name not in _NOT_KEPT:
                    _add(archive, f"tables/{table.name}.jsonl", b"".join(_lines(session, table)))
            studies = list(session.scalars(select(Study.study_id)))
            for study_id in studies:
                for folder in (
                    station.results(study_id),
                    *([station.incoming(study_id)] if with_images else []),
                ):
                    if folder.is_dir():
                        archive.add(folder, f"{_STUDIES}/{study_id}/{folder.name}")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return len(studies)


def restore_backup(station: Station, path: Path) -> int:
    """Fill an empty station from a backup; gives how many studies it holds.

    Raises:
        BackupError: no backup, or the station has studies or accounts already.
        DatabaseError: the backup has tables of another version.
        OSError: a file cannot be read or written.
    """
    try:
        with tarfile.open(path, "r:gz") as archive, station.database.writing() as session:
            _check(station, session, archive)
            for table in Base.metadata.sorted_tables:
                if table.name not in _NOT_KEPT:
                    _restore_table(session, table, archive)
            members = [member for member in archive if member.name.startswith(f"{_STUDIES}/")]
            archive.extractall(station.settings.folder, members=members, filter="data")
            count = session.scalar(select(func.count()).select_from(Study)) or 0
    except (tarfile.TarError, KeyError, json.JSONDecodeError) as error:
        raise BackupError(
            f"{path.name} is no backup of a station; `spondyl station backup` writes one"
        ) from error
    return count


def apply_retention(station: Station) -> tuple[int, int]:
    """Remove the files whose time has come; gives how many studies lost their images, and their results."""
    rule = Retention(
        images_days=station.settings.retention.images_days,
        results_days=station.settings.retention.results_days,
    )
    now, images, results = station.clock(), 0, 0
    with station.database.reading() as session:
        studies = list(session.scalars(select(Study).where(Study.has_images | Study.has_results)))
    for study in studies:
        state, reading = StudyState(study.state), ReadingState(study.reading_state)
        if study.has_images and images_may_go(rule, state, study.received_at, now):
            _forget(station, study.study_id, station.incoming(study.study_id), "images")
            images += 1
        if study.has_results and results_may_go(rule, state, reading, study.received_at, now):
            _forget(station, study.study_id, station.results(study.study_id), "results")
            results += 1
    return images, results


def _forget(station: Station, study_id: str, folder: Path, what: str) -> None:
    """The row first: after a death between the two files without a row's word are removed the next time."""
    with station.database.writing() as session:
        study = session.get_one(Study, study_id)
        if what == "images":
            study.has_images = False
        else:
            study.has_results = False
        audit.record(session, station.clock(), "station", f"{what}.removed", study_id)
    shutil.rmtree(folder, ignore_errors=True)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o600
    archive.addfile(entry, io.BytesIO(content))


def _lines(session: Session, table: Table) -> Iterator[bytes]:
    for row in session.execute(select(table).order_by(*table.primary_key)).mappings():
        cells = {
            name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()
        }
        yield json.dumps(cells).encode() + b"\n"


def _check(station: Station, session: Session, archive: tarfile.TarFile) -> None:
    there = session.scalar(select(func.count()).select_from(Base.metadata.tables["account"])) or 0
    if there or session.scalar(select(func.count()).select_from(Study)):
        raise BackupError("the station has accounts or studies already; restore into an empty one")
    version = json.loads(_content(archive, _VERSION_FILE))
    if version["tables"] != version_of(station.database):
        raise DatabaseError(
            f"the backup has tables of version {version['tables']}, "
            f"the station {version_of(station.database)}; restore with that version, then upgrade"
        )


def _restore_table(session: Session, table: Table, archive: tarfile.TarFile) -> None:
    session.execute(table.delete())  # the secret that the empty station made for itself
    rows = [
        _row(table, json.loads(line)) for line in _content(archive, f"tables/{table.name}.jsonl").splitlines()
    ]
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        session.execute(insert(table), rows[start : start + _ROWS_AT_ONCE])
    counted = table.autoincrement_column
    if rows and counted is not None and session.get_bind().dialect.name == "postgresql":
        # PostgreSQL gives numbers from a sequence, which knows nothing of the rows that came with theirs
        sequence = func.pg_get_serial_sequence(table.name, counted.name)
        session.execute(select(func.setval(sequence, max(row[counted.name] for row in rows))))


def _row(table: Table, cells: dict[str, Any]) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value)
        if value is not None and isinstance(table.c[name].type, UtcTime)
        else value
        for name, value in cells.items()
    }


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    stream = archive.extractfile(name)
    if stream is None:
        raise KeyError(name)
    return stream.read()
