"""Reading a cohort on one machine: some processes, each with its own networks, and one list of cases."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from spondyl.adapters.cohort.case import CaseOutcome, Opener
from spondyl.adapters.cohort.process import TIMEOUT_S, CaseProcess
from spondyl.study.tables import CaseRow

Outcomes: TypeAlias = "queue.SimpleQueue[CaseOutcome | Exception | None]"


def read_cohort(
    cases: Sequence[CaseRow], out: Path, opener: Opener, *, workers: int = 1, timeout_s: float = TIMEOUT_S
) -> Generator[CaseOutcome, None, None]:
    """Read the cases, and give each outcome as it comes; memory does not grow with their number.

    Closing the generator ends the processes.

    Raises:
        OSError: the results cannot be written; the cases read so far stand.
        Exception: as the opener raises it.
    """
    (out / "cases").mkdir(parents=True, exist_ok=True)
    waiting: queue.SimpleQueue[CaseRow] = queue.SimpleQueue()
    for case in cases:
        waiting.put(case)
    outcomes: Outcomes = queue.SimpleQueue()
    processes = [CaseProcess(opener, timeout_s=timeout_s) for _ in range(min(workers, len(cases)))]
    threads = [
        threading.Thread(target=_read_all, args=(process.read, waiting, out, outcomes), daemon=True)
        for process in processes
    ]
    for thread in threads:
        thread.start()
    try:
        yield from _until_all_end(outcomes, len(threads))
    finally:
        while not waiting.empty():
            waiting.get()
        for process in processes:
            process.close()


def _read_all(
    read: Callable[[CaseRow, Path], CaseOutcome],
    waiting: queue.SimpleQueue[CaseRow],
    out: Path,
    outcomes: Outcomes,
) -> None:
    """One thread: case after case until none waits; None tells the end."""
    try:
        while True:
            outcomes.put(read(waiting.get_nowait(), out))
    except queue.Empty:
        outcomes.put(None)
    except Exception as error:  # noqa: BLE001 - raised again where the outcomes are taken
        outcomes.put(error)


def _until_all_end(outcomes: Outcomes, threads: int) -> Iterator[CaseOutcome]:
    while threads:
        outcome = outcomes.get()
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is None:
            threads -= 1
        else:
            yield outcome
