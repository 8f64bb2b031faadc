"""A cohort on many machines: cases queue in a PostgreSQL that all share, and workers read them (DBOS).

The results lie in a folder that all machines see under the same path; only cases and outcomes pass through
the database. A case is one workflow. Workers take only cases of a run with their own version, settings,
networks and engine, so that one cohort is never read by two kinds of reader.

A worker that dies leaves its cases begun. Each worker therefore holds a lock that the database frees when the
worker's connection is gone; the others try the locks of those who have cases in hand, and put the cases of
the dead back into the queue. A case may so be read twice, but its result is written once: see ``read_case``.
"""

from __future__ import annotations

import hashlib
import os
import platform
import threading
import time
import uuid
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from spondyl.adapters.cohort import (
    TIMEOUT_S,
    CaseOutcome,
    CaseProcess,
    Opener,
    reader_sha256,
    write_failure,
)
from spondyl.adapters.extras import ExtraMissingError
from spondyl.domain.finding import Manifest
from spondyl.study.tables import CaseRow, FailureCode

if TYPE_CHECKING:
    import psycopg

APPLICATION = "spondyl-cohort"
WORKFLOW = "read_case"
MOST_RECOVERIES = 50  # ours: deaths of workers, not failures of the case, which end it after three tries
DEAD_SOUGHT_EVERY_S = 5.0
POLLED_EVERY_S = 0.5
_OUTCOME = TypeAdapter(CaseOutcome)
_CASE = TypeAdapter(CaseRow)


class DatabaseError(Exception):
    """The database cannot be reached or used; the message holds no password."""


def let_workers_read(
    cases: Sequence[CaseRow], out: Path, manifest: Manifest, database: str
) -> Generator[CaseOutcome, None, None]:
    """Queue the cases, and give each outcome when a worker has it. Cases that wait already wait on.

    Raises:
        ExtraMissingError: DBOS is not installed.
        DatabaseError: the database cannot be reached.
    """
    dbos = _dbos()
    with _database_told():
        dbos.DBOS.migrate(database)
        client = dbos.DBOSClient(system_database_url=database, application_name=APPLICATION)
        version = reader_sha256(manifest)
        _register_queue(client, version)
        run = hashlib.sha256(f"{out} {version}".encode()).hexdigest()[:16]
        handles = [
            client.enqueue(
                {
                    "workflow_name": WORKFLOW,
                    "queue_name": _queue_name(version),
                    "workflow_id": f"{run}-{case.case_id}-{uuid.uuid4().hex[:8]}",
                    "app_version": version,
                    "deduplication_id": f"{run}-{case.case_id}",
                    "duplication_policy": "return-existing",
                },
                _CASE.dump_python(case, mode="json"),
                str(out),
            )
            for case in cases
        ]
        try:
            for case, handle in zip(cases, handles, strict=True):
                yield _outcome_of(handle, case, out)
        finally:
            client.destroy()


def serve(
    opener: Opener,
    database: str,
    *,
    timeout_s: float = TIMEOUT_S,
    stop_when_idle_s: float | None = None,
    stop: threading.Event | None = None,
) -> int:
    """Read cases of the queue until ``stop`` is set or none has waited for a while; gives how many were read.

    Raises:
        ExtraMissingError: DBOS is not installed.
        DatabaseError: the database cannot be reached.
        OSError: the results cannot be written; the case goes back into the queue.
        Exception: as the opener raises it.
    """
    dbos = _dbos()
    version = reader_sha256(opener().manifest)
    executor = f"{platform.node()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    with _database_told(), CaseProcess(opener, timeout_s=timeout_s) as process:
        dbos.DBOS.migrate(database)
        watch = _Watch(database, executor)  # before the first case is taken: who has no lock counts as dead
        worker = _Worker(process, stop or threading.Event())
        dbos.DBOS(
            config={
                "name": APPLICATION,
                "system_database_url": database,
                "application_version": version,
                "executor_id": executor,
                "log_level": "CRITICAL",
                "run_migrations": False,
            }
        )

        def read(case: dict[str, Any], out: str) -> Any:  # noqa: ANN401 - JSON; methods are none for DBOS
            return worker.read_case(case, out)

        dbos.DBOS.workflow(name=WORKFLOW, max_recovery_attempts=MOST_RECOVERIES)(read)
        dbos.DBOS.listen_queues([_queue_name(version)])
        dbos.DBOS.launch()
        try:
            _register_queue(dbos.DBOS, version)
            _stay(dbos.DBOS, worker, watch, version, stop_when_idle_s)
        finally:
            process.close()
            dbos.DBOS.destroy()
            watch.close()
    if worker.error is not None:
        raise worker.error
    return worker.read


