"""Finding the plane in which a shape is most nearly its own mirror image."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from spondyl.geometry.arrays import Float64Array

_STEP_DEG = 2.5


def mirror_angle_rad(image: Float64Array, largest_deg: float) -> float:
    """Angle by which the axes of an image are to be turned so that it mirrors itself in its first axis.

    image: (x, y) >= 0, both axes of the same step; positive angles turn x towards y.
    largest_deg: angles are searched between plus and minus this; a parabola refines the best.
    """
    n_side = round(largest_deg / _STEP_DEG)
    angles = np.arange(-n_side, n_side + 1) * _STEP_DEG
    scores = np.array([_overlap_with_mirror(image, np.radians(angle)) for angle in angles])
    best = int(np.argmax(scores))
    angle = float(angles[best])
    if 0 < best < len(angles) - 1:
        before, at, after = scores[best - 1 : best + 2]
        curvature = before - 2.0 * at + after
        angle += float(_STEP_DEG * 0.5 * (before - after) / curvature) if curvature < 0 else 0.0
    return float(np.radians(angle))


def _overlap_with_mirror(image: Float64Array, angle_rad: float) -> float:
    """Best overlap of the turned image with its mirror, over all mirror planes x = constant, 0-1."""
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    middle = (np.array(image.shape) - 1.0) / 2.0
    turned = ndimage.affine_transform(image, turn, offset=middle - turn @ middle, order=1)
    spectrum = np.fft.rfft(turned, n=2 * image.shape[0], axis=0)
    overlap = np.fft.irfft(spectrum**2, axis=0).sum(axis=1)
    energy = float(np.sum(turned**2))
    return float(np.max(overlap)) / energy if energy > 0.0 else 0.0
