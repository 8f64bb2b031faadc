"""Soft tissue in painting order: lungs, heart, organs, vessels, muscles, the halo, the canal."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float64Array
from spondyl.synthetic.anatomy import level_number
from spondyl.synthetic.body import BodyShape
from spondyl.synthetic.shapes import Capsule, Tissue, Trunk

_SIDES = (-1.0, 1.0)
_ROUND = (np.array([1.0, 0.0, 0.0]), 1.0)
_REGION_HU = (-100, -90, -70, 10, 30, 45, 60, 90, 120, 160, 300, -850)
_WALL_HU = 40.0


def draw_trunk(rng: np.random.Generator, size: float) -> Trunk:
    """Draw the outline of the torso and what fills it where no organ is painted."""
    half_width = float(rng.uniform(135, 225)) * size
    return Trunk(
        half_width_mm=half_width,
        half_depth_mm=half_width * float(rng.uniform(0.6, 0.85)),
        centre_y_mm=-float(rng.uniform(35, 75)),
        exponent=float(rng.uniform(2.0, 2.8)),
        fat_mm=float(rng.uniform(3, 45)),
        fat_hu=float(rng.uniform(-125, -75)),
        muscle_hu=float(rng.uniform(10, 75)),
        region_hu=tuple(float(x) for x in rng.choice(_REGION_HU, int(rng.integers(4, 9)))),
        region_scale_mm=float(rng.uniform(14, 45)),
        table_y_mm=float(rng.uniform(4, 25)) if rng.random() < 0.8 else None,
    )


def organs(
    rng: np.random.Generator, bodies: tuple[BodyShape, ...], trunk: Trunk, size: float
) -> list[Capsule]:
    """Lungs, heart, liver, kidneys, bowel, vessels, muscles, halo, canal: in painting order."""
    blood = float(rng.choice([rng.uniform(25, 60), rng.uniform(110, 220), rng.uniform(200, 600)]))
    torso = _Torso(
        rng=rng,
        at={body.level: body for body in bodies},
        size=size,
        blood_hu=blood,
        organ_hu=float(rng.uniform(20, 130)),
    )
    parts = _lungs(torso) if rng.random() < 0.93 else []
    parts += _heart(torso) + _upper_abdomen(torso) + _bowel(torso)
    parts += _vessels(torso) + _muscles(rng, bodies, trunk.muscle_hu, size)
    parts += _halo(rng, bodies) + _canal(rng, bodies, size)
    return parts + _airways(torso)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Torso:
    """What the organs of one patient share."""

    rng: np.random.Generator
    at: dict[Level, BodyShape]
    size: float
    blood_hu: float
    organ_hu: float

    def near(self, level: Level, x: float, y: float, z: float = 0.0) -> Float64Array:
        """A point beside a body, along the patient's axes, in mm of an average patient."""
        return np.asarray(self.at[level].centre_mm + np.array([x, y, z]) * self.size)

    def radii(self, low: float, high: float) -> tuple[float, float]:
        """Two random radii, mm."""
        return float(self.rng.uniform(low, high)), float(self.rng.uniform(low, high))

    def uniform(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))


def _soft(
    a_mm: Float64Array,
    b_mm: Float64Array,
    radii_mm: tuple[float, float],
    hu: float,
    *,
    flat: tuple[Float64Array, float] = _ROUND,
    wall: tuple[float, float] = (0.0, 0.0),
) -> Capsule:
    """A capsule of soft tissue; ``wall`` is its HU and thickness."""
    axis, flatness = flat
    return Capsule(
        a_mm=a_mm,
        b_mm=b_mm,
        radius_a_mm=radii_mm[0],
        radius_b_mm=radii_mm[1],
        tissue=Tissue.BACKGROUND,
        core_hu=hu,
        shell_hu=wall[0],
        shell_mm=wall[1],
        flat_axis=axis / np.linalg.norm(axis),
        flatness=flatness,
    )


