"""TLS: an authority's caller gets through, a stranger does not."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from node_caller import Caller
from node_started import StartNode
from spondyl.adapters.dicom_node import NoAssociationError, Tls, echo, new_entity

pytestmark = [
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates"),
    # pynetdicom leaves the closing of a failed connection's socket to the collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate of loopback, and its key."""
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
         "-addext", "subjectAltName=IP:127.0.0.1", "-out", paths[0], "-keyout", paths[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    return paths


def test_only_a_caller_whom_we_believe_gets_an_answer(start_node: StartNode, tmp_path: Path) -> None:
    (ours, our_key), (theirs, their_key) = certificate(tmp_path, "node"), certificate(tmp_path, "caller")
    node = start_node(tls=Tls(certificate=ours, key=our_key, authorities=theirs))
    echo(new_entity("A", 5), node.peer, Tls(certificate=theirs, key=their_key, authorities=ours))
    with pytest.raises(NoAssociationError):
        echo(new_entity("A", 5), node.peer, Tls(authorities=ours))  # shows no certificate
    with pytest.raises(NoAssociationError):
        echo(new_entity("A", 5), node.peer, Tls(certificate=theirs, key=their_key, authorities=theirs))
    with pytest.raises(NoAssociationError):
        echo(new_entity("A", 5), node.peer, None)


def test_an_open_association_is_cut_off_at_the_end(start_node: StartNode, tmp_path: Path) -> None:
    ours, our_key = certificate(tmp_path, "node")
    node = start_node(tls=Tls(certificate=ours, key=our_key), answer_timeout_s=30.0)
    context = ssl.create_default_context(cafile=ours)
    with (
        socket.create_connection(("127.0.0.1", node.receiver.port), timeout=5) as bare,
        context.wrap_socket(bare, server_hostname="127.0.0.1") as stream,
    ):
        caller = Caller(stream)
        caller.associate()
        started_s = time.monotonic()
        node.receiver.__exit__()
        assert time.monotonic() - started_s < 5
