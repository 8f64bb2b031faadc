"""A regular isotropic grid that hands out boxes of voxel coordinates in any local frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.geometry.arrays import Float32Array, Float64Array


@dataclass(frozen=True, slots=True)
class Box:
    """Part of the grid near a shape, with the coordinates of its voxels in that shape's frame."""

    slices: tuple[slice, slice, slice]
    x: Float32Array
    y: Float32Array
    z: Float32Array


class Grid:
    """A regular isotropic grid; hands out boxes of voxel coordinates in any local frame."""

    def __init__(self, shape: tuple[int, int, int], affine: Float64Array) -> None:
        self.shape = shape
        self.affine = affine
        self.voxel_mm = float(np.linalg.norm(affine[:3, 0]))
        self._inverse = np.linalg.inv(affine)

    def box(self, centre_mm: Float64Array, frame: Float64Array, reach_mm: float) -> Box | None:
        """Voxels within ``reach_mm`` of a point, None where there are none."""
        index = self._inverse[:3, :3] @ centre_mm + self._inverse[:3, 3]
        reach = reach_mm / self.voxel_mm
        low = np.maximum(np.floor(index - reach), 0).astype(int)
        high = np.minimum(np.ceil(index + reach) + 1, self.shape).astype(int)
        if np.any(high <= low):
            return None
        to_local = frame.T @ self.affine[:3, :3]
        offset = frame.T @ (self.affine[:3, 3] - centre_mm)
        k, j, i = (np.arange(a, b, dtype=np.float32) for a, b in zip(low, high, strict=True))
        coordinates = [
            (
                (row[0] * k + shift)[:, None, None]
                + (row[1] * j)[None, :, None]
                + (row[2] * i)[None, None, :]
            ).astype(np.float32)
            for row, shift in zip(to_local.astype(np.float32), offset.astype(np.float32), strict=True)
        ]
        slices = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        return Box((slices[0], slices[1], slices[2]), *coordinates)


def inside_share(distance: Float32Array, voxel_mm: float) -> Float32Array:
    """Share of a voxel inside a surface at signed distance (negative inside)."""
    return np.asarray(np.clip(np.float32(0.5) - distance / np.float32(voxel_mm), 0.0, 1.0), np.float32)
