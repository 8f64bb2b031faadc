"""A vertebra of plain geometry with exactly known heights: masks of any grid for tests and benchmarks.

Local frame: x to the left, y to posterior, z to superior; origin at the middle of the body.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from spondyl.geometry.affine import to_points
from spondyl.geometry.arrays import BoolArray, Float32Array, Float64Array

_PEDICLE_HALF_WIDTH_MM = 3.0
_CANAL_DEPTH_MM = 14.0
_LAMINA_MM = 6.0
_SPINOUS_MM = 22.0
_POINTS_PER_VOXEL = 64
_R3 = 1.2207440846057596 ** -np.arange(1.0, 4.0)  # root of x⁴ = x + 1: the golden ratio of three dimensions


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainBody:
    """One vertebra. Heights stand at the corners (u = 0, 1) and half-way between them (u = 0.5).

    rim_fraction: outer part of the radius that stays level (ring apophysis; anatomy-and-norms §4.8).
    cup_exponent: within it the endplate sinks as 1 - r^exponent (2 parabola, large: flat floor).
    top_share: part of every height, of its wedge and of its cup that belongs to the superior endplate.
    waist_fraction: how much narrower the body is at mid-height than at its endplates.
    rim_radius_mm: rounding of the corners; it leaves the extrapolated corners where they are.
    lip_mm: an osteophyte at the superior anterior rim, reaching that far forward.
    """

    anterior_mm: float
    middle_mm: float
    posterior_mm: float
    depth_mm: float = 30.0
    width_mm: float = 38.0
    rim_fraction: float = 0.2
    cup_exponent: float = 3.0
    top_share: float = 0.5
    waist_fraction: float = 0.0
    rim_radius_mm: float = 0.0
    lip_mm: float = 0.0

    def heights_mm(self) -> Float64Array:
        """(3,) true anterior, middle, posterior height."""
        return np.array([self.anterior_mm, self.middle_mm, self.posterior_mm])

    def surfaces_mm(self, x: Float64Array, y: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Height of the inferior and superior endplate above the origin at (x, y)."""
        u = y / self.depth_mm + 0.5
        edge = self.anterior_mm + (self.posterior_mm - self.anterior_mm) * u
        cup = 0.5 * (self.anterior_mm + self.posterior_mm) - self.middle_mm
        radius = np.hypot(2.0 * x / self.width_mm, 2.0 * y / self.depth_mm)
        sunk = cup * np.clip(1.0 - (radius / (1.0 - self.rim_fraction)) ** self.cup_exponent, 0.0, None)
        middle = 0.25 * (self.anterior_mm + self.posterior_mm)
        whole = edge - sunk
        shift = middle * (2.0 * self.top_share - 1.0)
        return -(1.0 - self.top_share) * whole - shift, self.top_share * whole - shift

    def is_body(self, points_mm: Float64Array) -> BoolArray:
        """Whether (n, 3) local points lie in the body."""
        x, y, z = points_mm.T
        bottom, top = self.surfaces_mm(x, y)
        half_height = 0.5 * np.maximum(top - bottom, 1.0)
        off_middle = np.clip(np.abs(z - 0.5 * (top + bottom)) / half_height, 0.0, 1.0)
        narrow = 1.0 - self.waist_fraction * (1.0 - off_middle**2)
        radius = np.hypot(2.0 * x / (self.width_mm * narrow), 2.0 * y / (self.depth_mm * narrow))
        from_wall = (1.0 - radius) * 0.5 * self.depth_mm * narrow
        from_plate = np.minimum(top - z, z - bottom)
        inside = (from_wall >= 0.0) & (from_plate >= 0.0)
        if self.rim_radius_mm > 0.0:
            missing_wall = np.clip(self.rim_radius_mm - from_wall, 0.0, None)
            missing_plate = np.clip(self.rim_radius_mm - from_plate, 0.0, None)
            inside &= np.hypot(missing_wall, missing_plate) <= self.rim_radius_mm
        if self.lip_mm > 0.0:
            inside |= self._is_lip(x, y, z)
        return np.asarray(inside)

    def _is_lip(self, x: Float64Array, y: Float64Array, z: Float64Array) -> BoolArray:
        front = -0.5 * self.depth_mm
        _, top = self.surfaces_mm(np.zeros(1), np.array([front]))
        beside = (np.abs(x) < 0.3 * self.width_mm) & (y < front + 2.0) & (y > front - self.lip_mm)
        return np.asarray(beside & (np.abs(z - top[0]) < 1.5))

    def is_posterior(self, points_mm: Float64Array) -> BoolArray:
        """Whether (n, 3) local points lie in pedicles, laminae or spinous process."""
        x, y, z = points_mm.T
        back = y - 0.5 * self.depth_mm
        beside = np.abs(np.abs(x) - 0.32 * self.width_mm)
        pedicle = (beside < _PEDICLE_HALF_WIDTH_MM) & (back > -6.0) & (back < _CANAL_DEPTH_MM + 2.0)
        pedicle &= (z > -2.0) & (z < 0.35 * self.posterior_mm)
        lamina = (np.abs(x) < 0.32 * self.width_mm + _PEDICLE_HALF_WIDTH_MM) & (np.abs(z) < 8.0)
        lamina &= (back > _CANAL_DEPTH_MM) & (back < _CANAL_DEPTH_MM + _LAMINA_MM)
        spinous = (np.abs(x) < 3.0) & (back > _CANAL_DEPTH_MM) & (back < _CANAL_DEPTH_MM + _SPINOUS_MM)
        spinous &= (z > -12.0) & (z < 2.0)
        return np.asarray((pedicle | lamina | spinous) & ~self.is_body(points_mm))


def local_points(
    shape: tuple[int, int, int], affine: Float64Array, centre_mm: Float64Array, frame: Float64Array
) -> Float64Array:
    """(n, 3) voxel centres of a (k, j, i) grid in the frame of a body placed at ``centre_mm``."""
    index = np.indices(shape).reshape(3, -1).T.astype(np.float64)
    return np.asarray((to_points(affine, index) - centre_mm) @ frame)


def body_share(
    body: PlainBody,
    shape: tuple[int, int, int],
    affine: Float64Array,
    centre_mm: Float64Array,
    frame: Float64Array,
) -> Float32Array:
    """(k, j, i) share of each voxel that lies in the body, in steps of 1/64.

    Only voxels at the surface are looked at more closely. The points within a voxel follow the R3
    sequence, so that no two share a coordinate: a face along the grid is not rounded to a quarter voxel.
    """
    points = local_points(shape, affine, centre_mm, frame)
    inside = body.is_body(points).reshape(shape)
    around = np.ones((3, 3, 3), dtype=np.bool_)
    surface = ndimage.binary_dilation(inside, around) & ~ndimage.binary_erosion(inside, around)
    share = inside.astype(np.float32).ravel()
    chosen = np.flatnonzero(surface)
    to_local = frame.T @ affine[:3, :3]
    offsets = (0.5 + np.outer(np.arange(_POINTS_PER_VOXEL), _R3)) % 1.0 - 0.5
    counts = np.zeros(len(chosen))
    for offset in offsets:
        counts += body.is_body(points[chosen] + to_local @ offset)
    share[chosen] = counts / _POINTS_PER_VOXEL
    return share.reshape(shape)