def _lungs(torso: _Torso) -> list[Capsule]:
    """Both lungs with vessels in them."""
    rng, near, size = torso.rng, torso.near, torso.size
    hu = torso.uniform(-900, -720)
    bottom = rng.choice(np.array([Level.T9, Level.T10, Level.T11, Level.T12], dtype=object))
    parts: list[Capsule] = []
    for s in _SIDES:
        apex, hilum = near(Level.T3, s * 48, -15), near(Level.T6, s * 72, -40)
        parts.append(_soft(apex, hilum, (34 * size, 62 * size), hu))
        parts.append(_soft(hilum, near(bottom, s * 78, -30), (62 * size, 66 * size), hu))
        behind = near(Level.T5, s * 46, 6), near(bottom, s * 52, 5)
        parts.append(_soft(*behind, (30 * size, 36 * size), hu))
        for _ in range(int(rng.integers(6, 22))):
            a = near(Level.T7, s * rng.uniform(25, 110), rng.uniform(-90, 30), rng.uniform(-80, 80))
            content = torso.uniform(0, 60) if rng.random() < 0.6 else torso.blood_hu
            parts.append(_soft(a, a + rng.normal(0, 18, 3), torso.radii(1.0, 5.0), content))
    return parts


def _heart(torso: _Torso) -> list[Capsule]:
    """Heart muscle with three chambers of blood, bright with contrast in many patients."""
    rng, near, size = torso.rng, torso.near, torso.size
    radius = torso.uniform(36, 56) * size
    ends = near(Level.T6, 5, -78), near(Level.T9, 30, -85)
    parts = [_soft(*ends, (radius * 0.7, radius), torso.uniform(20, 60))]
    for _ in range(3):
        a = near(Level.T8, rng.uniform(-35, 50), rng.uniform(-110, -55), rng.uniform(-30, 40))
        hu = torso.blood_hu * torso.uniform(0.7, 1.1)
        parts.append(_soft(a, a + rng.normal(0, 15, 3), torso.radii(12 * size, 28 * size), hu))
    return parts


def _upper_abdomen(torso: _Torso) -> list[Capsule]:
    """Liver, spleen, kidneys."""
    near, size = torso.near, torso.size
    liver = near(Level.T11, -75, -60), near(Level.L1, -60, -60, -10)
    spleen = near(Level.T11, 80, -20), near(Level.T12, 85, -15)
    parts = [
        _soft(*liver, (72 * size, 58 * size), torso.organ_hu),
        _soft(*spleen, (36 * size, 30 * size), torso.organ_hu * torso.uniform(0.9, 1.6)),
    ]
    for s in _SIDES:
        kidney = near(Level.T12, s * 58, 5, -10), near(Level.L2, s * 66, 0)
        parts.append(_soft(*kidney, (27 * size, 25 * size), torso.uniform(25, 240)))
    return parts


def _bowel(torso: _Torso) -> list[Capsule]:
    """Loops with gas, water or positive contrast."""
    rng = torso.rng
    parts: list[Capsule] = []
    for _ in range(int(rng.integers(5, 14))):
        a = torso.near(Level.L3, rng.uniform(-110, 110), rng.uniform(-150, -35), rng.uniform(-110, 70))
        contents = [rng.uniform(-1000, -700), rng.uniform(-20, 60), rng.uniform(100, 700)]
        hu = float(rng.choice(contents, p=[0.3, 0.5, 0.2]))
        parts.append(_soft(a, a + rng.normal(0, 28, 3), torso.radii(8, 24), hu, wall=(_WALL_HU, 2.5)))
    return parts


def _vessels(torso: _Torso) -> list[Capsule]:
    """Aorta with plaques, caval veins, iliac and carotid vessels."""
    near, size, blood = torso.near, torso.size, torso.blood_hu
    parts = _aorta(torso)
    cava = torso.uniform(8, 13) * size
    low = blood * torso.uniform(0.4, 1.0)
    behind_liver, middle, end = (
        near(Level.T10, -22, -55),
        near(Level.L2, -22, -38),
        near(Level.L4, -20, -40),
    )
    parts.append(_soft(behind_liver, middle, (cava, cava), low))
    parts.append(_soft(middle, end, (cava, cava), low))
    parts.append(_soft(near(Level.T1, -25, -45), near(Level.T6, -28, -60), (cava, cava), blood))
    for s in _SIDES:
        iliac = near(Level.L4, s * 6, -40), near(Level.S1, s * 45, -30, -30)
        parts.append(_soft(*iliac, (6 * size, 6 * size), blood))
        carotid = near(Level.C4, s * 24, -22), near(Level.T2, s * 20, -42)
        parts.append(_soft(*carotid, (4.5, 5), blood))
    return parts


