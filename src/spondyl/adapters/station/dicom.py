"""The station's DICOM node: studies come in by C-STORE, results go out and are asked for again."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from spondyl.adapters.delivery import Record, deliver_once, find_outgoing
from spondyl.adapters.dicom_node import (
    DimseChannel,
    Inbox,
    Peer,
    QuietSettings,
    QuietTimer,
    Receiver,
    ReceiveSettings,
    SendSettings,
    Tell,
)
from spondyl.adapters.station import studies
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.settings import DicomSettings
from spondyl.adapters.station.tables import Study
from spondyl.adapters.station.upload import facts_of_folder
from spondyl.adapters.station.workflow import NotSentError
from spondyl.worklist.states import StudyState

_TAKEN = "taken"  # in a study's folder of the inbox: the fingerprint of what was handed on
_LEAST_FREE_BYTES = 512 * 2**20
_PATIENCE_TIMES = 6.0  # an association that is open or was cut off is waited for this much longer. Ours


class Node:
    """A running node over the station's folder; a context manager. ``step`` hands on what is complete."""

    def __init__(
        self, station: Station, settings: DicomSettings, submit: Callable[[str], None], tell: Tell
    ) -> None:
        """Take the inbox for this process.

        Raises:
            InboxError: another process listens over this folder.
            OSError: the folder cannot be written.
        """
        self._station, self._submit = station, submit
        quiet = QuietSettings(quiet_s=settings.quiet_s, patience_s=settings.quiet_s * _PATIENCE_TIMES)
        self._timer = QuietTimer(quiet, time.monotonic)
        self._inbox = Inbox(station.settings.folder / "dicom", least_free_bytes=_LEAST_FREE_BYTES).open()
        listen = Peer(ae_title=settings.ae_title, host=settings.host, port=settings.port)
        receiving = ReceiveSettings(listen=listen, known_ae_titles=settings.known_callers)
        self.receiver = Receiver(settings=receiving, inbox=self._inbox, timer=self._timer, tell=tell)
        for study in self._inbox.studies():
            if self._inbox.content(study)[0] != self._taken(study):
                self._timer.touch(study, None)

    def __enter__(self) -> Node:
        """Listen."""
        self.receiver.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop listening; what was acknowledged stays in the inbox."""
        self.receiver.__exit__(*error)
        self._inbox.close()

    def step(self) -> int:
        """Hand on every study that has been quiet for long enough; gives how many.

        Raises:
            OSError, SQLAlchemyError: of the last one that could not be handed on (disk, database); each such
                one is tried again when it has been quiet once more.
        """
        quiet = self._timer.take_quiet()
        problem: OSError | SQLAlchemyError | None = None
        for name in quiet:
            try:
                self._hand_on(name)
            except (OSError, SQLAlchemyError) as error:
                self._timer.touch(name, None)
                problem = error
        if problem is not None:
            raise problem
        return len(quiet)

    def _hand_on(self, name: str) -> None:
        """Register a study, link its files to the station's folder, and give it to the workers.

        The mark is written last: after a death before it all of it is done again, to the same end.
        """
        content, _ = self._inbox.content(name)
        objects = self._inbox.objects_folder(name)
        facts = facts_of_folder(objects)
        if facts is None:
            return
        station = self._station
        with station.database.writing() as session:
            study, _ = studies.register(session, station, facts, "dicom", "dicom")
            _link(objects, station.incoming(study.study_id))
            study.has_images = True
            studies.move(session, station, study, StudyState.COMPLETE, "dicom")
        self._submit(study.study_id)
        (self._inbox.study_folder(name) / _TAKEN).write_text(content, encoding="ascii")

    def _taken(self, name: str) -> str:
        path = self._inbox.study_folder(name) / _TAKEN
        return path.read_text(encoding="ascii") if path.is_file() else ""


def sender(station: Station, settings: DicomSettings) -> Callable[[str], None] | None:
    """What brings a study's results to their destination and asks for them; None where there is none."""
    if settings.destination_host is None:
        return None
    peer = Peer(
        ae_title=settings.destination_ae_title, host=settings.destination_host, port=settings.destination_port
    )
    channel = DimseChannel(peer=peer, settings=SendSettings(calling_ae_title=settings.ae_title))

    def send(study_id: str) -> None:
        folder = station.results(study_id) / "dicom"
        files, _ = find_outgoing(folder) if folder.is_dir() else ([], [])
        if not files:
            return
        with station.database.reading() as session:
            number = session.get_one(Study, study_id).analysis
        record = Record(folder.with_name(f"sent-{number}.json"))
        summary = deliver_once(files, channel, record)
        if not summary.is_over:
            raise NotSentError(f"{summary.pending} objects are not at their destination yet")

    return send


def _link(objects: Path, folder: Path) -> None:
    """The inbox's files under the study's folder, without copying where the disk allows it."""
    fresh, old = folder.with_name("incoming.new"), folder.with_name("incoming.old")
    for left in (fresh, old):
        shutil.rmtree(left, ignore_errors=True)
    fresh.mkdir(parents=True)
    for path in objects.iterdir():
        try:
            os.link(path, fresh / path.name)
        except OSError:
            shutil.copyfile(path, fresh / path.name)
    if folder.exists():
        folder.replace(old)
    fresh.replace(folder)
    shutil.rmtree(old, ignore_errors=True)
