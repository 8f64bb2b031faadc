from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from spondyl import weights

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, content: bytes = b"onnx", sha256: str | None = None) -> None:
    (folder / "finder.onnx").write_bytes(content)
    digest = sha256 or hashlib.sha256(content).hexdigest()
    (folder / "weights.json").write_text(
        json.dumps({"networks": {"finder": {"version": "1", "sha256": digest}}})
    )


def test_a_network_comes_with_its_version_and_checked_content(tmp_path: Path) -> None:
    write(tmp_path)
    found = weights.load("finder", tmp_path)
    assert (found.name, found.version, found.content) == ("finder", "1", b"onnx")
    assert found.sha256 == hashlib.sha256(b"onnx").hexdigest()


def test_one_changed_byte_is_noticed(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "finder.onnx").write_bytes(b"onnX")
    with pytest.raises(weights.WeightsError, match="damaged or exchanged"):
        weights.load("finder", tmp_path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "finder.onnx").unlink()
    with pytest.raises(weights.WeightsError, match="cannot be read"):
        weights.load("finder", tmp_path)


def test_a_folder_without_manifest_is_told(tmp_path: Path) -> None:
    with pytest.raises(weights.WeightsError, match="holds no networks"):
        weights.load("finder", tmp_path)


@pytest.mark.parametrize("text", ["", "[]", '{"networks": {}}', '{"networks": {"finder": {"version": "1"}}}'])
def test_a_manifest_that_says_nothing_of_the_network_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "weights.json").write_text(text)
    with pytest.raises(weights.WeightsError, match="does not describe"):
        weights.load("finder", tmp_path)
