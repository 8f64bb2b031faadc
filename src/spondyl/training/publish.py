"""Puts trained networks where the package reads them, with a manifest that says how each was made."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

import spondyl
from spondyl.geometry.arrays import Float32Array
from spondyl.training.checkpoint import FILE_NAME, read_checkpoint
from spondyl.training.examples import EXAMPLES
from spondyl.weights import MANIFEST_NAME, NETWORK_NAMES

HALF_TOLERANCE = 1e-2
"""Largest change of any output that storing the weights in 16 bits may cause; logits differ by units."""
MOST_BYTES = 15_000_000
_HALF_SUFFIX = "_half"
_SMALLEST_TO_HALVE = 256  # numbers; below it the file gets no smaller worth a Cast node


@dataclass(frozen=True, slots=True, kw_only=True)
class _Published:
    """One network as it will lie in the folder."""

    name: str
    content: bytes
    entry: dict[str, str | int | float | dict[str, str]]


def publish(run_folders: Sequence[Path], weights_folder: Path, *, version: str, commit: str) -> Path:
    """Copy exported networks into the weights' folder and write ``weights.json``; returns the manifest.

    Weights are stored as 16-bit floats where no output changes by more than HALF_TOLERANCE, else as they
    are; the arithmetic stays in 32 bits either way.

    Args:
        run_folders: folders of finished runs of ``train``, one per network.
        weights_folder: where the package (or ``Settings.weights_folder``) reads them.
        version: version of this set of networks.
        commit: git commit of the code that trained them; only the caller knows it.

    Raises:
        ValueError: a folder holds no finished run, a network is missing or twice, or the files are too big.
    """
    exported = [_exported(folder) for folder in run_folders]
    names = sorted(path.stem for path in exported)
    if names != sorted(NETWORK_NAMES):
        raise ValueError(f"the folders hold {names}; one run each of {sorted(NETWORK_NAMES)} is needed")
    published = [_prepare(path, version, commit) for path in exported]
    total = sum(len(x.content) for x in published)
    if total > MOST_BYTES:
        raise ValueError(f"the networks take {total} bytes; at most {MOST_BYTES} fit into the package")
    weights_folder.mkdir(parents=True, exist_ok=True)
    for network in published:
        (weights_folder / f"{network.name}.onnx").write_bytes(network.content)
    manifest = weights_folder / MANIFEST_NAME
    networks = {x.name: x.entry for x in sorted(published, key=lambda x: x.name)}
    manifest.write_text(json.dumps({"networks": networks}, indent=2) + "\n", encoding="utf-8")
    return manifest


def _exported(folder: Path) -> Path:
    """The network that a finished run exported.

    Raises:
        ValueError: checkpoint or exported network are missing.
    """
    checkpoint = folder / FILE_NAME
    exported = sorted(path for path in folder.glob("*.onnx") if path.stem in NETWORK_NAMES)
    if not checkpoint.exists() or len(exported) != 1:
        raise ValueError(
            f"{folder} holds {len(exported)} exported networks and "
            f"{'a' if checkpoint.exists() else 'no'} checkpoint; run `spondyl train` on it to the end"
        )
    return exported[0]


def _prepare(exported: Path, version: str, commit: str) -> _Published:
    """Read one run: its network, and from the checkpoint beside it how it was made."""
    state = read_checkpoint(exported.with_name(FILE_NAME))
    settings: dict[str, str] = {key: value for key, value in state["settings"].items() if key != "folder"}
    name = exported.stem
    content, stored = _smallest(exported.read_bytes(), name)
    return _Published(
        name=name,
        content=content,
        entry={
            "file": f"{name}.onnx",
            "version": version,
            "sha256": hashlib.sha256(content).hexdigest(),
            "stored": stored,
            "command": _command(settings),
            "seed": int(settings["seed"]),
            "hours": round(float(state["seconds"]) / 3600, 2),
            "iterations": int(state["iterations"]),
            "settings": settings,
            "spondyl_version": spondyl.__version__,
            "commit": commit,
        },
    )


def _command(settings: dict[str, str]) -> str:
    """The command line that starts such a run."""
    options = [f"--{key} {shlex.quote(settings[key])}" for key in ("hours", "seed", "threads", "device")]
    return f"spondyl train {settings['network']} --folder RUN {' '.join(options)}"


def _smallest(content: bytes, name: str) -> tuple[bytes, str]:
    """The network with 16-bit weights where that is harmless, and the name of the stored type."""
    halved = store_as_half(content)
    patch = np.ascontiguousarray(next(EXAMPLES[name](0, 1, 0.0)).patch)[None, None]
    change = float(np.max(np.abs(_run(halved, patch) - _run(content, patch))))
    return (halved, "float16") if change <= HALF_TOLERANCE else (content, "float32")


def _run(content: bytes, patch: Float32Array) -> Float32Array:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["output"], {"patch": patch})[0], np.float32)


def store_as_half(content: bytes) -> bytes:
    """The same network with its large weights stored as 16-bit floats, cast to 32 bits when it is opened."""
    model = onnx.load_from_string(content)
    graph = model.graph
    casts = []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _SMALLEST_TO_HALVE:
            continue
        half_name = tensor.name + _HALF_SUFFIX
        casts.append(onnx.helper.make_node("Cast", [half_name], [tensor.name], to=onnx.TensorProto.FLOAT))
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), half_name))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
