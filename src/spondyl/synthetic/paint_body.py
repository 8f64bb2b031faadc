"""Paints one vertebral body: surfaces with partial volume, bone, and its place in the truth."""

from __future__ import annotations

import numpy as np

from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float32Array, UInt8Array
from spondyl.synthetic.body import BodyShape
from spondyl.synthetic.grid import Box, Grid, inside_share
from spondyl.synthetic.shapes import Tissue


def paint_body(
    grid: Grid,
    body: BodyShape,
    number: int,
    texture: Float32Array,
    arrays: tuple[Float32Array, UInt8Array, Float32Array, UInt8Array, Float32Array],
) -> None:
    """Mix one body into the arrays hu, tissue, occupancy, instance, along."""
    hu, tissue, occupancy, instance, along = arrays
    box = grid.box(body.centre_mm, body.frame, body.reach_mm)
    if box is None:
        return
    half_width, half_depth = body.width_mm / 2, body.depth_mm / 2
    top = body.top.height(box.x, box.y, half_width, half_depth)
    bottom = body.bottom.height(box.x, box.y, half_width, half_depth)
    side = _side_distance(body, box, top, bottom)
    end = np.maximum(box.z - top, -bottom - box.z)
    distance = _round_max(side, end, body.rim_radius_mm)
    share = inside_share(distance, grid.voxel_mm)
    bone = _bone_hu(body, box, share, side, end, (top, bottom), texture[box.slices], grid.voxel_mm)
    target = hu[box.slices]
    target *= 1 - share
    target += bone
    is_sacral = body.level == Level.S1
    is_mine = share > np.maximum(occupancy[box.slices], 0.02)
    tissue[box.slices][share > 0.5] = Tissue.SACRUM if is_sacral else Tissue.BODY
    occupancy[box.slices][is_mine] = share[is_mine]
    instance[box.slices][is_mine] = number
    thickness = np.maximum(top + bottom, 1.0)
    local = (box.x / half_width, box.y / half_depth, (2 * box.z - top + bottom) / thickness)
    for axis, values in enumerate(local):
        along[axis][box.slices][is_mine] = np.clip(values[is_mine], -1.3, 1.3)


def _side_distance(body: BodyShape, box: Box, top: Float32Array, bottom: Float32Array) -> Float32Array:
    """Distance to the side wall along the ray from the body's axis; waist, canal wall, osteophytes."""
    half_width, half_depth = body.width_mm / 2, body.depth_mm / 2
    height = np.maximum(top + bottom, 2.0)
    t = np.clip((2 * box.z - top + bottom) / height, -1.2, 1.2)
    shrink = 1.0 - body.waist_fraction * (1.0 - np.minimum(t * t, 1.0))
    y0 = body.widest_fraction * half_depth
    y = box.y - y0
    back = (
        half_depth - y0 - body.back_concavity_mm * np.maximum(1.0 - (box.x / (0.45 * half_width)) ** 2, 0.0)
    )
    semi_y = np.where(y < 0, half_depth + y0, back)
    exponent = np.where(y < 0, np.float32(body.front_exponent), np.float32(body.back_exponent))
    rho = np.abs(box.x / (half_width * shrink)) ** exponent + np.abs(y / (semi_y * shrink)) ** exponent
    rho = np.maximum(rho, 1e-6) ** (1.0 / exponent)
    radius = np.sqrt(box.x**2 + y**2)
    distance = radius * (1.0 - 1.0 / np.maximum(rho, 1e-3))
    if body.osteophytes:
        angle = np.arctan2(box.x, -y)  # 0 = anterior
        for place, size, spread, side in body.osteophytes:
            bump = np.exp(-(((angle - place) / spread) ** 2) - ((t - 0.95 * side) / 0.28) ** 2)
            distance = distance - np.float32(size) * bump
    return np.asarray(distance, np.float32)


def _round_max(a: Float32Array, b: Float32Array, radius_mm: float) -> Float32Array:
    """Maximum of two distances with an edge rounded by ``radius_mm``."""
    r = np.float32(radius_mm)
    over_a, over_b = np.maximum(a + r, 0.0), np.maximum(b + r, 0.0)
    return np.asarray(np.minimum(np.maximum(a, b), -r) + np.sqrt(over_a**2 + over_b**2), np.float32)


def _bone_hu(
    body: BodyShape,
    box: Box,
    share: Float32Array,
    side: Float32Array,
    end: Float32Array,
    surfaces: tuple[Float32Array, Float32Array],
    texture: Float32Array,
    voxel_mm: float,
) -> Float32Array:
    """HU times share: cortex, endplates, trabecular bone with texture, band, lesion, gas."""
    # no cortex where the pedicles leave: the marrow runs through
    root = (np.abs(np.abs(box.x) - 0.33 * body.width_mm) < 0.11 * body.width_mm) & (
        box.y > 0.3 * body.depth_mm
    )
    root &= (box.z > -0.1 * surfaces[0]) & (box.z < 0.7 * surfaces[0])
    cortex = np.where(root, np.float32(0.0), np.float32(body.cortex_mm))
    core = np.minimum(
        inside_share(side + cortex, voxel_mm), inside_share(end + np.float32(body.endplate_mm), voxel_mm)
    )
    core = np.minimum(core, share)
    shell_hu = np.where(end > side, np.float32(body.endplate_hu), np.float32(body.cortex_hu))
    trabecular = body.trabecular_hu + np.float32(body.texture_hu) * texture
    trabecular += np.float32(body.endplate_gain_hu) * np.exp(end / 3.0)
    if body.band_hu:
        trabecular += np.float32(body.band_hu) * np.exp(-(((surfaces[0] - box.z) - 5.0) ** 2) / 9.0)
    if body.lesion is not None:
        x, y, z, radius, hu = body.lesion
        r = np.sqrt((box.x - x) ** 2 + (box.y - y) ** 2 + (box.z - z) ** 2)
        trabecular += inside_share((r - radius) / 1.5, voxel_mm) * (np.float32(hu) - trabecular)
    if body.gas_cleft:
        gas = (np.abs(box.z - 0.5 * surfaces[0]) < 1.3) & (side < -5.0)
        trabecular = np.where(gas, np.float32(-500.0), trabecular)
    return np.asarray(shell_hu * (share - core) + trabecular * core, np.float32)
