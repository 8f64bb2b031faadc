"""Records and reports of a study's folder: all of a file is taken in or nothing, and they are given out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from spondyl.adapters.parquet_tables import PARQUET, read_table, write_table
from spondyl.adapters.report_texts import decode
from spondyl.adapters.study_folder import PROTOCOL as _PROTOCOL
from spondyl.adapters.study_folder import read_reports
from spondyl.study.protocol import parse_protocol
from spondyl.study.records import (
    InterventionalReview,
    ReadingRecord,
    RecordType,
    appended,
    current,
)
from spondyl.study.tables import Fault, ReportRow, StudyRow, TableError

_STUDIES = "studies.parquet"


class Records(StrEnum):
    """What is taken in; the name is that of the file in the study's folder."""

    READINGS = "readings"
    INTERVENTIONS = "interventions"
    REPORTS = "reports"


def import_records(file: Path, study: Path, kind: Records, *, only_check: bool = False) -> tuple[int, int]:
    """Put the records of a file behind those of the study; gives how many are new, and how many there are.

    Every record is checked alone, against the cases of ``studies.parquet``, against the records that are
    there, and against the blinding that ``protocol.toml`` asks for (without one: blind to each other).
    Records that are there already are passed over, so that a file may be taken in twice.

    Raises:
        TableError: the file has faults; each is named with its row and column, and nothing is taken.
        StudyFolderError: the reports cannot be read.
        ProtocolError: the protocol has faults.
        ExtraMissingError: DuckDB is not installed.
        OSError: a file cannot be read or written.
    """
    cases = frozenset(row.case_id for _, row in read_table(study / _STUDIES, StudyRow))
    if kind is Records.REPORTS:
        return _import_reports(file, study, cases, only_check=only_check)
    needs_blinding = _needs_blinding(study)
    place = _place(study, kind)
    if kind is Records.READINGS:
        return _import(file, place, ReadingRecord, cases, needs_blinding, only_check=only_check)
    return _import(file, place, InterventionalReview, cases, needs_blinding, only_check=only_check)


def export_records(study: Path, kind: Records, out: Path, *, only_current: bool = False) -> int:
    """Write the records of a study as CSV or Parquet, by the ending; gives how many.

    Raises:
        TableError: the study's records were changed by hand into none.
        ExtraMissingError: DuckDB is not installed.
        OSError: there are none, or the file cannot be written.
    """
    place = _place(study, kind)
    if kind is Records.READINGS:
        return _export(place, out, ReadingRecord, only_current=only_current)
    if kind is Records.INTERVENTIONS:
        return _export(place, out, InterventionalReview, only_current=only_current)
    reports = [row for _, row in read_table(place, ReportRow)]
    write_table(out, ReportRow, reports)
    return len(reports)


def _export(place: Path, out: Path, row_type: type[RecordType], *, only_current: bool) -> int:
    rows = [row for _, row in read_table(place, row_type)]
    rows = current(rows) if only_current else rows
    write_table(out, row_type, rows)
    return len(rows)


def _import(
    file: Path,
    place: Path,
    row_type: type[RecordType],
    cases: frozenset[str],
    needs_blinding: bool,
    *,
    only_check: bool,
) -> tuple[int, int]:
    kept = [row for _, row in read_table(place, row_type)] if place.is_file() else []
    added = read_table(file, row_type)
    records = appended(kept, added, cases=cases, needs_blinding=needs_blinding, file=file.name)
    if not only_check:
        write_table(place, row_type, records)
    return len(records) - len(kept), len(records)


def _import_reports(file: Path, study: Path, cases: frozenset[str], *, only_check: bool) -> tuple[int, int]:
    """Reports of cases that have one already must say the same."""
    place = _place(study, Records.REPORTS)
    kept = {row.case_id: row for _, row in read_table(place, ReportRow)} if place.is_file() else {}
    added = read_reports(file, cases)
    faults = [
        Fault(
            row=None,
            column="case_id",
            got=f"another report of {row.case_id!r}, which has one",
            allowed=f"one report a case; to replace it, take it out of {place.name} first",
        )
        for row in added
        if kept.get(row.case_id, row).text != row.text
    ]
    if faults:
        raise TableError(file.name, faults)
    reports = {**{row.case_id: row for row in added}, **kept}
    if not only_check:
        write_table(place, ReportRow, [reports[case] for case in sorted(reports)])
    return len(reports) - len(kept), len(reports)


def _needs_blinding(study: Path) -> bool:
    protocol = study / _PROTOCOL
    if not protocol.is_file():
        return True
    text = decode(protocol.read_bytes())
    return parse_protocol(text, name=_PROTOCOL).readers.blinded_to_each_other.value


def _place(study: Path, kind: Records) -> Path:
    return study / f"{kind}{PARQUET}"
