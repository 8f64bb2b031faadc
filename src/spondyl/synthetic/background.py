"""What lies behind all shapes: air, table, skin, fat, muscle wall, random regions, fine texture."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from spondyl.geometry.arrays import Float32Array
from spondyl.synthetic.grid import Grid
from spondyl.synthetic.shapes import Trunk

AIR_HU = np.float32(-1000.0)
SKIN_HU = np.float32(20.0)
TABLE_HU = np.float32(-300.0)
SKIN_MM = 2.0
MUSCLE_WALL_MM = 14.0
TABLE_HALF_MM = 3.0


def fine_texture(shape: tuple[int, int, int], rng: np.random.Generator) -> Float32Array:
    """Unit-variance noise at the voxel scale, lightly smoothed, as a stand-in for structure."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    return np.asarray(ndimage.uniform_filter(noise, 2) * 2.8, np.float32)


def striated(texture: Float32Array, voxel_mm: float) -> Float32Array:
    """The texture drawn out along k: trabeculae that bear load stand upright."""
    length = max(2, round(5.0 / voxel_mm))
    drawn_out = ndimage.uniform_filter1d(texture, length, axis=0)
    # neighbouring voxels of the texture correlate by a half along k
    return np.asarray(0.5 * texture + drawn_out * (0.6 * np.sqrt(length)), np.float32)


def _smooth_field(shape: tuple[int, int, int], step: float, rng: np.random.Generator) -> Float32Array:
    """A random field that varies over ``step`` voxels, by linear interpolation of coarse noise."""
    coarse = [int(np.ceil(n / step)) + 2 for n in shape]
    field = rng.standard_normal(coarse, dtype=np.float32)
    for axis, n in enumerate(shape):
        position = np.arange(n, dtype=np.float32) / np.float32(step) + np.float32(rng.uniform(0, 0.99))
        low = position.astype(int)
        weight = (position - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        field = np.take(field, low, axis) * (1 - weight) + np.take(field, low + 1, axis) * weight
    return np.asarray(field, np.float32)


def background(trunk: Trunk, grid: Grid, rng: np.random.Generator) -> Float32Array:
    """(k, j, i) HU: air, table, skin, fat, muscle wall, and random regions inside."""
    box = grid.box(np.array([0.0, trunk.centre_y_mm, 0.0]), np.eye(3), np.full(3, 1e5))
    if box is None:
        raise ValueError("the grid holds no voxel")
    step = trunk.region_scale_mm / grid.voxel_mm
    n_regions = len(trunk.region_hu)
    field = _smooth_field(grid.shape, step, rng) * np.float32(1.3)
    field += _smooth_field(grid.shape, step * 0.6, rng) * np.float32(0.7)
    pick = np.clip((field + np.float32(2.2)) * np.float32(n_regions / 4.4), 0, n_regions - 1e-3)
    hu = np.array(trunk.region_hu, np.float32)[pick.astype(np.uint8)]
    p = np.float32(trunk.exponent)
    sides = ((box.x, trunk.half_width_mm), (box.y, trunk.half_depth_mm))
    powers = [np.exp(p * np.log(np.maximum(np.abs(x) / np.float32(half), 1e-6))) for x, half in sides]
    depth = (1.0 - np.exp(np.log(powers[0] + powers[1]) / p)) * np.float32(trunk.half_depth_mm)
    hu[depth < trunk.fat_mm + MUSCLE_WALL_MM] = trunk.muscle_hu
    hu[depth < trunk.fat_mm] = trunk.fat_hu
    hu[depth < SKIN_MM] = SKIN_HU
    hu[depth < 0.0] = AIR_HU
    if trunk.table_y_mm is not None:
        off_table = np.abs(box.y - np.float32(trunk.half_depth_mm + trunk.table_y_mm))
        hu[(off_table < TABLE_HALF_MM) & (depth < 0)] = TABLE_HU
    return np.asarray(hu, np.float32)
