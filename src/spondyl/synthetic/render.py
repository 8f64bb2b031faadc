"""Renders a scene on any regular grid: Hounsfield units with analytic partial volume, and its truth.

Every shape gives a distance to its surface (negative inside); the share of a voxel that lies inside is
clip(0.5 - distance / voxel, 0, 1). So a thin cortex is right at 2 mm without super-sampling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.geometry.arrays import Float32Array, Float64Array, UInt8Array
from spondyl.synthetic.background import background, fine_texture
from spondyl.synthetic.grid import Grid
from spondyl.synthetic.paint_body import paint_body
from spondyl.synthetic.paint_shapes import paint_capsule, paint_disc
from spondyl.synthetic.scene import Scene


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
    grid = Grid(shape, affine)
    hu = background(scene.trunk, grid, rng)
    tissue = np.zeros(shape, np.uint8)
    for capsule in scene.soft:
        paint_capsule(grid, capsule, hu, None)
    texture = fine_texture(shape, rng)
    hu += texture * np.float32(6.0)
    for disc in scene.discs:
        paint_disc(grid, scene, disc, hu, tissue)
    for capsule in scene.bones:
        paint_capsule(grid, capsule, hu, tissue)
    occupancy = np.zeros(shape, np.float32)
    instance = np.zeros(shape, np.uint8)
    along = np.zeros((3, *shape), np.float32)
    for number, body in enumerate(scene.bodies, start=1):
        paint_body(grid, body, number, texture, (hu, tissue, occupancy, instance, along))
    return Rendered(hu=hu, tissue=tissue, occupancy=occupancy, instance=instance, along=along, affine=affine)
