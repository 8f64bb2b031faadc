"""Sampling arrays at points between their voxels, and cutting oriented patches out of them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from spondyl.geometry.affine import to_index
from spondyl.geometry.arrays import BoolArray, Float32Array, Float64Array, Int16Array


def grid_points(
    centre_mm: Float64Array,
    frame: Float64Array,
    left_mm: Float64Array,
    posterior_mm: Float64Array,
    superior_mm: Float64Array,
) -> Float64Array:
    """(a, b, c, 3) points of the grid spanned by three (a,), (b,), (c,) offsets along a frame's columns."""
    left, posterior, superior = frame.T
    return np.asarray(
        centre_mm
        + left_mm[:, None, None, None] * left
        + posterior_mm[None, :, None, None] * posterior
        + superior_mm[None, None, :, None] * superior
    )


def sample(
    array: Float64Array | Float32Array | Int16Array,
    affine: Float64Array,
    points_mm: Float64Array,
    *,
    order: int,
    outside: float,
) -> Float64Array:
    """Values of a (k, j, i) array at (..., 3) points.

    order: 0 nearest, 1 linear; 3 expects the array to be spline coefficients already
        (``scipy.ndimage.spline_filter``), so that they are made once per array.
    outside: value given beyond the array's outermost voxel centres.
    """
    shape = points_mm.shape[:-1]
    index = to_index(affine, points_mm.reshape(-1, 3)).T
    values = ndimage.map_coordinates(
        array, index, output=np.float64, order=order, mode="constant", cval=outside, prefilter=False
    )
    return np.asarray(values.reshape(shape), dtype=np.float64)


def keep_largest_part(mask: BoolArray) -> tuple[BoolArray, float]:
    """The largest connected part (faces touching), holes filled, and its share of all voxels set."""
    parts, n_parts = ndimage.label(mask)
    if n_parts == 0:
        return np.zeros_like(mask), 0.0
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    largest = parts == int(np.argmax(sizes))
    outside, _ = ndimage.label(np.pad(~largest, 1, constant_values=True))
    filled = outside[1:-1, 1:-1, 1:-1] != outside[0, 0, 0]
    return np.asarray(filled, dtype=np.bool_), float(np.max(sizes) / np.sum(sizes))
