"""Paints capsules, discs and bony bridges."""

from __future__ import annotations

import numpy as np

from spondyl.geometry.arrays import Float32Array, Float64Array, UInt8Array
from spondyl.synthetic.grid import Box, Grid, inside_share
from spondyl.synthetic.scene import Scene
from spondyl.synthetic.shapes import Capsule, Disc, Tissue


def paint_capsule(grid: Grid, capsule: Capsule, hu: Float32Array, tissue: UInt8Array | None) -> None:
    """Mix one capsule into ``hu`` by its share of each voxel, and into ``tissue`` where it is given."""
    middle = 0.5 * (capsule.a_mm + capsule.b_mm)
    axis = capsule.b_mm - capsule.a_mm
    length = float(np.linalg.norm(axis))
    big = max(capsule.radius_a_mm, capsule.radius_b_mm)
    frame = _capsule_frame(axis, capsule.flat_axis, length)
    box = grid.box(middle, frame, 0.5 * length + big + grid.voxel_mm)
    if box is None:
        return
    half = 0.5 * length
    t = np.clip(box.z, -half, half)
    radius = capsule.radius_a_mm + (capsule.radius_b_mm - capsule.radius_a_mm) * (t + half) / max(
        length, 1e-6
    )
    flat = np.float32(capsule.flatness)
    distance = np.sqrt((box.x * flat) ** 2 + box.y**2 + (box.z - t) ** 2) - radius
    if capsule.flatness > 1.0:
        distance = distance * np.float32(1.0 - 0.35 * (1.0 - 1.0 / capsule.flatness))
    share = inside_share(distance, grid.voxel_mm)
    value = np.float32(capsule.core_hu)
    target = hu[box.slices]
    if capsule.shell_mm > 0:
        core = inside_share(distance + np.float32(capsule.shell_mm), grid.voxel_mm)
        mixed = capsule.shell_hu * (share - core) + value * core
        target *= 1 - share
        target += mixed
    else:
        target += share * (value - target)
    if tissue is not None:
        tissue[box.slices][share > 0.5] = capsule.tissue


def _capsule_frame(axis: Float64Array, flat_axis: Float64Array, length: float) -> Float64Array:
    """Columns: flattened direction, the third, the capsule's axis."""
    z = axis / length if length > 1e-6 else np.array([0.0, 0.0, 1.0])
    x = flat_axis - z * (flat_axis @ z)
    if np.linalg.norm(x) < 1e-3:
        x = np.cross(z, np.array([0.3, 0.5, 0.8]))
    x = x / np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=1)


def paint_disc(grid: Grid, scene: Scene, disc: Disc, hu: Float32Array, tissue: UInt8Array) -> None:
    """Fill between two bodies; the bodies are painted over it afterwards."""
    upper, lower = scene.bodies[disc.upper], scene.bodies[disc.lower]
    axis = upper.centre_mm - lower.centre_mm
    length = float(np.linalg.norm(axis))
    frame = _capsule_frame(axis, upper.frame[:, 0] + lower.frame[:, 0], length)
    box = grid.box(0.5 * (upper.centre_mm + lower.centre_mm), frame, 0.5 * length + 0.55 * lower.width_mm)
    if box is None:
        return
    # the frame's second axis points to posterior or anterior; the outline is nearly symmetric
    half_width = 0.25 * (upper.width_mm + lower.width_mm)
    half_depth = 0.25 * (upper.depth_mm + lower.depth_mm)
    radius = np.sqrt((box.x / half_width) ** 2 + (box.y / half_depth) ** 2)
    gap = length - 0.5 * (np.mean(upper.normal_heights_mm) + np.mean(lower.normal_heights_mm))
    half_gap = 0.5 * max(float(gap), 2.0) + 1.0 + 9.0 * np.maximum(1.0 - radius**2, 0.0)
    distance = np.maximum((radius - 0.97) * half_depth, np.abs(box.z) - half_gap)
    share = inside_share(distance, grid.voxel_mm)
    value = np.full_like(radius, disc.hu)
    if disc.vacuum:
        value = np.where((radius < 0.5) & (np.abs(box.z) < 1.5), np.float32(-600.0), value)
    target = hu[box.slices]
    target += share * (value - target)
    tissue[box.slices][share > 0.5] = Tissue.DISC
    if disc.bridge_hu:
        _paint_bridge(grid, disc, box, (half_width, half_depth), length, hu, tissue)


def _paint_bridge(
    grid: Grid,
    disc: Disc,
    box: Box,
    half: tuple[float, float],
    length: float,
    hu: Float32Array,
    tissue: UInt8Array,
) -> None:
    """A bony bridge over the front of a disc (syndesmophyte, DISH)."""
    angle = np.arctan2(box.x / half[0], np.abs(box.y) / half[1])
    radius = np.sqrt((box.x / half[0]) ** 2 + (box.y / half[1]) ** 2)
    shell = np.abs(radius - 1.06) * half[1] - 2.2
    off = (np.abs(angle - disc.bridge_angle) - 0.5) * half[1]
    share = inside_share(np.maximum(np.maximum(shell, off), np.abs(box.z) - 0.5 * length), grid.voxel_mm)
    target = hu[box.slices]
    target += share * (disc.bridge_hu - target)
    tissue[box.slices][share > 0.5] = Tissue.OTHER_BONE
