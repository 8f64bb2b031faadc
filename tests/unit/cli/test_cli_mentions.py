from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from spondyl.cli import app
from spondyl.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = {"levels", "status", "age", "severity", "term", "treated", "section", "evidence", "start", "end"}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["mentions", *map(str, arguments)])


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    lines = [
        {"id": "a", "text": "Findings: Old fracture of T12, mild. No fracture of L1.", "lang": "en"},
        {"id": "b", "text": "Résultats : pas de tassement vertébral."},
        {"id": "c", "text": "Liver normal."},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_each_report_gives_one_object_with_the_agreed_names(reports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    done = run(reports, "--out", out)
    assert done.exit_code == ExitCode.ANSWERED
    first, second, third = (json.loads(line) for line in out.read_text("utf-8").splitlines())
    assert (first["id"], first["case"], first["per_level"]) == ("a", "R2", {"T12": "R2", "L1": "X"})
    assert set(first["mentions"][0]) == FIELDS
    assert first["mentions"][0]["evidence"] == "Old fracture of T12, mild"
    assert (second["case"], second["lang"]) == ("X", "fr")
    assert (third["case"], third["per_level"], third["mentions"]) == ("N", {}, [])


def test_all_definitions_are_printed_together_with_the_chosen_marked(reports: Path, tmp_path: Path) -> None:
    shown = run(reports, "--out", tmp_path / "out.jsonl", "--not-reported", "broad").output
    assert "not reported, strict (X+N): 2 of 3" in shown
    assert "not reported, seed_like (X+N): 2 of 3" in shown
    assert "not reported, seed_like_with_other_diagnosis (R0b+X+N): 2 of 3" in shown
    assert "not reported, broad (chosen) (R0a+R0b+R0c+X+N): 2 of 3" in shown
    assert "Not a medical device" in shown


def test_a_text_is_shown_with_its_evidence_marked(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    path.write_text("Bones: severe fracture of L1.", encoding="utf-8")
    shown = run(path).output
    assert "»severe fracture of L1«" in shown
    assert "1. L1: affirmed, strong, age unspecified, severity severe, in findings, characters 7-28" in shown
    assert "case R2; per level: L1 R2" in shown


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"id": "a", "text": "x"}\n{"id": "a", "text": "y"}\n', "row 2, column id"),
        (
            '{"id": "a", "text": "x"}\n{"id": "b", "text": "y", "lang": "xx"}\n',
            "row 2, column lang: language 'xx'",
        ),
        ('{"id": "a"}\n', "row 1, column text"),
        ("", "empty"),
    ],
)
def test_a_fault_in_one_row_writes_nothing(content: str, message: str, tmp_path: Path) -> None:
    path, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    path.write_text(content, encoding="utf-8")
    done = run(path, "--out", out)
    assert done.exit_code == ExitCode.NOT_EVALUABLE
    assert message in done.output
    assert [x.name for x in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_fault_leaves_an_earlier_answer_as_it_was(tmp_path: Path) -> None:
    path, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    path.write_text('{"id": "a"}\n', encoding="utf-8")
    out.write_text("earlier", encoding="utf-8")
    run(path, "--out", out)
    assert out.read_text("utf-8") == "earlier"


def test_a_binary_file_and_a_missing_file_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(bytes(range(256)) * 8)
    assert "binary file" in run(path).output
    missing = run(tmp_path / "no.txt")
    assert missing.exit_code == ExitCode.NOT_EVALUABLE
    assert "no such file" in missing.output


def test_an_unknown_definition_names_the_known_ones(reports: Path) -> None:
    done = run(reports, "--not-reported", "loose")
    assert done.exit_code == ExitCode.USAGE
    assert "strict" in done.output


def test_a_broken_language_file_is_told(reports: Path, tmp_path: Path) -> None:
    path = tmp_path / "nl.toml"
    path.write_text("code = 'nl'", encoding="utf-8")
    done = run(reports, "--language-file", path)
    assert done.exit_code == ExitCode.USAGE
    assert "nl.toml: headings is missing" in done.output
