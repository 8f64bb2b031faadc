"""Rate, memory and overhead of a cohort run, on one machine and by workers that share a PostgreSQL.

``python benchmarks/cohort.py [--cases 200] [--made 8] [--database URL] [--workers 3] [--kills 20]``

The cases are small synthetic CTs: ``--made`` different ones, each under several case ids, and one that kills
whoever reads it. They are read by one process of this machine, then, where ``--database`` is given, by
``--workers`` worker programs, of which one is killed (kill -9) and replaced ``--kills`` times at random; the
tables of both must be equal to the byte. With ``--folder`` the CTs and results stay, and the same command
goes on where it was ended. Overhead is the time between the end of one reading and the beginning of
the next in the same process (keys, folders, queue, database), as a share of the reading.

``--pace S`` reads nothing: each case takes S seconds of sleep, and its results are those of the first CT. It
shows the engine alone; other programs on the machine slow down the engine then, and not the sleep.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from spondyl.adapters import cohort
from spondyl.adapters.durable import let_workers_read, serve
from spondyl.domain.finding import Manifest
from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.settings import load
from spondyl.study.tables import CaseRow
from spondyl.synthetic import Deformity, make_ct
from spondyl.synthetic.dicom import write_series
from spondyl.wiring import Reader, ReaderOpener

SPACING_MM, PIXEL_MM, FIELD_MM = 3.0, 1.0, 140.0
FIRST, LAST = Level.T12, Level.L3
POISON = "poison"  # name of the case that kills its reader
LOSS_FRACTION = 0.4
BROKEN_EVERY = 2  # every second CT has a broken L1
AIM_OVERHEAD = 0.05
ALONE, SHARED = "alone", "shared"  # the cohorts' folders; the journals have the same names


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedOpener:
    """Opens a reader that writes down when each reading began and ended.

    pace_s: sleep instead of reading, and give the results that lie in ``results``.
    """

    real: ReaderOpener
    journal: Path
    pace_s: float | None
    results: Path

    def __call__(self) -> TimedReader:
        """Open the networks."""
        return TimedReader(opener=self, reader=self.real())


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedReader:
    """See TimedOpener."""

    opener: TimedOpener
    reader: Reader

    @property
    def manifest(self) -> Manifest:
        """What reads."""
        return self.reader.manifest

    def read(self, path: Path, out: Path) -> None:
        """Read or sleep, and write down when."""
        began = time.monotonic()
        if path.name == POISON:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.opener.pace_s is None:
            self.reader.read(path, out)
        else:
            time.sleep(self.opener.pace_s)
            shutil.copytree(self.opener.results, out, dirs_exist_ok=True)
        with self.opener.journal.open("a") as stream:
            stream.write(f"{os.getpid()} {began} {time.monotonic()}\n")


def make_cases(folder: Path, cases: int, made: int) -> Path:
    """Synthetic CTs and the manifest that names each several times; gives the manifest."""
    if (folder / "manifest.csv").is_file():
        return folder / "manifest.csv"
    folder.mkdir(parents=True)
    (folder / POISON).mkdir()
    for number in range(made):
        wedge = Deformity(shape=Shape.WEDGE, loss_fraction=LOSS_FRACTION)
        fractures = ((Level.L1, wedge),) if number % BROKEN_EVERY == 0 else ()
        ct = make_ct(
            number + 1,
            SPACING_MM,
            fractures=fractures,
            first=FIRST,
            last=LAST,
            pixel_spacing_mm=PIXEL_MM,
            field_of_view_mm=FIELD_MM,
        )
        write_series(ct.volume, folder / f"ct{number}", seed=number + 1)
    lines = ["case_id,path", *(f"case{number:04},ct{number % made}" for number in range(cases - 1))]
    lines.append(f"case{cases - 1:04},{POISON}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    return folder / "manifest.csv"


def watched(
    outcomes: Iterable[cohort.CaseOutcome], journal: Path, on_case: Callable[[int], None] = lambda _: None
) -> None:
    """Take the outcomes; print rate, overhead, and the memory of the reading process early and late."""
    started, cases, kept = time.monotonic(), 0, 0
    memory_mib, seen, failed = [], set(), []
    for cases, outcome in enumerate(outcomes, start=1):
        seen.add(outcome.state.case_id)
        kept += outcome.was_kept
        failed += [outcome.state.failure.value] if outcome.state.failure else []
        on_case(cases)
        children = multiprocessing.active_children()
        memory_mib.append(max((_resident_mib(child.pid) for child in children), default=0.0))
    passed_s = time.monotonic() - started
    rate = 60.0 * (cases - kept) / passed_s
    print(f"  {cases} cases, {len(seen)} different ones, {kept} of them read by an earlier command")
    print(f"  failed: {', '.join(failed) or 'none'}")
    print(f"  {passed_s:.0f} s with starting and opening: {rate:.1f} cases a minute")
    reading_s, between_s, readings = told(journal)
    between_ms = 1000 * between_s / readings
    print(f"  {readings} readings, {reading_s / readings:.2f} s each, {between_ms:.0f} ms between two")
    print(f"  overhead {100 * between_s / reading_s:.1f} % (aim {100 * AIM_OVERHEAD:.0f} %)")
    if max(memory_mib):
        early, late = memory_mib[len(memory_mib) // 10], memory_mib[-2]
        print(f"  memory of the reading process: {early:.0f} MiB after a tenth, {late:.0f} MiB near the end")


def told(journal: Path) -> tuple[float, float, int]:
    """Seconds of reading, seconds between two readings of one process, and the readings, of all processes."""
    by_process: dict[str, list[tuple[float, float]]] = {}
    for line in journal.read_text().splitlines():
        process, began, ended = line.split()
        by_process.setdefault(process, []).append((float(began), float(ended)))
    reading_s = sum(ended - began for spans in by_process.values() for began, ended in spans)
    between_s = sum(
        after[0] - before[1] for spans in by_process.values() for before, after in pairwise(spans)
    )
    return reading_s, between_s, sum(len(spans) for spans in by_process.values())


def _resident_mib(pid: int | None) -> float:
    """Resident memory of a process, 0 where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def opener_of(pace_s: float | None, folder: Path, journal: str) -> TimedOpener:
    """The opener for one run: networks with one thread each, as several share the cores."""
    real = ReaderOpener.of(load(threads=1))
    return TimedOpener(
        real=real, journal=folder / f"{journal}.txt", pace_s=pace_s, results=folder / "results"
    )


