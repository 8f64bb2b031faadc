"""The one interface between the stages and an inference engine, and the names of the engines."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from spondyl.geometry.arrays import Float32Array


class Engine(StrEnum):
    """An inference engine; AUTO is OpenVINO where it is installed, else ONNX Runtime."""

    AUTO = "auto"
    ONNXRUNTIME = "onnxruntime"
    OPENVINO = "openvino"


class Network(Protocol):
    """A network of fixed input shape, run one patch at a time."""

    @property
    def patch_shape(self) -> tuple[int, int, int]:
        """(k, j, i) of the input patch."""
        ...

    def run(self, patch: Float32Array) -> Float32Array:
        """Map one (k, j, i) patch to (channel, k, j, i) raw outputs."""
        ...
