"""Paints capsules, discs and bony bridges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spondyl.geometry.arrays import Float32Array, Float64Array, UInt8Array
from spondyl.synthetic.body import BodyShape
from spondyl.synthetic.grid import Box, Grid, inside_share
from spondyl.synthetic.shapes import Bridge, Capsule, Disc, Tissue

GAS_HU = np.float32(-600.0)


def paint_capsules(
    grid: Grid, capsules: Sequence[Capsule], hu: Float32Array, tissue: UInt8Array | None
) -> None:
    """Mix capsules into ``hu`` one after the other, and into ``tissue`` where it is given."""
    if not capsules:
        return
    ends = np.array([(x.a_mm, x.b_mm) for x in capsules])
    reach = np.array([max(x.radius_a_mm, x.radius_b_mm) / min(x.flatness, 1.0) for x in capsules])
    for capsule, is_near in zip(capsules, grid.are_near(ends, reach), strict=True):
        if is_near:
            _paint_capsule(grid, capsule, hu, tissue)


def _paint_capsule(grid: Grid, capsule: Capsule, hu: Float32Array, tissue: UInt8Array | None) -> None:
    axis = capsule.b_mm - capsule.a_mm
    length = float(np.linalg.norm(axis))
    big = max(capsule.radius_a_mm, capsule.radius_b_mm) + grid.voxel_mm
    frame = _capsule_frame(axis, capsule.flat_axis, length)
    half_extents = np.array([big / min(capsule.flatness, 1.0), big, 0.5 * length + big])
    box = grid.box(0.5 * (capsule.a_mm + capsule.b_mm), frame, half_extents)
    if box is None:
        return
    distance = _capsule_distance(capsule, box, length)
    share = inside_share(distance, grid.voxel_mm)
    target = hu[box.slices]
    if capsule.shell_mm > 0:
        core = inside_share(distance + np.float32(capsule.shell_mm), grid.voxel_mm)
        target *= 1 - share
        share_of_shell = share - core
        target += np.float32(capsule.shell_hu) * share_of_shell + np.float32(capsule.core_hu) * core
    else:
        target += share * (np.float32(capsule.core_hu) - target)
    if tissue is not None:
        tissue[box.slices][share > 0.5] = capsule.tissue


def _capsule_distance(capsule: Capsule, box: Box, length: float) -> Float32Array:
    """Signed distance to the surface; for a flattened capsule to first order (value over gradient)."""
    half = np.float32(0.5 * length)
    along = np.clip(box.z, -half, half)
    growth = np.float32((capsule.radius_b_mm - capsule.radius_a_mm) / max(length, 1e-6))
    radius = (along + half) * growth + np.float32(capsule.radius_a_mm)
    flat2 = np.float32(capsule.flatness**2)
    across2 = box.x**2 * flat2
    rest2 = box.y**2 + (box.z - along) ** 2
    square = across2 + rest2
    distance = np.sqrt(square)
    distance -= radius
    if capsule.flatness > 1.0:
        gradient2 = (across2 * flat2 + rest2) / np.maximum(square, np.float32(1e-3))
        distance /= np.sqrt(np.maximum(gradient2, np.float32(1.0)))
    return np.asarray(distance, np.float32)


def _capsule_frame(axis: Float64Array, flat_axis: Float64Array, length: float) -> Float64Array:
    """(3, 3) columns: flattened direction, the third, the capsule's axis."""
    z = axis / length if length > 1e-6 else np.array([0.0, 0.0, 1.0])
    x = flat_axis - z * (flat_axis @ z)
    if x @ x < 1e-6:
        x = _cross(z, np.array([0.3, 0.5, 0.8]))
    x = x / np.sqrt(x @ x)
    return np.stack([x, _cross(z, x), z], axis=1)


def _cross(a: Float64Array, b: Float64Array) -> Float64Array:
    """Cross product of two (3,) vectors; numpy's own takes longer than a whole small capsule."""
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def paint_disc(
    grid: Grid, bodies: tuple[BodyShape, ...], disc: Disc, hu: Float32Array, tissue: UInt8Array
) -> None:
    """Fill between two bodies; the bodies are painted over it afterwards."""
    upper, lower = bodies[disc.upper], bodies[disc.lower]
    axis = upper.centre_mm - lower.centre_mm
    length = float(np.linalg.norm(axis))
    # columns left, posterior, superior: the axis points to superior, the flat axis to the left
    frame = _capsule_frame(axis, upper.frame[:, 0] + lower.frame[:, 0], length)
    half_width = 0.25 * (upper.width_mm + lower.width_mm)
    half_depth = 0.25 * (upper.depth_mm + lower.depth_mm)
    thickest = 0.0 if disc.bridge is None else 2 * disc.bridge.thickness_mm
    half_extents = np.array([half_width + thickest, half_depth + thickest, 0.5 * length]) + grid.voxel_mm
    box = grid.box(0.5 * (upper.centre_mm + lower.centre_mm), frame, half_extents)
    if box is None:
        return
    radius = np.sqrt((box.x * np.float32(1 / half_width)) ** 2 + (box.y * np.float32(1 / half_depth)) ** 2)
    heights = 0.5 * float(np.mean(upper.heights_mm()) + np.mean(lower.heights_mm()))
    half_gap = np.float32(9.0) * np.maximum(1.0 - radius**2, 0.0)
    half_gap += np.float32(0.5 * max(length - heights, 2.0) + 1.0)
    distance = np.maximum((radius - np.float32(0.97)) * np.float32(half_depth), np.abs(box.z) - half_gap)
    share = inside_share(distance, grid.voxel_mm)
    value = np.full_like(radius, disc.hu)
    if disc.vacuum:
        value = np.where((radius < 0.5) & (np.abs(box.z) < 1.5), GAS_HU, value)
    target = hu[box.slices]
    target += share * (value - target)
    tissue[box.slices][share > 0.5] = Tissue.DISC
    if disc.bridge is not None:
        share = _bridge_share(disc.bridge, box, radius, (half_depth, length), grid.voxel_mm)
        target += share * (np.float32(disc.bridge.hu) - target)
        tissue[box.slices][share > 0.5] = Tissue.OTHER_BONE


def _bridge_share(
    bridge: Bridge, box: Box, radius: Float32Array, size_mm: tuple[float, float], voxel_mm: float
) -> Float32Array:
    """Share of a bony bridge over the front of a disc (syndesmophyte, DISH): thickest at the disc."""
    half_depth, length = (np.float32(x) for x in size_mm)
    angle = np.arctan2(box.x, -box.y)  # 0 = anterior
    thickness = np.float32(bridge.thickness_mm) * np.exp(-((box.z / (0.28 * length)) ** 2))
    outside = (radius - 1.0) * half_depth
    shell = np.maximum(outside - thickness, -outside - 2.0)
    off = (np.abs(angle - np.float32(bridge.angle_rad)) - np.float32(bridge.spread_rad)) * half_depth
    ends = np.abs(box.z) - np.float32(0.42) * length
    return inside_share(np.maximum(np.maximum(shell, off), ends), voxel_mm)
