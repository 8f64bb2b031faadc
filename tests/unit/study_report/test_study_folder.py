"""Reading the folder of a study: whole or not at all, with row and column of what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from made_study import both_confirm, columns, confirms, protocol, study, vertebra
from spondyl.adapters.parquet_tables import connect, write_table
from spondyl.adapters.study_folder import StudyFolderError, read_study
from spondyl.domain.level import Level
from spondyl.study.protocol import ProtocolError, shipped_protocol_text
from spondyl.study.records import ReadingRecord
from spondyl.study.tables import StudyRow, TableError, VertebraRow

CASES = ("c1", "c2")


def write(
    folder: Path,
    *,
    ending: str = ".parquet",
    studies: Sequence[StudyRow] | None = None,
    vertebrae: Sequence[VertebraRow] | None = None,
    readings: Sequence[ReadingRecord] | None = None,
    reports: bytes = b"case_id,lang,text\nc1,en,No fracture of the spine.\n",
) -> Path:
    (folder / "protocol.toml").write_text(shipped_protocol_text("mniai2025"), encoding="utf-8")
    write_table(folder / f"studies{ending}", StudyRow, studies or [study(case) for case in CASES])
    rows = vertebrae or [vertebra(case, Level.L1, 2) for case in CASES]
    write_table(folder / f"vertebrae{ending}", VertebraRow, rows)
    write_table(folder / "readings.csv", ReadingRecord, readings or both_confirm("c1", Level.L1, 2))
    (folder / "reports.csv").write_bytes(reports)
    return folder


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_what_was_written_is_read(tmp_path: Path, ending: str) -> None:
    rows = [
        vertebra("c1", Level.L1, 2),
        vertebra("c1", Level.L2, 3, counted_grade=0),
        vertebra("c2", Level.T13, None, probability_grade_2_or_more=None),
    ]
    made = read_study(write(tmp_path, ending=ending, vertebrae=rows))
    expected = columns(rows, [study(case) for case in CASES])
    assert made.vertebrae.case.tolist() == expected.case.tolist() == [0, 0, 1]
    assert made.vertebrae.level.tolist() == expected.level.tolist()
    assert made.vertebrae.grade.tolist() == [2, 0, -1]
    assert made.vertebrae.grade_probability.tolist() == [0.9, 0.9, 0.0]
    assert made.vertebrae.centre_lps_mm.tolist() == expected.centre_lps_mm.tolist()
    assert made.reports["c1"].lang == "en"
    assert {x.name: x.rows for x in made.files} == {
        f"studies{ending}": 2,
        f"vertebrae{ending}": 3,
        "readings.csv": 2,
        "reports.csv": 1,
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_reports_come_in_any_usual_encoding(tmp_path: Path, encoding: str) -> None:
    text = "case_id;lang;compte_rendu\r\nc1;fr;Résultats : tassement sévère de L1.\r\n"
    made = read_study(write(tmp_path, reports=text.encode(encoding)))
    assert made.reports["c1"].text == "Résultats : tassement sévère de L1."


def test_a_report_of_ten_megabytes_is_read(tmp_path: Path) -> None:
    text = "Lungs clear. " * 800_000
    made = read_study(write(tmp_path, reports=f"case_id,lang,text\nc1,en,{text}\n".encode()))
    assert len(made.reports["c1"].text) >= 10_000_000


def faulty_parquet(folder: Path, change: str) -> None:
    """Write the vertebra table again with SQL's ``REPLACE`` of one column."""
    path = folder / "vertebrae.parquet"
    connection = connect()
    connection.execute(f"CREATE TABLE t AS SELECT * {change} FROM read_parquet('{path}')")
    connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")


