"""Write a simulated study as the folder that a real one would have."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from spondyl.adapters.parquet_records import Records, import_records
from spondyl.adapters.parquet_tables import whole_file, write_table
from spondyl.adapters.study_folder import FACTS, PROTOCOL, StudyFolderError
from spondyl.study.protocol import parse_protocol, shipped_protocol_text
from spondyl.study.records import InterventionalReview, ReadingRecord
from spondyl.study.simulation import shipped_design, shipped_facts, simulate
from spondyl.study.tables import ReportRow, StudyRow, VertebraRow


def write_example(name: str, folder: Path, seed: int) -> None:
    """Simulate the study of this name, and take its records and reports in as those of any study.

    The cohort tables are written as a cohort run does. Records and reports first lie in ``received`` as they
    would come from elsewhere: CSV, the reports with semicolons in Windows-1252.

    Raises:
        KeyError: there is no such study.
        StudyFolderError: the folder holds another study.
        ExtraMissingError: DuckDB, which writes Parquet, is not installed.
        OSError: the folder cannot be written.
    """
    design, facts = shipped_design(name), shipped_facts(name)
    protocol_text = shipped_protocol_text(name)
    _make_room(folder, facts)
    study = simulate(design, parse_protocol(protocol_text, name=PROTOCOL), seed)
    received = folder / "received"
    received.mkdir(parents=True, exist_ok=True)
    whole_file(folder / PROTOCOL, lambda stream: stream.write(protocol_text))
    whole_file(folder / FACTS, lambda stream: stream.write(facts))
    write_table(folder / "studies.parquet", StudyRow, study.studies)
    write_table(folder / "vertebrae.parquet", VertebraRow, study.vertebrae)
    write_table(received / "readings.csv", ReadingRecord, study.readings)
    write_table(received / "interventions.csv", InterventionalReview, study.interventions)
    (received / "reports.csv").write_bytes(_hospital_export(study.reports))
    for kind in Records:
        import_records(received / f"{kind}.csv", folder, kind)


def _make_room(folder: Path, facts: str) -> None:
    """Take away an earlier example of the same study; leave anything else alone."""
    earlier = [path for kind in Records if (path := folder / f"{kind}.parquet").exists()]
    told = folder / FACTS
    if earlier and not (told.is_file() and told.read_text(encoding="utf-8") == facts):
        raise StudyFolderError(f"{folder}: another study lies here; give an empty folder with --out")
    for path in earlier:
        path.unlink()


def _hospital_export(reports: Iterable[ReportRow]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(("case_id", "lang", "compte_rendu"))
    writer.writerows((x.case_id, x.lang, x.text) for x in reports)
    return text.getvalue().encode("cp1252")
