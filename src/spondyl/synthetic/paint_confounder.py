"""Paints what looks like a fracture, or spoils the view, onto a CT or a patch that is already there.

Every painter works in the frame of one vertebra and on any grid, so the same lesion can be painted on the CT
and on the patches cut out of it. The noise of the picture is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.geometry.affine import to_points
from spondyl.geometry.arrays import Float32Array, Float64Array
from spondyl.synthetic.truth import TrueVertebra

_NOISE_MM = 5.0  # what varies faster than this is noise and stays
_NOISE_SDS = 2.5
_SOFT_EDGE_MM = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """One body: centre (3,) and frame (3, 3) in LPS, its size, and the height of its endplates."""

    level: Level
    centre_lps_mm: Float64Array
    frame: Float64Array
    half_width_mm: float
    front_mm: float
    back_mm: float
    top_mm: float
    bottom_mm: float


def place_of(truth: TrueVertebra) -> Place:
    """Where a synthetic vertebra lies."""
    local = (truth.landmarks_lps_mm - truth.centre_lps_mm) @ truth.frame
    rims = (truth.surface_lps_mm - truth.centre_lps_mm) @ truth.frame
    return Place(
        level=truth.level,
        centre_lps_mm=truth.centre_lps_mm,
        frame=truth.frame,
        half_width_mm=float(np.max(np.abs(rims[:, 0]))),
        front_mm=float(local[[0, 3], 1].mean()),
        back_mm=float(local[[2, 5], 1].mean()),
        top_mm=float(local[:3, 2].mean()),
        bottom_mm=float(local[3:, 2].mean()),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coat:
    """What is painted. share: (k, j, i) 0-1; value_hu: broadcast to it.

    removed: (k, j, i) 0-1 share of each voxel that is no longer body; None where the body keeps its shape.
    """

    share: Float64Array
    value_hu: Float64Array
    removed: Float64Array | None = None


Painter = Callable[[Float64Array, Float64Array, Float64Array, Place], Coat]
"""From local coordinates left, posterior, superior (k, j, i) and the place to what is painted."""


def painted(
    hu: Float32Array, affine: Float64Array, place: Place, painters: tuple[Painter, ...]
) -> tuple[Float32Array, Float32Array]:
    """(k, j, i) HU with the coats on, and the share of each voxel that they leave to the body."""
    local = (
        to_points(affine, np.indices(hu.shape).reshape(3, -1).T.astype(np.float64)) - place.centre_lps_mm
    ) @ (place.frame)
    x, y, z = (local[:, axis].reshape(hu.shape) for axis in range(3))
    voxel_mm = float(np.linalg.norm(affine[:3, 0]))
    smooth = ndimage.uniform_filter(hu, max(1, round(_NOISE_MM / voxel_mm)))
    out, left = hu.astype(np.float64), np.ones(hu.shape)
    noise = hu - smooth
    limit = _NOISE_SDS * 1.4826 * float(np.median(np.abs(noise)))  # edges of what was there are no noise
    noise = np.clip(noise, -limit, limit)
    for paint in painters:
        coat = paint(x, y, z, place)
        out = out * (1.0 - coat.share) + coat.share * (coat.value_hu + noise)
        if coat.removed is not None:
            left *= 1.0 - coat.removed
    return np.clip(out, -1024.0, 3071.0).astype(np.float32), left.astype(np.float32)


def _inside(distance_mm: Float64Array) -> Float64Array:
    """Share inside a surface at a signed distance, with a soft edge."""
    return np.asarray(np.clip(0.5 - distance_mm / _SOFT_EDGE_MM, 0.0, 1.0))


def ball(centre_mm: tuple[float, float, float], radius_mm: float, hu: float) -> Painter:
    """A lesion of one density: metastasis, island, cement."""

    def paint(x: Float64Array, y: Float64Array, z: Float64Array, _: Place) -> Coat:
        distance = np.sqrt((x - centre_mm[0]) ** 2 + (y - centre_mm[1]) ** 2 + (z - centre_mm[2]) ** 2)
        return Coat(share=_inside(distance - radius_mm), value_hu=np.asarray(hu))

    return paint


def haemangioma(radius_mm: float, stripe_hu: float, pitch_mm: float = 4.5) -> Painter:
    """Fat with coarse upright trabeculae."""

    def paint(x: Float64Array, y: Float64Array, z: Float64Array, _: Place) -> Coat:
        distance = np.sqrt(x**2 + y**2 + (1.2 * z) ** 2) - radius_mm
        bars = (np.cos(2 * np.pi * x / pitch_mm) + np.cos(2 * np.pi * y / pitch_mm)) > 1.0
        return Coat(share=_inside(distance), value_hu=np.where(bars, stripe_hu, -75.0))

    return paint


def gas(volume_ml: float) -> Painter:
    """A flat cleft under the upper endplate."""

    def paint(x: Float64Array, y: Float64Array, z: Float64Array, place: Place) -> Coat:
        half_height = 1.6
        radius = np.sqrt(volume_ml * 1000.0 / (np.pi * 2 * half_height))
        flat = np.maximum(np.hypot(x, y) - radius, np.abs(z - 0.35 * place.top_mm) - half_height)
        return Coat(share=_inside(flat), value_hu=np.asarray(-600.0))

    return paint


def screws(radius_mm: float) -> Painter:
    """A pair of screws through the pedicles, and the dark streak between them."""

    def paint(x: Float64Array, y: Float64Array, z: Float64Array, place: Place) -> Coat:
        back, front = place.back_mm + 22.0, 0.5 * place.front_mm
        share = np.clip((back - y) / (back - front), 0.0, 1.0)
        outward = (0.75 - 0.4 * share) * place.half_width_mm
        beyond = np.maximum(y - back, front - y)
        off = np.hypot(np.abs(x) - outward, z - 0.2 * place.top_mm) - radius_mm
        metal = _inside(np.maximum(off, beyond))
        dark = _inside(np.maximum(np.abs(z - 0.2 * place.top_mm) - 2.5, np.abs(x) - 0.8 * outward)) * (
            y < back
        )
        dark = dark * (1.0 - metal) * np.clip(0.3 * radius_mm, 0.0, 1.0)
        share_of_both = np.maximum(metal, dark)
        return Coat(share=share_of_both, value_hu=np.where(metal >= dark, 3071.0, -350.0))

    return paint


def node(depth_mm: float, radius_mm: float, across_mm: float, *, is_top: bool) -> Painter:
    """Schmorl's node: a pit of an endplate, filled with disc, with a dense rim."""

    def paint(x: Float64Array, y: Float64Array, z: Float64Array, place: Place) -> Coat:
        up = z - place.top_mm if is_top else place.bottom_mm - z
        along = 0.1 * (place.back_mm - place.front_mm)
        out = np.hypot((x - across_mm) / radius_mm, (y - along) / radius_mm)
        floor = -depth_mm * np.exp(-((out / 0.75) ** 4)) - 1.2
        pit = _inside(np.maximum(floor - up, (out - 1.0) * radius_mm)) * (up < 3.0)
        rim = _inside(np.abs(up - floor + 0.8) - 0.8) * (out < 1.1)
        share = np.maximum(pit, rim)
        return Coat(share=share, value_hu=np.where(pit >= rim, 70.0, 450.0), removed=pit)

    return paint


