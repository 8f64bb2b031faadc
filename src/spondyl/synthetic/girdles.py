"""Bones that are not spine: sacrum and pelvis below, sternum, shoulders and head above."""

from __future__ import annotations

import numpy as np

from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float64Array
from spondyl.synthetic.anatomy import LEVELS
from spondyl.synthetic.body import BodyShape
from spondyl.synthetic.bone import BoneMaker, BoneQuality, merged
from spondyl.synthetic.shapes import Capsule, Tissue

_SIDES = (-1.0, 1.0)


def sacrum_and_pelvis(
    rng: np.random.Generator, s1: BodyShape, size: float, bone: BoneQuality
) -> list[Capsule]:
    """Lower sacral segments, alae, iliac wings, acetabula and femoral heads."""
    sacrum = _sacrum(BoneMaker(rng=rng, quality=bone, tissue=Tissue.SACRUM), s1, size)
    pelvis = BoneMaker(rng=rng, quality=bone, tissue=Tissue.OTHER_BONE)
    sides = [merged(_half_pelvis(pelvis, s1.centre_mm, side, size)) for side in _SIDES]
    return [*merged(sacrum), *sides[0], *sides[1]]


def _sacrum(maker: BoneMaker, s1: BodyShape, size: float) -> list[Capsule]:
    """Segments two to five, the alae, and the bone behind the canal."""
    frame, centre, half_width = s1.frame, s1.centre_mm, s1.width_mm / 2
    curve = float(maker.rng.uniform(0.12, 0.3))

    def place(x: float, y: float, z: float) -> Float64Array:
        return np.asarray(centre + frame @ np.array([x, y, z]))

    parts: list[Capsule] = []
    for n, drop in enumerate((22.0, 41.0, 58.0, 73.0)):
        width = half_width * (0.72 - 0.13 * n)
        y = 2.0 + curve * drop * 0.9 * (1 if n < 2 else 0.5)
        radius = (12.0 - 1.6 * n) * size
        ends = place(-width, y, -drop * size), place(width, y, -drop * size)
        parts.append(maker.capsule(*ends, (radius, radius), (frame[:, 1], 1.25)))
    for side in _SIDES:
        for z in (-2.0, -20.0, -40.0):
            wide = (52.0 + 0.25 * z) * size
            inner, outer = place(side * half_width * 0.7, 5, z * size), place(side * wide, 12, (z - 4) * size)
            parts.append(maker.capsule(inner, outer, (13 * size, 12 * size)))
        upper, lower = place(side * 16, 20, 6), place(side * 18, 26, -30)
        parts.append(maker.capsule(upper, lower, (7 * size, 6 * size)))
    # the fused segments hold one marrow from top to end
    fused = place(0, 1, -6 * size), place(0, curve * 45, -62 * size)
    parts.append(maker.capsule(*fused, (17 * size, 9 * size), (frame[:, 1], 1.8)))
    top, end = place(0, 34 * size, -6), place(0, 30 * size, -45 * size)
    parts.append(maker.capsule(top, end, (5 * size, 3 * size), (frame[:, 0], 1.4)))
    return parts


def _half_pelvis(maker: BoneMaker, centre: Float64Array, side: float, size: float) -> list[Capsule]:
    """Iliac wing, acetabulum, femoral head and neck, pubic ramus of one side."""
    hip = centre + np.array([side * 88.0, -30.0, -95.0]) * size
    crest = centre + np.array([side * 110.0, -35.0, 38.0]) * size
    back = centre + np.array([side * 58.0, 42.0, -2.0]) * size
    parts: list[Capsule] = []
    for t in np.linspace(0, 1, 6):
        top = back * (1 - t) + crest * t
        root = back * (1 - t) * 0.5 + hip * (0.5 + 0.5 * t)
        end = root + (top - root) * 0.15
        # wide and thin, so that the six strips make one wing
        parts.append(maker.capsule(top, end, (12 * size, 13 * size), (np.array([0.8 * side, 0.6, 0.0]), 2.6)))
    femur = hip + np.array([side * 45.0, 5, -45.0]) * size
    pubis = centre + np.array([side * 12.0, -75.0, -120.0]) * size
    parts.append(maker.capsule(hip, hip + np.array([side * 8.0, 0, 0]), (25 * size, 25 * size)))
    parts.append(maker.capsule(hip, femur, (16 * size, 18 * size)))
    parts.append(maker.capsule(hip, pubis, (11 * size, 9 * size)))
    return parts


