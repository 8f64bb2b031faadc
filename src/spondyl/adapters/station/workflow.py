"""The way of a study as one durable workflow (DBOS): analysed, results sent, told. Any process may die.

Every part looks at the study's state first and moves it on when it is done, in one transaction with the
audit, so that a workflow that is begun anew goes on where the dead one stopped. What can be done twice
without harm is done at least once: results are written to the same names, messages carry the same id. A
worker says that it lives; the workflows of one that fell silent are taken over by the others.
"""

from __future__ import annotations

import os
import platform
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TypeAlias

from dbos import DBOS, DBOSClient
from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError

from spondyl.adapters.station import notify, readings, studies
from spondyl.adapters.station.analysis import Analyse
from spondyl.adapters.station.database import server_url, sqlite_url
from spondyl.adapters.station.notify import NotToldError, Post
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.tables import Heartbeat, Study
from spondyl.worklist.states import StudyState

APPLICATION = "spondyl-station"
WORKFLOW = "study"
QUEUE = "spondyl-studies"
VERSION = "1"  # of the workflow: its parts are told by the study's state, so that all versions can go on
MOST_RECOVERIES = 100  # ours: deaths of workers, not failures of the study, which has its own attempts
BEAT_S = 3.0
SILENT_S = 20.0  # a worker this long silent counts as dead. Ours: six beats missed
LOOKED_EVERY_S = 15.0
_POLL_S = 0.5

SendResults: TypeAlias = Callable[[str], None]


class NotSentError(OSError):
    """The results could not be sent now; they are tried again."""


class StudyQueue:
    """The door of the queue: any process may put a study in."""

    def __init__(self, station: Station) -> None:
        """Open the queue's database, which is made where it is not there."""
        url = queue_url(station)
        DBOS.migrate(url)
        self._client = DBOSClient(system_database_url=url, application_name=APPLICATION)

    def submit(self, study_id: str) -> None:
        """Let a study be worked on; one that is in the queue already is not put in twice."""
        self._client.enqueue(
            {
                "workflow_name": WORKFLOW,
                "queue_name": QUEUE,
                "workflow_id": f"{study_id}-{secrets.token_hex(6)}",
                "app_version": VERSION,
                "deduplication_id": study_id,
                "duplication_policy": "return-existing",
            },
            study_id,
        )

    def close(self) -> None:
        """Close the queue's database."""
        self._client.destroy()