def fragment(size_mm: float) -> Painter:
    """Limbus: the upper front corner stands apart."""

    def paint(x: Float64Array, y: Float64Array, z: Float64Array, place: Place) -> Coat:
        along, up = y - place.front_mm, z - place.top_mm
        cut = up - along + 1.3 * size_mm
        is_near = (np.abs(x) < 0.8 * place.half_width_mm) & (along > -2.0) & (up < 2.5)
        gone = np.clip(cut / 1.0, 0.0, 1.0) * is_near * (along < 1.6 * size_mm)
        off = np.sqrt((0.35 * x) ** 2 + (along - 0.15 * size_mm) ** 2 + (up + 0.15 * size_mm) ** 2)
        piece = _inside(off - 0.45 * size_mm)
        share = np.maximum(gone, piece)
        return Coat(share=share, value_hu=np.where(piece > 0.3, 480.0, 60.0), removed=gone)

    return paint


def half_body(slope: float) -> Painter:
    """Hemivertebra: the upper endplate falls to one side."""

    def paint(x: Float64Array, y: Float64Array, z: Float64Array, place: Place) -> Coat:
        plane = place.top_mm + 1.5 - slope * (x + place.half_width_mm)
        gone = np.clip(z - plane + 0.5, 0.0, 1.0) * (np.abs(y) < 60.0) * (z < place.top_mm + 4.0)
        rim = np.clip(1.0 - np.abs(z - plane + 1.0), 0.0, 1.0) * (z < place.top_mm)
        return Coat(share=np.maximum(gone, rim), value_hu=np.where(gone > rim, 80.0, 400.0), removed=gone)

    return paint