def shoulder_girdle(
    rng: np.random.Generator, bodies: tuple[BodyShape, ...], size: float, bone: BoneQuality
) -> list[Capsule]:
    """Sternum, clavicles, scapulae, humeral heads (arms up or down)."""
    t2 = bodies[LEVELS.index(Level.T2)].centre_mm
    t8 = bodies[LEVELS.index(Level.T8)].centre_mm
    maker = BoneMaker(rng=rng, quality=bone, tissue=Tissue.OTHER_BONE)
    depth = float(rng.uniform(85, 130)) * size
    top = t2 + np.array([0, -0.62 * depth, -22])
    low = t8 + np.array([0, -depth * 1.1, -10])
    parts = [maker.capsule(top, low, (17 * size, 13 * size), (np.array([0.0, 1, 0.2]), 2.6))]
    lift = float(rng.uniform(-10, 60))
    for side in _SIDES:
        parts += _shoulder(maker, t2, top, side, (size, lift))
    return parts


def _shoulder(
    maker: BoneMaker, t2: Float64Array, sternum: Float64Array, side: float, scale: tuple[float, float]
) -> list[Capsule]:
    """Clavicle, scapula, humeral head of one side; ``scale`` is the size and how far the arm is lifted."""
    size, lift = scale
    shoulder = t2 + np.array([side * 150 * size, 5 * size, lift - 10])
    root = t2 + np.array([side * 75 * size, 55 * size, -5 + 0.3 * lift])
    tip = root + np.array([side * 20, 12, -105 * size])
    parts = [maker.capsule(sternum + np.array([side * 15, 0, 4]), shoulder, (6.5, 6.0))]
    for t in (0.0, 0.35, 0.7, 1.0):
        inner, outer = root * (1 - t) + tip * t, shoulder + np.array([-side * 15, 12, -75 * t - 8])
        parts.append(maker.capsule(inner, outer, (5.5, 5.0), (np.array([0.35 * side, 0.94, 0.0]), 1.9)))
    elbow = shoulder + np.array([side * 15, 0, -20 + 2 * lift])
    parts.append(maker.capsule(shoulder, elbow, (24 * size, 17 * size)))
    return parts


def stray_bones(rng: np.random.Generator, bone: BoneQuality) -> list[Capsule]:
    """Calcified or bony pieces anywhere in the trunk, so that not all that is bright is spine."""
    maker = BoneMaker(rng=rng, quality=bone, tissue=Tissue.OTHER_BONE)
    parts: list[Capsule] = []
    for _ in range(int(rng.integers(0, 4))):
        a = rng.uniform([-120, -150, -300], [120, 60, 300])
        radii = (float(rng.uniform(2.5, 13)), float(rng.uniform(2.5, 13)))
        flat = (rng.normal(size=3), float(rng.uniform(1, 2.5)))
        parts.append(maker.capsule(a, a + rng.normal(0, 14, 3), radii, flat))
    return parts


def head(rng: np.random.Generator, c2: BodyShape, bone: BoneQuality) -> list[Capsule]:
    """Dens, atlas, skull base and mandible, roughly."""
    maker = BoneMaker(rng=rng, quality=bone, tissue=Tissue.OTHER_BONE)
    c = c2.centre_mm
    dens = c + np.array([0, -1.0, 24.0])
    parts = [maker.capsule(c + np.array([0, 0, 5.0]), dens, (5.5, 5.0))]
    for side in _SIDES:
        for start, end, radii in (
            ((17, 6, -4), (27, 8, -3), (7.0, 5.0)),
            ((6, -9, -4), (17, 5, -4), (4.0, 4.0)),
            ((45, -30, 0), (10, -85, -35), (7.0, 8.0)),
        ):
            flip = np.array([side, 1.0, 1.0])
            parts.append(maker.capsule(dens + flip * np.array(start), dens + flip * np.array(end), radii))
    skull = dens + np.array([0, -5, 95.0])
    parts.append(
        Capsule(
            a_mm=skull,
            b_mm=skull + np.array([0.0, -35, 5]),
            radius_a_mm=80,
            radius_b_mm=76,
            tissue=Tissue.OTHER_BONE,
            core_hu=35.0,
            shell_hu=bone.cortex_hu,
            shell_mm=6.0,
            flat_axis=np.array([1.0, 0, 0]),
            flatness=1.1,
        )
    )
    return parts
