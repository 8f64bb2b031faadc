"""A cohort that three workers read by way of a PostgreSQL, while workers are killed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_case_reader import MANIFEST, FakeOpener, FakeReader, write_inputs
from postgres_server import postgres
from spondyl.adapters import cohort
from spondyl.adapters.durable import DatabaseError, let_workers_read, serve
from spondyl.study.tables import CaseRow, FailureCode

TESTS = Path(__file__).resolve().parent.parent
CASES = 200
KILLS = 20
SECONDS = 0.25
PATIENCE_S = 120.0  # without a case begun


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as address:
        yield address


class Workers:
    """Worker programs, started anew when they have died."""

    def __init__(self, database: str, journal: Path, number: int) -> None:
        self.command = [sys.executable, str(TESTS / "fake_cohort_worker.py"), database, str(journal)]
        self.running = [self.start() for _ in range(number)]
        self.kills = 0
        self.journal = journal

    def start(self) -> subprocess.Popen[bytes]:
        path = os.pathsep.join([str(TESTS), *sys.path])
        return subprocess.Popen([*self.command, str(SECONDS)], env={**os.environ, "PYTHONPATH": path})

    def kill_one(self, chance: random.Random) -> None:
        place = chance.randrange(len(self.running))
        self.running[place].kill()
        self.running[place].wait()
        self.kills += 1
        self.running[place] = self.start()

    def end(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()


def read_by_workers(database: str, cases: tuple[CaseRow, ...], out: Path, workers: Workers) -> Counter[str]:
    """Let the workers read all cases, killing one now and then; gives how often each case came."""
    outcomes: Counter[str] = Counter()
    done = threading.Event()

    def watch() -> None:
        for outcome in let_workers_read(cases, out, MANIFEST, database):
            outcomes[outcome.state.case_id] += 1
        done.set()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    chance, last_s, begun = random.Random(5), time.monotonic(), 0
    while not done.wait(chance.uniform(0.2, 0.9)):
        now = len(workers.journal.read_text().split()) if workers.journal.is_file() else 0
        assert now > begun or time.monotonic() - last_s < PATIENCE_S, f"{len(outcomes)} of {len(cases)} cases"
        assert all(one.poll() is None for one in workers.running), "a worker ended that nobody had killed"
        if now > begun:  # on a slow machine workers take long to start: kill only where they have begun
            last_s, begun = time.monotonic(), now
            if workers.kills < KILLS:
                workers.kill_one(chance)
    watcher.join()
    return outcomes


@pytest.mark.slow
def test_workers_killed_at_random_give_the_tables_of_one_machine(database: str, tmp_path: Path) -> None:
    words = {f"case{n:03}": ("FLAG", "NO_FLAG", "REFUSE", "NO_FLAG")[n % 4] for n in range(CASES)}
    words["case077"] = "RAISE"
    words["case123"] = "DIE"
    cases = cohort.read_cases(write_inputs(tmp_path / "in", words))
    alone = tmp_path / "alone"
    quick = FakeOpener(journal=tmp_path / "journal-alone")
    assert len(list(cohort.read_cohort(cases, alone, quick))) == CASES
    assert cohort.collect(alone, cases)

    out, journal = tmp_path / "out", tmp_path / "journal"
    workers = Workers(database, journal, 3)
    try:
        outcomes = read_by_workers(database, cases, out, workers)
    finally:
        workers.end()
    assert workers.kills == KILLS
    assert dict(outcomes) == dict.fromkeys(words, 1)
    assert cohort.collect(out, cases)
    for name in (cohort.STUDIES_FILE, cohort.VERTEBRAE_FILE, cohort.FAILURES_FILE):
        assert (out / name).read_bytes() == (alone / name).read_bytes(), name
    states = [cohort.kept_state(out, case.case_id) for case in cases]
    assert {state.case_id: state.failure for state in states if state is not None and state.failure} == {
        "case077": FailureCode.ANALYSIS_BROKE,
        "case123": FailureCode.PROCESS_DIED,
    }
    assert not list((out / "cases").glob(".*")), "nothing half-read is left"
    # a case is begun anew only where a kill met it, and each kill meets one (or the one behind it) at most
    begun = Counter(journal.read_text().split())
    assert sum(begun.values()) - CASES <= KILLS * 2 + 2


def test_a_worker_ends_when_idle_and_takes_only_cases_of_its_kind(database: str, tmp_path: Path) -> None:
    cases = cohort.read_cases(write_inputs(tmp_path, {"a": "FLAG", "b": "NO_FLAG"}))
    other = MANIFEST.model_copy(update={"settings_sha256": "7" * 64})
    foreign = let_workers_read(cases, tmp_path / "foreign", other, database)
    own = let_workers_read(cases, tmp_path / "own", MANIFEST, database)
    queued = [threading.Thread(target=next, args=(x, None), daemon=True) for x in (foreign, own)]
    for thread in queued:
        thread.start()
    read = serve(FakeOpener(journal=tmp_path / "journal"), database, stop_when_idle_s=2.0)
    assert read == 2
    assert cohort.kept_state(tmp_path / "own", "b") is not None
    assert cohort.kept_state(tmp_path / "foreign", "a") is None


def test_a_database_that_is_away_is_told_without_its_password(tmp_path: Path) -> None:
    cases = cohort.read_cases(write_inputs(tmp_path, {"a": "FLAG"}))
    address = "postgresql://reader:geheim@127.0.0.1:1/none"
    with pytest.raises(DatabaseError, match="PostgreSQL that runs") as told:
        list(let_workers_read(cases, tmp_path, FakeReader(journal=tmp_path / "j").manifest, address))
    assert "geheim" not in str(told.value)
