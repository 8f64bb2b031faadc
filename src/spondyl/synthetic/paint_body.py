"""Paints one vertebral body: surfaces with partial volume, bone, and its place in the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float32Array, UInt8Array
from spondyl.synthetic.body import BodyShape
from spondyl.synthetic.grid import Box, Grid, inside_share
from spondyl.synthetic.shapes import Tissue

GAS_HU = np.float32(-500.0)
VEIN_HU = np.float32(40.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BodyTruth:
    """Arrays (k, j, i) that bodies are painted into, besides HU and tissue; see ``render.Rendered``."""

    occupancy: Float32Array
    instance: UInt8Array
    along: Float32Array | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Distances:
    """Signed distances of a box's voxels to one body, mm, negative inside.

    top, bottom: height of the endplates over (under) the middle plane. side: to the side wall.
    end: to the nearer endplate. share: part of the voxel inside.
    """

    top: Float32Array
    bottom: Float32Array
    side: Float32Array
    end: Float32Array
    share: Float32Array


def paint_body(
    grid: Grid,
    body: BodyShape,
    number: int,
    texture: Float32Array,
    hu: Float32Array,
    tissue: UInt8Array,
    truth: BodyTruth,
) -> None:
    """Mix one body, instance ``number``, into the arrays."""
    box = grid.box(body.centre_mm, body.frame, body.half_extents_mm + grid.voxel_mm)
    if box is None:
        return
    distances = _distances(body, box, grid.voxel_mm)
    share = distances.share
    target = hu[box.slices]
    target *= 1 - share
    target += _bone_hu(body, box, distances, texture[box.slices], grid.voxel_mm)
    tissue[box.slices][share > 0.5] = Tissue.SACRUM if body.level == Level.S1 else Tissue.BODY
    is_mine = share > np.maximum(truth.occupancy[box.slices], 0.02)
    truth.occupancy[box.slices][is_mine] = share[is_mine]
    truth.instance[box.slices][is_mine] = number
    if truth.along is None:
        return
    thickness = np.maximum(distances.top + distances.bottom, 1.0)
    local = (
        box.x / (body.width_mm / 2),
        box.y / (body.depth_mm / 2),
        (2 * box.z - distances.top + distances.bottom) / thickness,
    )
    for axis, values in enumerate(local):
        truth.along[axis][box.slices][is_mine] = np.clip(values[is_mine], -1.3, 1.3)


def _distances(body: BodyShape, box: Box, voxel_mm: float) -> _Distances:
    top = body.top.height(box.x, box.y, body.outline)
    bottom = body.bottom.height(box.x, box.y, body.outline)
    side = _side_distance(body, box, top, bottom)
    end = np.maximum(box.z - top, -bottom - box.z)
    share = inside_share(_round_max(side, end, body.rim_radius_mm), voxel_mm)
    return _Distances(top=top, bottom=bottom, side=side, end=end, share=share)


def _side_distance(body: BodyShape, box: Box, top: Float32Array, bottom: Float32Array) -> Float32Array:
    """Distance to the side wall along the ray from the body's axis; waist, canal wall, osteophytes."""
    half_width, half_depth = body.width_mm / 2, body.depth_mm / 2
    t = np.clip((2 * box.z - top + bottom) / np.maximum(top + bottom, 2.0), -1.2, 1.2)
    shrink = 1.0 - body.waist_fraction * (1.0 - np.minimum(t * t, 1.0))
    shrink_y = shrink - np.float32(0.5 * body.taper_fraction) * (1.0 - t)
    y0 = body.widest_fraction * half_depth
    y = box.y - y0
    hollow = body.back_concavity_mm * np.maximum(1.0 - (box.x / (0.45 * half_width)) ** 2, 0.0)
    semi_y = np.where(y < 0, np.float32(half_depth + y0), np.float32(half_depth - y0) - hollow)
    exponents = np.array([body.back_exponent, body.front_exponent], np.float32)
    exponent = exponents[(y < 0).astype(np.uint8)]
    rho = _power(np.abs(box.x / (half_width * shrink)), exponent)
    rho += _power(np.abs(y / np.asarray(semi_y * shrink_y, np.float32)), exponent)
    rho = _power(rho, np.float32(1.0) / exponent)
    distance = np.sqrt(box.x**2 + y**2) * (1.0 - 1.0 / np.maximum(rho, 1e-3))
    if body.osteophytes:
        angle = np.arctan2(box.x, -y)  # 0 = anterior
        for bump in body.osteophytes:
            height = t - np.float32(0.95 if bump.is_top else -0.95)
            fall = ((angle - bump.angle_rad) / bump.spread_rad) ** 2 + (height / 0.28) ** 2
            distance -= np.float32(bump.size_mm) * np.exp(-fall)
    return np.asarray(distance, np.float32)


