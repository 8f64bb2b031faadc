"""Gantry tilt: move the slices of a sheared stack onto an orthogonal grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spondyl.domain.volume import HU_FLOOR
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.ingest.pixels import Decoded, StoredArray


def straighten(decoded: Decoded, affine: Float64Array) -> tuple[Decoded, Float64Array]:
    """Resample a stack whose slices are shifted against each other within their plane.

    decoded: slices (k, j, i). affine: (4, 4) index to mm whose j and i columns are orthogonal and
    whose k column is not perpendicular to them. Each slice is shifted within its plane by linear
    interpolation; the plane is enlarged so that nothing is lost, and new voxels hold HU_FLOOR.
    Returns the resampled stack and its orthogonal affine.
    """
    step, column, row = affine[:3, 0], affine[:3, 1], affine[:3, 2]
    shift = np.array([step @ column / (column @ column), step @ row / (row @ row)])  # pixels per slice
    straight = step - shift[0] * column - shift[1] * row
    shifts = np.arange(len(decoded.stored))[:, None] * shift
    lowest = np.floor(shifts.min(axis=0)).astype(int)
    grown = np.ceil(shifts.max(axis=0)).astype(int) - lowest
    floors = np.round((HU_FLOOR - decoded.intercept) / decoded.slope).astype(np.int64)
    dtype = np.result_type(decoded.stored.dtype, *(np.min_scalar_type(int(floor)) for floor in set(floors)))
    shape = (len(decoded.stored), *(np.array(decoded.stored.shape[1:]) + grown))
    stored = np.empty(shape, dtype=dtype)
    for k, pixels in enumerate(decoded.stored):
        stored[k] = _shift_slice(pixels, shifts[k] - lowest, int(floors[k]), decoded.padding, shape[1:])
    orthogonal = affine.copy()
    orthogonal[:3, 0] = straight
    orthogonal[:3, 3] = affine[:3, 3] + lowest[0] * column + lowest[1] * row
    return replace(decoded, stored=stored, padding=None), orthogonal


def _shift_slice(
    pixels: StoredArray, shift: Float64Array, floor: int, padding: int | None, shape: tuple[int, ...]
) -> StoredArray:
    """Shift one slice by a positive number of pixels along both axes into a larger frame."""
    source = pixels.astype(np.float32)
    if padding is not None:
        source[pixels == padding] = floor
    np.maximum(source, floor, out=source)  # else values outside the scan circle bleed into the patient
    whole = np.floor(shift).astype(int)
    part = (shift - whole).astype(np.float32)
    frame = np.full(shape, floor, dtype=np.float32)
    frame[whole[0] : whole[0] + source.shape[0], whole[1] : whole[1] + source.shape[1]] = source
    for axis in (0, 1):
        if part[axis] > 0:
            frame = (1.0 - part[axis]) * frame + part[axis] * np.roll(frame, 1, axis=axis)
    return np.rint(frame)
