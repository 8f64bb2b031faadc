"""Writing a set of files so that a reader never finds half of it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from spondyl.domain.report import ResultsNotWrittenError


def write_all(files: Mapping[Path, bytes], *, replaced: Iterable[Path] = ()) -> tuple[Path, ...]:
    """Write every file beside its place first, then move all to their places in the order given.

    A full disk shows while the temporary files are written: nothing that stood there before is touched.
    ``replaced`` are files of an earlier result; those that the new one does not write again are removed,
    so that pictures of two studies never lie side by side.

    Raises:
        ResultsNotWrittenError: with the folder, the cause and the space that is needed.
    """
    written: list[tuple[Path, Path]] = []
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            written.append((_write_beside(path, content), path))
        for temporary, path in written:
            temporary.replace(path)
        for old in set(replaced) - set(files):
            old.unlink(missing_ok=True)
    except OSError as error:
        for temporary, _ in written:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        raise _explained(error, files) from error
    return tuple(files)


def _write_beside(path: Path, content: bytes) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes files that only their owner may read
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    return temporary


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current


def _explained(error: OSError, files: Mapping[Path, bytes]) -> ResultsNotWrittenError:
    size_mib = sum(len(content) for content in files.values()) / 2**20
    folder = os.path.commonpath([path.parent for path in files])
    text = (
        f"{error.strerror or error}: the results cannot be written. "
        f"Needed: a folder that may be written, with {size_mib:.1f} MiB free."
    )
    return ResultsNotWrittenError(error.errno, text, folder)
