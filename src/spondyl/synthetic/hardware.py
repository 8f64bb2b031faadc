"""Metal in the spine: pedicle screws and the rods that join them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from spondyl.geometry.arrays import Float64Array
from spondyl.synthetic.body import BodyShape
from spondyl.synthetic.shapes import Capsule, Tissue

METAL_HU = 3000.0
_PATIENTS_WITH_METAL = 0.05  # ours: enough to learn from, rare as in practice
_SIDES = (-1.0, 1.0)


def screws_and_rods(rng: np.random.Generator, bodies: tuple[BodyShape, ...]) -> list[Capsule]:
    """In one patient of twenty two to seven neighbours are held by screws through both pedicles and rods."""
    if rng.random() >= _PATIENTS_WITH_METAL:
        return []
    n_held = int(rng.integers(2, 8))
    first = int(rng.integers(6, len(bodies) - n_held))
    held = bodies[first : first + n_held]
    radius, depth = float(rng.uniform(2.0, 3.5)), float(rng.uniform(0.1, 0.7))
    metal: list[Capsule] = []
    for side in _SIDES:
        heads = [_place(body, side * 0.42, 1.0, 22.0) for body in held]
        tips = [_place(body, side * 0.25, 0.5 - depth, 0.0) for body in held]
        skipped = rng.random(n_held) < 0.2
        metal += [
            _metal(head, tip, radius)
            for head, tip, leave in zip(heads, tips, skipped, strict=True)
            if not leave
        ]
        metal += [_metal(a, b, radius) for a, b in pairwise(heads)]
    return metal


def _place(body: BodyShape, across: float, along: float, behind_mm: float) -> Float64Array:
    """LPS point: shares of the width and the half depth, and mm further back, a little above the middle."""
    local = np.array(
        [across * body.width_mm, along * body.depth_mm / 2 + behind_mm, 0.15 * body.width_mm / 2]
    )
    return np.asarray(body.centre_mm + body.frame @ local)


def _metal(a_mm: Float64Array, b_mm: Float64Array, radius_mm: float) -> Capsule:
    return Capsule(
        a_mm=a_mm,
        b_mm=b_mm,
        radius_a_mm=radius_mm,
        radius_b_mm=radius_mm,
        tissue=Tissue.OTHER_BONE,
        core_hu=METAL_HU,
        shell_hu=METAL_HU,
        shell_mm=0.0,
        flat_axis=np.array([1.0, 0.0, 0.0]),
        flatness=1.0,
    )
