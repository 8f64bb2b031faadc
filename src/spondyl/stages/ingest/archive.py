"""A zip archive, read member by member in memory: nothing is ever extracted to disk."""

from __future__ import annotations

import stat
import zipfile
import zlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import NoReturn

from spondyl.domain.refusal import RefusalCode
from spondyl.stages.ingest.files import check_size, refuse_os_error
from spondyl.stages.ingest.refused import refuse
from spondyl.stages.ingest.settings import Settings

_ENCRYPTED = 0x1
ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZipMember:
    """One member of an open archive."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo

    def read(self) -> bytes:
        """Whole content, never more than the directory of the archive declares."""
        return self.start(self.info.file_size)

    def start(self, n_bytes: int) -> bytes:
        """First bytes; the checksum is compared where the end is reached."""
        try:
            with self.archive.open(self.info) as stream:
                content = stream.read(n_bytes)
                if n_bytes >= self.info.file_size and stream.read(1):
                    _refuse_unsafe("a member that is longer than the archive declares")
                return content
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            _refuse_damaged(error)
        except OSError as error:
            refuse_os_error(error)


def open_archive(path: Path, settings: Settings) -> list[ZipMember]:
    """List the files in a zip archive, in order of their names.

    Raises:
        RefusedError: UNSAFE_ARCHIVE for encryption, links, paths that leave the archive, members that
            overlap or unpack to far more than they hold; UNREADABLE, EMPTY_INPUT, TOO_LARGE.
    """
    try:
        archive = zipfile.ZipFile(path)  # closed with the last of its members
        infos = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeError) as error:
        _refuse_damaged(error)
    except OSError as error:
        refuse_os_error(error)
    if not infos:
        refuse(RefusalCode.EMPTY_INPUT, "The archive holds no files.", "a zip of the slices of one CT study.")
    for info in infos:
        _check_member(info)
    _check_total(infos, settings)
    infos.sort(key=lambda info: info.filename)
    return [ZipMember(archive=archive, info=info) for info in infos]


def _check_member(info: zipfile.ZipInfo) -> None:
    name = info.filename.replace("\\", "/")
    if info.flag_bits & _ENCRYPTED:
        _refuse_unsafe("an encrypted member")
    if name.startswith("/") or ".." in PurePosixPath(name).parts or ":" in name.split("/")[0]:
        _refuse_unsafe("a member whose path leads out of the archive")
    if stat.S_ISLNK(info.external_attr >> 16):
        _refuse_unsafe("a symbolic link")


def _check_total(infos: list[zipfile.ZipInfo], settings: Settings) -> None:
    n_unpacked = sum(info.file_size for info in infos)
    n_packed = sum(info.compress_size for info in infos)
    if n_unpacked > settings.archive_ratio_from_bytes and n_unpacked > settings.max_archive_ratio * n_packed:
        _refuse_unsafe(f"{n_packed} bytes that unpack to {n_unpacked}")
    spans = sorted((info.header_offset, info.compress_size) for info in infos)
    for (offset, size), (following, _) in pairwise(spans):
        if offset + size > following:
            _refuse_unsafe("members that overlap")
    check_size(len(infos), n_unpacked, settings)


def _refuse_unsafe(what: str) -> NoReturn:
    refuse(
        RefusalCode.UNSAFE_ARCHIVE,
        f"The archive holds {what}.",
        "a plain zip of the study; or unpack it yourself and give the folder.",
    )


def _refuse_damaged(error: Exception) -> NoReturn:
    refuse(
        RefusalCode.UNREADABLE,
        f"The zip archive is damaged ({type(error).__name__}).",
        "an intact zip; make or send it again.",
    )
