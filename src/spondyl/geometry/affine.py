"""Affines from array index (k, j, i) to LPS millimetres, and points through them."""

from __future__ import annotations

import numpy as np

from spondyl.geometry.arrays import Float64Array


def to_points(affine: Float64Array, index: Float64Array) -> Float64Array:
    """Map (n, 3) indices (k, j, i) to (n, 3) points."""
    return np.asarray(index @ affine[:3, :3].T + affine[:3, 3], dtype=np.float64)


def to_index(affine: Float64Array, points_mm: Float64Array) -> Float64Array:
    """Map (n, 3) points to (n, 3) real-valued indices (k, j, i)."""
    inverse = np.linalg.inv(affine)
    return np.asarray(points_mm @ inverse[:3, :3].T + inverse[:3, 3], dtype=np.float64)


def patch_affine(
    centre_lps_mm: Float64Array, frame: Float64Array, shape: tuple[int, int, int], spacing_mm: float
) -> Float64Array:
    """Affine of an isotropic (k, j, i) patch centred on a point.

    ``frame`` has the unit vectors left, posterior, superior as columns; k runs along superior,
    j along posterior, i along left. The centre of the array lies on ``centre_lps_mm``.
    """
    affine = np.eye(4)
    affine[:3, :3] = frame[:, ::-1] * spacing_mm
    middle = (np.array(shape, dtype=np.float64) - 1.0) / 2.0
    affine[:3, 3] = centre_lps_mm - affine[:3, :3] @ middle
    return affine
