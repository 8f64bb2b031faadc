"""The analysis in a process of its own, so that what breaks there breaks no page and no other study."""

from __future__ import annotations

import multiprocessing
import os
import secrets
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from pathlib import Path
from typing import Protocol, TypeAlias

from spondyl.domain.finding import StudyFinding

_FOLDER_PREFIX = "results-"


class StudyReader(Protocol):
    """Reads one study and writes its results; ``wiring.Reader`` is one."""

    def read_to_show(self, path: Path, out: Path) -> StudyFinding:
        """Read the study at ``path`` and write everything that the station shows into ``out``."""
        ...


Opener: TypeAlias = Callable[[], StudyReader]
Analyse: TypeAlias = Callable[[Path, Path], None]

_reader: StudyReader | None = None  # of the child process: opened once, then used for each study


class AnalysisProcess:
    """A child process with opened networks; one that died is started anew for the next study."""

    def __init__(self, opener: Opener, processes: int = 1) -> None:
        """``opener`` travels to the children: it must be picklable."""
        self._opener, self._processes = opener, processes
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def __call__(self, path: Path, out: Path) -> None:
        """Analyse a study; ``out`` is replaced as a whole when all of it is there.

        Raises:
            OSError: the results cannot be written.
            BrokenProcessPool: the process died.
            Exception: as the reader raises it.
        """
        pool = self._running()
        try:
            pool.submit(_read, path, out).result()
        except BrokenProcessPool:
            self._drop(pool)
            raise

    def close(self) -> None:
        """End the child."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown(wait=False, cancel_futures=True)
                self._pool = None

    def _running(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    self._processes,
                    multiprocessing.get_context("spawn"),
                    initializer=_open,
                    initargs=(self._opener,),
                )
            return self._pool

    def _drop(self, pool: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is pool:
                self._pool = None
        pool.shutdown(wait=False, cancel_futures=True)


def read_into_place(reader: StudyReader, path: Path, out: Path) -> None:
    """Read into a folder beside ``out`` that then takes its place; half a result is never seen.

    Raises:
        OSError: the results cannot be written.
    """
    fresh = out.with_name(f"{_FOLDER_PREFIX}{secrets.token_hex(6)}")
    old = out.with_name(f"{_FOLDER_PREFIX}{secrets.token_hex(6)}")
    try:
        fresh.mkdir(parents=True)
        reader.read_to_show(path, fresh)
        if out.exists():
            out.replace(old)
        fresh.replace(out)
    finally:
        for left in (fresh, old):
            shutil.rmtree(left, ignore_errors=True)


def clear_leftovers(folder: Path) -> None:
    """Remove what a process that died left half done of a study; for when no other one works on it."""
    for left in folder.glob(f"{_FOLDER_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)


def _open(opener: Opener) -> None:
    global _reader  # noqa: PLW0603 - the child's own, set once
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    _reader = opener()


def _end_with_parent() -> None:
    """End at once where the station's process was killed: the library's own child would stay for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _read(path: Path, out: Path) -> None:
    if _reader is None:
        raise RuntimeError("the reader was not opened")
    read_into_place(_reader, path, out)
