"""Orthanc and DCMTK from Debian, on loopback in a network of their own."""

from __future__ import annotations

import gc
import json
import logging
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("pynetdicom", reason="the extra node is not installed")

from node_peers import free_port, private_network, wait_until
from orthanc_peer import PLUGINS, Orthanc, require_program

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "dicom-network.md"


@pytest.fixture(scope="module")
def private() -> Iterator[None]:
    """A network of this test module alone."""
    require_program("ip")
    try:
        with private_network():
            yield
    except PermissionError:
        pytest.skip("this process may not make a network namespace (root may)")


@pytest.fixture(scope="module")
def orthanc(private: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with _running(tmp_path_factory.mktemp("orthanc")) as server:
        yield server


@pytest.fixture
def forwarding_orthanc(private: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """An Orthanc with the script of our page on networks."""
    folder = tmp_path_factory.mktemp("forwarding")
    [script] = re.findall(r"```lua\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    (folder / "spondyl.lua").write_text(script)
    with _running(folder, LuaScripts=[str(folder / "spondyl.lua")]) as server:
        yield server


@contextmanager
def _running(folder: Path, **more: object) -> Iterator[Orthanc]:
    program = require_program("Orthanc")
    if not PLUGINS.exists():
        pytest.skip("orthanc-dicomweb is not installed (apt-get install orthanc-dicomweb)")
    server = Orthanc(dicom_port=free_port(), http_port=free_port(), our_port=free_port())
    # one file and not the package's folder, which adds ports and plug-ins of its own
    config = {
        "StorageDirectory": str(folder), "IndexDirectory": str(folder), "HttpPort": server.http_port,
        "DicomPort": server.dicom_port, "DicomAet": "ORTHANC", "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False, "DicomCheckCalledAet": False, "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowFind": True, "DicomAlwaysAllowMove": True,
        "DicomModalities": {"SPONDYL": ["SPONDYL", "127.0.0.1", server.our_port]},
        "Plugins": [str(PLUGINS)], "DicomWeb": {"Enable": True, "Root": "/dicom-web/"}, "StableAge": 2,
        **more,
    }  # fmt: skip
    (folder / "orthanc.json").write_text(json.dumps(config))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, str(folder / "orthanc.json")],
            stdout=log, stderr=log, env={**os.environ, "TCP_NODELAY": "1"},
        )  # fmt: skip
    try:
        wait_until(lambda: _answers(server), 60)
        yield server
    finally:
        process.terminate()
        process.wait(20)


def _answers(server: Orthanc) -> bool:
    try:
        return bool(server.ask("/system"))
    except OSError:
        return False


@pytest.fixture(autouse=True)
def _sockets_collected() -> Iterator[None]:
    """pynetdicom leaves a failed connection's socket to the collector: not in the next test.

    Its logged exceptions would keep the socket alive for longer; the program logs none either.
    """
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
    gc.collect()
