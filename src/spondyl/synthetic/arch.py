"""Posterior elements of a vertebra: pedicles, laminae, articular, transverse and spinous processes."""

from __future__ import annotations

import numpy as np

from spondyl.geometry.arrays import Float64Array
from spondyl.synthetic.anatomy import NORMS, level_number
from spondyl.synthetic.body import BodyShape
from spondyl.synthetic.bone import BoneQuality, bone_capsule
from spondyl.synthetic.shapes import Capsule, Tissue


def posterior_elements(rng: np.random.Generator, body: BodyShape, bone: BoneQuality) -> list[Capsule]:
    """Pedicles, laminae, articular, transverse and spinous processes."""
    number = level_number(body.level)
    thoracic = float(np.clip((number - 6) / 3, 0, 1) * np.clip((20 - number) / 2.5, 0, 1))
    lumbar = float(np.clip((number - 17) / 3, 0, 1))
    half_width, half_depth = body.width_mm / 2, body.depth_mm / 2
    height = float(np.array(body.normal_heights_mm).mean())
    scale = half_width / (NORMS[body.level].width_mm / 2)

    def jitter(sd: float) -> float:
        return float(rng.normal(0, sd))

    def place(x: float, y: float, z: float) -> Float64Array:
        return np.asarray(body.centre_mm + body.frame @ np.array([x, y, z]))

    canal = (15.0 + 2.0 * lumbar) * scale
    pedicle_x = half_width * (0.62 - 0.1 * thoracic + 0.06 * lumbar)
    pedicle_z = height * (0.16 + jitter(0.03))
    lamina_y = half_depth + canal
    side_axis, flat_x = body.frame[:, 0], body.frame[:, 2]
    parts: list[Capsule] = []

    def add(
        a: Float64Array,
        b: Float64Array,
        r: tuple[float, float],
        flat: tuple[Float64Array, float] | None = None,
    ) -> None:
        parts.append(bone_capsule(rng, bone, a, b, r, Tissue.POSTERIOR, flat))

    ped_r = (2.8 + 1.2 * thoracic + 3.0 * lumbar) * scale * float(rng.uniform(0.85, 1.2))
    drop = 8.0 + 14.0 * thoracic - 1.0 * lumbar
    slope = float(np.tan(np.radians(12 + 36 * thoracic - 6 * lumbar + jitter(6))))
    spine_len = (18 + 12 * thoracic + 14 * lumbar) * scale * float(rng.uniform(0.8, 1.2))
    for s in (-1.0, 1.0):
        root = place(s * pedicle_x, half_depth * 0.62, pedicle_z)
        facet = place(s * (pedicle_x + 1.5), half_depth + 9 * scale, pedicle_z)
        add(root, facet, (ped_r, ped_r * 1.05), (side_axis, 1.35))
        upper = place(
            s * (pedicle_x + 1.5 + jitter(0.6)), half_depth + 10.5 * scale, pedicle_z + height * 0.5
        )
        lower = place(s * (pedicle_x - 1.0 - 2 * lumbar), lamina_y - 1, -height * (0.55 + 0.1 * thoracic))
        add(facet, upper, (4.0 * scale, 3.6 * scale))
        add(facet, lower, (4.3 * scale, 3.8 * scale))
        middle = place(0.0, lamina_y + 2 * scale, -0.10 * height - drop * 0.2)
        lateral = place(s * pedicle_x * 0.9, lamina_y - 4 * scale, -0.02 * height)
        add(lateral, middle, (2.9 * scale, 2.9 * scale), (body.frame[:, 1], 1.3))
        add(
            place(s * pedicle_x * 0.8, lamina_y - 3 * scale, -height * 0.32),
            place(0.0, lamina_y + 2 * scale, -height * 0.38),
            (2.6 * scale, 2.6 * scale),
            (body.frame[:, 1], 1.3),
        )
        reach = (10 + 10 * thoracic + 22 * lumbar) * scale * float(rng.uniform(0.8, 1.2))
        tip_y = half_depth + (9 + 13 * thoracic - 1 * lumbar) * scale
        tip = place(s * (pedicle_x + reach), tip_y, pedicle_z + jitter(1.5) + 3 * thoracic)
        add(facet, tip, (4.2 * scale, 2.4 * scale + 1.6 * thoracic), (flat_x, 1.0 + 0.5 * lumbar))
    tip = place(jitter(1.0), lamina_y + spine_len, -0.25 * height - spine_len * slope)
    add(
        place(0.0, lamina_y + 3, -0.2 * height),
        tip,
        ((3.2 + 3.5 * lumbar) * scale, (2.8 + 4.0 * lumbar) * scale),
        (side_axis, 1.4 + 1.2 * lumbar),
    )
    return parts
