"""Reading records: what one may say, what stands between them, and what a file may not hold."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from spondyl.adapters.parquet_records import Records, export_records, import_records
from spondyl.adapters.parquet_tables import read_table, write_table
from spondyl.adapters.study_folder import StudyFolderError
from spondyl.domain.finding import State
from spondyl.study.protocol import shipped_protocol_text
from spondyl.study.records import (
    InterventionalReview,
    ReadingRecord,
    appended,
    current,
)
from spondyl.study.tables import (
    ColumnError,
    ReportRow,
    StudyRow,
    TableError,
    from_cells,
    to_cells,
)

CONFIRMED = {
    "record_id": "r1", "case_id": "a", "reader": "one", "role": "reader", "decision": "confirmed",
    "decided_at": "2025-03-01T09:30:00+01:00", "marks": "after_first_look", "saw_marks": "false",
    "saw_other_reader": "false", "saw_report": "false", "level": "T12", "marked_level": "T11", "grade": "2",
    "shape": "wedge", "nature": "osteoporotic", "age": "chronic", "seconds_spent": "41.5",
}  # fmt: skip
REVIEW = {
    "record_id": "i1", "case_id": "a", "reader": "ir", "role": "reader",
    "decided_at": "2025-03-02T10:00:00Z", "saw_other_reader": "no", "saw_report": "no", "level": "T12",
    "suitability": "suitable", "posterior_wall": "retropulsion", "retropulsion_mm": "4.5",
    "signs": "cortical_fracture_lines intravertebral_vacuum", "sins_location": "3", "sins_lesion": "1",
    "sins_alignment": "2", "sins_collapse": "3", "sins_posterolateral": "0",
}  # fmt: skip


def reading(**changes: object) -> ReadingRecord:
    return from_cells(ReadingRecord, {**CONFIRMED, **changes})


def csv_text(rows: list[dict[str, Any]], separator: str = ",") -> str:
    names = list(rows[0])
    lines = [separator.join(names), *(separator.join(str(row[name]) for name in names) for row in rows)]
    return "\r\n".join(lines) + "\r\n"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study with the cases a and b."""
    folder = tmp_path / "study"
    folder.mkdir()
    rows = [StudyRow(case_id=name, patient_id=name, state=State.FLAG) for name in ("a", "b")]
    write_table(folder / "studies.parquet", StudyRow, rows)
    return folder


# ---------------------------------------------------------------------------------- one record
@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"grade": ""}, "grade"),
        ({"grade": "4"}, "grade"),
        ({"grade": "1.5"}, "grade"),
        ({"level": ""}, "level"),
        ({"level": "T14"}, "level"),
        ({"shape": "normal"}, "shape"),
        ({"decision": "perhaps"}, "decision"),
        ({"decision": "rejected", "grade": "", "shape": "", "nature": "", "age": ""}, "reason"),
        ({"reason": "schmorl"}, "reason"),
        ({"decision": "cannot_say"}, "grade"),
        ({"marks": "never", "saw_marks": "true"}, "saw_marks"),
        ({"look": "second"}, "saw_marks"),
        ({"marks": "at_once", "look": "second", "saw_marks": "true"}, "look"),
        ({"centre_x_lps_mm": "3"}, "centre_x_lps_mm"),
        ({"decided_at": "2025-03-01T09:30:00"}, "decided_at"),
        ({"seconds_spent": "-1"}, "seconds_spent"),
        ({"seconds_spent": "nan"}, "seconds_spent"),
        ({"supersedes": "r0"}, "change_reason"),
        ({"supersedes": "r1", "change_reason": "typing error"}, "supersedes"),
        ({"record_id": " "}, "record_id"),
        ({"saw_report": "perhaps"}, "saw_report"),
    ],
)
def test_a_record_that_contradicts_itself_is_told_by_its_column(changes: dict[str, str], column: str) -> None:
    with pytest.raises(ColumnError) as told:
        reading(**changes)
    assert told.value.column == column


def test_a_case_without_fracture_is_closed_by_a_record_without_level() -> None:
    nothing = dict.fromkeys(("level", "marked_level", "grade", "shape", "nature", "age"), "")
    assert reading(decision="rejected", reason="nothing_seen", **nothing).level is None


