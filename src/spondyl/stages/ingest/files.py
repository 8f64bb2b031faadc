"""The files of an input: one file, a folder of any depth, or the members of a zip, read-only."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol

from spondyl.domain.refusal import RefusalCode
from spondyl.stages.ingest.refused import refuse
from spondyl.stages.ingest.settings import Settings

_CHUNK_BYTES = 1 << 20


class InputFile(Protocol):
    """One file of the input. Its name is not part of it: names may hold patient identifiers."""

    def read(self) -> bytes:
        """Whole content."""
        ...

    def start(self, n_bytes: int) -> bytes:
        """First bytes, fewer where the file is shorter."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFile:
    """A file on disk."""

    path: Path

    def read(self) -> bytes:
        """Whole content."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            _refuse_vanished()
        except OSError as error:
            refuse_os_error(error)

    def start(self, n_bytes: int) -> bytes:
        """First bytes, fewer where the file is shorter."""
        try:
            with self.path.open("rb") as stream:
                return stream.read(n_bytes)
        except FileNotFoundError:
            _refuse_vanished()
        except OSError as error:
            refuse_os_error(error)


def _refuse_vanished() -> NoReturn:
    refuse(
        RefusalCode.UNREADABLE,
        "A file of the input vanished while it was read.",
        "an input that does not change; wait until it is complete.",
    )


def refuse_os_error(error: OSError) -> NoReturn:
    """Turn an error of the operating system into a refusal without naming the file.

    Raises:
        RefusedError: always.
    """
    if isinstance(error, FileNotFoundError):
        refuse(RefusalCode.NOT_FOUND, "The path does not exist.", "the path of a CT: folder, zip or file.")
    if isinstance(error, PermissionError):
        refuse(
            RefusalCode.NO_PERMISSION,
            "A file or folder of the input may not be read by this user.",
            "read permission for everything in the input.",
        )
    name = errno.errorcode.get(error.errno or 0, "unknown error")
    refuse(
        RefusalCode.UNREADABLE, f"The input could not be read ({name}).", "a readable disk or network share."
    )


def list_folder(folder: Path, settings: Settings) -> list[DiskFile]:
    """List the regular files of a folder of any depth, in order of their paths.

    Links to folders are not followed (they may lead in circles), nor are devices and pipes opened.

    Raises:
        RefusedError: NO_PERMISSION, EMPTY_INPUT, TOO_LARGE.
    """
    paths: list[Path] = []
    n_bytes = 0
    for root, folders, names in os.walk(folder, onerror=refuse_os_error):
        folders.sort()
        for name in sorted(names):
            path = Path(root) / name
            try:
                status = path.stat()
            except FileNotFoundError:
                continue  # a dangling link
            except OSError as error:
                refuse_os_error(error)
            if stat.S_ISREG(status.st_mode):
                paths.append(path)
                n_bytes += status.st_size
                check_size(len(paths), n_bytes, settings)
    if not paths:
        refuse(
            RefusalCode.EMPTY_INPUT, "The folder holds no files.", "a folder with the slices of one CT study."
        )
    return [DiskFile(path=path) for path in paths]


def check_size(n_files: int, n_bytes: int, settings: Settings) -> None:
    """Refuse an input that is too large to be one study.

    Raises:
        RefusedError: TOO_LARGE.
    """
    if n_files > settings.max_files:
        refuse(
            RefusalCode.TOO_LARGE,
            f"The input holds more than {settings.max_files} files.",
            "the folder of one study, not of an archive.",
        )
    if n_bytes > settings.max_input_bytes:
        refuse(
            RefusalCode.TOO_LARGE,
            f"The input holds more than {settings.max_input_bytes} bytes.",
            "the folder of one study, not of an archive.",
        )


def hash_content(content: bytes) -> str:
    """SHA-256 of one file's content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a file on disk, read in chunks."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        refuse_os_error(error)
    return digest.hexdigest()


def hash_input(file_hashes: list[str]) -> str:
    """SHA-256 over the sorted hashes of all files: independent of names, folders and order."""
    return hash_content("\n".join(sorted(file_hashes)).encode())
