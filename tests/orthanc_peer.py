"""A running Orthanc as the tests ask it, and programs of Debian that a test needs."""

from __future__ import annotations

import json
import shutil
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PLUGINS = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


def require_program(name: str) -> str:
    """The path of a program of a Debian package, or a skip."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed (apt-get install dcmtk orthanc orthanc-dicomweb)")
    return path


@dataclass(frozen=True)
class Orthanc:
    """A running Orthanc."""

    dicom_port: int
    http_port: int
    our_port: int

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.http_port}/dicom-web"

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=10) as answer:
            return json.load(answer)

    def classes(self) -> dict[str, str]:
        """SOP Instance UID of each stored object, and its SOP class."""
        found = {}
        for instance in self.ask("/instances"):
            tags = self.ask(f"/instances/{instance}/simplified-tags")
            found[tags["SOPInstanceUID"]] = tags["SOPClassUID"]
        return found

    def forget(self) -> None:
        """Delete everything that is stored."""
        for patient in self.ask("/patients"):
            address = f"http://127.0.0.1:{self.http_port}/patients/{patient}"
            urllib.request.urlopen(urllib.request.Request(address, method="DELETE"), timeout=10).close()