def main() -> None:
    """Run both and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--made", type=int, default=8)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--database")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--pace", type=float)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve is not None:
        serve(opener_of(chosen.pace, chosen.serve, SHARED), chosen.database)
        return
    with contextlib.ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="spondyl-cohort-")
        folder = chosen.folder or Path(stack.enter_context(temporary))
        manifest = make_cases(folder / "in", chosen.cases, chosen.made)
        cases = cohort.read_cases(manifest)
        opener = opener_of(chosen.pace, folder, ALONE)
        if chosen.pace is not None:
            opener.real().read(Path(cases[0].path), opener.results)
        print("one process of this machine", flush=True)
        watched(cohort.read_cohort(cases, folder / ALONE, opener), opener.journal)
        cohort.collect(folder / ALONE, cases)
        if chosen.database:
            by_workers(chosen, folder, cases, opener.real().manifest)


def by_workers(
    chosen: argparse.Namespace, folder: Path, cases: tuple[CaseRow, ...], manifest: Manifest
) -> None:
    """The same cases by worker programs, and whether their tables are the same."""
    print(f"{chosen.workers} workers that share a PostgreSQL, {chosen.kills} of them killed", flush=True)
    command = [sys.executable, __file__, "--serve", str(folder), "--database", chosen.database]
    command += ["--pace", str(chosen.pace)] if chosen.pace is not None else []
    workers = [subprocess.Popen(command) for _ in range(chosen.workers)]  # noqa: S603 - this very file
    generator = random.Random(20251)  # noqa: S311 - when to kill whom is no secret
    kill_at = set(generator.sample(range(1, len(cases)), min(chosen.kills, len(cases) - 1)))

    def kill_one(case: int) -> None:
        if case in kill_at:
            place = generator.randrange(len(workers))
            workers[place].kill()
            workers[place].wait()
            workers[place] = subprocess.Popen(command)  # noqa: S603 - this very file

    try:
        read = let_workers_read(cases, folder / SHARED, manifest, chosen.database)
        watched(read, folder / f"{SHARED}.txt", kill_one)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    cohort.collect(folder / SHARED, cases)
    for name in (cohort.STUDIES_FILE, cohort.VERTEBRAE_FILE, cohort.FAILURES_FILE):
        same = (folder / ALONE / name).read_bytes() == (folder / SHARED / name).read_bytes()
        print(f"  {name}: {'identical' if same else 'DIFFERENT'}")


if __name__ == "__main__":
    main()