def _aorta(torso: _Torso) -> list[Capsule]:
    """Descending aorta beside and before the spine; in some patients its wall holds chalk."""
    rng, near = torso.rng, torso.near
    radius = torso.uniform(9, 16) * torso.size
    has_hard_wall = rng.random() < 0.12
    wall = (torso.uniform(200, 900) if has_hard_wall else _WALL_HU, torso.uniform(0.8, 2.2))
    course = (
        (Level.T4, 14, -36),
        (Level.T6, 24, -26),
        (Level.T9, 18, -28),
        (Level.T12, 4, -34),
        (Level.L2, 6, -40),
        (Level.L4, 2, -42),
    )
    chain = [near(level, x + rng.normal(0, 3.0), y + rng.normal(0, 3.0)) for level, x, y in course]
    parts = [_soft(a, b, (radius, radius * 0.95), torso.blood_hu, wall=wall) for a, b in pairwise(chain)]
    for _ in range(int(rng.integers(0, 14)) if rng.random() < 0.5 else 0):
        n = int(rng.integers(len(chain) - 1))
        angle, t = rng.uniform(0, 2 * np.pi), rng.uniform()
        on_wall = chain[n] * (1 - t) + chain[n + 1] * t
        on_wall = on_wall + radius * np.array([np.cos(angle), np.sin(angle), 0.0])
        plaque = on_wall + rng.normal(0, 2.5, 3)
        parts.append(_soft(on_wall, plaque, torso.radii(0.7, 2.4), torso.uniform(300, 1200)))
    return parts


def _muscles(
    rng: np.random.Generator, bodies: tuple[BodyShape, ...], muscle_hu: float, size: float
) -> list[Capsule]:
    """Erector spinae along the arches, psoas beside the lumbar bodies."""
    parts: list[Capsule] = []
    for upper, lower in pairwise(bodies):
        number = level_number(upper.level)
        back = (13 + 0.5 * max(number - 6, 0)) * size * float(rng.uniform(0.85, 1.25))
        for s in _SIDES:
            offset = np.array([s * (upper.width_mm * 0.5 + 4), upper.depth_mm * 0.5 + 30 * size, 0])
            a, b = upper.centre_mm + upper.frame @ offset, lower.centre_mm + lower.frame @ offset
            parts.append(_soft(a, b, (back, back), muscle_hu))
            if number >= level_number(Level.L1):
                psoas = float(rng.uniform(8, 24)) * size * (0.6 + 0.15 * (number - 19))
                shift = np.array([s * (upper.width_mm * 0.5 + 0.75 * psoas), 4.0, 0])
                ends = upper.centre_mm + shift, lower.centre_mm + shift
                parts.append(_soft(*ends, (psoas, psoas), muscle_hu))
    return parts


def _halo(rng: np.random.Generator, bodies: tuple[BodyShape, ...]) -> list[Capsule]:
    """Ligaments and fat round the bodies: a millimetre against the lung in some, thick in others."""
    hu = float(rng.uniform(-60, 50))
    thickness = float(np.exp(rng.uniform(np.log(0.5), np.log(8.0))))
    parts: list[Capsule] = []
    for upper, lower in pairwise(bodies):
        radii = upper.width_mm * 0.5 + thickness, lower.width_mm * 0.5 + thickness
        flat = (upper.frame[:, 1], upper.width_mm / upper.depth_mm)
        parts.append(_soft(upper.centre_mm, lower.centre_mm, radii, hu, flat=flat))
    return parts


def _canal(rng: np.random.Generator, bodies: tuple[BodyShape, ...], size: float) -> list[Capsule]:
    """The dural sac with fat round it."""
    hu, fat = float(rng.uniform(0, 45)), float(rng.uniform(-80, 30))
    parts: list[Capsule] = []
    for upper, lower in pairwise(bodies):
        a, b = (
            x.centre_mm + x.frame @ np.array([0, x.depth_mm * 0.5 + 8.0 * size, 0]) for x in (upper, lower)
        )
        flat = (upper.frame[:, 1], 1.25)
        parts.append(_soft(a, b, (10.5 * size, 10.5 * size), hu, flat=flat, wall=(fat, 2.5)))
    return parts


def _airways(torso: _Torso) -> list[Capsule]:
    """Trachea and oesophagus."""
    near = torso.near
    radius = torso.uniform(6, 11)
    trachea = near(Level.C5, 0, -26), near(Level.T4, 0, -38)
    oesophagus = near(Level.C4, 3, -20), near(Level.T11, 12, -32)
    content = float(torso.rng.choice([-700.0, 40.0, 30.0]))
    return [
        _soft(*trachea, (radius, radius), -980.0, wall=(_WALL_HU, 2.0)),
        _soft(*oesophagus, (7, 7), content),
    ]
