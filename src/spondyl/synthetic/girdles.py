"""Bones that are not spine: sacrum and pelvis below, sternum, shoulders and head above."""

from __future__ import annotations

import numpy as np

from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float64Array
from spondyl.synthetic.anatomy import LEVELS, SpinePose
from spondyl.synthetic.body import BodyShape
from spondyl.synthetic.bone import BoneQuality, bone_capsule
from spondyl.synthetic.shapes import Capsule, Tissue


def sacrum_and_pelvis(
    rng: np.random.Generator, s1: BodyShape, size: float, bone: BoneQuality
) -> list[Capsule]:
    """Lower sacral segments, alae, iliac wings, acetabula and femoral heads."""
    frame, centre = s1.frame, s1.centre_mm
    curve = float(rng.uniform(0.12, 0.3))
    parts: list[Capsule] = []

    def place(x: float, y: float, z: float) -> Float64Array:
        return np.asarray(centre + frame @ np.array([x, y, z]) * np.array([1, 1, 1]))

    half_width = s1.width_mm / 2
    for n, drop in enumerate((24.0, 44.0, 61.0, 75.0)):
        width = half_width * (0.72 - 0.13 * n)
        y = 2.0 + curve * drop * 0.9 * (1 if n < 2 else 0.5)
        parts.append(
            bone_capsule(
                rng,
                bone,
                place(-width, y, -drop * size),
                place(width, y, -drop * size),
                ((11.0 - 1.8 * n) * size, (11.0 - 1.8 * n) * size),
                Tissue.SACRUM,
                (frame[:, 2], 0.95),
            )
        )
    for s in (-1.0, 1.0):
        for z in (-2.0, -20.0, -40.0):
            wide = (52.0 + 0.25 * z) * size
            parts.append(
                bone_capsule(
                    rng,
                    bone,
                    place(s * half_width * 0.7, 5, z * size),
                    place(s * wide, 12, (z - 4) * size),
                    (13 * size, 12 * size),
                    Tissue.SACRUM,
                    (frame[:, 1], 1.0),
                )
            )
        parts.append(
            bone_capsule(
                rng, bone, place(s * 16, 20, 6), place(s * 18, 26, -30), (7 * size, 6 * size), Tissue.SACRUM
            )
        )
        hip = centre + np.array([s * 88.0, -30.0, -95.0]) * size
        crest = centre + np.array([s * 110.0, -35.0, 38.0]) * size
        back = centre + np.array([s * 58.0, 42.0, -2.0]) * size
        for t in np.linspace(0, 1, 6):
            top = back * (1 - t) + crest * t
            root = back * (1 - t) * 0.5 + hip * (0.5 + 0.5 * t)
            parts.append(
                bone_capsule(
                    rng,
                    bone,
                    top,
                    root + (top - root) * 0.15,
                    (6 * size, 7 * size),
                    Tissue.OTHER_BONE,
                    (np.array([0.8 * s, 0.6, 0.0]), 1.6),
                )
            )
        parts.append(
            bone_capsule(
                rng, bone, hip, hip + np.array([s * 8.0, 0, 0]), (25 * size, 25 * size), Tissue.OTHER_BONE
            )
        )
        femur = hip + np.array([s * 45.0, 5, -45.0]) * size
        parts.append(bone_capsule(rng, bone, hip, femur, (16 * size, 18 * size), Tissue.OTHER_BONE))
        pubis = centre + np.array([s * 12.0, -75.0, -120.0]) * size
        parts.append(bone_capsule(rng, bone, hip, pubis, (11 * size, 9 * size), Tissue.OTHER_BONE))
    return parts


def shoulder_girdle(
    rng: np.random.Generator, pose: SpinePose, bodies: tuple[BodyShape, ...], bone: BoneQuality
) -> list[Capsule]:
    """Sternum, clavicles, scapulae, humeral heads (arms up or down)."""
    t2 = bodies[LEVELS.index(Level.T2)].centre_mm
    t8 = bodies[LEVELS.index(Level.T8)].centre_mm
    size = pose.size
    depth = float(rng.uniform(85, 130)) * size
    top = t2 + np.array([0, -0.62 * depth, -22])
    low = t8 + np.array([0, -depth * 1.1, -10])
    parts = [
        bone_capsule(
            rng, bone, top, low, (17 * size, 13 * size), Tissue.OTHER_BONE, (np.array([0.0, 1, 0.2]), 2.6)
        )
    ]
    lift = float(rng.uniform(-10, 60))
    for s in (-1.0, 1.0):
        shoulder = t2 + np.array([s * 150 * size, 5 * size, lift - 10])
        parts.append(
            bone_capsule(rng, bone, top + np.array([s * 15, 0, 4]), shoulder, (6.5, 6.0), Tissue.OTHER_BONE)
        )
        spine_of_scapula = t2 + np.array([s * 75 * size, 55 * size, -5 + 0.3 * lift])
        tip = spine_of_scapula + np.array([s * 20, 12, -105 * size])
        for t in (0.0, 0.35, 0.7, 1.0):
            parts.append(  # noqa: PERF401 - a comprehension would hide the order of the draws
                bone_capsule(
                    rng,
                    bone,
                    spine_of_scapula * (1 - t) + tip * t,
                    shoulder + np.array([-s * 15, 12, -75 * t - 8]),
                    (5.5, 5.0),
                    Tissue.OTHER_BONE,
                    (np.array([0.35 * s, 0.94, 0.0]), 1.9),
                )
            )
        parts.append(
            bone_capsule(
                rng,
                bone,
                shoulder,
                shoulder + np.array([s * 15, 0, -20 + 2 * lift]),
                (24 * size, 17 * size),
                Tissue.OTHER_BONE,
            )
        )
    for _ in range(int(rng.integers(0, 4))):  # distractors: calcified or bony pieces anywhere in the trunk
        a = rng.uniform([-120, -150, -300], [120, 60, 300])
        parts.append(
            bone_capsule(
                rng,
                bone,
                a,
                a + rng.normal(0, 14, 3),
                tuple(rng.uniform(2.5, 13, 2)),
                Tissue.OTHER_BONE,
                (rng.normal(size=3), float(rng.uniform(1, 2.5))),
            )
        )
    return parts


def head(rng: np.random.Generator, c2: BodyShape, bone: BoneQuality) -> list[Capsule]:
    """Dens, atlas, skull base and mandible, roughly."""
    c = c2.centre_mm
    dens = c + np.array([0, -1.0, 24.0])
    parts = [bone_capsule(rng, bone, c + np.array([0, 0, 5.0]), dens, (5.5, 5.0), Tissue.OTHER_BONE)]
    for s in (-1.0, 1.0):
        parts.append(
            bone_capsule(
                rng,
                bone,
                dens + np.array([s * 17, 6, -4]),
                dens + np.array([s * 27, 8, -3]),
                (7, 5),
                Tissue.OTHER_BONE,
            )
        )
        parts.append(
            bone_capsule(
                rng,
                bone,
                dens + np.array([s * 6, -9, -4]),
                dens + np.array([s * 17, 5, -4]),
                (4, 4),
                Tissue.OTHER_BONE,
            )
        )
        parts.append(
            bone_capsule(
                rng,
                bone,
                dens + np.array([s * 45, -30, 0]),
                dens + np.array([s * 10, -85, -35]),
                (7, 8),
                Tissue.OTHER_BONE,
            )
        )
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
