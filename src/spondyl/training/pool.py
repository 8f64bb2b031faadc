"""A pool of rendered patches that is renewed slowly, because rendering costs more than scanning anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spondyl.geometry.arrays import Float32Array, Float64Array, UInt8Array
from spondyl.synthetic.render import Rendered


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredPatch:
    """A rendered patch, its real-valued arrays in half precision: a pool of hundreds must fit in memory.

    hu: (k, j, i) true HU, good to 0.5 HU below 1024. tissue, instance: as in ``Rendered``.
    occupancy: (k, j, i); along: (3, k, j, i), as in ``Rendered``.
    target: instance number of the body that the patch was made for (0 = none).
    normal: (3,) unit vector across the slices, in (k, j, i) axes.
    """

    hu: npt.NDArray[np.float16]
    tissue: UInt8Array
    occupancy: npt.NDArray[np.float16]
    instance: UInt8Array
    along: npt.NDArray[np.float16]
    target: int
    normal: Float64Array

    @classmethod
    def of(cls, rendered: Rendered, target: int, normal: Float64Array) -> StoredPatch:
        """Store a rendered patch."""
        return cls(
            hu=rendered.hu.astype(np.float16),
            tissue=rendered.tissue,
            occupancy=rendered.occupancy.astype(np.float16),
            instance=rendered.instance,
            along=rendered.along.astype(np.float16),
            target=target,
            normal=normal / np.linalg.norm(normal),
        )

    def hu_32(self) -> Float32Array:
        """(k, j, i) true HU in single precision."""
        return self.hu.astype(np.float32)

    def occupancy_32(self) -> Float32Array:
        """(k, j, i) occupancy in single precision."""
        return self.occupancy.astype(np.float32)

    def along_32(self) -> Float32Array:
        """(3, k, j, i) body-local coordinates in single precision."""
        return self.along.astype(np.float32)


class Pool:
    """Patches to draw from: filled one by one, then ``new_share`` of the draws replace one at random.

    ``make`` renders the next patch. The pool's state lives as long as the stream of examples.
    """

    def __init__(
        self, rng: np.random.Generator, size: int, new_share: float, make: Callable[[], StoredPatch]
    ) -> None:
        if size < 1 or not 0.0 <= new_share <= 1.0:
            raise ValueError(f"pool of {size}, new share {new_share}: at least 1, and 0 to 1, are needed")
        self._rng, self._size, self._new_share, self._make = rng, size, new_share, make
        self._patches: list[StoredPatch] = []

    def draw(self) -> StoredPatch:
        """The newest patch while the pool fills, then any."""
        if len(self._patches) < self._size:
            self._patches.append(self._make())
            return self._patches[-1]
        if self._rng.random() < self._new_share:
            self._patches[int(self._rng.integers(self._size))] = self._make()
        return self._patches[int(self._rng.integers(self._size))]
