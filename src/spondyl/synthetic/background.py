"""What lies behind all shapes: air, table, skin, fat, muscle wall, random regions, fine texture."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from spondyl.geometry.arrays import Float32Array
from spondyl.synthetic.grid import Grid
from spondyl.synthetic.shapes import Trunk

AIR_HU = -1000.0


def fine_texture(shape: tuple[int, int, int], rng: np.random.Generator) -> Float32Array:
    """Unit-variance noise at the voxel scale, lightly smoothed, as a stand-in for structure."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    return np.asarray(ndimage.uniform_filter(noise, 2) * 2.8, np.float32)


def _smooth_field(shape: tuple[int, int, int], step: float, rng: np.random.Generator) -> Float32Array:
    """A random field that varies over ``step`` voxels, by linear interpolation of coarse noise."""
    coarse = [int(np.ceil(n / step)) + 2 for n in shape]
    field = rng.standard_normal(coarse, dtype=np.float32)
    for axis, n in enumerate(shape):
        position = np.arange(n, dtype=np.float32) / np.float32(step) + rng.uniform(0, 0.99)
        low = position.astype(int)
        weight = (position - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        field = np.take(field, low, axis) * (1 - weight) + np.take(field, low + 1, axis) * weight
    return np.asarray(field, np.float32)


def background(trunk: Trunk, grid: Grid, rng: np.random.Generator) -> Float32Array:
    """Air, table, skin, fat, muscle wall, and random regions inside."""
    centre = np.array([0.0, trunk.centre_y_mm, 0.0])
    box = grid.box(centre, np.eye(3), 1e5)
    if box is None:
        raise ValueError("the grid holds no voxel")
    step = trunk.region_scale_mm / grid.voxel_mm
    n_regions = len(trunk.region_hu)
    first, second = _smooth_field(grid.shape, step, rng), _smooth_field(grid.shape, step * 0.6, rng)
    pick = np.clip((first * 1.3 + second * 0.7 + 2.2) * (n_regions / 4.4), 0, n_regions - 1e-3).astype(
        np.uint8
    )
    inside = np.array(trunk.region_hu, np.float32)[pick]
    p = np.float32(trunk.exponent)
    radius = (np.abs(box.x / trunk.half_width_mm) ** p + np.abs(box.y / trunk.half_depth_mm) ** p) ** (1 / p)
    depth = (1.0 - radius) * trunk.half_depth_mm
    hu = np.where(depth < trunk.fat_mm + 14, np.float32(trunk.muscle_hu), inside)
    hu = np.where(depth < trunk.fat_mm, np.float32(trunk.fat_hu), hu)
    hu = np.where(depth < 2.0, np.float32(20.0), hu)
    hu = np.where(depth < 0.0, np.float32(AIR_HU), hu)
    if trunk.table_y_mm is not None:
        table = np.abs(box.y - (trunk.half_depth_mm + trunk.table_y_mm)) < 3.0
        hu = np.where(table & (depth < 0), np.float32(-300.0), hu)
    return np.asarray(hu, np.float32)
