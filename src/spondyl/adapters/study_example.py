"""Write a simulated study as the folder that a real one would have."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from spondyl.adapters.parquet_tables import whole_file, write_table
from spondyl.adapters.study_folder import FACTS, PROTOCOL
from spondyl.study.protocol import parse_protocol, shipped_protocol_text
from spondyl.study.records import InterventionalReview, ReadingRecord
from spondyl.study.simulation import shipped_design, shipped_facts, simulate
from spondyl.study.tables import ReportRow, StudyRow, VertebraRow


def write_example(name: str, folder: Path, seed: int) -> None:
    """Simulate the study of this name and write its tables, records, reports and protocol into the folder.

    Cohort tables are Parquet, records CSV, and the reports come as from a hospital's system: semicolons,
    Windows-1252.

    Raises:
        KeyError: there is no such study.
        ExtraMissingError: DuckDB, which writes Parquet, is not installed.
        OSError: the folder cannot be written.
    """
    design = shipped_design(name)
    protocol_text = shipped_protocol_text(name)
    study = simulate(design, parse_protocol(protocol_text, name=PROTOCOL), seed)
    folder.mkdir(parents=True, exist_ok=True)
    whole_file(folder / PROTOCOL, lambda stream: stream.write(protocol_text))
    whole_file(folder / FACTS, lambda stream: stream.write(shipped_facts(name)))
    write_table(folder / "studies.parquet", StudyRow, study.studies)
    write_table(folder / "vertebrae.parquet", VertebraRow, study.vertebrae)
    write_table(folder / "readings.csv", ReadingRecord, study.readings)
    write_table(folder / "interventions.csv", InterventionalReview, study.interventions)
    (folder / "reports.csv").write_bytes(_hospital_export(study.reports))


def _hospital_export(reports: Iterable[ReportRow]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(("case_id", "lang", "compte_rendu"))
    writer.writerows((x.case_id, x.lang, x.text) for x in reports)
    return text.getvalue().encode("cp1252")
