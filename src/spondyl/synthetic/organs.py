"""Soft tissue in painting order: lungs, heart, organs, vessels, muscles, the halo, the canal."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float64Array
from spondyl.synthetic.anatomy import level_number
from spondyl.synthetic.body import BodyShape
from spondyl.synthetic.shapes import Capsule, Tissue, Trunk


def draw_trunk(rng: np.random.Generator, size: float) -> Trunk:
    """Draw the outline of the torso and what fills it where no organ is painted."""
    half_width = float(rng.uniform(135, 225)) * size
    count = int(rng.integers(4, 9))
    regions = tuple(
        float(x) for x in rng.choice([-100, -90, -70, 10, 30, 45, 60, 90, 120, 160, 300, -850], count)
    )
    return Trunk(
        half_width_mm=half_width,
        half_depth_mm=half_width * float(rng.uniform(0.6, 0.85)),
        centre_y_mm=-float(rng.uniform(35, 75)),
        exponent=float(rng.uniform(2.0, 2.8)),
        fat_mm=float(rng.uniform(3, 45)),
        fat_hu=float(rng.uniform(-125, -75)),
        muscle_hu=float(rng.uniform(10, 75)),
        region_hu=regions,
        region_scale_mm=float(rng.uniform(14, 45)),
        table_y_mm=float(rng.uniform(4, 25)) if rng.random() < 0.8 else None,
        field_seed=int(rng.integers(2**31)),
    )


def _soft(
    a: Float64Array,
    b: Float64Array,
    radii: tuple[float, float],
    hu: float,
    flat: tuple[Float64Array, float] | None = None,
    wall: tuple[float, float] = (0.0, 0.0),
) -> Capsule:
    axis, flatness = flat if flat is not None else (np.array([1.0, 0.0, 0.0]), 1.0)
    return Capsule(
        a_mm=a,
        b_mm=b,
        radius_a_mm=radii[0],
        radius_b_mm=radii[1],
        tissue=Tissue.BACKGROUND,
        core_hu=hu,
        shell_hu=wall[0],
        shell_mm=wall[1],
        flat_axis=axis / np.linalg.norm(axis),
        flatness=flatness,
    )


def organs(
    rng: np.random.Generator, bodies: tuple[BodyShape, ...], trunk: Trunk, size: float
) -> list[Capsule]:
    """Lungs, heart, liver, kidneys, bowel, vessels, muscles, halo, canal: in painting order."""
    at = {body.level: body for body in bodies}

    def near(level: Level, x: float, y: float, z: float = 0.0) -> Float64Array:
        return np.asarray(at[level].centre_mm + np.array([x, y, z]) * size)

    parts: list[Capsule] = []
    lung_hu = float(rng.uniform(-900, -720))
    has_lungs = rng.random() < 0.93
    blood = float(rng.choice([rng.uniform(25, 60), rng.uniform(110, 220), rng.uniform(200, 600)]))
    organ = float(rng.uniform(20, 130))
    if has_lungs:
        bottom = rng.choice(np.array([Level.T9, Level.T10, Level.T11, Level.T12], dtype=object))
        for s in (-1.0, 1.0):
            parts.append(
                _soft(
                    near(Level.T3, s * 48, -15), near(Level.T6, s * 72, -40), (34 * size, 62 * size), lung_hu
                )
            )
            parts.append(
                _soft(near(Level.T6, s * 72, -40), near(bottom, s * 78, -30), (62 * size, 66 * size), lung_hu)
            )
            parts.append(
                _soft(near(Level.T5, s * 46, 6), near(bottom, s * 52, 5), (30 * size, 36 * size), lung_hu)
            )
            for _ in range(int(rng.integers(6, 22))):
                a = near(Level.T7, s * rng.uniform(25, 110), rng.uniform(-90, 30), rng.uniform(-80, 80))
                parts.append(
                    _soft(
                        a,
                        a + rng.normal(0, 18, 3),
                        tuple(rng.uniform(1.0, 5.0, 2)),
                        float(rng.uniform(0, 60) if rng.random() < 0.6 else blood),
                    )
                )
    heart_radius = float(rng.uniform(36, 56)) * size
    parts.append(
        _soft(
            near(Level.T6, 5, -78),
            near(Level.T9, 30, -85),
            (heart_radius * 0.7, heart_radius),
            float(rng.uniform(20, 60)),
        )
    )
    for _ in range(3):
        a = near(Level.T8, rng.uniform(-35, 50), rng.uniform(-110, -55), rng.uniform(-30, 40))
        parts.append(
            _soft(
                a,
                a + rng.normal(0, 15, 3),
                tuple(rng.uniform(12, 28, 2) * size),
                blood * float(rng.uniform(0.7, 1.1)),
            )
        )
    parts.append(
        _soft(near(Level.T11, -75, -60), near(Level.L1, -60, -60, -10), (72 * size, 58 * size), organ)
    )
    parts.append(
        _soft(
            near(Level.T11, 80, -20),
            near(Level.T12, 85, -15),
            (36 * size, 30 * size),
            organ * float(rng.uniform(0.9, 1.6)),
        )
    )
    for s in (-1.0, 1.0):
        kidney = float(rng.uniform(25, 240))
        parts.append(
            _soft(near(Level.T12, s * 58, 5, -10), near(Level.L2, s * 66, 0), (27 * size, 25 * size), kidney)
        )
    for _ in range(int(rng.integers(5, 14))):
        a = near(Level.L3, rng.uniform(-110, 110), rng.uniform(-150, -35), rng.uniform(-110, 70))
        hu = float(
            rng.choice(
                [rng.uniform(-1000, -700), rng.uniform(-20, 60), rng.uniform(100, 700)], p=[0.3, 0.5, 0.2]
            )
        )
        parts.append(_soft(a, a + rng.normal(0, 28, 3), tuple(rng.uniform(8, 24, 2)), hu, wall=(40.0, 2.5)))
    parts += _vessels(rng, near, blood, size)
    parts += _paraspinal(rng, bodies, trunk, size)
    trachea = float(rng.uniform(6, 11))
    parts.append(
        _soft(near(Level.C5, 0, -26), near(Level.T4, 0, -38), (trachea, trachea), -980.0, wall=(40.0, 2.0))
    )
    parts.append(
        _soft(
            near(Level.C4, 3, -20), near(Level.T11, 12, -32), (7, 7), float(rng.choice([-700.0, 40.0, 30.0]))
        )
    )
    return parts


def _vessels(rng: np.random.Generator, near: object, blood: float, size: float) -> list[Capsule]:
    place = near if callable(near) else None
    if place is None:
        raise TypeError("near must be callable")
    radius = float(rng.uniform(9, 16)) * size
    wall = (float(rng.uniform(200, 900)) if rng.random() < 0.35 else 40.0, float(rng.uniform(0.8, 2.2)))
    chain = [
        place(Level.T4, 14, -36),
        place(Level.T6, 24, -26),
        place(Level.T9, 18, -28),
        place(Level.T12, 4, -34),
        place(Level.L2, 6, -40),
        place(Level.L4, 2, -42),
    ]
    parts = [_soft(a, b, (radius, radius * 0.95), blood, wall=wall) for a, b in pairwise(chain)]
    cava = float(rng.uniform(8, 13)) * size
    low = blood * float(rng.uniform(0.4, 1.0))
    parts.append(_soft(place(Level.T10, -22, -55), place(Level.L2, -22, -38), (cava, cava), low))
    parts.append(_soft(place(Level.L2, -22, -38), place(Level.L4, -20, -40), (cava, cava), low))
    parts.append(_soft(place(Level.T1, -25, -45), place(Level.T6, -28, -60), (cava, cava), blood))
    for s in (-1.0, 1.0):
        parts.append(
            _soft(place(Level.L4, s * 6, -40), place(Level.S1, s * 45, -30, -30), (6 * size, 6 * size), blood)
        )
        parts.append(_soft(place(Level.C4, s * 24, -22), place(Level.T2, s * 20, -42), (4.5, 5), blood))
    return parts


def _paraspinal(
    rng: np.random.Generator, bodies: tuple[BodyShape, ...], trunk: Trunk, size: float
) -> list[Capsule]:
    """Erector spinae, psoas, soft halo round the bodies, and the canal."""
    parts: list[Capsule] = []
    muscle = trunk.muscle_hu
    halo = float(rng.uniform(-60, 50))
    halo_mm = float(rng.uniform(2, 8))
    for upper, lower in pairwise(bodies):
        number = level_number(upper.level)
        back = (13 + 0.5 * max(number - 6, 0)) * size * float(rng.uniform(0.85, 1.25))
        for s in (-1.0, 1.0):
            offset = np.array([s * (upper.width_mm * 0.5 + 4), upper.depth_mm * 0.5 + 30 * size, 0])
            parts.append(
                _soft(
                    upper.centre_mm + upper.frame @ offset,
                    lower.centre_mm + lower.frame @ offset,
                    (back, back),
                    muscle,
                )
            )
            if number >= level_number(Level.L1):
                psoas = float(rng.uniform(8, 24)) * size * (0.6 + 0.15 * (number - 19))
                shift = np.array([s * (upper.width_mm * 0.5 + 0.75 * psoas), 4.0, 0])
                parts.append(_soft(upper.centre_mm + shift, lower.centre_mm + shift, (psoas, psoas), muscle))
    for upper, lower in pairwise(bodies):
        radius_upper, radius_lower = upper.width_mm * 0.5 + halo_mm, lower.width_mm * 0.5 + halo_mm
        parts.append(
            _soft(
                upper.centre_mm,
                lower.centre_mm,
                (radius_upper, radius_lower),
                halo,
                (upper.frame[:, 1], upper.width_mm / upper.depth_mm),
            )
        )
    canal_hu, fat = float(rng.uniform(0, 45)), float(rng.uniform(-80, 30))
    for upper, lower in pairwise(bodies):
        a = upper.centre_mm + upper.frame @ np.array([0, upper.depth_mm * 0.5 + 8.0 * size, 0])
        b = lower.centre_mm + lower.frame @ np.array([0, lower.depth_mm * 0.5 + 8.0 * size, 0])
        parts.append(
            _soft(a, b, (10.5 * size, 10.5 * size), canal_hu, (upper.frame[:, 1], 1.25), wall=(fat, 2.5))
        )
    return parts
