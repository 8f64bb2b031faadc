"""Renders a scene on any regular grid: Hounsfield units with analytic partial volume, and its truth.

Every shape gives a distance to its surface (negative inside); the share of a voxel that lies inside is
clip(0.5 - distance / voxel, 0, 1). So a thin cortex is right at 2 mm without super-sampling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.geometry.arrays import Float32Array, Float64Array, UInt8Array
from spondyl.synthetic.background import background, fine_texture, striated
from spondyl.synthetic.grid import Grid
from spondyl.synthetic.paint_body import BodyTruth, paint_body
from spondyl.synthetic.paint_shapes import paint_capsules, paint_disc
from spondyl.synthetic.scene import Scene

SOFT_TEXTURE_HU = np.float32(6.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rendered:
    """A scene on a grid. All arrays are (k, j, i).

    hu: true Hounsfield units before the scanner. tissue: class per voxel (Tissue).
    occupancy: share of the voxel inside its body; instance: index of that body + 1 (0 = none).
    along: (3, k, j, i) body-local coordinates left, posterior, superior in [-1, 1], inside bodies.
    """

    hu: Float32Array
    tissue: UInt8Array
    occupancy: Float32Array
    instance: UInt8Array
    along: Float32Array
    affine: Float64Array


def render(scene: Scene, shape: tuple[int, int, int], affine: Float64Array, seed: int) -> Rendered:
    """Render a scene on an isotropic grid. ``affine``: (k, j, i) to LPS mm; ``seed``: of the texture."""
    rng = np.random.default_rng(seed)
    hu = render_soft(scene, shape, affine, rng)
    tissue = np.zeros(shape, np.uint8)
    truth = BodyTruth(
        occupancy=np.zeros(shape, np.float32),
        instance=np.zeros(shape, np.uint8),
        along=np.zeros((3, *shape), np.float32),
    )
    paint_bones(scene, affine, rng, hu, tissue, truth)
    assert truth.along is not None
    return Rendered(
        hu=hu,
        tissue=tissue,
        occupancy=truth.occupancy,
        instance=truth.instance,
        along=truth.along,
        affine=affine,
    )


def render_soft(
    scene: Scene, shape: tuple[int, int, int], affine: Float64Array, rng: np.random.Generator
) -> Float32Array:
    """(k, j, i) HU of everything but discs and bones, without texture."""
    grid = Grid(shape, affine)
    hu = background(scene.trunk, grid, rng)
    paint_capsules(grid, scene.soft, hu, None)
    return hu


def paint_bones(
    scene: Scene,
    affine: Float64Array,
    rng: np.random.Generator,
    hu: Float32Array,
    tissue: UInt8Array,
    truth: BodyTruth,
) -> None:
    """Add texture, discs, bones, bodies and metal to soft tissue, in place."""
    shape = (hu.shape[0], hu.shape[1], hu.shape[2])
    grid = Grid(shape, affine)
    texture = fine_texture(shape, rng)
    hu += texture * SOFT_TEXTURE_HU
    for disc in scene.discs:
        paint_disc(grid, scene.bodies, disc, hu, tissue)
    paint_capsules(grid, scene.bones, hu, tissue)
    bone_texture = striated(texture, grid.voxel_mm)
    for number, body in enumerate(scene.bodies, start=1):
        paint_body(grid, body, number, bone_texture, hu, tissue, truth)
    paint_capsules(grid, scene.metal, hu, None)