class StudyWorker:
    """Works on studies of the queue until it is closed. One for each process."""

    def __init__(
        self,
        station: Station,
        queue: StudyQueue,
        analyse: Analyse,
        *,
        send: SendResults | None = None,
        post: Post | None = None,
    ) -> None:
        """``send`` brings the results to their destination, ``post`` a message to its receiver."""
        self._station, self._queue, self._analyse = station, queue, analyse
        self._send, self._post = send, post or notify.poster(station)
        self._stop = threading.Event()
        self.worker_id = f"{platform.node()[:24]}-{os.getpid()}-{secrets.token_hex(4)}"
        self._beat()
        url = queue_url(station)
        DBOS(
            config={
                "name": APPLICATION,
                "system_database_url": url,
                "application_version": VERSION,
                "executor_id": self.worker_id,
                "log_level": "CRITICAL",
                "run_migrations": False,
            }
        )

        @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=MOST_RECOVERIES)
        def _(study_id: str) -> str:  # a plain function: DBOS writes into what it is given
            return self._work(study_id)

        DBOS.listen_queues([QUEUE])
        DBOS.launch()
        DBOS.register_queue(
            QUEUE, worker_concurrency=max(1, station.settings.workers), polling_interval_sec=_POLL_S
        )
        self._threads = [
            threading.Thread(target=loop, name=name, daemon=True)
            for name, loop in (("beat", self._beat_on), ("look", self._look_on))
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop taking studies; what is in hand is taken over by whoever starts next."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=5.0)
        DBOS.destroy()
        with suppress(SQLAlchemyError), self._station.database.writing() as session:
            row = session.get(Heartbeat, self.worker_id)
            if row is not None:
                row.at = self._station.clock() - timedelta(seconds=2 * SILENT_S)

    def _work(self, study_id: str) -> str:
        """What the queue calls. Never an exception: it would be kept as the result of the study."""
        if self._stop.is_set():
            return "stopped"
        with suppress(NotSentError, NotToldError, SQLAlchemyError, OSError):
            work_on(self._station, study_id, self._analyse, self._send, self._post)
            return "done"
        return "later"

    def _beat(self) -> None:
        with self._station.database.writing() as session:
            row = session.get(Heartbeat, self.worker_id)
            if row is None:
                session.add(Heartbeat(worker_id=self.worker_id, at=self._station.clock()))
            else:
                row.at = self._station.clock()

    def _beat_on(self) -> None:
        while not self._stop.wait(BEAT_S):
            with suppress(SQLAlchemyError):
                self._beat()

    def _look_on(self) -> None:
        """Take over from the dead, and put in again what waits for another try."""
        while True:
            with suppress(SQLAlchemyError, OSError):
                self._take_over()
                self._put_in_again()
            if self._stop.wait(LOOKED_EVERY_S):
                return

    def _take_over(self) -> None:
        border = self._station.clock() - timedelta(seconds=SILENT_S)
        with self._station.database.reading() as session:
            alive = set(session.scalars(select(Heartbeat.worker_id).where(Heartbeat.at > border)))
        in_hand = DBOS.list_workflows(
            status="PENDING", app_version=VERSION, load_input=False, load_output=False
        )
        dead = {str(one.executor_id) for one in in_hand} - alive - {self.worker_id}
        for executor in sorted(dead):
            # the library's own call for those who keep watch themselves
            DBOS._recover_pending_workflows([executor])
        with self._station.database.writing() as session:
            old = self._station.clock() - timedelta(days=1)
            session.execute(delete(Heartbeat).where(Heartbeat.at < old))

    def _put_in_again(self) -> None:
        with self._station.database.reading() as session:
            waiting = [study.study_id for study in studies.unfinished(session)]
        for study_id in waiting:
            self._queue.submit(study_id)


def work_on(station: Station, study_id: str, analyse: Analyse, send: SendResults | None, post: Post) -> None:
    """Bring one study as far as it will go.

    Raises:
        NotSentError: the destination is away; the study stays analysed.
        NotToldError: a message could not be sent; the study stays sent.
        OSError: the disk is full or away.
    """
    _analyse_where_due(station, study_id, analyse)
    if _state(station, study_id) is StudyState.ANALYSED:
        if send is not None:
            send(study_id)
        with station.database.writing() as session:
            study = session.get_one(Study, study_id)
            if study.state == StudyState.ANALYSED:
                notify.plan_messages(session, station, study)
                studies.move(session, station, study, StudyState.SENT, "station")
    if _state(station, study_id) is StudyState.SENT:
        notify.send_messages(station, study_id, post)
        with station.database.writing() as session:
            study = session.get_one(Study, study_id)
            if study.state == StudyState.SENT:
                studies.move(session, station, study, StudyState.NOTIFIED, "station")


def queue_url(station: Station) -> str:
    """Where the queue's tables lie: in the same PostgreSQL, or in a second SQLite file beside the first."""
    if station.database.is_sqlite:
        return sqlite_url(station.settings.folder / "queue.db")
    return server_url(station.database.url)


def _analyse_where_due(station: Station, study_id: str, analyse: Analyse) -> None:
    """Analyse a complete study, as often as the settings allow where it fails; then it is given up."""
    for attempt in range(1, station.settings.analysis_attempts + 1):
        if _state(station, study_id) is not StudyState.COMPLETE:
            return
        try:
            analyse(studies.input_of(station, study_id), station.results(study_id))
            finding = studies.written_finding(station, study_id)
        except OSError:
            raise  # the disk: no fault of the study; it waits
        except Exception as error:  # noqa: BLE001 - whatever breaks in an analysis must not break the station
            _note_failure(station, study_id, attempt, error)
            continue
        with station.database.writing() as session:
            study = session.get_one(Study, study_id, with_for_update=True)
            if study.state == StudyState.COMPLETE:
                studies.keep_finding(station, study, finding)
                studies.move(session, station, study, StudyState.ANALYSED, "station")
                readings.give_out(session, station, study)
        return


def _note_failure(station: Station, study_id: str, attempt: int, error: Exception) -> None:
    with station.database.writing() as session:
        study = session.get_one(Study, study_id)
        # the kind of the error only: its text may hold what stands in the file
        study.error = f"{type(error).__name__}, attempt {attempt} of {station.settings.analysis_attempts}"
        if attempt >= station.settings.analysis_attempts and study.state == StudyState.COMPLETE:
            studies.move(session, station, study, StudyState.FAILED, "station", study.error)


def _state(station: Station, study_id: str) -> StudyState:
    with station.database.reading() as session:
        return StudyState(session.get_one(Study, study_id).state)
