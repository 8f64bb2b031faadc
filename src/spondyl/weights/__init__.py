"""The shipped networks: where their files lie, what they are, and that they are what they claim.

``weights.json`` beside the ONNX files names for each its version, SHA-256, and how it was trained.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
MANIFEST_NAME = "weights.json"
NETWORK_NAMES = ("finder", "refiner")


class WeightsError(Exception):
    """A network file is missing or is not the one that the manifest names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFile:
    """One network file whose content has been checked.

    sha256: of the content, lower-case hexadecimal; equals the manifest's.
    content: the ONNX bytes. The checked bytes travel, not the path: what was verified is what runs.
    """

    name: str
    version: str
    sha256: str
    content: bytes


def load(name: str, folder: Path = FOLDER) -> NetworkFile:
    """Read one network and verify its SHA-256 against ``weights.json``.

    Raises:
        WeightsError: no manifest, no such entry, no file, or another content than named.
    """
    entry = _entry(name, folder)
    path = folder / entry["file"]
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"the network file {path} cannot be read ({error.strerror}); reinstall spondyl"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != entry["sha256"]:
        raise WeightsError(
            f"{path} has SHA-256 {found[:16]}…, {entry['sha256'][:16]}… is expected: the file was damaged or "
            f"exchanged; reinstall spondyl, or name the new file's SHA-256 in {folder / MANIFEST_NAME}"
        )
    return NetworkFile(name=name, version=entry["version"], sha256=found, content=content)


def _entry(name: str, folder: Path) -> dict[str, str]:
    """The manifest's entry of one network: file, version, sha256."""
    manifest = folder / MANIFEST_NAME
    try:
        networks = json.loads(manifest.read_text(encoding="utf-8"))["networks"]
        entry = networks[name]
        return {
            "file": str(entry.get("file", f"{name}.onnx")),
            "version": str(entry["version"]),
            "sha256": str(entry["sha256"]).lower(),
        }
    except OSError as error:
        raise WeightsError(
            f"{manifest} cannot be read ({error.strerror}): the package holds no networks; reinstall it, "
            "or train your own with `spondyl train`"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"{manifest} does not describe the network {name!r} "
            "(networks → name → version, sha256); reinstall spondyl"
        ) from error
