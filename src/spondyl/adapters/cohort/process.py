"""A process of its own that opens the networks once and reads case after case.

A study that makes a codec or the system end its process (a crash in C, no memory left) ends this one and not
the run: the case is tried again in a fresh process, and then is known as failed.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from spondyl.adapters.cohort.case import CaseOutcome, Opener, read_case, write_failure
from spondyl.study.tables import CaseRow, FailureCode

TRIES = 3  # ours: a process may also be killed for what another program did
TIMEOUT_S = 3600.0  # ours: a whole-body CT takes minutes on two old cores
_PARENT_SEEN_EVERY_S = 1.0
_SPAWN = multiprocessing.get_context("spawn")  # inference engines do not survive a fork


@dataclass(frozen=True, slots=True)
class _Broken:
    """What the process cannot go on with: no networks, or results that cannot be written."""

    error: Exception


class CaseProcess:
    """Reads cases in another process, which is started anew where it has died.

    One thread at a time may use it. Closed by ``close`` or at the end of a with block.
    """

    def __init__(self, opener: Opener, *, timeout_s: float = TIMEOUT_S) -> None:
        self._opener = opener
        self._timeout_s = timeout_s
        self._is_closed = False
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None

    def __enter__(self) -> CaseProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, case: CaseRow, out: Path) -> CaseOutcome:
        """Read one case; see ``read_case``.

        Raises:
            OSError: the results cannot be written.
            Exception: as the opener raises it (networks missing, engine not installed).
        """
        ended = ""
        for _ in range(TRIES):
            answer = self._answer(case, out)
            if isinstance(answer, CaseOutcome):
                return answer
            if isinstance(answer, _Broken):
                self._end()
                raise answer.error
            ended = self._exit_words()
        return _failed(out, case, FailureCode.PROCESS_DIED, f"{ended}, {TRIES} times")

    def _answer(self, case: CaseRow, out: Path) -> CaseOutcome | _Broken | None:
        """What the process answers; None where it has died."""
        connection = self._started()
        try:
            connection.send((case, out))
            if connection.poll(self._timeout_s):
                answer: CaseOutcome | _Broken = connection.recv()
                return answer
        except (OSError, EOFError):
            return None
        self._end()
        return _failed(out, case, FailureCode.TIMED_OUT, f"no answer within {self._timeout_s:.0f} s")

    def close(self) -> None:
        """End the process for good, also in the middle of a case that another thread waits for."""
        self._is_closed = True
        self._end()

    def _end(self) -> None:
        if self._process is not None and self._connection is not None:
            self._connection.close()
            self._process.kill()
            self._process.join()
        self._process = self._connection = None

    def _started(self) -> Connection:
        if self._is_closed:
            raise InterruptedError("the process was closed while its case was read")
        if self._connection is None:
            self._connection, theirs = _SPAWN.Pipe()
            self._process = _SPAWN.Process(
                target=_serve, args=(theirs, self._opener, os.getpid()), daemon=True
            )
            self._process.start()
            theirs.close()
        return self._connection

    def _exit_words(self) -> str:
        """How the process ended; it is let go."""
        code = None
        if self._process is not None:
            self._process.join(_PARENT_SEEN_EVERY_S)
            code = self._process.exitcode
        self._end()
        if code is not None and code < 0:
            return f"the process was ended by {signal.Signals(-code).name}"
        return f"the process ended with {code}"


def _failed(out: Path, case: CaseRow, code: FailureCode, text: str) -> CaseOutcome:
    return CaseOutcome(state=write_failure(out, case.case_id, code, text), was_kept=False)


def _serve(connection: Connection, opener: Opener, parent: int) -> None:
    """What runs in the process: open once, then answer each case."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who ends this process
    warnings.simplefilter("ignore")  # libraries warn with values of the file that they read
    logging.disable(logging.CRITICAL)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    try:
        reader = opener()
        while True:
            case, out = connection.recv()
            connection.send(read_case(case, out, reader))
    except EOFError:
        return
    except Exception as error:  # noqa: BLE001 - the parent tells it
        with suppress(OSError):
            connection.send(_Broken(error))


def _end_with(parent: int) -> None:
    """End when the parent is gone, killed perhaps: else this process would read on beside its successor."""
    while os.getppid() == parent:
        time.sleep(_PARENT_SEEN_EVERY_S)
    os._exit(1)