@pytest.mark.parametrize(
    ("change", "row", "column"),
    [
        ("REPLACE (CASE WHEN case_id = 'c2' THEN 'L9' ELSE level END AS level)", 2, "level"),
        ("REPLACE (CASE WHEN case_id = 'c2' THEN 4 ELSE 2 END AS genant_grade)", 2, "genant_grade"),
        ("REPLACE (CASE WHEN case_id = 'c1' THEN NULL ELSE centre_x_lps_mm END AS centre_x_lps_mm)", 1,
         "centre_x_lps_mm"),
        ("REPLACE (1.5 AS level_probability)", 1, "level_probability"),
        ("REPLACE ('nan'::DOUBLE AS anterior_height_mm)", 1, "anterior_height_mm"),
        ("REPLACE (CASE WHEN case_id = 'c2' THEN 'unknown' ELSE case_id END AS case_id)", 2, "case_id"),
        ("EXCLUDE (level)", 1, "level"),
        (", 1 AS colour", 1, "colour"),
    ],
)  # fmt: skip
def test_a_faulty_cell_of_the_large_table_is_named(
    tmp_path: Path, change: str, row: int, column: str
) -> None:
    write(tmp_path)
    faulty_parquet(tmp_path, change)
    with pytest.raises(TableError) as caught:
        read_study(tmp_path)
    first = caught.value.faults[0]
    assert (first.row, first.column) == (row, column)


@pytest.mark.parametrize(
    ("break_it", "row", "column"),
    [
        (lambda folder: write(folder, studies=[study("c1"), study("c1")]), 2, "case_id"),
        (lambda folder: write(folder, readings=both_confirm("c9", Level.L1, 2)), 2, "case_id"),
        (lambda folder: write(folder, readings=[confirms("c1", "a", Level.L1, 2, saw_other_reader=True)]), 2,
         "saw_other_reader"),
        (lambda folder: write(folder, reports=b"case_id,lang,text\nc1,en,x\nc9,en,y\n"), 3, "case_id"),
        (lambda folder: write(folder, reports=b"case_id,lang,text\nc1,xx,x\n"), 2, "lang"),
    ],
)  # fmt: skip
def test_what_does_not_belong_together_is_refused(
    tmp_path: Path, break_it: Callable[[Path], Path], row: int, column: str
) -> None:
    with pytest.raises(TableError) as caught:
        read_study(break_it(tmp_path))
    first = caught.value.faults[0]
    assert (first.row, first.column) == (row, column)


def test_a_report_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyFolderError, match="row 3"):
        read_study(write(tmp_path, reports=b"case_id,lang,text\nc1,en,x\nc1,en,y\n"))


@pytest.mark.parametrize("name", ["protocol.toml", "studies.parquet", "vertebrae.parquet"])
def test_a_missing_file_is_named_with_the_way_out(tmp_path: Path, name: str) -> None:
    (write(tmp_path) / name).unlink()
    with pytest.raises(StudyFolderError, match=f"there is no {name}.*spondyl"):
        read_study(tmp_path)


def test_a_table_in_two_forms_is_no_choice_for_the_program(tmp_path: Path) -> None:
    write(tmp_path, ending=".csv")
    write(tmp_path)
    with pytest.raises(StudyFolderError, match=r"studies\.parquet and studies\.csv"):
        read_study(tmp_path)


def test_a_faulty_protocol_is_told_by_its_key(tmp_path: Path) -> None:
    write(tmp_path)
    text = shipped_protocol_text("mniai2025").replace(
        'rule = { value = "strict"', 'rule = { value = "strcit"'
    )
    (tmp_path / "protocol.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ProtocolError, match=r"true_positive\.rule"):
        read_study(tmp_path)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("title =", "no TOML"),
        ("tittle = 'x'", "tittle"),
        ("[answers]\nS99 = 'x'", "S99"),
        ("[workplace]\nstudies_per_day = 0\nreaders = 1\nminutes_per_alert = 1", "studies_per_day"),
    ],
)
def test_what_study_toml_may_not_say_is_named(tmp_path: Path, text: str, word: str) -> None:
    write(tmp_path)
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    with pytest.raises(StudyFolderError, match=word):
        read_study(tmp_path)


def test_study_toml_is_optional_and_its_words_reach_the_facts(tmp_path: Path) -> None:
    write(tmp_path)
    assert read_study(tmp_path).facts.answers == {}
    (tmp_path / "study.toml").write_text("title = 'Our study'\n[answers]\nS30 = 'none'\n", encoding="utf-8")
    facts = read_study(tmp_path).facts
    assert (facts.title, facts.answers) == ("Our study", {"S30": "none"})
    assert read_study(tmp_path).protocol == protocol()
