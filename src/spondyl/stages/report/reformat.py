"""Flat pictures out of the volume: planes that bend with the spine, and flat cuts through one vertebra.

A picture's columns run along ``right`` and its rows run to the foot; pixel coordinates are measured from
the picture's upper left corner, so that pixel (0, 0) is centred on (0.5, 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from spondyl.domain.volume import HU_FLOOR, CtVolume
from spondyl.geometry.affine import to_index
from spondyl.geometry.arrays import Float32Array, Float64Array, UInt8Array

LEFT, POSTERIOR, SUPERIOR = 0, 1, 2  # columns of a frame; also the LPS axes

# How far along the spine one vertebra's own plane holds before its neighbour's takes over: about half
# the distance of two thoracic bodies. Ours.
_HANDOVER_MM = 9.0
_SLAB_STEP_MM = 1.0
# A plane is followed up to a tilt of about 70 degrees; steeper ones would run out of the picture. Ours.
_LEAST_COSINE = 0.35


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """Sample points of one picture.

    points_lps_mm: (row, column, 3) where each pixel's centre lies in the patient.
    across: (3,) unit vector across the picture, along which a slab is averaged.
    origin_lps_mm: (3,) a point that projects onto the upper left corner.
    right, down: (3,) unit vectors; a point's pixel is its projection onto both.
    pixel_mm: side length of a pixel.
    """

    points_lps_mm: Float64Array
    across: Float64Array
    origin_lps_mm: Float64Array
    right: Float64Array
    down: Float64Array
    pixel_mm: float

    def to_pixels(self, points_lps_mm: Float64Array) -> Float64Array:
        """Map (n, 3) points to (n, 2) column and row, projected onto the picture."""
        offset = points_lps_mm - self.origin_lps_mm
        return np.stack([offset @ self.right, offset @ self.down], axis=-1) / self.pixel_mm

    def moved(self, offset_mm: float) -> Picture:
        """The same picture, moved across itself."""
        return replace(self, points_lps_mm=self.points_lps_mm + offset_mm * self.across)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.points_lps_mm.shape[0], self.points_lps_mm.shape[1]


def flat_picture(
    centre_lps_mm: Float64Array,
    right: Float64Array,
    down: Float64Array,
    size_mm: tuple[float, float],
    pixel_mm: float,
) -> Picture:
    """A flat cut of (height, width) ``size_mm`` centred on a point."""
    rows, columns = (max(1, round(length / pixel_mm)) for length in size_mm)
    origin = centre_lps_mm - (columns * right + rows * down) * pixel_mm / 2.0
    return Picture(
        points_lps_mm=_grid(origin, right, down, (rows, columns), pixel_mm),
        across=np.cross(right, down),
        origin_lps_mm=origin,
        right=right,
        down=down,
        pixel_mm=pixel_mm,
    )


def _grid(
    origin: Float64Array, right: Float64Array, down: Float64Array, shape: tuple[int, int], pixel_mm: float
) -> Float64Array:
    rows = (np.arange(shape[0])[:, None, None] + 0.5) * pixel_mm
    columns = (np.arange(shape[1])[None, :, None] + 0.5) * pixel_mm
    return np.asarray(origin + rows * down + columns * right, dtype=np.float64)


def curved_picture(
    centres_lps_mm: Float64Array,
    frames: Float64Array,
    bent_axis: int,
    box_mm: tuple[tuple[float, float], tuple[float, float]],
    pixel_mm: float,
) -> Picture:
    """A picture that keeps two patient axes straight and lets the third follow the vertebrae.

    Near each vertebra the picture lies in that vertebra's own plane through its centre (mid-sagittal for
    ``bent_axis`` LEFT, mid-coronal for POSTERIOR); between two vertebrae their planes are blended. The two
    straight axes are millimetres of the patient, so the curve of the spine in them is kept as it is.

    Args:
        centres_lps_mm: (n, 3) centres of the bodies.
        frames: (n, 3, 3) their frames, columns left, posterior, superior.
        bent_axis: LEFT for a sagittal, POSTERIOR for a coronal picture.
        box_mm: from and to of the horizontal axis, and of z.
        pixel_mm: side length of a pixel.
    """
    straight_axis = POSTERIOR if bent_axis == LEFT else LEFT
    (start, stop), (low, high) = box_mm
    right, down, across = np.eye(3)[straight_axis], np.array([0.0, 0.0, -1.0]), np.eye(3)[bent_axis]
    origin = start * right - high * down
    shape = (max(1, round((high - low) / pixel_mm)), max(1, round((stop - start) / pixel_mm)))
    points = _grid(origin, right, down, shape, pixel_mm)
    points[..., bent_axis] = _bent_coordinate(points, centres_lps_mm, frames, bent_axis)
    return Picture(
        points_lps_mm=points,
        across=across,
        origin_lps_mm=origin,
        right=right,
        down=down,
        pixel_mm=pixel_mm,
    )


def _bent_coordinate(
    points: Float64Array, centres: Float64Array, frames: Float64Array, bent_axis: int
) -> Float64Array:
    """(row, column) coordinate along the bent axis: the vertebrae's planes, weighted by nearness."""
    exponents, planes = [], []
    for centre, frame in zip(centres, frames, strict=True):
        offset = points - centre
        offset[..., bent_axis] = 0.0
        normal = frame[:, bent_axis]
        cosine = np.copysign(max(abs(normal[bent_axis]), _LEAST_COSINE), normal[bent_axis])
        plane = centre[bent_axis] - offset @ normal / cosine
        offset[..., bent_axis] = plane - centre[bent_axis]
        exponents.append(-0.5 * (offset @ frame[:, SUPERIOR] / _HANDOVER_MM) ** 2)
        planes.append(plane)
    exponent = np.stack(exponents)
    weights = np.exp(exponent - exponent.max(axis=0))
    return np.asarray((weights * np.stack(planes)).sum(axis=0) / weights.sum(axis=0), dtype=np.float64)


def sample_hu(volume: CtVolume, picture: Picture, slab_mm: float) -> Float32Array:
    """(row, column) Hounsfield units, averaged over the slab; HU_FLOOR outside the scan."""
    half = int(slab_mm / 2.0 / _SLAB_STEP_MM)
    offsets = np.arange(-half, half + 1) * _SLAB_STEP_MM
    to_voxels = np.linalg.inv(volume.affine)[:3, :3]
    index = np.moveaxis(to_index(volume.affine, picture.points_lps_mm), -1, 0)
    step = (to_voxels @ picture.across)[:, None, None]
    total = np.zeros(picture.shape, dtype=np.float32)
    for offset in offsets:
        total += _linear(volume.hu, index + offset * step, HU_FLOOR)
    return total / np.float32(len(offsets))


def sample_patch(array: Float32Array, affine: Float64Array, picture: Picture) -> Float32Array:
    """(row, column) values of a patch on the picture; 0 outside the patch."""
    return _linear(array, np.moveaxis(to_index(affine, picture.points_lps_mm), -1, 0), 0.0)


def _linear(array: npt.NDArray[np.generic], index: Float64Array, outside: float) -> Float32Array:
    values: Float32Array = ndimage.map_coordinates(
        array, index, output=np.float32, order=1, cval=outside, prefilter=False
    )
    return values


def to_grey(hu: Float32Array, centre_hu: float, width_hu: float) -> UInt8Array:
    """Apply a grey window."""
    scaled = (hu - (centre_hu - width_hu / 2.0)) * (255.0 / width_hu)
    return np.clip(np.round(scaled), 0, 255).astype(np.uint8)
