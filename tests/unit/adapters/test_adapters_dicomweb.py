"""STOW-RS to a server that misbehaves: what its answer names counts, and nothing else."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dicomweb_client", reason="the extra node is not installed")

from pydicom import dcmread
from pydicom.uid import UID

from node_peers import SC, uid, write_study
from spondyl.adapters.delivery import (
    Outcome,
    Outgoing,
    Patience,
    Record,
    deliver,
    deliver_once,
    find_outgoing,
)
from spondyl.adapters.dicomweb import DicomwebChannel, Settings

# the number of the request, the UIDs in it: the HTTP status, the UIDs named as stored, the failures by UID
Answer = tuple[int, list[str], dict[str, int]]
Script = Callable[[int, list[str]], Answer]


def everything(_: int, sent: list[str]) -> Answer:
    return 200, sent, {}


class Server(ThreadingHTTPServer):
    """Keeps what it says that it stored, but for ``forgets``."""

    def __init__(self, script: Script, forgets: tuple[str, ...]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = script
        self.forgets = list(forgets)
        self.requests: list[list[str]] = []
        self.tokens: set[str | None] = set()
        self.stored = Counter[str]()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        found = re.search(r'boundary="?([^";]+)', self.headers["Content-Type"])
        assert found is not None
        parts = content.split(b"--" + found[1].encode())[1:-1]
        files = [BytesIO(part.split(b"\r\n\r\n", 1)[1]) for part in parts]
        sent = [str(dcmread(file, stop_before_pixels=True).SOPInstanceUID) for file in files]
        self.server.requests.append(sent)
        self.server.tokens.add(self.headers["Authorization"])
        status, named, failed = self.server.script(len(self.server.requests), sent)
        for instance in named:
            if instance in self.server.forgets:
                self.server.forgets.remove(instance)
            else:
                self.server.stored[instance] += 1
        self._answer(status, {"00081199": _items(dict.fromkeys(named)), "00081198": _items(failed)})

    def do_GET(self) -> None:
        first = int((re.findall(r"offset=(\d+)", self.path) or ["0"])[0])
        there = list(self.server.stored)[first:]
        self._answer(200, [{"00080018": {"vr": "UI", "Value": [instance]}} for instance in there])

    def _answer(self, status: int, document: object) -> None:
        content = json.dumps(document).encode() if status else b""
        if not status:  # hang up in the midst of it
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/dicom+json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Silent."""


def _items(reasons: dict[str, Any]) -> dict[str, object]:
    items: list[dict[str, object]] = []
    for instance, reason in reasons.items():
        item: dict[str, object] = {"00081155": {"vr": "UI", "Value": [instance]}}
        if reason is not None:
            item["00081197"] = {"vr": "US", "Value": [reason]}
        items.append(item)
    return {"vr": "SQ", "Value": items}


StartServer = Callable[..., tuple[Server, DicomwebChannel]]


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    started: list[Server] = []

    def start(
        script: Script = everything, *, forgets: tuple[str, ...] = (), **settings: Any
    ) -> tuple[Server, DicomwebChannel]:
        server = Server(script, forgets)
        started.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server, DicomwebChannel(
            url=f"http://127.0.0.1:{server.server_address[1]}", settings=Settings(**settings)
        )

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture
def files(tmp_path: Path) -> list[Outgoing]:
    write_study(tmp_path / "study", 7, 3)
    return find_outgoing(tmp_path / "study")[0]


A, B, C = (uid(7, 2, number) for number in range(3))
PATIENCE = Patience(attempts=4, first_wait_s=0.0)


def test_objects_go_in_one_request_and_are_asked_for(
    start_server: StartServer, files: list[Outgoing]
) -> None:
    server, channel = start_server(token="secret")
    assert deliver_once(files, channel, Record()).verified == 3
    assert server.requests == [[A, B, C]]
    assert server.tokens == {"Bearer secret"}


def test_each_class_has_its_own_request(
    start_server: StartServer, files: list[Outgoing], tmp_path: Path
) -> None:
    data = dcmread(files[1].path)
    data.SOPClassUID = SC
    data.file_meta.MediaStorageSOPClassUID = UID(SC)
    data.save_as(files[1].path, enforce_file_format=True)
    server, channel = start_server()
    assert deliver_once(find_outgoing(tmp_path / "study")[0], channel, Record()).verified == 3
    assert sorted(server.requests) == [[A, C], [B]]


FAULTS: dict[str, Script] = {
    "answers 503 twice": lambda number, sent: (503, [], {}) if number <= 2 else (200, sent, {}),
    "hangs up twice": lambda number, sent: (0, [], {}) if number <= 2 else (200, sent, {}),
    "names one at a time": lambda number, sent: (202, sent[:1], {}),
    "names none, with success": lambda number, sent: (200, [] if number == 1 else sent, {}),
    "is out of resources": lambda number, sent: (
        (409, [], dict.fromkeys(sent, 0xA700)) if number == 1 else (200, sent, {})
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_passes_by_itself_is_tried_again_until_all_are_there_once(
    start_server: StartServer, files: list[Outgoing], fault: str
) -> None:
    server, channel = start_server(FAULTS[fault])
    summary = deliver(files, channel, Record(), PATIENCE, lambda _: None)
    assert (summary.verified, summary.refused, summary.pending) == (3, 0, 0)
    assert server.stored == {A: 1, B: 1, C: 1}


def test_one_refused_object_does_not_hold_up_the_others(
    start_server: StartServer, files: list[Outgoing]
) -> None:
    server, channel = start_server(lambda _, sent: (202, [x for x in sent if x != B], {B: 0x0122}))
    record = Record()
    summary = deliver(files, channel, record, PATIENCE, lambda _: None)
    assert (summary.verified, summary.refused, summary.reasons) == (2, 1, ("status 0122",))
    assert record[B].outcome is Outcome.REFUSED
    assert server.requests == [[A, B, C]]  # what is refused is not sent again


def test_what_was_named_and_lost_is_sent_again(start_server: StartServer, files: list[Outgoing]) -> None:
    server, channel = start_server(forgets=(B,))
    assert deliver(files, channel, Record(), PATIENCE, lambda _: None).verified == 3
    assert server.requests == [[A, B, C], [B]]


def test_a_server_that_does_not_let_us_in_is_told(start_server: StartServer, files: list[Outgoing]) -> None:
    _, channel = start_server(lambda *_: (401, [], {}))
    summary = deliver(files, channel, Record(), PATIENCE, lambda _: None)
    assert (summary.refused, summary.reasons) == (3, ("the server answered HTTP 401",))


def test_a_silent_server_is_not_waited_for_for_ever(start_server: StartServer, files: list[Outgoing]) -> None:
    def silent(_: int, sent: list[str]) -> Answer:
        time.sleep(1.0)
        return 200, sent, {}

    _, channel = start_server(silent, answer_timeout_s=0.2)
    summary = deliver_once(files, channel, Record())
    assert summary.pending == 3
    assert "no answer from the server" in summary.reasons[0]
