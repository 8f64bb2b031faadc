"""CtVolume: Hounsfield units on a regular grid with its place in the patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.geometry.arrays import Float64Array, Int16Array

_ORTHOGONALITY_TOLERANCE = 1e-3
HU_FLOOR = -1024


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CtVolume:
    """A CT on a regular, orthogonal grid.

    hu: (k, j, i) int16 Hounsfield units; padding and values outside the scan circle are HU_FLOOR.
    affine: (4, 4) float64, maps (k, j, i, 1) to LPS millimetres (x to the patient's left,
        y to posterior, z to the head).
    series_id: key of the stack this volume was made from (see ``StackSummary.series_id``).
    """

    hu: Int16Array
    affine: Float64Array
    series_id: str

    def __post_init__(self) -> None:
        if self.hu.ndim != 3 or self.hu.dtype != np.int16:
            raise ValueError(f"hu is {self.hu.dtype} of {self.hu.ndim} dimensions; int16 (k, j, i) is needed")
        if self.affine.shape != (4, 4) or not np.all(np.isfinite(self.affine)):
            raise ValueError("affine must be a finite (4, 4) matrix")
        spacing = np.linalg.norm(self.affine[:3, :3], axis=0)
        if np.any(spacing <= 0):
            raise ValueError(f"spacing {spacing.tolist()} mm: all three must be positive")
        directions = self.affine[:3, :3] / spacing
        if np.max(np.abs(directions.T @ directions - np.eye(3))) > _ORTHOGONALITY_TOLERANCE:
            raise ValueError("the axes of the affine are not orthogonal; resample the volume first")
        self.hu.setflags(write=False)
        self.affine.setflags(write=False)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxels along k, j, i."""
        sizes = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(sizes[0]), float(sizes[1]), float(sizes[2])

    @property
    def slice_axis(self) -> int:
        """Array axis along which the slices were stacked: the one with the largest spacing (k if equal)."""
        return int(np.argmax(np.round(self.spacing_mm, 3)))
