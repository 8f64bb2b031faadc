"""One body in its own frame: its voxels with local coordinates, and its endplates as columns.

What looks at the bone itself (signs, confounders, density) starts from here, so that all of it sees the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from spondyl.domain.level import Level
from spondyl.domain.measurement import Measured, NotMeasured
from spondyl.domain.vertebra import BodyPatch, LabelledSpine, Vertebra
from spondyl.geometry.affine import to_index
from spondyl.geometry.arrays import BoolArray, Float32Array, Float64Array
from spondyl.geometry.columns import crossings
from spondyl.geometry.resample import grid_points, keep_largest_part, sample

_SURFACE = 0.5  # contract of BodyPatch
_MARGIN_MM = 8.0  # seen round the body: lips, walls of the canal, the discs
_ACROSS_MM = np.arange(-27.0, 27.1, 1.5)
_ALONG_MM = np.arange(-25.0, 25.1, 1.0)
_UP_MM = np.arange(-23.0, 23.1, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BodyView:
    """One vertebra. Arrays (k, j, i) are the part of its patch round the body.

    centre_lps_mm: (3,), frame: (3, 3): as measured, or as found where nothing was measured.
    inside: the body. hu, in_scan, posterior: as in BodyPatch.
    left_mm, posterior_mm, superior_mm: (k, j, i) local coordinates of each voxel from the centre.
    depth_mm: (k, j, i) distance under the body's surface, 0 outside.
    across_mm: (a,), along_mm: (b,): places of the columns; top_mm, bottom_mm: (a, b) endplates, NaN for none.
    """

    level: Level
    vertebra: Vertebra
    measurement: Measured | NotMeasured
    centre_lps_mm: Float64Array
    frame: Float64Array
    inside: BoolArray
    hu: Float32Array
    in_scan: BoolArray
    posterior: Float32Array
    left_mm: Float32Array
    posterior_mm: Float32Array
    superior_mm: Float32Array
    depth_mm: Float32Array
    voxel_mm: float
    across_mm: Float64Array
    along_mm: Float64Array
    top_mm: Float64Array
    bottom_mm: Float64Array

    @property
    def measured(self) -> Measured | None:
        """The heights, where there are any."""
        return self.measurement if isinstance(self.measurement, Measured) else None

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel in ml."""
        return self.voxel_mm**3 / 1000.0

    @property
    def spacing_mm(self) -> float:
        """Slice spacing of the CT behind it."""
        return self.vertebra.patch.slice_spacing_mm

    @property
    def is_column(self) -> BoolArray:
        """(a, b) columns that run through the body."""
        return np.isfinite(self.top_mm) & np.isfinite(self.bottom_mm)

    def local(self, points_lps_mm: Float64Array) -> Float64Array:
        """(n, 3) left, posterior, superior of (n, 3) LPS points."""
        return np.asarray((points_lps_mm - self.centre_lps_mm) @ self.frame)

    def to_lps(self, local_mm: Float64Array) -> Float64Array:
        """(n, 3) LPS points of (n, 3) local ones."""
        return np.asarray(local_mm @ self.frame.T + self.centre_lps_mm)

    def place_of(self, mask: BoolArray) -> tuple[float, float, float]:
        """Centre of the voxels of a (k, j, i) mask, LPS mm."""
        local = np.array([[x[mask].mean() for x in (self.left_mm, self.posterior_mm, self.superior_mm)]])
        x, y, z = (float(value) for value in self.to_lps(local.astype(np.float64))[0])
        return x, y, z


def see_bodies(
    spine: LabelledSpine, measurements: tuple[Measured | NotMeasured, ...]
) -> tuple[BodyView, ...]:
    """The bodies of a spine, head to foot; a vertebra without any outline is left out."""
    views = (
        _see(vertebra, measurement)
        for vertebra, measurement in zip(spine.masks.vertebrae, measurements, strict=True)
    )
    return tuple(view for view in views if view is not None)


def _see(vertebra: Vertebra, measurement: Measured | NotMeasured) -> BodyView | None:
    patch = vertebra.patch
    body = patch.occupancy > _SURFACE
    if not np.any(body):
        return None
    body, _ = keep_largest_part(body)
    frame = measurement.frame if isinstance(measurement, Measured) else vertebra.candidate.frame
    centre = measurement.centre_lps_mm
    box = _padded(ndimage.find_objects(body.astype(np.uint8))[0], body.shape, _MARGIN_MM / patch.spacing_mm)
    inside = body[box]
    depth = ndimage.distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1, 1:-1] * patch.spacing_mm
    left, posterior, superior = _local_coordinates(patch, box, centre, frame)
    filled = np.where(body & (patch.occupancy <= _SURFACE), np.float32(1.0), patch.occupancy)
    bottom, top = _endplates(filled, patch.affine, centre, frame)
    return BodyView(
        level=measurement.level,
        vertebra=vertebra,
        measurement=measurement,
        centre_lps_mm=centre,
        frame=frame,
        inside=inside,
        hu=patch.hu[box],
        in_scan=patch.in_scan[box],
        posterior=patch.posterior[box],
        left_mm=left,
        posterior_mm=posterior,
        superior_mm=superior,
        depth_mm=depth.astype(np.float32),
        voxel_mm=patch.spacing_mm,
        across_mm=_ACROSS_MM,
        along_mm=_ALONG_MM,
        top_mm=top,
        bottom_mm=bottom,
    )


def _padded(box: tuple[slice, ...], shape: tuple[int, ...], margin: float) -> tuple[slice, slice, slice]:
    k, j, i = (
        slice(max(side.start - int(margin), 0), min(side.stop + int(margin), n))
        for side, n in zip(box, shape, strict=True)
    )
    return k, j, i


def _local_coordinates(
    patch: BodyPatch, box: tuple[slice, slice, slice], centre: Float64Array, frame: Float64Array
) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Left, posterior, superior of each voxel of a box, mm."""
    turn = frame.T @ patch.affine[:3, :3]
    shift = frame.T @ (patch.affine[:3, 3] - centre)
    k, j, i = (np.arange(side.start, side.stop, dtype=np.float32) for side in box)
    left, posterior, superior = (
        np.asarray((row[0] * k + offset)[:, None, None] + (row[1] * j)[:, None] + row[2] * i, np.float32)
        for row, offset in zip(turn.astype(np.float32), shift.astype(np.float32), strict=True)
    )
    return left, posterior, superior


def _endplates(
    occupancy: Float32Array, affine: Float64Array, centre: Float64Array, frame: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """(a, b) heights of the lower and the upper endplate over the centre."""
    points = grid_points(centre, frame, _ACROSS_MM, _ALONG_MM, _UP_MM)
    profiles = sample(occupancy, affine, points, order=1, outside=0.0)
    return crossings(profiles, _UP_MM, _SURFACE)


def sample_hu(patch: BodyPatch, points_lps_mm: Float64Array, outside: float) -> Float64Array:
    """HU of a patch at (..., 3) points, linear; ``outside`` where the patch or the scan ends."""
    values = sample(patch.hu, patch.affine, points_lps_mm, order=1, outside=outside)
    index = np.rint(to_index(patch.affine, points_lps_mm.reshape(-1, 3))).astype(int)
    inside = np.all((index >= 0) & (index < np.array(patch.hu.shape)), axis=1)
    seen = np.zeros(len(index), np.bool_)
    seen[inside] = patch.in_scan[tuple(index[inside].T)]
    return np.where(seen.reshape(values.shape), values, outside)