def chalk(hu: float) -> Painter:
    """A calcified disc above the body, 5 mm high."""

    def paint(x: Float64Array, y: Float64Array, z: Float64Array, place: Place) -> Coat:
        middle = 0.5 * (place.front_mm + place.back_mm)
        out = np.hypot(
            x / (0.8 * place.half_width_mm), (y - middle) / (0.4 * (place.back_mm - place.front_mm))
        )
        slab = np.maximum((out - 1.0) * place.half_width_mm, np.abs(z - place.top_mm - 3.0) - 4.0)
        return Coat(share=_inside(slab), value_hu=np.asarray(hu))

    return paint


def bridge(thickness_mm: float, angle_rad: float) -> Painter:
    """Bone before the front of the body and both discs beside it."""

    def paint(x: Float64Array, y: Float64Array, z: Float64Array, place: Place) -> Coat:
        middle = 0.5 * (place.front_mm + place.back_mm)
        angle = np.arctan2(x, -(y - middle))
        half_depth = 0.5 * (place.back_mm - place.front_mm)
        radius = 1.0 / np.hypot(np.sin(angle) / place.half_width_mm, np.cos(angle) / half_depth)
        out = np.hypot(x, y - middle) - radius
        shell = np.maximum(out - thickness_mm, -out - 1.0)
        reach = np.maximum(z - place.top_mm - 9.0, place.bottom_mm - 9.0 - z)
        wide = (np.abs(angle - angle_rad) - 0.5) * half_depth
        return Coat(share=_inside(np.maximum(np.maximum(shell, reach), wide)), value_hu=np.asarray(550.0))

    return paint


def short_outline(gap_mm: float, *, is_top: bool) -> Painter:
    """Nothing is painted: the outline stops short of an endplate by so much."""

    def paint(x: Float64Array, _: Float64Array, z: Float64Array, place: Place) -> Coat:
        up = z - place.top_mm if is_top else place.bottom_mm - z
        gone = np.clip(up + gap_mm + 0.5, 0.0, 1.0)
        return Coat(share=np.zeros_like(x), value_hu=np.asarray(0.0), removed=gone)

    return paint


def broken(shape: Shape, loss_fraction: float) -> Painter:
    """A fracture of the upper endplate: what is lost is taken off the outline, and disc fills it."""

    def paint(x: Float64Array, y: Float64Array, z: Float64Array, place: Place) -> Coat:
        share = np.clip((y - place.front_mm) / (place.back_mm - place.front_mm), 0.0, 1.0)
        if shape == Shape.WEDGE:
            lost = 1.0 - 0.9 * share
        elif shape == Shape.BICONCAVE:
            lost = np.clip(1.0 - (2.0 * share - 1.0) ** 4 - 0.6 * (x / place.half_width_mm) ** 4, 0.15, 1.0)
        else:
            lost = 1.0 - 0.15 * share
        plane = place.top_mm - loss_fraction * (place.top_mm - place.bottom_mm) * lost
        gone = np.clip(z - plane + 0.5, 0.0, 1.0) * (z < place.top_mm + 4.0)
        return Coat(share=gone, value_hu=np.asarray(80.0), removed=gone)

    return paint
