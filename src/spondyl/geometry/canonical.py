"""Resampling of a volume onto an isotropic grid along the patient's axes, with the right averaging."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from spondyl.geometry.arrays import BoolArray, Float32Array, Float64Array

_ALIGNED = 1e-3  # largest direction cosine off the axes that still counts as aligned


def canonical_grid(
    shape: tuple[int, int, int], affine: Float64Array, spacing_mm: float
) -> tuple[tuple[int, int, int], Float64Array]:
    """Shape and affine of the isotropic grid that holds a volume: k to the head, j posterior, i left."""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape], indexing="ij")).reshape(3, -1).T
    points = corners @ affine[:3, :3].T + affine[:3, 3]
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.maximum(np.floor((high - low) / spacing_mm).astype(int) + 1, 1)
    grid = np.zeros((4, 4))
    grid[2, 0] = grid[1, 1] = grid[0, 2] = spacing_mm
    grid[:3, 3] = low + 0.5 * ((high - low) - (size - 1) * spacing_mm)
    grid[3, 3] = 1.0
    return (int(size[2]), int(size[1]), int(size[0])), grid


def resample(
    array: npt.NDArray[np.int16] | Float32Array,
    affine: Float64Array,
    shape: tuple[int, int, int],
    grid: Float64Array,
    *,
    outside: float,
) -> tuple[Float32Array, BoolArray]:
    """Values on a coarser or equal grid, and where the array holds data.

    Axes finer than the grid are averaged over the grid's voxel, coarser ones interpolated linearly.
    """
    to_array = np.linalg.inv(affine) @ grid
    rotation = to_array[:3, :3]
    order = [int(np.argmax(np.abs(rotation[:, axis]))) for axis in range(3)]
    scale = np.linalg.norm(rotation, axis=0)
    off_axis = np.abs(rotation / scale)
    off_axis[order, range(3)] = 0.0
    if sorted(order) == [0, 1, 2] and off_axis.max() < _ALIGNED:
        return _resample_aligned(array, to_array, order, shape, outside)
    return _resample_oblique(array, to_array, shape, outside)


def _resample_aligned(
    array: npt.NDArray[np.int16] | Float32Array,
    to_array: Float64Array,
    order: list[int],
    shape: tuple[int, int, int],
    outside: float,
) -> tuple[Float32Array, BoolArray]:
    """One matrix per axis; exact and fast, because the axes are only permuted and flipped."""
    weights, inside = [], []
    for axis, source in enumerate(order):
        step = float(to_array[source, axis])
        n_source = array.shape[source]
        others = [a for a in range(3) if a != axis]
        start = to_array[source, 3] + sum(to_array[source, a] * (shape[a] - 1) / 2 for a in others)
        matrix, is_inside = _axis_weights(shape[axis], n_source, start, step)
        weights.append(matrix)
        inside.append(is_inside)
    moved = np.transpose(array, order)
    half = np.empty((moved.shape[0], shape[1], shape[2]), np.float32)
    for k in range(moved.shape[0]):  # slice by slice, so that no second full-size float volume is held
        half[k] = (weights[1] @ moved[k].astype(np.float32)) @ weights[2].T
    out = (weights[0] @ half.reshape(half.shape[0], -1)).reshape(shape)
    in_scan = inside[0][:, None, None] & inside[1][None, :, None] & inside[2][None, None, :]
    out[~in_scan] = outside
    return out.astype(np.float32, copy=False), in_scan


def _axis_weights(n_out: int, n_in: int, start: float, step: float) -> tuple[Float32Array, BoolArray]:
    """(n_out, n_in) weights: means over ``step`` source samples, or linear interpolation if that is < 1."""
    centre = start + step * np.arange(n_out)
    source = np.arange(n_in)
    width = abs(step)
    if width <= 1.0:
        weights = np.maximum(1.0 - np.abs(centre[:, None] - source[None, :]), 0.0)
    else:
        distance = np.abs(centre[:, None] - source[None, :])
        weights = np.clip(0.5 * width + 0.5 - distance, 0.0, 1.0)
    total = weights.sum(axis=1, keepdims=True)
    inside = (centre >= -0.5) & (centre <= n_in - 0.5)
    weights = np.where(total > 0, weights / np.where(total > 0, total, 1.0), 0.0)
    return weights.astype(np.float32), np.asarray(inside, np.bool_)


def _resample_oblique(
    array: npt.NDArray[np.int16] | Float32Array,
    to_array: Float64Array,
    shape: tuple[int, int, int],
    outside: float,
) -> tuple[Float32Array, BoolArray]:
    """Smooth where the source is finer, then interpolate linearly."""
    spread = np.abs(to_array[:3, :3]).max(axis=1)
    sigma = 0.4 * np.sqrt(np.maximum(spread**2 - 1.0, 0.0))
    smooth = ndimage.gaussian_filter(array.astype(np.float32), sigma, truncate=2.5)
    out = ndimage.affine_transform(
        smooth, to_array[:3, :3], to_array[:3, 3], output_shape=shape, order=1, cval=np.nan, output=np.float32
    )
    in_scan = np.isfinite(out)
    out[~in_scan] = outside
    return out, np.asarray(in_scan, np.bool_)


def extract_patch(
    array: npt.NDArray[np.int16],
    affine: Float64Array,
    shape: tuple[int, int, int],
    patch: Float64Array,
    *,
    outside: float,
) -> tuple[Float32Array, BoolArray]:
    """Values on a small oriented grid by linear interpolation, and where the array holds data."""
    to_array = np.linalg.inv(affine) @ patch
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape], indexing="ij")).reshape(3, -1).T
    index = corners @ to_array[:3, :3].T + to_array[:3, 3]
    low = np.clip(np.floor(index.min(axis=0)).astype(int) - 1, 0, np.array(array.shape) - 1)
    high = np.clip(np.ceil(index.max(axis=0)).astype(int) + 2, 1, np.array(array.shape))
    if np.any(high - low < 2):
        return np.full(shape, outside, np.float32), np.zeros(shape, np.bool_)
    part = array[tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))].astype(np.float32)
    values = ndimage.affine_transform(
        part,
        to_array[:3, :3],
        to_array[:3, 3] - low,
        output_shape=shape,
        order=1,
        mode="nearest",
        output=np.float32,
    )
    in_scan = _inside(to_array, shape, array.shape)
    values[~in_scan] = outside
    return values, in_scan


def _inside(to_array: Float64Array, shape: tuple[int, int, int], source: tuple[int, ...]) -> BoolArray:
    """Which voxels of the patch lie within the outermost voxel centres of the source."""
    k, j, i = (np.arange(n, dtype=np.float32) for n in shape)
    inside = np.ones(shape, np.bool_)
    for axis in range(3):
        row = to_array[axis].astype(np.float32)
        index = (
            (row[0] * k + row[3])[:, None, None] + (row[1] * j)[None, :, None] + (row[2] * i)[None, None, :]
        )
        inside &= (index >= -0.01) & (index <= source[axis] - 0.99)
    return inside
