"""A torso as a list of implicit shapes: bodies, discs, other bones, organs. Nothing is rendered here.

A scene is random but fixed once drawn: the same scene can be rendered on any grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float64Array
from spondyl.synthetic.anatomy import LEVELS, NORMS, SpinePose, draw_pose, level_number
from spondyl.synthetic.arch import posterior_elements
from spondyl.synthetic.body import BodyShape
from spondyl.synthetic.bone import BoneQuality
from spondyl.synthetic.draw_body import BodyWish, draw_body
from spondyl.synthetic.fracture import Deformity, column_factors, draw_deformity
from spondyl.synthetic.girdles import head, sacrum_and_pelvis, shoulder_girdle, stray_bones
from spondyl.synthetic.hardware import screws_and_rods
from spondyl.synthetic.organs import draw_trunk, organs
from spondyl.synthetic.ribs import rib_pair
from spondyl.synthetic.shapes import Bridge, Capsule, Disc, Trunk

_DISCS_FILL_SHARE = 0.4  # patients whose discs take the room that a broken body leaves (ours)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """Everything to be rendered, in LPS mm: ``soft`` is painted first, then discs, bones, bodies, metal."""

    pose: SpinePose
    bodies: tuple[BodyShape, ...]
    discs: tuple[Disc, ...]
    soft: tuple[Capsule, ...]
    bones: tuple[Capsule, ...]
    metal: tuple[Capsule, ...]
    trunk: Trunk
    rib_numbers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneWishes:
    """What a scene is to be like.

    fracture_share: probability of a fracture per vertebra.
    deformities: fractures at given levels, instead of random ones.
    is_exact: bodies are what was asked for: no dents, lesions or gas change a height or hide an endplate.
    """

    fracture_share: float = 0.0
    deformities: tuple[tuple[Level, Deformity], ...] = ()
    is_exact: bool = False


def draw_scene(rng: np.random.Generator, wishes: SceneWishes) -> Scene:
    """Draw a whole torso."""
    deformities = _choose_deformities(rng, wishes)
    factors = {level: column_factors(rng, deformities.get(level)) for level in LEVELS}
    scales = np.array([float(factors[level].mean()) for level in LEVELS])
    if not wishes.is_exact and rng.random() < _DISCS_FILL_SHARE:
        scales = np.ones(len(LEVELS))
    kyphosis = {level: _kyphosis_deg(level, factors[level]) for level in deformities}
    pose = draw_pose(rng, kyphosis_deg=kyphosis, body_scales=scales)
    bone = BoneQuality.draw(rng)
    bodies = tuple(
        draw_body(
            rng,
            BodyWish(
                level=level,
                centre_mm=pose.centres_mm[n],
                frame=pose.frames[n],
                size=pose.size,
                deformity=deformities.get(level),
                factors=factors[level],
                is_exact=wishes.is_exact,
            ),
            bone,
        )
        for n, level in enumerate(LEVELS)
    )
    rib_numbers = int(rng.choice([11, *[12] * 12]))
    trunk = draw_trunk(rng, pose.size)
    return Scene(
        pose=pose,
        bodies=bodies,
        discs=_discs(rng, len(bodies)),
        soft=tuple(organs(rng, bodies, trunk, pose.size)),
        bones=tuple(_bones(rng, bodies, (pose.size, rib_numbers), bone)),
        metal=() if wishes.is_exact else tuple(screws_and_rods(rng, bodies)),
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


def _bones(
    rng: np.random.Generator, bodies: tuple[BodyShape, ...], size: tuple[float, int], bone: BoneQuality
) -> list[Capsule]:
    """All bones but the bodies, in painting order; ``size`` is the patient's factor and the pairs of ribs."""
    scale, rib_numbers = size
    bones: list[Capsule] = []
    for body in bodies[:-1]:
        bones += posterior_elements(rng, body, bone)
        if 0 <= level_number(body.level) - level_number(Level.T1) < rib_numbers:
            bones += rib_pair(rng, body, scale, bone)
    bones += sacrum_and_pelvis(rng, bodies[-1], scale, bone)
    bones += shoulder_girdle(rng, bodies, scale, bone)
    return bones + stray_bones(rng, bone) + head(rng, bodies[0], bone)


def _discs(rng: np.random.Generator, n_bodies: int) -> tuple[Disc, ...]:
    """Discs of one patient; a few are chalky or hold gas, one patient in five has bony bridges."""
    is_hard = rng.random() < 0.12  # chalk in all discs, as in ankylosis
    base = float(rng.uniform(120, 260) if is_hard else rng.uniform(45, 125))
    bridge_share = float(rng.uniform(0.3, 0.9)) if rng.random() < 0.2 else 0.0
    place = float(rng.normal(-0.4, 0.5))  # more on the right, where no aorta beats
    discs: list[Disc] = []
    for n in range(n_bodies - 1):
        chalk = float(rng.uniform(80, 250)) if rng.random() < 0.04 else 0.0
        bridge = Bridge(
            hu=float(rng.uniform(150, 800)),
            angle_rad=place + float(rng.normal(0, 0.3)),
            spread_rad=float(rng.uniform(0.25, 1.0)),
            thickness_mm=float(rng.uniform(1.0, 7.0)),
        )
        discs.append(
            Disc(
                upper=n,
                lower=n + 1,
                hu=base + float(rng.normal(0, 12)) + chalk,
                vacuum=bool(rng.random() < 0.05),
                bridge=bridge if rng.random() < bridge_share else None,
            )
        )
    return tuple(discs)
