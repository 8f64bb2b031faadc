"""Ribs from the joints at the vertebral bodies round the chest."""

from __future__ import annotations

import numpy as np

from spondyl.domain.level import Level
from spondyl.synthetic.anatomy import level_number
from spondyl.synthetic.body import BodyShape
from spondyl.synthetic.bone import BoneQuality, bone_capsule
from spondyl.synthetic.shapes import Capsule, Tissue


def rib_pair(
    rng: np.random.Generator, body: BodyShape, upper: BodyShape | None, size: float, bone: BoneQuality
) -> list[Capsule]:
    """A pair of ribs from the costovertebral joint along an ellipse that widens downwards."""
    order = level_number(body.level) - level_number(Level.T1) + 1  # 1..12
    reach_x = np.interp(order, [1, 2, 3, 5, 8, 10, 12], [58, 78, 95, 118, 135, 132, 120]) * size
    reach_y = np.interp(order, [1, 2, 3, 5, 8, 10, 12], [70, 95, 120, 150, 165, 150, 120]) * size
    arc_end = np.interp(order, [1, 10, 11, 12], [2.7, 2.3, 1.35, 0.8]) * rng.uniform(0.85, 1.1)
    if order == 12:
        arc_end *= float(rng.uniform(0.5, 1.2))
    fall = np.interp(order, [1, 4, 12], [0.28, 0.5, 0.65]) * rng.uniform(0.85, 1.15)
    radius = float(np.interp(order, [1, 2, 12], [4.2, 4.4, 3.9]) * size * rng.uniform(0.85, 1.15))
    capsules: list[Capsule] = []
    half_width, half_depth = body.width_mm / 2, body.depth_mm / 2
    height = float(np.array(body.normal_heights_mm).mean())
    own_joint = order in (1, 11, 12) or upper is None
    for s in (-1.0, 1.0):
        head_z = height * (0.18 if own_joint else 0.5)
        start = body.centre_mm + body.frame @ np.array(
            [s * (half_width * 0.86 + 3), half_depth * 0.62, head_z]
        )
        tubercle = body.centre_mm + body.frame @ np.array(
            [s * (half_width + 17 * size), half_depth + 19 * size, height * 0.3]
        )
        centre_y = tubercle[1] - reach_y * 0.42
        angles = np.linspace(0.0, arc_end, 10)
        first = np.arctan2(tubercle[1] - centre_y, abs(tubercle[0] - body.centre_mm[0]) + 1e-6)
        points = [start, tubercle]
        semi_y = max(tubercle[1] - centre_y, 20.0) / max(np.sin(max(first, 0.6)), 0.5)
        for angle in angles[1:]:
            theta = max(first, 0.6) - angle
            x = body.centre_mm[0] + s * reach_x * np.cos(theta) * min(1.0, 0.45 + 0.55 * angle / 0.6)
            y = centre_y + semi_y * np.sin(theta) * (reach_y / 150.0 if theta < 0 else 1.0)
            z = tubercle[2] - fall * reach_x * 0.62 * angle + (8.0 if angle > 2.0 else 0.0)
            points.append(np.array([x, y, z]))
        radii = [radius * 1.05, radius * 1.15] + [radius] * (len(points) - 2)
        for n in range(len(points) - 1):
            tissue = Tissue.RIB if n < 8 else Tissue.OTHER_BONE
            capsules.append(
                bone_capsule(
                    rng,
                    bone,
                    points[n],
                    points[n + 1],
                    (radii[n], radii[n + 1]),
                    tissue,
                    (np.array([0.4 * s, 0.6, 0.15]), 1.35),
                )
            )
    return capsules
