"""A torso as a list of implicit shapes: bodies, discs, other bones, organs. Nothing is rendered here.

A scene is random but fixed once drawn: the same scene can be rendered on any grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float64Array
from spondyl.synthetic.anatomy import LEVELS, NORMS, SpinePose, draw_pose, level_number
from spondyl.synthetic.arch import posterior_elements
from spondyl.synthetic.body import BodyShape
from spondyl.synthetic.bone import BoneQuality
from spondyl.synthetic.draw_body import draw_body
from spondyl.synthetic.fracture import Deformity, column_factors, draw_deformity
from spondyl.synthetic.girdles import head, sacrum_and_pelvis, shoulder_girdle
from spondyl.synthetic.organs import draw_trunk, organs
from spondyl.synthetic.ribs import rib_pair
from spondyl.synthetic.shapes import Capsule, Disc, Trunk


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """Everything to be rendered, in LPS mm. ``soft`` is painted first, then discs, bones, bodies."""

    pose: SpinePose
    bodies: tuple[BodyShape, ...]
    discs: tuple[Disc, ...]
    soft: tuple[Capsule, ...]
    bones: tuple[Capsule, ...]
    trunk: Trunk
    rib_numbers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneWishes:
    """What a scene is to be like.

    fracture_share: probability of a fracture per vertebra.
    deformities: exact fractures at given levels, instead of random ones.
    """

    fracture_share: float = 0.0
    deformities: tuple[tuple[Level, Deformity], ...] = ()
    is_plain: bool = False  # no lesions of soft tissue, no distractors: for exact tests


def draw_scene(rng: np.random.Generator, wishes: SceneWishes) -> Scene:
    """Draw a whole torso."""
    deformities = _choose_deformities(rng, wishes)
    factors = {level: column_factors(rng, deformities.get(level)) for level in LEVELS}
    scales = np.array([float(factors[level].mean()) for level in LEVELS])
    kyphosis = {level: _kyphosis_deg(level, factors[level]) for level in deformities}
    pose = draw_pose(rng, kyphosis_deg=kyphosis, body_scales=scales)
    bone = BoneQuality.draw(rng)
    bodies = tuple(
        draw_body(
            rng,
            level,
            pose.centres_mm[n],
            pose.frames[n],
            pose.size,
            bone,
            deformities.get(level),
            factors[level],
        )
        for n, level in enumerate(LEVELS)
    )
    rib_numbers = int(rng.choice([11, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12]))
    bones: list[Capsule] = []
    for n, body in enumerate(bodies[:-1]):
        bones += posterior_elements(rng, body, bone)
        upper = bodies[n - 1] if n else None
        if 0 <= level_number(body.level) - level_number(Level.T1) < rib_numbers:
            bones += rib_pair(rng, body, upper, pose.size, bone)
    bones += sacrum_and_pelvis(rng, bodies[-1], pose.size, bone)
    bones += shoulder_girdle(rng, pose, bodies, bone)
    bones += head(rng, bodies[0], bone)
    trunk = draw_trunk(rng, pose.size)
    return Scene(
        pose=pose,
        bodies=bodies,
        discs=_discs(rng, len(bodies)),
        soft=tuple(organs(rng, bodies, trunk, pose.size)),
        bones=tuple(bones),
        trunk=trunk,
        rib_numbers=rib_numbers,
    )


def _choose_deformities(rng: np.random.Generator, wishes: SceneWishes) -> dict[Level, Deformity]:
    if wishes.deformities:
        return dict(wishes.deformities)
    graded = [x for x in LEVELS if x.is_graded]
    return {level: draw_deformity(rng) for level in graded if rng.random() < wishes.fracture_share}


def _kyphosis_deg(level: Level, factors: Float64Array) -> float:
    """Half of the wedge angle that a fracture adds to the spine's direction."""
    norm = NORMS[level]
    lost = norm.posterior_height_mm * (factors[2] - norm.anterior_ratio * factors[0])
    normal = norm.posterior_height_mm * (1.0 - norm.anterior_ratio)
    return 0.5 * float(np.degrees(np.arctan2(lost - normal, norm.depth_mm)))


def _discs(rng: np.random.Generator, n_bodies: int) -> tuple[Disc, ...]:
    base = float(rng.uniform(45, 125))
    has_bridges = rng.random() < 0.18
    return tuple(
        Disc(
            upper=n,
            lower=n + 1,
            hu=base
            + float(rng.normal(0, 12))
            + (float(rng.uniform(80, 250)) if rng.random() < 0.04 else 0.0),
            vacuum=rng.random() < 0.05,
            bridge_hu=float(rng.uniform(150, 500)) if has_bridges and rng.random() < 0.6 else 0.0,
            bridge_angle=float(rng.normal(-0.5, 0.6)),
        )
        for n in range(n_bodies - 1)
    )


def fractured_levels(scene: Scene) -> dict[Level, tuple[float, Shape]]:
    """Realised loss and shape of each deformed level."""
    return {b.level: (b.loss_fraction, b.shape) for b in scene.bodies if b.shape != Shape.NORMAL}
