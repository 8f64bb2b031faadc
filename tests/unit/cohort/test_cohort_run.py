"""A cohort on one machine: what is read, what is kept, what a bad case does, which tables come out."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fake_case_reader import MANIFEST, FakeOpener, FakeReader, write_inputs
from spondyl.adapters import cohort
from spondyl.adapters.parquet_tables import connect, read_table
from spondyl.domain.finding import State
from spondyl.domain.report import ResultsNotWrittenError
from spondyl.study.tables import FailureCode, StudyRow, VertebraRow

WORDS = {
    "a1": "FLAG", "a2": "NO_FLAG", "a3": "REFUSE", "b1": "RAISE", "b2": "DIE", "b3": "MEMORY",
    "c1": "NO_FLAG",
}  # fmt: skip


def read(folder: Path, out: Path, reader: FakeReader) -> dict[str, cohort.CaseOutcome]:
    """All cases of the manifest in this process."""
    cases = cohort.read_cases(folder / "manifest.csv")
    return {case.case_id: cohort.read_case(case, out, reader) for case in cases}


def test_bad_cases_fail_alone_and_every_case_has_its_row(tmp_path: Path) -> None:
    cases = cohort.read_cases(write_inputs(tmp_path / "in", WORDS))
    out = tmp_path / "out"
    cohort.keep_cases(out, cases)
    opener = FakeOpener(journal=tmp_path / "journal")
    outcomes = {x.state.case_id: x.state for x in cohort.read_cohort(cases, out, opener, workers=2)}
    assert cohort.collect(out, cases)

    assert {name: state.failure for name, state in outcomes.items() if state.failure} == {
        "b1": FailureCode.ANALYSIS_BROKE,
        "b2": FailureCode.PROCESS_DIED,
        "b3": FailureCode.OUT_OF_MEMORY,
    }
    assert outcomes["b1"].failure_text.startswith("KeyError at ")
    assert "SIGKILL, 3 times" in outcomes["b2"].failure_text
    studies = {row.case_id: row for _, row in read_table(out / cohort.STUDIES_FILE, StudyRow)}
    assert list(studies) == sorted(WORDS)
    assert studies["a1"].state is State.FLAG
    assert studies["a1"].highest_grade == 2
    assert studies["a1"].age_years == 71.0
    assert studies["a3"].refusal_code == "NOT_CT"
    assert studies["b2"].failure_code is FailureCode.PROCESS_DIED
    assert studies["b2"].state is State.NOT_EVALUABLE
    vertebrae = [row.case_id for _, row in read_table(out / cohort.VERTEBRAE_FILE, VertebraRow)]
    assert vertebrae == ["a1", "a2", "c1"]
    with (out / cohort.FAILURES_FILE).open() as stream:
        listed = [(row["case_id"], row["kind"], row["code"]) for row in csv.DictReader(stream)]
    assert listed == [
        ("a3", "not_evaluable", "NOT_CT"),
        ("b1", "failed", "ANALYSIS_BROKE"),
        ("b2", "failed", "PROCESS_DIED"),
        ("b3", "failed", "OUT_OF_MEMORY"),
    ]
    status = cohort.status_of(out)
    assert (status.answered, status.failed, status.waiting, status.reading) == (4, 3, 0, 0)
    everything = "".join(file.read_text(errors="ignore") for file in out.rglob("*") if file.is_file())
    assert "Mustermann" not in everything


def test_what_is_unchanged_is_kept_and_what_changed_is_read_again(tmp_path: Path) -> None:
    write_inputs(tmp_path, {"a": "FLAG", "b": "NO_FLAG", "c": "RAISE"})
    reader = FakeReader(journal=tmp_path / "journal")
    out = tmp_path / "out"
    assert not any(outcome.was_kept for outcome in read(tmp_path, out, reader).values())

    (tmp_path / "a.txt").touch()  # another time, the same content
    (tmp_path / "b.txt").write_text("FLAG now")
    again = read(tmp_path, out, reader)
    assert {name: outcome.was_kept for name, outcome in again.items()} == {"a": True, "b": False, "c": False}
    assert again["b"].state.state is State.FLAG
    assert reader.journal.read_text().split() == ["a.txt", "b.txt", "c.txt", "b.txt", "c.txt"]


@pytest.mark.parametrize(
    "changed",
    [
        {"settings_sha256": "9" * 64},
        {"networks": ()},
        {"spondyl_version": "0.2.0"},
        {"engine": "other 1, 2 threads"},
    ],
)
def test_another_reader_reads_again(tmp_path: Path, changed: dict[str, object]) -> None:
    write_inputs(tmp_path, {"a": "FLAG"})
    journal = tmp_path / "journal"
    read(tmp_path, tmp_path / "out", FakeReader(journal=journal))
    other = FakeReader(journal=journal, manifest=MANIFEST.model_copy(update=changed))
    assert not read(tmp_path, tmp_path / "out", other)["a"].was_kept


def test_other_threads_are_no_other_reader(tmp_path: Path) -> None:
    write_inputs(tmp_path, {"a": "FLAG"})
    journal = tmp_path / "journal"
    read(tmp_path, tmp_path / "out", FakeReader(journal=journal))
    other = FakeReader(journal=journal, manifest=MANIFEST.model_copy(update={"engine": "fake 1, 8 threads"}))
    assert read(tmp_path, tmp_path / "out", other)["a"].was_kept


def test_shards_are_all_cases_once_and_give_the_same_tables(tmp_path: Path) -> None:
    words = {f"k{number:02}": ("FLAG", "NO_FLAG", "REFUSE")[number % 3] for number in range(10)}
    cases = cohort.read_cases(write_inputs(tmp_path, words))
    shards = [cohort.shard_of(cases, number, 3) for number in (1, 2, 3)]
    assert sorted(case.case_id for shard in shards for case in shard) == sorted(words)
    reader = FakeReader(journal=tmp_path / "journal")
    for out, parts in ((tmp_path / "whole", [cases]), (tmp_path / "parts", shards)):
        for part in parts:
            assert not cohort.collect(out, cases)
            for case in part:
                cohort.read_case(case, out, reader)
        assert cohort.collect(out, cases)
    for name in (cohort.STUDIES_FILE, cohort.VERTEBRAE_FILE, cohort.FAILURES_FILE):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


def test_a_case_that_hangs_is_ended(tmp_path: Path) -> None:
    (case,) = cohort.read_cases(write_inputs(tmp_path, {"a": "HANG"}))
    with cohort.CaseProcess(FakeOpener(journal=tmp_path / "journal"), timeout_s=4.0) as process:
        state = process.read(case, tmp_path / "out").state
    assert state.failure is FailureCode.TIMED_OUT
    assert cohort.kept_state(tmp_path / "out", "a") == state


def test_a_full_disk_ends_the_run_and_not_the_case(tmp_path: Path) -> None:
    cases = cohort.read_cases(write_inputs(tmp_path, {"a": "FULL", "b": "FLAG"}))
    with pytest.raises(ResultsNotWrittenError, match="No space"):
        list(cohort.read_cohort(cases, tmp_path / "out", FakeOpener(journal=tmp_path / "journal")))
    assert cohort.kept_state(tmp_path / "out", "a") is None


def test_a_half_written_state_counts_as_none(tmp_path: Path) -> None:
    write_inputs(tmp_path, {"a": "FLAG"})
    reader = FakeReader(journal=tmp_path / "journal")
    read(tmp_path, tmp_path / "out", reader)
    for cut in ('{"case_id": "a", "st', "{}", '{"case_id": "a", "state": "PERHAPS"}'):
        (tmp_path / "out" / "cases" / "a" / "case.json").write_text(cut)
        assert not read(tmp_path, tmp_path / "out", reader)["a"].was_kept


def test_another_input_of_the_same_names_sizes_and_times_is_read(tmp_path: Path) -> None:
    write_inputs(tmp_path / "one", {"a": "FLAG"})
    write_inputs(tmp_path / "two", {"a": "FLAG"})
    (tmp_path / "two" / "a.txt").write_text("FLAG b")  # as long as "FLAG a"
    for place in ("one", "two"):
        os.utime(tmp_path / place / "a.txt", ns=(5, 5))
    reader = FakeReader(journal=tmp_path / "journal")
    assert not read(tmp_path / "one", tmp_path / "out", reader)["a"].was_kept
    assert not read(tmp_path / "two", tmp_path / "out", reader)["a"].was_kept


def test_tables_are_asked_with_duckdb(tmp_path: Path) -> None:
    cases = cohort.read_cases(write_inputs(tmp_path, {"a": "FLAG", "b": "NO_FLAG"}))
    out = tmp_path / "out"
    read(tmp_path, out, FakeReader(journal=tmp_path / "journal"))
    cohort.collect(out, cases)
    sql = "SELECT state, count(*) FROM read_parquet(?) GROUP BY state ORDER BY state"
    assert connect().execute(sql, [str(out / cohort.STUDIES_FILE)]).fetchall() == [
        ("FLAG", 1),
        ("NO_FLAG", 1),
    ]


def test_what_a_dead_reader_left_is_no_result_and_goes_with_the_tables(tmp_path: Path) -> None:
    cases = cohort.read_cases(write_inputs(tmp_path, {"a": "FLAG"}))
    out = tmp_path / "out"
    left = out / "cases" / ".a.0123.part"
    left.mkdir(parents=True)
    (left / "finding.json").write_text("{")
    cohort.keep_cases(out, cases)
    status = cohort.status_of(out)
    assert (status.answered, status.waiting, status.reading) == (0, 1, 1)
    assert not cohort.collect(out, cases)
    read(tmp_path, out, FakeReader(journal=tmp_path / "journal"))
    assert cohort.collect(out, cases)
    assert sorted(entry.name for entry in (out / "cases").iterdir()) == ["a"]


PARENT = """
import sys
from pathlib import Path
from fake_case_reader import FakeOpener
from spondyl.adapters import cohort

if __name__ == "__main__":
    manifest, out, journal = (Path(word) for word in sys.argv[1:])
    cases = cohort.read_cases(manifest)
    list(cohort.read_cohort(cases, out, FakeOpener(journal=journal, seconds=600.0)))
"""


def test_the_reading_process_ends_with_its_parent(tmp_path: Path) -> None:
    manifest, journal = write_inputs(tmp_path / "in", {"a": "FLAG"}), tmp_path / "journal"
    program = tmp_path / "parent.py"
    program.write_text(PARENT)
    command = [sys.executable, str(program), str(manifest), str(tmp_path / "out"), str(journal)]
    parent = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    until(journal.is_file)
    tasks = Path(f"/proc/{parent.pid}/task")
    children = {child for task in tasks.iterdir() for child in (task / "children").read_text().split()}
    assert children
    parent.kill()
    parent.wait()
    until(lambda: not any(is_alive(child) for child in children))


def is_alive(process: str) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
