"""Which voxels at the floor value lie outside what was scanned, and which are gas at the scale's end.

Beyond the scan circle, and where a tilted or turned stack was straightened, a volume holds HU_FLOOR. Lung,
bowel gas and the air round the patient can lie at the floor too. What was scanned is convex (a circle, a
rectangle, turned or sheared) and leaves the corners of the picture; lung does not leave a convex rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from spondyl.domain.volume import HU_FLOOR, CtVolume
from spondyl.geometry.affine import to_index, to_points
from spondyl.geometry.arrays import BoolArray, Float32Array, Float64Array

_BLOCK_MM = 3.0  # without data is only what is at the floor throughout such a block: noise is not
_CONVEX_SHARE = 0.05  # of what is without data may lie within the hull of the rest
_FEWEST_FOR_A_HULL = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Field:
    """Blocks of a volume that hold no data.

    unscanned: (k, j, i) float32, 1 where a block was not scanned. affine: (4, 4) block index to LPS mm.
    """

    unscanned: Float32Array
    affine: Float64Array

    def holds_no_data(self, hu: Float32Array, patch: Float64Array) -> BoolArray:
        """(k, j, i) voxels of a patch, (4, 4) affine, that are at the floor next to such a block."""
        floor = hu <= HU_FLOOR + 0.5
        if not floor.any() or not self.unscanned.any():
            return np.zeros(hu.shape, np.bool_)
        points = to_points(patch, np.argwhere(floor).astype(np.float64))
        near = ndimage.map_coordinates(
            self.unscanned, to_index(self.affine, points).T, order=1, mode="nearest", output=np.float32
        )
        floor[floor] = near > 0.0
        return floor


def find_field(volume: CtVolume) -> Field:
    """Look at the volume's slices, one every few mm."""
    axis = volume.slice_axis
    spacing = np.array(volume.spacing_mm)
    step = np.maximum(np.round(_BLOCK_MM / spacing), 1).astype(int)
    within = [a for a in range(3) if a != axis]
    slices = np.moveaxis(volume.hu, axis, 0)[:: step[axis]]
    blocks = np.stack([_floor_blocks(x <= HU_FLOOR, step[within[0]], step[within[1]]) for x in slices])
    always = _from_corners(np.logical_and.reduce(blocks, axis=0))
    unscanned = np.stack([_unscanned(one, always) for one in blocks])
    affine = volume.affine.copy()
    offset = np.where(np.arange(3) == axis, 0.0, 0.5 * (step - 1))  # middle of a block
    affine[:3, 3] += affine[:3, :3] @ offset
    affine[:3, :3] = affine[:3, :3] * step
    return Field(unscanned=np.moveaxis(unscanned, 0, axis).astype(np.float32), affine=affine)


def _floor_blocks(floor: BoolArray, rows: int, columns: int) -> BoolArray:
    """Blocks that are at the floor throughout; those at the far ends may be smaller."""
    by_row = np.logical_and.reduceat(floor, np.arange(0, floor.shape[0], rows), axis=0)
    return np.asarray(np.logical_and.reduceat(by_row, np.arange(0, floor.shape[1], columns), axis=1))


def _from_corners(blocks: BoolArray) -> BoolArray:
    """The parts of one slice that are joined to a corner of the picture."""
    parts, _ = ndimage.label(blocks)
    corners = np.unique(parts[[0, 0, -1, -1], [0, -1, 0, -1]])
    return np.asarray(np.isin(parts, corners[corners > 0]))


def _unscanned(blocks: BoolArray, always: BoolArray) -> BoolArray:
    """What is not scanned in one slice: all that leaves a convex rest, else what is so in every slice."""
    outside = _from_corners(blocks)
    return outside if _is_rest_convex(outside) else always


def _is_rest_convex(outside: BoolArray) -> bool:
    rest = ~outside
    edge = np.argwhere(rest & ~ndimage.binary_erosion(rest))
    if not outside.any() or len(edge) < _FEWEST_FOR_A_HULL:
        return True
    try:
        sides = ConvexHull(edge).equations
    except QhullError:  # all in one line
        return True
    distances = np.argwhere(outside) @ sides[:, :2].T + sides[:, 2]
    return bool(np.mean(distances.max(axis=1) < -0.5) < _CONVEX_SHARE)
