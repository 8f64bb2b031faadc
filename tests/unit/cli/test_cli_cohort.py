"""``spondyl cohort`` and ``spondyl records`` as they are typed, with a reader that takes no time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import spondyl.wiring
from fake_case_reader import FakeOpener, write_inputs
from spondyl.adapters.cohort import CaseOutcome, CaseState
from spondyl.cli import app
from spondyl.cli.cohort_progress import Tally, shown_outcomes
from spondyl.domain.finding import State
from spondyl.study.tables import FailureCode


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three inputs and their manifest; whatever opens a reader gets the fake one."""
    opener = FakeOpener(journal=tmp_path / "journal")
    monkeypatch.setattr(spondyl.wiring.ReaderOpener, "of", lambda _: opener)
    write_inputs(tmp_path / "in", {"a": "FLAG", "b": "RAISE", "c": "NO_FLAG"})
    return tmp_path


def typed(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.slow
def test_a_cohort_is_read_told_and_asked(folder: Path) -> None:
    manifest, out = folder / "in" / "manifest.csv", folder / "out"
    code, said, _ = typed("cohort", "run", manifest, "--out", out, "--shard", "1/2")
    assert (code, "1 waiting" in said, "not yet" in said) == (0, True, True)
    code, said, aside = typed("cohort", "run", manifest, "--out", out)
    assert code == 6
    assert "3 of 3 cases, 2 kept" in aside
    assert "3 cases: 2 answered (1 FLAG, 1 NO_FLAG)" in said
    assert "1 failed (1 ANALYSIS_BROKE)" in said
    assert "Research use only" in said

    code, said, _ = typed("cohort", "status", out, "--json")
    told = json.loads(said)
    assert (code, told["states"], told["failed"]) == (0, {"FLAG": 1, "NO_FLAG": 1}, 1)
    question = "SELECT case_id, highest_grade FROM studies WHERE state = 'FLAG'"
    code, said, _ = typed("cohort", "ask", out, question, "--json")
    assert json.loads(said)["rows"] == [{"case_id": "a", "highest_grade": 2}]
    code, _, said = typed("cohort", "ask", out, "SELECT nothing FROM nowhere")
    assert code == 2
    assert "tables: cohort, failures, studies, vertebrae" in said


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/0"])
def test_a_shard_that_is_none_is_told(folder: Path, shard: str) -> None:
    code, _, said = typed(
        "cohort", "run", folder / "in" / "manifest.csv", "--out", folder / "out", "--shard", shard
    )
    assert code == 2
    assert "write i/n" in said


def test_what_is_no_cohort_is_told(folder: Path) -> None:
    assert typed("cohort", "run", folder / "none.csv", "--out", folder / "out")[0] == 3
    assert typed("cohort", "status", folder)[0] == 3
    (folder / "bad.csv").write_text("case_id,path\na,1\na,2\n")
    code, _, said = typed("cohort", "run", folder / "bad.csv", "--out", folder / "out")
    assert code == 3
    assert "row 3, column case_id" in said
    assert not (folder / "out").exists()


def test_a_database_that_is_away_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)  # pytest keeps its own handlers
    address = "postgresql://reader:geheim@127.0.0.1:1/none"
    manifest = folder / "in" / "manifest.csv"
    for words in (("cohort", "run", manifest, "--out", folder / "out"), ("worker",)):
        code, _, said = typed(*words, "--database", address)
        assert code == 4
        assert "the database cannot be used" in said
        assert "geheim" not in said


def test_records_of_a_study_that_is_none_are_refused(folder: Path) -> None:
    (folder / "r.csv").write_text("record_id\n1\n")
    code, _, said = typed("records", "import", folder / "r.csv", "--study", folder)
    assert code == 3
    assert "the study has no cases" in said
    assert typed("records", "export", folder, "--out", folder / "x.csv", "--kind", "notes")[0] == 2
    assert typed("records", "export", folder, "--out", folder / "x.csv")[0] == 3


def outcome(name: str, *, was_kept: bool, failure: FailureCode | None = None) -> CaseOutcome:
    state = CaseState(case_id=name, state=None if failure else State.FLAG, failure=failure)
    return CaseOutcome(state=state, was_kept=was_kept)


def test_rate_and_remaining_time_count_what_was_read_and_not_what_was_kept() -> None:
    tally = Tally(total=10, started_s=0.0)
    tally.add(outcome("a", was_kept=True))
    tally.add(outcome("b", was_kept=False))
    tally.add(outcome("c", was_kept=False, failure=FailureCode.TIMED_OUT))
    # two read in 60 s: 30 s each, seven left
    assert tally.words(60.0) == "3 of 10 cases, 1 kept, 2 FLAG, 1 failed, 2.0 a minute, 4 min left"


def test_a_run_that_is_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    tally = shown_outcomes([outcome("a", was_kept=False)], 1, quiet=True, clock=lambda: 0.0)
    assert tally.done == 1
    assert capsys.readouterr() == ("", "")


def test_a_pacs_asked_for_everything_or_for_nonsense_is_told(folder: Path) -> None:
    pytest.importorskip("pynetdicom", reason="the extra node is not installed")
    run = ("cohort", "run", "PACS@127.0.0.1:1", "--out", folder / "out")
    code, _, said = typed(*run)
    assert (code, "tell which studies" in said) == (2, True)
    code, _, said = typed(*run, "--key", "Nobody=1")
    assert (code, "KEYWORD=VALUE" in said) == (2, True)
    assert not (folder / "out").exists()