class _Worker:
    """What the workflows of one process call: one case at a time, by one process with open networks."""

    def __init__(self, process: CaseProcess, stop: threading.Event) -> None:
        self.stop = stop
        self.error: Exception | None = None
        self.read = 0
        self._process = process
        self._one_at_a_time = threading.Lock()

    def read_case(self, case: dict[str, Any], out: str) -> Any:  # noqa: ANN401 - JSON
        """The workflow. It has no steps: run anew after a death it finds the result that is there."""
        with self._one_at_a_time:
            if self.stop.is_set():
                raise _GivenBack
            try:
                outcome = self._process.read(_CASE.validate_python(case), Path(out))
            except Exception as error:
                if not self.stop.is_set():
                    self.error = error  # told by the thread that serves
                self.stop.set()
                raise _GivenBack from error
            self.read += 1
        return _OUTCOME.dump_python(outcome, mode="json")


class _GivenBack(BaseException):
    """The case is not read and stays in hand, until others find this worker's lock free."""


class _Watch:
    """This worker's lock, and the look at the locks of others."""

    def __init__(self, database: str, executor: str) -> None:
        self._database = database
        self._executor = executor
        self._connection = self._locked()

    def put_back_cases_of_the_dead(self, dbos: Any, version: str) -> None:  # noqa: ANN401 - the DBOS class
        """Let the cases in hand of those whose lock is free wait again."""
        import psycopg

        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:  # the database was away: so is the lock
            with suppress(psycopg.Error):
                self._connection = self._locked()
            return
        in_hand = dbos.list_workflows(
            status="PENDING", app_version=version, load_input=False, load_output=False
        )
        for executor in sorted({one.executor_id for one in in_hand} - {self._executor}):
            if self._is_free(executor):
                # the library calls it private, yet names it as the way for those who keep watch themselves
                dbos._recover_pending_workflows([executor])

    def close(self) -> None:
        """Free the lock."""
        self._connection.close()

    def _locked(self) -> psycopg.Connection[Any]:
        import psycopg

        connection = psycopg.connect(_plain_url(self._database), autocommit=True)
        connection.execute("SELECT pg_advisory_lock(%s)", [_lock_number(self._executor)])
        return connection

    def _is_free(self, executor: str) -> bool:
        with self._connection.transaction():
            found = self._connection.execute(
                "SELECT pg_try_advisory_xact_lock(%s)", [_lock_number(executor)]
            ).fetchone()
        return bool(found and found[0])


def _stay(
    dbos: Any,  # noqa: ANN401 - the DBOS class
    worker: _Worker,
    watch: _Watch,
    version: str,
    stop_when_idle_s: float | None,
) -> None:
    """Stay until told to stop, or until no case has waited or been in hand for a while."""
    idle_since: float | None = None
    pause_s = DEAD_SOUGHT_EVERY_S if stop_when_idle_s is None else min(DEAD_SOUGHT_EVERY_S, stop_when_idle_s)
    while not worker.stop.wait(pause_s):
        watch.put_back_cases_of_the_dead(dbos, version)
        if stop_when_idle_s is None:
            continue
        busy = dbos.list_workflows(
            status=["ENQUEUED", "PENDING"], app_version=version, limit=1, load_input=False, load_output=False
        )
        now = time.monotonic()
        idle_since = None if busy else idle_since or now
        if idle_since is not None and now - idle_since >= stop_when_idle_s:
            return


def _register_queue(dbos_or_client: Any, version: str) -> None:  # noqa: ANN401 - DBOS or its client
    """Two cases in each worker's hand: one is read, one is there when it is done, so that none waits idly."""
    dbos_or_client.register_queue(
        _queue_name(version), worker_concurrency=2, polling_interval_sec=POLLED_EVERY_S
    )


def _outcome_of(handle: Any, case: CaseRow, out: Path) -> CaseOutcome:  # noqa: ANN401 - a DBOS handle
    """Wait for a case; one that the queue has given up is known as failed."""
    from dbos import error

    try:
        return _OUTCOME.validate_python(handle.get_result(polling_interval_sec=POLLED_EVERY_S))
    except error.DBOSException as gone:
        text = f"the queue gave the case up ({type(gone).__name__})"
        return CaseOutcome(
            state=write_failure(out, case.case_id, FailureCode.PROCESS_DIED, text), was_kept=False
        )


@contextmanager
def _database_told() -> Iterator[None]:
    """Errors of the database as one sentence, without the address, which holds a password."""
    import psycopg
    import sqlalchemy

    try:
        yield
    except (psycopg.Error, sqlalchemy.exc.SQLAlchemyError) as error:
        cause = str(error.__cause__ or error).strip().splitlines()[0][:200]
        raise DatabaseError(
            f"the database cannot be used ({type(error).__name__}: {cause}); "
            "needed is --database postgresql://USER:PASSWORD@HOST/NAME of a PostgreSQL that runs"
        ) from error


def _dbos() -> Any:  # noqa: ANN401 - the module
    try:
        import dbos
    except ImportError as error:
        raise ExtraMissingError("DBOS", "cohort") from error
    return dbos


def _queue_name(version: str) -> str:
    return f"{APPLICATION}-{version[:12]}"


def _plain_url(database: str) -> str:
    return database.replace("postgresql+psycopg://", "postgresql://", 1)


def _lock_number(executor: str) -> int:
    """The advisory lock of a worker: 64 bits, signed."""
    return int.from_bytes(hashlib.sha256(executor.encode()).digest()[:8], signed=True)
