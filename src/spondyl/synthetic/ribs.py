"""Ribs from the joints at the vertebral bodies round the chest."""

from __future__ import annotations

import numpy as np

from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float64Array
from spondyl.synthetic.anatomy import level_number
from spondyl.synthetic.body import BodyShape
from spondyl.synthetic.bone import BoneMaker, BoneQuality
from spondyl.synthetic.shapes import Capsule, Tissue

_SEGMENTS_LABELLED = 8  # pieces from the joint; further round, a rib says nothing of its vertebra


def rib_pair(rng: np.random.Generator, body: BodyShape, size: float, bone: BoneQuality) -> list[Capsule]:
    """A pair of ribs from the costovertebral joint along an ellipse that widens downwards."""
    order = level_number(body.level) - level_number(Level.T1) + 1  # 1..12
    radius = float(np.interp(order, [1, 2, 12], [4.2, 4.4, 3.9]) * size * rng.uniform(0.85, 1.15))
    arc_end = np.interp(order, [1, 10, 11, 12], [2.7, 2.3, 1.35, 0.8]) * rng.uniform(0.85, 1.1)
    if order == 12:
        arc_end *= float(rng.uniform(0.5, 1.2))
    fall = float(np.interp(order, [1, 4, 12], [0.28, 0.5, 0.65]) * rng.uniform(0.85, 1.15))
    near = BoneMaker(rng=rng, quality=bone, tissue=Tissue.RIB)
    far = BoneMaker(rng=rng, quality=bone, tissue=Tissue.OTHER_BONE)
    capsules: list[Capsule] = []
    for side in (-1.0, 1.0):
        points = _course(body, order, side, size, (float(arc_end), fall))
        radii = [radius * 1.05, radius * 1.15] + [radius] * (len(points) - 2)
        flat = (np.array([0.4 * side, 0.6, 0.15]), 1.35)
        for n in range(len(points) - 1):
            maker = near if n < _SEGMENTS_LABELLED else far
            capsules.append(maker.capsule(points[n], points[n + 1], (radii[n], radii[n + 1]), flat))
    return capsules


def _course(
    body: BodyShape, order: int, side: float, size: float, arc: tuple[float, float]
) -> list[Float64Array]:
    """Points along the middle of one rib: head, tubercle, then round; ``arc`` is its end angle and fall."""
    arc_end, fall = arc
    reach_x = float(np.interp(order, [1, 2, 3, 5, 8, 10, 12], [58, 78, 95, 118, 135, 132, 120])) * size
    reach_y = float(np.interp(order, [1, 2, 3, 5, 8, 10, 12], [70, 95, 120, 150, 165, 150, 120])) * size
    half_width, half_depth = body.width_mm / 2, body.depth_mm / 2
    height = float(np.mean(body.normal_heights_mm))
    # ribs 2 to 10 meet the disc above as well, ribs 1, 11 and 12 their own body alone
    head_z = height * (0.18 if order in (1, 11, 12) else 0.5)
    head = np.array([side * (half_width * 0.86 + 3), half_depth * 0.62, head_z])
    tubercle_local = np.array([side * (half_width + 17 * size), half_depth + 19 * size, height * 0.3])
    tubercle = body.centre_mm + body.frame @ tubercle_local
    points = [body.centre_mm + body.frame @ head, tubercle]
    centre_y = tubercle[1] - reach_y * 0.42
    first = float(np.arctan2(tubercle[1] - centre_y, abs(tubercle[0] - body.centre_mm[0]) + 1e-6))
    first = max(first, 0.6)
    semi_y = max(tubercle[1] - centre_y, 20.0) / max(np.sin(first), 0.5)
    for angle in np.linspace(0.0, arc_end, 10)[1:]:
        theta = first - angle
        x = body.centre_mm[0] + side * reach_x * np.cos(theta) * min(1.0, 0.45 + 0.55 * angle / 0.6)
        y = centre_y + semi_y * np.sin(theta) * (reach_y / 150.0 if theta < 0 else 1.0)
        z = tubercle[2] - fall * reach_x * 0.62 * angle + (8.0 if angle > 2.0 else 0.0)
        points.append(np.array([x, y, z]))
    return points
