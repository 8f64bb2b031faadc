"""Faults of the network and of the machine, each met by a route: what the peer has afterwards.

``python tests/node_faults.py WORK PORT PACS_PORT`` is the route's process that the kill test ends.
"""

from __future__ import annotations

import json
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from pydicom import dcmread
from pydicom.uid import generate_uid

from node_peers import (
    KEY_OBJECTS,
    ScriptedPacs,
    ct_object,
    fake_analysis,
    free_port,
    uid,
    wait_until,
    write_study,
)
from spondyl.adapters.delivery import Outcome, Patience, Record, deliver_once, find_outgoing
from spondyl.adapters.dicom_node import (
    Check,
    DimseChannel,
    Inbox,
    Peer,
    QuietSettings,
    QuietTimer,
    Receiver,
    ReceiveSettings,
    SendSettings,
    hashed,
)
from spondyl.adapters.dicom_node.identity import Identity
from spondyl.adapters.route import Route, Settings, StudyState

N_RESULTS = 3
ANALYSIS_S = 0.3
ANSWER_S = 0.15  # of the PACS, where the process is killed
LONGEST_WAIT_S = 2.5  # a study's way takes as long: objects, quiet time, analysis, results
DOING = {
    StudyState.RECEIVING: "receiving",
    StudyState.COMPLETE: "analysing",
    StudyState.ANALYSED: "sending",
    StudyState.DELIVERED: "idle",
}


