"""A fracture of known loss inserted into a real CT: a warp along one vertebra's own axis.

The body is compressed between its endplates, the discs beside it take the space that is freed, the
neighbours' endplates and everything beyond them stay where they were. The warp is continuous and monotone
along the axis, hence invertible; the landmarks are carried through it exactly, which gives the realised loss.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from spondyl.domain.grading import Shape
from spondyl.domain.volume import HU_FLOOR, CtVolume
from spondyl.geometry.affine import to_index, to_points
from spondyl.geometry.arrays import Float64Array

_GRID_MM = 1.0  # spacing of the displacement field
_SIDE_MM = 9.0  # the warp fades out over this distance beside the body
_ENDPLATE_MM = 2.0  # layer under each endplate that is shifted, not compressed
_RIM_MM = 1.2  # bone just outside the points is shifted too: stretched with the disc, it would look taller
_RIM_OF_GAP = 0.4  # where the disc is thin, at most this part of it
_SMOOTH_MM = 0.7
_COMPACTION_HU = (
    90.0  # added where the bone is compressed to half (our choice, clinical-methods §1.6: a band)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedFracture:
    """loss_fraction: loss of the leading height, 0-0.8. top_share: part taken by the superior endplate."""

    shape: Shape
    loss_fraction: float
    top_share: float = 0.65

    def __post_init__(self) -> None:
        if self.shape == Shape.NORMAL:
            raise ValueError("shape is normal; wedge, biconcave or crush is needed")
        if not 0.0 < self.loss_fraction <= 0.8:
            raise ValueError(f"loss_fraction {self.loss_fraction}: more than 0 and at most 0.8 is needed")
        if not 0.0 <= self.top_share <= 1.0:
            raise ValueError(f"top_share {self.top_share}: 0 to 1 is needed")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BodyPlace:
    """Where the vertebra lies, LPS mm.

    landmarks_lps_mm: (6, 3), order of LANDMARK_NAMES. frame: (3, 3), columns left, posterior, superior.
    gap_above_mm, gap_below_mm: (3,) free space that the warp may use beyond the anterior, middle and
        posterior points.
    """

    landmarks_lps_mm: Float64Array
    frame: Float64Array
    width_mm: float
    gap_above_mm: Float64Array
    gap_below_mm: Float64Array

    @property
    def centre_lps_mm(self) -> Float64Array:
        """Mean of the landmarks."""
        return np.asarray(self.landmarks_lps_mm.mean(axis=0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inserted:
    """The warped CT and the landmarks carried through the warp; losses (3,) anterior, middle, posterior.

    carry: where (n, 3) points of the original lie in the warped CT, LPS mm. origin: its inverse.
    """

    carry: Callable[[Float64Array], Float64Array]
    origin: Callable[[Float64Array], Float64Array]
    volume: CtVolume
    landmarks_lps_mm: Float64Array
    heights_before_mm: Float64Array
    heights_after_mm: Float64Array
    loss_fractions: Float64Array

    @property
    def loss_fraction(self) -> float:
        """Loss of the leading height, as realised."""
        return float(self.loss_fractions.max())


def insert_fracture(volume: CtVolume, place: BodyPlace, wanted: WantedFracture) -> Inserted:
    """Warp a CT so that one body has the wanted loss and shape.

    Raises:
        ValueError: the body lies partly outside the volume, or the warp would fold.
    """
    field = _exact_field(place, wanted)
    hu, box = _warped(volume, place, field)
    warped = volume.hu.copy()
    warped[box] = hu
    before = place.landmarks_lps_mm
    after = field.carry(before)
    heights_before = np.linalg.norm(before[:3] - before[3:], axis=1)
    heights_after = np.linalg.norm(after[:3] - after[3:], axis=1)
    return Inserted(
        carry=field.carry,
        origin=field.origin,
        volume=CtVolume(hu=warped, affine=volume.affine, series_id=volume.series_id),
        landmarks_lps_mm=after,
        heights_before_mm=heights_before,
        heights_after_mm=heights_after,
        loss_fractions=1.0 - heights_after / heights_before,
    )


def _exact_field(place: BodyPlace, wanted: WantedFracture) -> _Field:
    """The warp whose realised loss is the wanted one: smoothing takes some, so the drive is corrected."""
    drive = wanted.loss_fraction
    for _ in range(4):
        field = _Field(place, replace(wanted, loss_fraction=min(drive, 0.8)))
        after = field.carry(place.landmarks_lps_mm)
        before = np.linalg.norm(place.landmarks_lps_mm[:3] - place.landmarks_lps_mm[3:], axis=1)
        realised = float(np.max(1.0 - np.linalg.norm(after[:3] - after[3:], axis=1) / before))
        drive *= wanted.loss_fraction / max(realised, 1e-3)
    return field


def _column_losses(wanted: WantedFracture) -> Float64Array:
    """(3,) loss of anterior, middle and posterior height."""
    loss = wanted.loss_fraction
    if wanted.shape == Shape.WEDGE:
        return np.array([1.0, 0.7, 0.08]) * loss
    if wanted.shape == Shape.BICONCAVE:
        return np.array([0.25, 1.0, 0.15]) * loss
    return np.array([1.0, 0.97, 0.85]) * loss


class _Field:
    """Displacement along the vertebra's axis on a grid in its frame: from warped to original place."""

    def __init__(self, place: BodyPlace, wanted: WantedFracture) -> None:
        self._centre, self._frame = place.centre_lps_mm, place.frame
        local = self.to_local(place.landmarks_lps_mm)
        half_depth = 0.5 * float(local[[2, 5], 1].mean() - local[[0, 3], 1].mean())
        self._half = np.array(
            [
                place.width_mm / 2 + _SIDE_MM + 2,
                half_depth + _SIDE_MM + 2,
                float(np.abs(local[:, 2]).max())
                + max(place.gap_above_mm.max(), place.gap_below_mm.max())
                + 4,
            ]
        )
        axes = [np.arange(-half, half + _GRID_MM, _GRID_MM) for half in self._half]
        x, y, z = np.meshgrid(*axes, indexing="ij")
        self._origin = np.array([axis[0] for axis in axes])
        shift, self.compression = self._displacement(x, y, z, local, place, wanted)
        self._shift = ndimage.gaussian_filter(shift, _SMOOTH_MM / _GRID_MM)
        slope = np.diff(self._shift, axis=2) / _GRID_MM
        if slope.min() <= -0.98:
            raise ValueError("the warp would fold: the loss is too large for this body and its discs")

    def _displacement(
        self,
        x: Float64Array,
        y: Float64Array,
        z: Float64Array,
        local: Float64Array,
        place: BodyPlace,
        wanted: WantedFracture,
    ) -> tuple[Float64Array, Float64Array]:
        top, bottom = _curve(local[:3], y), _curve(local[3:], y)
        losses = _column_losses(wanted)
        columns = 0.5 * (local[:3, 1] + local[3:, 1])
        share = np.clip(_through_three(columns, losses, np.clip(y, columns[0], columns[2])), 0.0, 0.85)
        if wanted.shape == Shape.BICONCAVE:  # the rims at both sides keep more of their height
            share = share * (1.0 - 0.5 * np.clip(2 * np.abs(x) / place.width_mm, 0, 1) ** 2)
        lost = share * (top - bottom) * self._fade(x, y, columns, place.width_mm)
        top_new = top - wanted.top_share * lost
        bottom_new = bottom + (1.0 - wanted.top_share) * lost
        inset = np.minimum(_ENDPLATE_MM, 0.25 * (top_new - bottom_new))
        below, above = (
            _between(points, gap, y)
            for points, gap in ((local[3:], place.gap_below_mm), (local[:3], place.gap_above_mm))
        )
        rim_below, rim_above = (np.minimum(_RIM_MM, _RIM_OF_GAP * gap) for gap in (below, above))
        source = _piecewise(
            z,
            (
                bottom - below,
                bottom_new - rim_below,
                bottom_new + inset,
                top_new - inset,
                top_new + rim_above,
                top + above,
            ),
            (
                bottom - below,
                bottom - rim_below,
                bottom + inset,
                top - inset,
                top + rim_above,
                top + above,
            ),
        )
        inside = (z > bottom_new) & (z < top_new)
        compression = np.where(inside, lost / np.maximum(top - bottom - lost, 1.0), 0.0)
        return source - z, ndimage.gaussian_filter(compression, 1.5)

    @staticmethod
    def _fade(x: Float64Array, y: Float64Array, columns: Float64Array, width_mm: float) -> Float64Array:
        """1 within the body's outline, falling smoothly to 0 beside it."""
        middle, half_depth = 0.5 * (columns[0] + columns[2]), 0.5 * (columns[2] - columns[0])
        beside = np.maximum(np.abs(x) - width_mm / 2, 0.0)
        before = np.maximum(np.abs(y - middle) - half_depth - 1.0, 0.0)
        away = np.clip(np.hypot(beside, before) / _SIDE_MM, 0.0, 1.0)
        return np.asarray(0.5 * (1.0 + np.cos(np.pi * away)))

    def to_local(self, points_mm: Float64Array) -> Float64Array:
        """(n, 3) LPS points in the vertebra's frame."""
        return np.asarray((points_mm - self._centre) @ self._frame)

    def at(self, local: Float64Array, values: Float64Array | None = None) -> Float64Array:
        """Displacement along the axis (or another map on the same grid) at (n, 3) local points."""
        index = (local - self._origin) / _GRID_MM
        grid = self._shift if values is None else values
        return np.asarray(ndimage.map_coordinates(grid, index.T, order=1, mode="constant", cval=0.0))

    def carry(self, points_mm: Float64Array) -> Float64Array:
        """Where points of the original lie in the warped CT: the inverse, by fixed-point steps."""
        start = self.to_local(points_mm)
        local = start.copy()
        for _ in range(200):
            local[:, 2] += 0.5 * (start[:, 2] - local[:, 2] - self.at(local))
        return np.asarray(local @ self._frame.T + self._centre)

    def origin(self, points_mm: Float64Array) -> Float64Array:
        """Which points of the original came to lie at these points of the warped CT."""
        return np.asarray(points_mm + self.at(self.to_local(points_mm))[:, None] * self.axis)

    @property
    def corners_lps_mm(self) -> Float64Array:
        """(8, 3) corners of the warped region."""
        signs = np.array(np.meshgrid(*[(-1.0, 1.0)] * 3)).reshape(3, -1).T
        return np.asarray((signs * self._half) @ self._frame.T + self._centre)

    @property
    def axis(self) -> Float64Array:
        """Unit vector along which the warp moves, LPS."""
        return np.asarray(self._frame[:, 2])


