"""Two outlines of one vertebral body held against one another: Dice, and the distance of their surfaces."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from spondyl.domain.vertebra import BodyPatch
from spondyl.geometry.arrays import BoolArray, Float64Array
from spondyl.geometry.resample import grid_points, sample
from spondyl.study.evaluation.comparing import Overlap

_STEP_MM = 0.5
_REACH_MM = 36.0  # half of the largest body with room: L5 is 50 mm wide


def overlap(true: BodyPatch, read: BodyPatch) -> Overlap | None:
    """Compare on a grid of 0.5 mm along the read patch; None where either outline is empty there.

    The distance is the mean, over both surfaces, of each surface point's distance to the other surface
    (average symmetric surface distance, Heimann 2009); surface points are voxels at the outline's edge, so
    a distance below a quarter of a millimetre means nothing.
    """
    step = np.arange(-_REACH_MM, _REACH_MM + _STEP_MM, _STEP_MM)
    frame = read.affine[:3, [2, 1, 0]] / read.spacing_mm
    middle = (np.array(read.occupancy.shape) - 1.0) / 2.0
    centre = read.affine[:3, :3] @ middle + read.affine[:3, 3]
    points = grid_points(centre, frame, step, step, step)
    ours, theirs = (_inside(patch, points) for patch in (read, true))
    if not ours.any() or not theirs.any():
        return None
    dice = 2.0 * float(np.count_nonzero(ours & theirs)) / float(ours.sum() + theirs.sum())
    away = np.concatenate([_distances(ours, theirs), _distances(theirs, ours)])
    return Overlap(dice=dice, surface_mm=float(away.mean()))


def _inside(patch: BodyPatch, points: Float64Array) -> BoolArray:
    return np.asarray(sample(patch.occupancy, patch.affine, points, order=1, outside=0.0) > 0.5)


def _distances(one: BoolArray, other: BoolArray) -> Float64Array:
    """Distance of each edge voxel of one to the nearest edge voxel of the other, mm."""
    to_edge = ndimage.distance_transform_edt(~_edge(other), sampling=_STEP_MM)
    return np.asarray(to_edge[_edge(one)], dtype=np.float64)


def _edge(inside: BoolArray) -> BoolArray:
    return np.asarray(inside & ~ndimage.binary_erosion(inside))