def new_results(study: Path, results: Path) -> None:
    """The fake analysis with new UIDs at every run, so that two sets of results show as two."""
    fake_analysis(study, results)
    time.sleep(ANALYSIS_S)
    for path in results.iterdir():
        made = dcmread(path)
        made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = generate_uid(prefix=None)
        made.save_as(path, enforce_file_format=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    fault: str
    studies: int
    complete_once: int
    state: str
    seconds: float
    killed_while: str = ""


def open_route(
    work: Path, pacs_port: int, *, most_begun: int = 100, answer_timeout_s: float = 10.0
) -> tuple[Route, Inbox, QuietTimer]:
    """A route with short times to the PACS on that port of loopback."""
    inbox = Inbox(work).open()
    timer = QuietTimer(QuietSettings(quiet_s=0.5, patience_s=5.0), time.monotonic)
    channel = DimseChannel(
        peer=Peer(ae_title="PACS", host="127.0.0.1", port=pacs_port),
        settings=SendSettings(answer_timeout_s=answer_timeout_s),
    )
    patience = Patience(first_wait_s=0.2, longest_wait_s=1.0)
    route = Route(
        inbox,
        timer,
        new_results,
        {"pacs": channel},
        Settings(most_begun=most_begun, patience=patience),
        clock=time.monotonic,
        tell=lambda _: None,
    )
    return route, inbox, timer


def put_study(inbox: Inbox, timer: QuietTimer, study: int) -> None:
    """Lay a received study into the inbox."""

    for number in range(2):
        data = ct_object(study, number)
        identity = Identity(
            sop_class_uid=data.SOPClassUID,
            sop_instance_uid=data.SOPInstanceUID,
            study_instance_uid=data.StudyInstanceUID,
            series_instance_uid=data.SeriesInstanceUID,
        )
        path = inbox.folder / "made.dcm"
        data.save_as(path, enforce_file_format=True)
        inbox.store(identity, [path.read_bytes()])
    timer.touch(hashed(uid(study)), 1)
    timer.source_ended(1, orderly=True)


def run_route(
    name: str,
    work: Path,
    pacs: ScriptedPacs,
    *,
    n_studies: int,
    is_over: Callable[[Route], bool],
    during: Callable[[float], None] = lambda seconds: None,
    port: int | None = None,
) -> Row:
    """Route some studies to a PACS until it is over, and count what the PACS has."""
    started_s = time.monotonic()
    route, inbox, timer = open_route(work, pacs.port if port is None else port)
    try:
        for study in range(1, n_studies + 1):
            put_study(inbox, timer, study)

        def is_done() -> bool:
            during(time.monotonic() - started_s)
            route.step()
            return is_over(route)

        wait_until(is_done, 60)
        states = Counter(str(record.state) for record in route.states().values())
    finally:
        inbox.close()
    return Row(
        fault=name,
        studies=n_studies,
        complete_once=complete_once(pacs, range(1, n_studies + 1)),
        state=", ".join(f"{number} {state}" for state, number in states.items()),
        seconds=time.monotonic() - started_s,
    )


def complete_once(pacs: ScriptedPacs, studies: range) -> int:
    """How many studies have exactly one complete set of results at the PACS."""
    results = Counter(study for study, _ in pacs.stored.values())
    return sum(results[uid(study)] == N_RESULTS for study in studies)


def all_in(*states: StudyState) -> Callable[[Route], bool]:
    """Whether every study is in one of the states and nothing is left to do."""
    return lambda route: route.is_idle and all(x.state in states for x in route.states().values())


def peer_down(work: Path) -> Row:
    """Nobody listens for two seconds."""
    pacs, port = ScriptedPacs(), free_port()
    is_up: list[int] = []

    def bring_up(seconds: float) -> None:
        if seconds > 2 and not is_up:
            is_up.append(pacs.start(port))

    try:
        done = all_in(StudyState.DELIVERED)
        return run_route(
            "peer down for 2 s", work, pacs, n_studies=3, is_over=done, during=bring_up, port=port
        )
    finally:
        pacs.stop()


def refused_context(work: Path) -> Row:
    """The PACS knows no Key Object Selection; the other results must get there."""
    with ScriptedPacs(refused_classes=(KEY_OBJECTS,)) as pacs:
        row = run_route("context refused (KOS)", work, pacs, n_studies=3, is_over=all_in(StudyState.REFUSED))
        assert len(pacs.stored) == 3 * (N_RESULTS - 1)
    return row


def aborted(work: Path) -> Row:
    """The PACS aborts every fourth C-STORE."""

    def on_store(number: int, association: object) -> int | None:
        if number % 4 == 0:
            association.abort()  # type: ignore[attr-defined]
        return None

    with ScriptedPacs(on_store=on_store) as pacs:
        return run_route(
            "aborts mid-association", work, pacs, n_studies=5, is_over=all_in(StudyState.DELIVERED)
        )


def out_of_resources(work: Path) -> Row:
    """The PACS answers the first five C-STORE with A700."""
    with ScriptedPacs(on_store=lambda number, _: 0xA700 if number <= 5 else None) as pacs:
        return run_route(
            "answers A700 five times", work, pacs, n_studies=3, is_over=all_in(StudyState.DELIVERED)
        )


def slow_peer(work: Path) -> Row:
    """Every answer takes half a second."""

    def on_store(number: int, association: object) -> int | None:
        time.sleep(0.5)
        return None

    with ScriptedPacs(on_store=on_store) as pacs:
        return run_route(
            "each answer takes 0.5 s", work, pacs, n_studies=3, is_over=all_in(StudyState.DELIVERED)
        )


def slow_link(work: Path) -> Row:
    """What is sent arrives in pieces of 256 bytes, one every 20 ms."""
    with ScriptedPacs() as pacs, _slow_way(pacs.port) as port:
        done = all_in(StudyState.DELIVERED)
        return run_route("link of 13 kB/s", work, pacs, n_studies=3, is_over=done, port=port)


@contextmanager
def _slow_way(to_port: int) -> Iterator[int]:
    """A port that leads to another, slowly in both directions."""

    class Way(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", to_port)) as onwards:
                back = threading.Thread(target=_pass_on, args=(onwards, self.request))
                back.start()
                _pass_on(self.request, onwards)
                back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Way) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(256):
            time.sleep(0.02)
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def said_but_lost(work: Path) -> Row:
    """The PACS says that it stored the second and fifth object and has lost them."""
    with ScriptedPacs(forgets=(2, 5)) as pacs:
        return run_route(
            "says stored and loses it", work, pacs, n_studies=3, is_over=all_in(StudyState.DELIVERED)
        )


FAULTS = (
    peer_down, refused_context, aborted, out_of_resources, slow_peer, slow_link, said_but_lost,
)  # fmt: skip


def serve(work: Path, port: int, pacs_port: int) -> None:
    """The process that is killed: receive, analyse, send, for ever."""
    route, inbox, timer = open_route(work, pacs_port)
    settings = ReceiveSettings(listen=Peer(ae_title="SPONDYL", host="127.0.0.1", port=port))
    with Receiver(settings=settings, inbox=inbox, timer=timer, tell=lambda _: None):
        while True:
            if not route.step():
                time.sleep(0.02)


def kills(work: Path, n_kills: int, *, seed: int = 1, n_objects: int = 40) -> Row:
    """Kill the route's process (SIGKILL) at random moments, each with a new study; then let it finish.

    Moments at which the newest study had been delivered already do not count, but their studies do.
    """
    random = Random(seed)
    port = free_port()
    started_s = time.monotonic()
    killed_while = Counter[str]()
    with ScriptedPacs(on_store=_slowly) as pacs:
        senders: list[_Sender] = []
        process = _start(work / "route", port, pacs.port)
        try:
            while killed_while.total() - killed_while[DOING[StudyState.DELIVERED]] < n_kills:
                study = len(senders) + 1
                senders.append(_Sender(work / f"sent{study}", study, n_objects, port))
                senders[-1].start()
                wait_until(senders[-1].is_connected.is_set, 60)
                time.sleep(random.uniform(0.0, LONGEST_WAIT_S))
                process.send_signal(signal.SIGKILL)
                process.wait()
                killed_while[_doing(work / "route", study)] += 1
                process = _start(work / "route", port, pacs.port)
            for sender in senders:
                sender.join(120)
            wait_until(lambda: _n_delivered(work / "route") == len(senders), 120)
        finally:
            process.kill()
            process.wait()
        half_written = list((work / "route" / "studies").rglob("*.part"))
        assert not half_written
        return Row(
            fault=f"kill -9 at {n_kills} random points",
            studies=len(senders),
            complete_once=complete_once(pacs, range(1, len(senders) + 1)),
            state=f"{_n_delivered(work / 'route')} delivered",
            seconds=time.monotonic() - started_s,
            killed_while=", ".join(f"{killed_while[doing]} {doing}" for doing in DOING.values()),
        )


def _slowly(number: int, association: object) -> int | None:
    """Sending must take as long as the other parts of a study's way, to be met as often."""
    time.sleep(ANSWER_S)
    return None


def _doing(work: Path, study: int) -> str:
    """What the killed process did with its newest study, by the state that it has left behind."""
    path = work / "studies" / hashed(uid(study)) / "state.json"
    state = json.loads(path.read_text(encoding="utf-8"))["state"] if path.exists() else StudyState.RECEIVING
    return DOING[StudyState(state)]


class _Sender(threading.Thread):
    """A modality that sends its study until each object was acknowledged."""

    def __init__(self, folder: Path, study: int, n_objects: int, port: int) -> None:
        super().__init__(daemon=True)

        write_study(folder, study, n_objects)
        self.is_connected = threading.Event()
        self._files, _ = find_outgoing(folder)
        self._channel = DimseChannel(
            peer=Peer(ae_title="SPONDYL", host="127.0.0.1", port=port),
            settings=SendSettings(check=Check.NONE, answer_timeout_s=5),
        )

    def run(self) -> None:
        record = Record()
        while not deliver_once(self._files, self._channel, record).is_over:
            outcomes = {record[file.sop_instance_uid].outcome for file in self._files}
            if outcomes != {Outcome.UNSENT}:
                self.is_connected.set()
            time.sleep(0.1)
        self.is_connected.set()


def _start(work: Path, port: int, pacs_port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-W", "ignore", __file__, str(work), str(port), str(pacs_port)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _n_delivered(work: Path) -> int:
    count = 0
    for path in (work / "studies").glob("*/state.json"):
        text = path.read_text(encoding="utf-8")
        count += f'"state": "{StudyState.DELIVERED}"' in text
    return count


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
