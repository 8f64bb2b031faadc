"""The folder in which received objects lie, one folder per study; every file is there whole or not at all.

    FOLDER/lock                         held by the one process that may write here
    FOLDER/partial/                     what is being written; emptied at the start
    FOLDER/studies/STUDY/objects/*.dcm  STUDY and the files' names are hashes of UIDs

Only ``partial`` ever holds half a file: a file enters ``objects`` by a rename.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Self

from spondyl.adapters.dicom_node.identity import Identity, hashed

Buffer = bytes | memoryview


class InboxError(OSError):
    """The folder cannot be used."""


class NoRoomError(OSError):
    """The disk is full, or would soon be."""


class Inbox:
    """The received studies of one folder. ``store`` may be called from many threads.

    least_free_bytes: what must stay free on the disk, so that results can still be written.
    is_synced: whether each file is forced to the disk before ``store`` returns. Without it an answered
        object survives the end of the process, but not the loss of power within the next seconds.
    """

    def __init__(self, folder: Path, *, least_free_bytes: int = 0, is_synced: bool = False) -> None:
        self.folder = folder
        self.studies_folder = folder / "studies"
        self._partial = folder / "partial"
        self._least_free_bytes = least_free_bytes
        self._is_synced = is_synced
        self._numbers = count()
        self._lock_handle: int | None = None

    def open(self) -> Self:
        """Take the folder for this process and clear away what an earlier one left half-written.

        Raises:
            InboxError: another process works in this folder.
            OSError: the folder cannot be written.
        """
        self.studies_folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            raise InboxError(
                errno.EBUSY, "another process works in this folder; end it or give another", str(self.folder)
            ) from error
        self._lock_handle = handle
        shutil.rmtree(self._partial, ignore_errors=True)
        self._partial.mkdir()
        return self

    def close(self) -> None:
        """Let another process have the folder."""
        if self._lock_handle is not None:
            os.close(self._lock_handle)
            self._lock_handle = None

    def store(self, identity: Identity, content: Iterable[Buffer]) -> bool:
        """Put one object into its study; False where the study has it already, which then stays as it is.

        Raises:
            NoRoomError: the disk is full.
            OSError: it cannot be written for another cause.
        """
        objects = self.objects_folder(hashed(identity.study_instance_uid))
        final = objects / f"{hashed(identity.sop_instance_uid)}.dcm"
        if final.exists():
            return False
        partial = self._partial / str(next(self._numbers))
        try:
            self._check_room()
            self._write(partial, content)
            try:
                partial.replace(final)
            except FileNotFoundError:  # the first of its study
                objects.mkdir(parents=True, exist_ok=True)
                partial.replace(final)
        except OSError as error:
            partial.unlink(missing_ok=True)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoRoomError(error.errno, "the disk is full") from error
            raise
        return True

    def studies(self) -> list[str]:
        """The names of all studies, sorted."""
        return sorted(path.name for path in self.studies_folder.iterdir() if path.is_dir())

    def study_folder(self, study: str) -> Path:
        """The folder of one study."""
        return self.studies_folder / study

    def objects_folder(self, study: str) -> Path:
        """The folder with the received objects of one study."""
        return self.study_folder(study) / "objects"

    def content(self, study: str) -> tuple[str, int]:
        """A fingerprint of which objects a study has now, and how many they are."""
        folder = self.objects_folder(study)
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16], len(names)

    def _check_room(self) -> None:
        if self._least_free_bytes and shutil.disk_usage(self._partial).free < self._least_free_bytes:
            raise NoRoomError(errno.ENOSPC, "less than the reserve is free")

    def _write(self, path: Path, content: Iterable[Buffer]) -> None:
        with path.open("xb", buffering=0) as stream:
            parts = [memoryview(part) for part in content]
            while parts:
                n_written = os.writev(stream.fileno(), parts)
                while parts and n_written >= len(parts[0]):
                    n_written -= len(parts.pop(0))
                if n_written:
                    parts[0] = parts[0][n_written:]
            if self._is_synced:
                os.fsync(stream.fileno())
