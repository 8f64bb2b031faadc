"""A vertebral body as a surface that can be sampled anywhere: one part, no holes, spline between voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from spondyl.domain.vertebra import BodyPatch
from spondyl.geometry.affine import to_points
from spondyl.geometry.arrays import BoolArray, Float64Array
from spondyl.geometry.resample import keep_largest_part, sample

SURFACE = 0.5
"""Share of a voxel inside the body at which the surface lies (contract of ``BodyPatch``)."""
_SKIN_VOXELS = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outline:
    """One body.

    occupancy: (k, j, i) 0-1, the largest part alone; coefficients: its cubic spline.
    mask: (k, j, i) voxels inside. main_part: share of all inside voxels that hang together.
    """

    occupancy: Float64Array
    coefficients: Float64Array
    mask: BoolArray
    main_part: float
    affine: Float64Array
    centroid_mm: Float64Array

    def linear(self, points_mm: Float64Array) -> Float64Array:
        """Occupancy at (..., 3) points, linear between voxels: fast, for the search of the frame."""
        return sample(self.occupancy, self.affine, points_mm, order=1, outside=0.0)

    def smooth(self, points_mm: Float64Array) -> Float64Array:
        """Occupancy at (..., 3) points by cubic splines: for the surfaces that are measured."""
        return sample(self.coefficients, self.affine, points_mm, order=3, outside=0.0)


def make_outline(patch: BodyPatch) -> Outline | None:
    """Clean the patch's occupancy; None where nothing of it reaches the surface level."""
    inside = patch.occupancy > SURFACE
    if not np.any(inside):
        return None
    mask, main_part = keep_largest_part(inside)
    near = ndimage.binary_dilation(mask, iterations=_SKIN_VOXELS)
    occupancy = np.where(near, patch.occupancy, 0.0).astype(np.float64)
    occupancy[mask & ~inside] = 1.0
    index = np.argwhere(mask).astype(np.float64)
    return Outline(
        occupancy=occupancy,
        coefficients=np.asarray(ndimage.spline_filter(occupancy, order=3, output=np.float64, mode="nearest")),
        mask=mask,
        main_part=main_part,
        affine=patch.affine,
        centroid_mm=to_points(patch.affine, index.mean(axis=0)[None])[0],
    )
