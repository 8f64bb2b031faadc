"""A receiver on loopback with short times."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pynetdicom", reason="the extra node is not installed")

from node_started import Node, StartNode
from spondyl.adapters.dicom_node import (
    Inbox,
    Peer,
    QuietSettings,
    QuietTimer,
    Receiver,
    ReceiveSettings,
)


@pytest.fixture
def start_node(tmp_path: Path) -> Iterator[StartNode]:
    """Start a receiver; it ends with the test."""
    started: list[Node] = []

    def start(
        folder: Path = tmp_path / "inbox", *, least_free_bytes: int = 0, quiet_s: float = 0.2, **receive: Any
    ) -> Node:
        inbox = Inbox(folder, least_free_bytes=least_free_bytes).open()
        timer = QuietTimer(QuietSettings(quiet_s=quiet_s, patience_s=1.0), time.monotonic)
        settings = ReceiveSettings(listen=Peer(ae_title="SPONDYL", host="127.0.0.1", port=0), **receive)
        node = Node(receiver=Receiver(settings=settings, inbox=inbox, timer=timer, tell=lambda _: None),
                    inbox=inbox, timer=timer)  # fmt: skip
        node.receiver.tell = node.told.append
        node.receiver.__enter__()
        started.append(node)
        return node

    yield start
    for node in started:
        node.receiver.__exit__()
        node.inbox.close()


@pytest.fixture
def node(start_node: StartNode) -> Node:
    return start_node()


@pytest.fixture(autouse=True)
def _sockets_collected() -> Iterator[None]:
    """pynetdicom leaves a failed connection's socket to the collector: not in the next test.

    Its logged exceptions would keep the socket alive for longer; the program logs none either.
    """
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
    gc.collect()
