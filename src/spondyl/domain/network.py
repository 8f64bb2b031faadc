"""The one interface between the stages and an inference engine."""

from __future__ import annotations

from typing import Protocol

from spondyl.geometry.arrays import Float32Array


class Network(Protocol):
    """A network of fixed input shape, run one patch at a time."""

    @property
    def patch_shape(self) -> tuple[int, int, int]:
        """(k, j, i) of the input patch."""
        ...

    def run(self, patch: Float32Array) -> Float32Array:
        """Map one (k, j, i) patch to (channel, k, j, i) raw outputs."""
        ...