def _power(base: Float32Array, exponent: Float32Array) -> Float32Array:
    """``base ** exponent`` for base >= 0; by logarithm, which numpy does several times faster."""
    return np.asarray(np.exp(np.log(np.maximum(base, np.float32(1e-6))) * exponent), np.float32)


def _round_max(a: Float32Array, b: Float32Array, radius_mm: float) -> Float32Array:
    """Maximum of two distances with an edge rounded by ``radius_mm``."""
    r = np.float32(radius_mm)
    over_a, over_b = np.maximum(a + r, 0.0), np.maximum(b + r, 0.0)
    return np.asarray(np.minimum(np.maximum(a, b), -r) + np.sqrt(over_a**2 + over_b**2), np.float32)


def _bone_hu(
    body: BodyShape, box: Box, distances: _Distances, texture: Float32Array, voxel_mm: float
) -> Float32Array:
    """HU times share: cortex and endplates round the marrow."""
    # no cortex where the pedicles and the vein leave: the marrow runs through
    root = np.abs(np.abs(box.x) - 0.33 * body.width_mm) < 0.11 * body.width_mm
    root &= (box.z > -0.1 * distances.top) & (box.z < 0.7 * distances.top)
    if body.vein_mm:
        root |= box.x**2 + box.z**2 < np.float32(body.vein_mm**2)
    root &= box.y > 0.3 * body.depth_mm
    cortex = np.where(root, np.float32(0.0), np.float32(body.cortex_mm))
    core = np.minimum(
        inside_share(distances.side + cortex, voxel_mm),
        inside_share(distances.end + np.float32(body.endplate_mm), voxel_mm),
    )
    core = np.minimum(core, distances.share)
    is_plate = distances.end > distances.side
    shell_hu = np.where(is_plate, np.float32(body.endplate_hu), np.float32(body.cortex_hu))
    marrow = _marrow_hu(body, box, distances, texture, voxel_mm)
    return np.asarray(shell_hu * (distances.share - core) + marrow * core, np.float32)


def _marrow_hu(
    body: BodyShape, box: Box, distances: _Distances, texture: Float32Array, voxel_mm: float
) -> Float32Array:
    """HU of the trabecular bone: texture, denser near the endplates, vein, fracture band, lesion, gas."""
    marrow = body.trabecular_hu + np.float32(body.texture_hu) * texture
    marrow += np.float32(body.dense_zone_hu) * np.exp(distances.end / np.float32(body.dense_zone_mm))
    if body.band_hu:
        below_plate = distances.top - box.z - np.float32(5.0)
        marrow += np.float32(body.band_hu) * np.exp(-(below_plate**2) / np.float32(9.0))
    if body.vein_mm:  # a funnel from the middle of the back wall to the middle of the body
        radius = np.float32(body.vein_mm / (0.5 * body.depth_mm)) * np.maximum(box.y, 0.0)
        vein = inside_share(np.sqrt(box.x**2 + box.z**2) - radius, voxel_mm)
        marrow += vein * (VEIN_HU - marrow)
    if body.lesion is not None:
        lesion = body.lesion
        squares = (box.x - lesion.x_mm) ** 2 + (box.y - lesion.y_mm) ** 2 + (box.z - lesion.z_mm) ** 2
        inside = inside_share((np.sqrt(squares) - np.float32(lesion.radius_mm)) / 1.5, voxel_mm)
        marrow += inside * (np.float32(lesion.hu) - marrow)
    if body.gas_cleft:
        gas = (np.abs(box.z - 0.5 * distances.top) < 1.3) & (distances.side < -5.0)
        marrow = np.where(gas, GAS_HU, marrow)
    return np.asarray(marrow, np.float32)
