"""The key of a case: what was read, by what. Equal keys, equal results, so that a case is read once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from spondyl.domain.finding import Manifest
from spondyl.study.tables import engine_of, networks_sha256

_UNREADABLE = "unreadable"


def reader_sha256(manifest: Manifest) -> str:
    """Fingerprint of all that changes a result besides the input: version, settings, networks, engine."""
    parts = [
        manifest.spondyl_version,
        manifest.settings_sha256,
        networks_sha256(manifest),
        engine_of(manifest),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def case_key(content_sha256: str, manifest: Manifest) -> str:
    """The key of a result."""
    return hashlib.sha256(f"{content_sha256} {reader_sha256(manifest)}".encode()).hexdigest()


def stat_sha256(path: Path) -> str:
    """Fingerprint of an input's path and its files' names, sizes and times: while it stays, the bytes do.

    With the path: two exports of equal names and sizes may carry the same times.
    """
    digest = hashlib.sha256(f"{path.absolute()}\n".encode(errors="surrogateescape"))
    for file in _files(path):
        try:
            status = file.stat()
            told = f"{file.relative_to(path)} {status.st_size} {status.st_mtime_ns}\n"
        except OSError:
            told = f"{file.relative_to(path)} {_UNREADABLE}\n"
        digest.update(told.encode(errors="surrogateescape"))
    return digest.hexdigest()


def content_sha256(path: Path) -> str:
    """Fingerprint of the bytes of an input, whatever its files are called and wherever they lie."""
    return hashlib.sha256(" ".join(sorted(_file_sha256(file) for file in _files(path))).encode()).hexdigest()


def _file_sha256(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return _UNREADABLE


def _files(path: Path) -> Iterator[Path]:
    """The file, or every file of the folder in a fixed order; none where the path does not exist."""
    if not path.is_dir():
        if path.exists():
            yield path
        return
    for folder, folders, names in os.walk(path):
        folders.sort()
        yield from (Path(folder) / name for name in sorted(names))
