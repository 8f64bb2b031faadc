"""A regular isotropic grid that hands out boxes of voxel coordinates in any local frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.geometry.arrays import BoolArray, Float32Array, Float64Array


@dataclass(frozen=True, slots=True)
class Box:
    """Part of the grid near a shape, with the coordinates of its voxels in that shape's frame, mm."""

    slices: tuple[slice, slice, slice]
    x: Float32Array
    y: Float32Array
    z: Float32Array


class Grid:
    """A regular isotropic grid of a (k, j, i) shape, and its affine to LPS mm.

    Raises:
        ValueError: the voxels are not cubes.
    """

    def __init__(self, shape: tuple[int, int, int], affine: Float64Array) -> None:
        sizes = np.linalg.norm(affine[:3, :3], axis=0)
        if np.ptp(sizes) > 1e-6 * sizes[0]:
            raise ValueError(f"voxels of {sizes.tolist()} mm; cubes are needed, resample what was rendered")
        self.shape = shape
        self.affine = affine
        self.voxel_mm = float(sizes[0])
        self._inverse = np.linalg.inv(affine)

    def box(self, centre_mm: Float64Array, frame: Float64Array, half_extents_mm: Float64Array) -> Box | None:
        """Voxels of the smallest box along the grid that holds a box in a local frame; None where none.

        half_extents_mm: (3,) half sides along the frame's columns.
        """
        index = self._inverse[:3, :3] @ centre_mm + self._inverse[:3, 3]
        reach = np.abs(self._inverse[:3, :3] @ frame) @ half_extents_mm
        low = np.maximum(np.floor(index - reach), 0).astype(int)
        high = np.minimum(np.ceil(index + reach) + 1, self.shape).astype(int)
        if np.any(high <= low):
            return None
        to_local = (frame.T @ self.affine[:3, :3]).astype(np.float32)
        offset = (frame.T @ (self.affine[:3, 3] - centre_mm)).astype(np.float32)
        k, j, i = (np.arange(a, b, dtype=np.float32) for a, b in zip(low, high, strict=True))
        x, y, z = (
            ((row[0] * k + shift)[:, None] + row[1] * j)[:, :, None] + row[2] * i
            for row, shift in zip(to_local, offset, strict=True)
        )
        slices = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        return Box((slices[0], slices[1], slices[2]), x, y, z)

    def are_near(self, ends_mm: Float64Array, reach_mm: Float64Array) -> BoolArray:
        """(n,) whether any voxel may lie within ``reach_mm`` (n,) of a stretch with (n, 2, 3) ends."""
        index = ends_mm @ self._inverse[:3, :3].T + self._inverse[:3, 3]
        reach = (reach_mm / self.voxel_mm + 1.0)[:, None]
        above = np.all(index.max(axis=1) + reach > 0, axis=1)
        below = np.all(index.min(axis=1) - reach < np.array(self.shape) - 1, axis=1)
        return np.asarray(above & below)


def inside_share(distance: Float32Array, voxel_mm: float) -> Float32Array:
    """Share of a voxel inside a surface at signed distance (negative inside)."""
    share = distance * np.float32(-1.0 / voxel_mm)
    share += np.float32(0.5)
    return np.asarray(np.clip(share, 0.0, 1.0, out=share), np.float32)