def test_sins_is_a_range_while_pain_is_not_known() -> None:
    assert from_cells(InterventionalReview, REVIEW).sins_range == (9, 12)  # 3 + 1 + 2 + 3 + 0, pain 0-3
    assert from_cells(InterventionalReview, {**REVIEW, "sins_pain": "1"}).sins_range == (10, 10)
    assert from_cells(InterventionalReview, {**REVIEW, "sins_lesion": ""}).sins_range is None


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"posterior_wall": "intact"}, "retropulsion_mm"),
        ({"level": "S1"}, "level"),
        ({"signs": "cortical_fracture_lines gas"}, "signs"),
        ({"sins_location": "4"}, "sins_location"),
        ({"pain_vas": "11"}, "pain_vas"),
        ({"suitability": "yes"}, "suitability"),
    ],
)
def test_a_review_that_may_not_be_is_told_by_its_column(changes: dict[str, str], column: str) -> None:
    with pytest.raises(ColumnError) as told:
        from_cells(InterventionalReview, {**REVIEW, **changes})
    assert told.value.column == column


# ------------------------------------------------------------------------------- between records
def faults_of(kept: list[ReadingRecord], *added: ReadingRecord, blind: bool = True) -> list[tuple[int, str]]:
    with pytest.raises(TableError) as told:
        appended(kept, list(enumerate(added, start=2)), cases={"a", "b"}, needs_blinding=blind, file="x.csv")
    return [(fault.row or 0, fault.column) for fault in told.value.faults]


def test_records_are_added_and_never_changed() -> None:
    first = reading()
    changed = reading(record_id="r2", grade="3", supersedes="r1", change_reason="measured again")
    records = appended([first], [(2, first), (3, changed)], cases={"a"}, needs_blinding=True, file="x.csv")
    assert records == [first, changed]
    assert current(records) == [changed]


def test_what_breaks_the_rules_between_records_is_told_by_row_and_column() -> None:
    first = reading()
    assert faults_of([first], reading(grade="3")) == [(2, "record_id")]
    assert faults_of([first], reading(record_id="r2")) == [(2, "record_id")]  # the same question again
    assert faults_of([], reading(case_id="c")) == [(2, "case_id")]
    assert faults_of([], reading(saw_other_reader="true")) == [(2, "saw_other_reader")]
    change = {"record_id": "r2", "change_reason": "typing error"}
    assert (2, "supersedes") in faults_of([first], reading(**change, supersedes="r9"))
    assert faults_of([first], reading(**change, supersedes="r1", reader="two")) == [(2, "supersedes")]
    early = {"decided_at": "2025-02-01T00:00:00Z"}
    assert (2, "supersedes") in faults_of([first], reading(**change, **early, supersedes="r1"))
    again = reading(record_id="r3", supersedes="r1", change_reason="once more")
    assert (3, "supersedes") in faults_of([first], reading(**change, supersedes="r1"), again)


def test_an_adjudicator_may_see_and_the_protocol_may_allow_it() -> None:
    seen = {"saw_other_reader": "true"}
    for record, blind in ((reading(**seen, role="adjudicator"), True), (reading(**seen), False)):
        assert appended([], [(2, record)], cases=None, needs_blinding=blind, file="x.csv") == [record]


