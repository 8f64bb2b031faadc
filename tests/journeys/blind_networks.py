"""Networks that see background everywhere, for journeys that end before a vertebra is found."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from spondyl.domain import channels

onnx = pytest.importorskip("onnx", reason="the package onnx (test extra) makes the networks")


def write_blind_networks(folder: Path) -> Path:
    """Write finder, refiner and their manifest; gives the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = {}
    for name, patch, outputs in (
        ("finder", channels.FINDER_PATCH, channels.FINDER_OUTPUTS),
        ("refiner", channels.REFINER_PATCH, channels.REFINER_OUTPUTS),
    ):
        content = _constant_network(patch, outputs)
        (folder / f"{name}.onnx").write_bytes(content)
        entries[name] = {"version": "blind", "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "weights.json").write_text(json.dumps({"networks": entries}))
    return folder


def _constant_network(patch: tuple[int, int, int], outputs: int) -> bytes:
    """One convolution with zero weights whose bias says "background"."""
    helper, tensor, numpy_helper = onnx.helper, onnx.TensorProto, onnx.numpy_helper
    bias = np.full(outputs, -10.0, np.float32)
    bias[0] = 10.0
    graph = helper.make_graph(
        [helper.make_node("Conv", ["patch", "weights", "bias"], ["output"], kernel_shape=[1, 1, 1])],
        "blind",
        [helper.make_tensor_value_info("patch", tensor.FLOAT, [1, 1, *patch])],
        [helper.make_tensor_value_info("output", tensor.FLOAT, [1, outputs, *patch])],
        [
            numpy_helper.from_array(np.zeros((outputs, 1, 1, 1, 1), np.float32), "weights"),
            numpy_helper.from_array(bias, "bias"),
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())
