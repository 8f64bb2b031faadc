"""The same CT seen otherwise: axes flipped, cropped, resampled. For tests that the reading stays the same."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from spondyl.domain.volume import CtVolume


def flipped(volume: CtVolume, axes: tuple[int, ...]) -> CtVolume:
    """The same voxels stored in the opposite order along some of the axes k (0), j (1), i (2)."""
    affine = volume.affine.copy()
    for axis in axes:
        affine[:3, 3] += affine[:3, axis] * (volume.hu.shape[axis] - 1)
        affine[:3, axis] *= -1.0
    return CtVolume(
        hu=np.ascontiguousarray(np.flip(volume.hu, axes)), affine=affine, series_id=volume.series_id
    )


def cropped(volume: CtVolume, low: tuple[int, int, int], high: tuple[int, int, int]) -> CtVolume:
    """The voxels from ``low`` (k, j, i) up to but not including ``high``.

    Raises:
        ValueError: the box is empty or leaves the volume.
    """
    if not all(0 <= a < b <= n for a, b, n in zip(low, high, volume.hu.shape, strict=True)):
        raise ValueError(f"box {low} to {high} in a volume of {volume.hu.shape}; it must lie inside")
    affine = volume.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ np.array(low, dtype=np.float64)
    k, j, i = (slice(a, b) for a, b in zip(low, high, strict=True))
    return CtVolume(hu=volume.hu[k, j, i].copy(), affine=affine, series_id=volume.series_id)


def resampled(volume: CtVolume, spacing_mm: tuple[float, float, float]) -> CtVolume:
    """Linear interpolation to other spacings along (k, j, i); the first voxel stays where it is."""
    old = np.array(volume.spacing_mm)
    step = np.array(spacing_mm) / old
    shape = tuple(int((n - 1) / s) + 1 for n, s in zip(volume.hu.shape, step, strict=True))
    affine = volume.affine.copy()
    affine[:3, :3] = affine[:3, :3] * step
    hu = ndimage.affine_transform(
        volume.hu.astype(np.float32), step, output_shape=shape, order=1, mode="nearest"
    )
    return CtVolume(hu=np.rint(hu).astype(np.int16), affine=affine, series_id=volume.series_id)