# ----------------------------------------------------------------------------------------- files
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
@pytest.mark.parametrize(("row_type", "cells"), [(ReadingRecord, CONFIRMED), (InterventionalReview, REVIEW)])
def test_a_record_survives_its_file(
    tmp_path: Path, ending: str, row_type: type[Any], cells: dict[str, str]
) -> None:
    record: Any = from_cells(row_type, {**cells, "comment": 'fracture "ancienne", à revoir;\nligne 2'})
    write_table(tmp_path / f"x{ending}", row_type, [record])
    assert [row for _, row in read_table(tmp_path / f"x{ending}", row_type)] == [record]
    assert list(to_cells(record)) == [field.name for field in fields(record)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_any_common_encoding_and_separator_is_read(tmp_path: Path, encoding: str, separator: str) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes(csv_text([{**CONFIRMED, "reader": "Zoë"}], separator).encode(encoding))
    ((row, record),) = read_table(file, ReadingRecord)
    assert (row, record.reader) == (2, "Zoë")


def test_faults_of_a_file_name_row_and_column_and_nothing_is_taken(study: Path, tmp_path: Path) -> None:
    good = tmp_path / "good.csv"
    good.write_text(csv_text([CONFIRMED]))
    assert import_records(good, study, Records.READINGS) == (1, 1)
    assert import_records(good, study, Records.READINGS) == (0, 1)  # taken in twice
    kept = (study / "readings.parquet").read_bytes()

    bad = tmp_path / "bad.csv"
    rows = [
        {**CONFIRMED, "record_id": "n1", "case_id": "b"},
        {**CONFIRMED, "record_id": "n2", "grade": "4"},
        {**CONFIRMED, "record_id": "n3", "reader": "two", "saw_other_reader": "true"},
    ]
    bad.write_text(csv_text(rows))
    with pytest.raises(
        TableError, match=r"row 3, column grade: got '?4'?; allowed: a whole number from 1 to 3"
    ):
        import_records(bad, study, Records.READINGS)
    bad.write_text(csv_text([rows[0], rows[2]]))
    with pytest.raises(TableError, match="row 3, column saw_other_reader: got true for a first reader"):
        import_records(bad, study, Records.READINGS)
    assert (study / "readings.parquet").read_bytes() == kept

    protocol = shipped_protocol_text("mniai2025")
    open_to_all = protocol.replace(
        "blinded_to_each_other = { value = true", "blinded_to_each_other = { value = false"
    )
    (study / "protocol.toml").write_text(open_to_all)
    assert import_records(bad, study, Records.READINGS, only_check=True) == (2, 3)
    assert (study / "readings.parquet").read_bytes() == kept


def test_a_header_is_checked_before_its_rows(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    renamed = {("lesion" if name == "level" else name): cell for name, cell in CONFIRMED.items()}
    del renamed["reader"]
    file.write_text(csv_text([{**renamed, "grad": "2"}]))
    with pytest.raises(TableError) as told:
        read_table(file, ReadingRecord)
    assert [(fault.row, fault.column) for fault in told.value.faults] == [
        (1, "reader"), (1, "lesion"), (1, "grad"),
    ]  # fmt: skip
    assert "did you mean grade?" in str(told.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "row 1, column record_id: got no such column"),
        (b"\x00\x01\x02PK\x03\x04" * 50, "binary file"),
        (b'record_id,case_id\n"a,b\n', "in quotes"),
        (b"record_id,case_id\na,b,c\n", "row 2, column (all): got 3 cells"),
    ],
)
def test_what_is_no_table_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes(content)
    with pytest.raises(TableError) as told:
        read_table(file, ReadingRecord)
    assert words in str(told.value)
    (tmp_path / "x.parquet").write_bytes(content or b"none")
    with pytest.raises(TableError, match="no Parquet file"):
        read_table(tmp_path / "x.parquet", ReadingRecord)


def test_many_faults_are_counted_and_the_first_told(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(csv_text([{**CONFIRMED, "record_id": f"r{n}", "grade": "9"} for n in range(30)]))
    with pytest.raises(TableError, match=r"(?s)30 faults.*and 10 more") as told:
        read_table(file, ReadingRecord)
    assert [fault.row for fault in told.value.faults] == list(range(2, 32))


def test_reports_need_their_study_and_may_be_long(study: Path, tmp_path: Path) -> None:
    file = tmp_path / "reports.csv"
    long = "Tassement de T12. " * 600_000  # 10.8 MB
    file.write_text(f'id,text,lang\na,"{long}",fr\nb,"Pas de fracture, à revoir.",fr\n', encoding="cp1252")
    assert import_records(file, study, Records.REPORTS) == (2, 2)
    reports = {row.case_id: row for _, row in read_table(study / "reports.parquet", ReportRow)}
    assert reports["a"].text == long.strip()
    assert reports["b"].text == "Pas de fracture, à revoir."

    kept = (study / "reports.parquet").read_bytes()
    file.write_text("id,text\na,Rien.\nc,No fracture.\n", encoding="utf-16")
    with pytest.raises(TableError, match=r"row 3, column case_id: got 'c'; .*needs its study"):
        import_records(file, study, Records.REPORTS)
    file.write_text("id,text\na,Something else.\n")
    with pytest.raises(TableError, match="another report of 'a'"):
        import_records(file, study, Records.REPORTS)
    file.write_text("id;lang\na;fr\n")
    with pytest.raises(StudyFolderError, match="row 1: column text is missing"):
        import_records(file, study, Records.REPORTS)
    assert (study / "reports.parquet").read_bytes() == kept


def test_records_are_given_out_whole_or_only_the_current_ones(study: Path, tmp_path: Path) -> None:
    changed = {"record_id": "r2", "grade": "3", "supersedes": "r1", "change_reason": "measured again"}
    file = tmp_path / "x.csv"
    file.write_text(
        csv_text([{**CONFIRMED, "supersedes": "", "change_reason": ""}, {**CONFIRMED, **changed}])
    )
    import_records(file, study, Records.READINGS)
    assert export_records(study, Records.READINGS, tmp_path / "all.parquet") == 2
    assert export_records(study, Records.READINGS, tmp_path / "current.csv", only_current=True) == 1
    ((_, kept),) = read_table(tmp_path / "current.csv", ReadingRecord)
    assert (kept.record_id, kept.grade) == ("r2", 3)
    assert "Research use only" in (tmp_path / "current.csv").read_text()
