"""Files appear whole or not at all."""

from __future__ import annotations

import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spondyl.domain.report import ResultsNotWrittenError
from spondyl.stages.report.files import write_all


@contextmanager
def _no_file_larger_than(size: int) -> Iterator[None]:
    """As a full disk does, the system refuses to write on from a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_files_and_folders_are_made(tmp_path: Path) -> None:
    files = {tmp_path / "new" / "pictures" / "a.png": b"a", tmp_path / "new" / "b.csv": b"b"}
    assert write_all(files) == tuple(files)
    assert {path: path.read_bytes() for path in files} == files
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["b.csv", "pictures"]


def test_others_may_read_what_the_umask_lets_them_read(tmp_path: Path) -> None:
    (path,) = write_all({tmp_path / "a": b"a"})
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_a_full_disk_leaves_the_earlier_result_as_it_was(tmp_path: Path) -> None:
    write_all({tmp_path / "a": b"old a", tmp_path / "b": b"old b"})
    new = {tmp_path / "a": b"new", tmp_path / "b": bytes(3 * 2**20)}
    with _no_file_larger_than(2**20), pytest.raises(ResultsNotWrittenError) as caught:
        write_all(new, replaced=[tmp_path / "a"])
    assert "3.0 MiB free" in str(caught.value)
    assert caught.value.filename == str(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert (tmp_path / "a").read_bytes() == b"old a"
    assert (tmp_path / "b").read_bytes() == b"old b"


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"mine")
    with pytest.raises(ResultsNotWrittenError, match="a folder that may be written"):
        write_all({tmp_path / "out" / "a": b"a"})
    assert (tmp_path / "out").read_bytes() == b"mine"


def test_what_the_new_result_does_not_write_again_is_removed(tmp_path: Path) -> None:
    old, kept = tmp_path / "old.png", tmp_path / "kept.png"
    write_all({old: b"1", kept: b"1"})
    write_all({kept: b"2"}, replaced=[old, kept])
    assert [path.name for path in tmp_path.iterdir()] == ["kept.png"]
    assert kept.read_bytes() == b"2"
