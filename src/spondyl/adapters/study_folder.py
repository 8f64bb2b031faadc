"""The folder of a study: its tables, records, report texts and protocol, read whole or not at all.

docs/reference/study-report.md tells the files.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spondyl.adapters.parquet_tables import read_table
from spondyl.adapters.report_texts import ReportTextError, decode, read_report_texts
from spondyl.adapters.vertebra_columns import read_vertebrae
from spondyl.study.mentions import shipped_languages
from spondyl.study.protocol import Protocol, parse_protocol
from spondyl.study.records import InterventionalReview, ReadingRecord, appended
from spondyl.study.report import SourceFile, StudyData, StudyFacts, Workplace, checklist_items
from spondyl.study.tables import Fault, ReportRow, StudyRow, TableError

PROTOCOL, FACTS = "protocol.toml", "study.toml"
_TABLE_ENDINGS = (".parquet", ".csv", ".tsv")
_TEXT_ENDINGS = (".parquet", ".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".hl7")


class StudyFolderError(Exception):
    """The folder does not hold what a report needs; the message says what, and the way out."""


class _Workplace(BaseModel):
    model_config = ConfigDict(extra="forbid")
    studies_per_day: float = Field(gt=0)
    readers: float = Field(gt=0)
    minutes_per_alert: float = Field(gt=0)


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str = "Vertebral fractures on CT"
    remark: str = ""
    answers: dict[str, str] = Field(default_factory=dict)
    workplace: _Workplace | None = None


def read_study(folder: Path) -> StudyData:
    """Everything that the report is made from.

    Raises:
        StudyFolderError: a file is missing, is there twice, or study.toml may not be so.
        ProtocolError: the protocol has faults.
        TableError: a table or a report has faults; each is named with its row and column.
        ExtraMissingError: DuckDB, which reads Parquet, is not installed.
        OSError: a file cannot be opened.
    """
    protocol = _protocol(folder)
    study_file = _needed(folder, "studies")
    studies = _studies(study_file)
    places = {row.case_id: place for place, row in enumerate(studies)}
    vertebra_file = _needed(folder, "vertebrae")
    vertebrae = read_vertebrae(vertebra_file, places)
    reading_file, review_file = _found(folder, "readings"), _found(folder, "interventions")
    report_file = _found(folder, "reports", _TEXT_ENDINGS)
    readings = _readings(reading_file, places, protocol)
    interventions = _interventions(review_file, places, protocol)
    reports = {row.case_id: row for row in read_reports(report_file, places)} if report_file else {}
    counted = (
        (study_file, len(studies)),
        (vertebra_file, len(vertebrae)),
        (reading_file, len(readings)),
        (review_file, len(interventions)),
        (report_file, len(reports)),
    )
    return StudyData(
        protocol=protocol,
        studies=studies,
        vertebrae=vertebrae,
        readings=readings,
        interventions=interventions,
        reports=reports,
        facts=_facts(folder),
        files=tuple(_source(path, rows) for path, rows in counted if path is not None),
    )


def _protocol(folder: Path) -> Protocol:
    path = folder / PROTOCOL
    if not path.is_file():
        raise StudyFolderError(
            f"{folder}: there is no {PROTOCOL}; `spondyl study protocol mniai2025` prints one to be changed"
        )
    return parse_protocol(_text(path), name=PROTOCOL)


def _facts(folder: Path) -> StudyFacts:
    path = folder / FACTS
    if not path.is_file():
        return StudyFacts()
    try:
        told = _Facts.model_validate(tomllib.loads(_text(path)))
    except tomllib.TOMLDecodeError as error:
        raise StudyFolderError(f"{FACTS}: no TOML: {error}; see docs/reference/study-report.md") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise StudyFolderError(f"{FACTS}: {key}: {first['msg']}") from error
    known = [x.id for x in checklist_items()]
    strange = sorted(set(told.answers) - set(known))
    if strange:
        raise StudyFolderError(
            f"{FACTS}: answers.{strange[0]} is no item of the checklist; there is {', '.join(known)}"
        )
    place = told.workplace
    return StudyFacts(
        title=told.title,
        remark=told.remark,
        answers=told.answers,
        workplace=Workplace(**place.model_dump()) if place else None,
    )


def _studies(path: Path) -> tuple[StudyRow, ...]:
    rows = read_table(path, StudyRow)
    first: dict[str, int] = {}
    faults = []
    for number, row in rows:
        if first.setdefault(row.case_id, number) != number:
            faults.append(
                Fault(
                    row=number,
                    column="case_id",
                    got=f"{row.case_id!r}, which row {first[row.case_id]} has",
                    allowed="each case once",
                )
            )
    if faults:
        raise TableError(path.name, faults)
    return tuple(row for _, row in rows)


def _readings(path: Path | None, places: Mapping[str, int], protocol: Protocol) -> tuple[ReadingRecord, ...]:
    if path is None:
        return ()
    blind = protocol.readers.blinded_to_each_other.value
    return tuple(
        appended((), read_table(path, ReadingRecord), cases=places, needs_blinding=blind, file=path.name)
    )


def _interventions(
    path: Path | None, places: Mapping[str, int], protocol: Protocol
) -> tuple[InterventionalReview, ...]:
    if path is None:
        return ()
    blind = protocol.readers.blinded_to_each_other.value
    rows = read_table(path, InterventionalReview)
    return tuple(appended((), rows, cases=places, needs_blinding=blind, file=path.name))


def read_reports(path: Path, cases: Container[str]) -> list[ReportRow]:
    """The reports of a file: Parquet, CSV, JSON lines, FHIR or HL7.

    Raises:
        TableError: a report without its case, a second one of a case, a language that is not known.
        StudyFolderError: the file holds no reports that can be read.
    """
    if path.suffix.lower() == ".parquet":
        numbered = read_table(path, ReportRow)
    else:
        try:
            texts = read_report_texts(path)
        except ReportTextError as error:
            raise StudyFolderError(f"{path.name}: {error}") from error
        numbered = [(x.row, ReportRow(case_id=x.id, text=x.text, lang=x.lang)) for x in texts]
    faults = list(_report_faults(numbered, cases))
    if faults:
        raise TableError(path.name, faults)
    return [row for _, row in numbered]


def _report_faults(rows: Sequence[tuple[int, ReportRow]], cases: Container[str]) -> Iterator[Fault]:
    seen: set[str] = set()
    languages = shipped_languages()
    for number, row in rows:
        if row.case_id not in cases:
            allowed = "a case_id of the case table (studies); a report needs its study"
            yield Fault(row=number, column="case_id", got=repr(row.case_id), allowed=allowed)
        if row.case_id in seen:
            got = f"{row.case_id!r} a second time"
            yield Fault(row=number, column="case_id", got=got, allowed="one report a case")
        if row.lang is not None and row.lang not in languages:
            allowed = f"{', '.join(sorted(languages))}, or nothing"
            yield Fault(row=number, column="lang", got=repr(row.lang), allowed=allowed)
        seen.add(row.case_id)


def _needed(folder: Path, stem: str) -> Path:
    path = _found(folder, stem)
    if path is None:
        endings = " or ".join(f"{stem}{ending}" for ending in _TABLE_ENDINGS)
        raise StudyFolderError(f"{folder}: there is no {endings}; `spondyl cohort run` writes it")
    return path


def _found(folder: Path, stem: str, endings: Sequence[str] = _TABLE_ENDINGS) -> Path | None:
    """The one file of this name, with any of the endings."""
    there = [path for ending in endings if (path := folder / f"{stem}{ending}").is_file()]
    if len(there) > 1:
        names = " and ".join(path.name for path in there)
        raise StudyFolderError(f"{folder}: {names} are both there; leave the one that counts")
    return there[0] if there else None


def _text(path: Path) -> str:
    try:
        return decode(path.read_bytes())
    except ReportTextError as error:
        raise StudyFolderError(f"{path.name}: {error}") from error


def _source(path: Path, rows: int) -> SourceFile:
    with path.open("rb") as stream:
        return SourceFile(name=path.name, rows=rows, sha256=hashlib.file_digest(stream, "sha256").hexdigest())