def _through_three(at: Float64Array, values: Float64Array, y: Float64Array) -> Float64Array:
    """The parabola through three points."""
    return np.asarray(np.polyval(np.polyfit(at, values, 2), y))


def _curve(points: Float64Array, y: Float64Array) -> Float64Array:
    """Height of an endplate along the depth: through its three points, level beyond them."""
    return _through_three(points[:, 1], points[:, 2], np.clip(y, points[:, 1].min(), points[:, 1].max()))


def _between(points: Float64Array, values: Float64Array, y: Float64Array) -> Float64Array:
    """Values at an endplate's three points carried along the depth: linear, level beyond them."""
    return np.asarray(np.interp(y, points[:, 1], values))


def _piecewise(
    z: Float64Array, knots: tuple[Float64Array, ...], values: tuple[Float64Array, ...]
) -> Float64Array:
    """Piecewise linear map with knots that differ from column to column; the identity outside."""
    out = z.copy()
    for low, high, at_low, at_high in zip(knots, knots[1:], values, values[1:], strict=False):
        inside = (z >= low) & (z < high)
        share = (z - low) / np.maximum(high - low, 1e-6)
        out = np.where(inside, at_low + share * (at_high - at_low), out)
    return out


def _warped(
    volume: CtVolume, place: BodyPlace, field: _Field
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.int16]], tuple[slice, slice, slice]]:
    """HU of the region around the body after the warp, and where it lies in the volume."""
    index = to_index(volume.affine, field.corners_lps_mm)
    low = np.floor(index.min(axis=0)).astype(int)
    high = np.ceil(index.max(axis=0)).astype(int) + 1
    body = to_index(volume.affine, place.landmarks_lps_mm)
    if np.any(body < 0) or np.any(body > np.array(volume.hu.shape) - 1):
        raise ValueError("the body lies partly outside the volume; choose a vertebra fully in view")
    low, high = np.maximum(low, 0), np.minimum(high, volume.hu.shape)
    box = (
        slice(int(low[0]), int(high[0])),
        slice(int(low[1]), int(high[1])),
        slice(int(low[2]), int(high[2])),
    )
    grid = np.array(np.meshgrid(*[np.arange(a, b) for a, b in zip(low, high, strict=True)], indexing="ij"))
    points = to_points(volume.affine, grid.reshape(3, -1).T.astype(np.float64))
    local = field.to_local(points)
    shift = field.at(local)
    moved = np.abs(shift) > 1e-4
    out = volume.hu[box].astype(np.float32).ravel()
    source = to_index(volume.affine, points[moved] + shift[moved, None] * field.axis)
    reach = 3
    part_low = np.maximum(low - reach, 0)
    part = volume.hu[tuple(slice(int(a), int(b) + reach) for a, b in zip(part_low, high, strict=True))]
    values = ndimage.map_coordinates(part.astype(np.float32), (source - part_low).T, order=3, mode="nearest")
    compression = field.at(local[moved], field.compression)
    bone = np.clip((values - 20.0) / 100.0, 0.0, 1.0)  # marrow fat and discs are not made denser
    out[moved] = values + _COMPACTION_HU * np.clip(compression, 0.0, 1.5) * bone
    hu = np.clip(np.round(out), HU_FLOOR, 32767).astype(np.int16)
    return hu.reshape(volume.hu[box].shape), box
