"""Do the two networks agree on a body? What the finder saw of it must not lie outside its outline.

The finder sees a wide part of the spine and misses bodies rather than parts of them; the refiner, on a patch
cut askew, may leave out a part of a body. The other way round says nothing: the finder often misses bodies.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from spondyl.domain.coarse_maps import CoarseMaps
from spondyl.geometry.affine import to_points
from spondyl.geometry.arrays import BoolArray, Float32Array, Float64Array
from spondyl.geometry.resample import sample
from spondyl.stages.segment.outline import Outline

_STEP = 2  # voxels of the patch, 1 mm each: the finder's own spacing
_BODY = 0.5  # probability
_TOLERANCE_STEPS = 1  # nearer to the outline than this the finder's own surface is not sharp
_REACH_STEPS = 6  # further away it is something else
_SLAB_PERCENT = (10.0, 90.0)  # of the body's height: beyond may be the neighbours


def missed_share(outline: Outline, others: list[Outline], maps: CoarseMaps) -> float:
    """What the finder saw of this body outside its outline, as a share of the outline; 0 at best."""
    target = outline.target[::_STEP, ::_STEP, ::_STEP] > 0.5
    height = np.nonzero(target)[0]
    if not height.size:
        return 0.0
    low, high = np.percentile(height, _SLAB_PERCENT)
    slab = np.zeros(target.shape, np.bool_)
    slab[int(np.ceil(low)) : int(high) + 1] = True
    beside = ndimage.binary_dilation(target, iterations=_REACH_STEPS)
    beside &= slab & ~ndimage.binary_dilation(target, iterations=_TOLERANCE_STEPS)
    points = to_points(outline.affine, np.argwhere(beside).astype(np.float64) * _STEP)
    seen = sample(maps.body, maps.affine, points, order=1, outside=0.0) > _BODY
    for other in others:
        seen &= ~_within(other, points)
    return float(np.count_nonzero(seen) / np.count_nonzero(target & slab))


def _within(outline: Outline, points_mm: Float64Array) -> BoolArray:
    """Which points lie within an outline or at its surface."""
    target: Float32Array = ndimage.maximum_filter(outline.target, 2 * _STEP * _TOLERANCE_STEPS + 1)
    return np.asarray(sample(target, outline.affine, points_mm, order=1, outside=0.0) > _BODY)
