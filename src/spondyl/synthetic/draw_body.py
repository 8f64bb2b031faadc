"""Draws one vertebral body of a level at random, with or without a fracture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float64Array
from spondyl.synthetic.anatomy import MIDDLE_RATIO, NORMS, thoracic_share
from spondyl.synthetic.body import BodyShape, Dent, Endplate, Lesion, Osteophyte
from spondyl.synthetic.bone import BoneQuality
from spondyl.synthetic.fracture import Deformity

_LOWEST_HEIGHT_MM = 2.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BodyWish:
    """Where a body stands and what becomes of it.

    size: factor on the norms' lengths. factors: (3,) height left, anterior, middle, posterior.
    is_exact: neither dents nor anything else changes the heights that the factors ask for.
    """

    level: Level
    centre_mm: Float64Array
    frame: Float64Array
    size: float
    deformity: Deformity | None
    factors: Float64Array
    is_exact: bool


def draw_body(rng: np.random.Generator, wish: BodyWish, bone: BoneQuality) -> BodyShape:
    """Draw one body of a level, with or without a fracture."""
    deformity = wish.deformity
    normal = _normal_heights(rng, wish)
    heights = np.maximum(normal * wish.factors, _LOWEST_HEIGHT_MM)
    width, depth = _width_and_depth(rng, wish)
    above, below = _split(rng, normal, heights, deformity)
    thoracic, is_sacral = thoracic_share(wish.level), wish.level == Level.S1
    body = BodyShape(
        level=wish.level,
        centre_mm=wish.centre_mm,
        frame=wish.frame,
        width_mm=width,
        depth_mm=depth,
        waist_fraction=float(rng.uniform(0.02, 0.15) if deformity is None else rng.uniform(-0.08, 0.1)),
        taper_fraction=float(rng.uniform(0.25, 0.5) if is_sacral else rng.normal(0.0, 0.02)),
        # in mid thorax a body is heart-shaped: narrow in front, widest far back, hollow behind
        front_exponent=float(rng.uniform(2.0, 2.8) - thoracic * rng.uniform(0.1, 0.7)),
        back_exponent=float(rng.uniform(2.6, 5.0)),
        widest_fraction=float(rng.uniform(0.05, 0.22) + thoracic * rng.uniform(0.0, 0.15)),
        back_concavity_mm=float(rng.uniform(-0.3, 2.2) + thoracic * rng.uniform(0.2, 2.2)),
        rim_radius_mm=float(rng.uniform(0.3, 2.2)),
        osteophytes=_osteophytes(rng),
        top=_endplate(rng, wish, above, (width, depth), is_top=True),
        bottom=_endplate(rng, wish, below, (width, depth), is_top=False),
        cortex_mm=bone.cortex_mm,
        cortex_hu=bone.cortex_hu,
        endplate_mm=bone.endplate_mm * float(np.exp(rng.normal(0, 0.2))),
        endplate_hu=bone.cortex_hu * float(rng.uniform(0.6, 1.1)),
        trabecular_hu=_trabecular_hu(rng, wish.level, bone),
        texture_hu=bone.texture_hu,
        dense_zone_hu=bone.dense_zone_hu * float(np.exp(rng.normal(0, 0.25))),
        dense_zone_mm=bone.dense_zone_mm,
        band_hu=float(rng.uniform(40, 260)) if deformity is not None and rng.random() < 0.5 else 0.0,
        vein_mm=float(rng.uniform(1.0, 3.0)) if rng.random() < 0.6 else 0.0,
        lesion=None if wish.is_exact else _lesion(rng, width, depth, float(heights.mean())),
        gas_cleft=deformity is not None and not wish.is_exact and bool(rng.random() < 0.04),
        loss_fraction=0.0,
        shape=Shape.NORMAL,
        normal_heights_mm=(float(normal[0]), float(normal[1]), float(normal[2])),
    )
    return _with_true_loss(body, deformity)


def _normal_heights(rng: np.random.Generator, wish: BodyWish) -> Float64Array:
    """(3,) anterior, middle, posterior height before any fracture, mm."""
    norm = NORMS[wish.level]
    # the measured spreads (anatomy-and-norms §4.1) hold the readers' noise and mild deformities: right to
    # learn from, too wide for vertebrae that are said to be normal
    spread = 0.6 if wish.is_exact else 1.0
    posterior = norm.posterior_height_mm * wish.size * np.exp(rng.normal(0, 0.035 * spread))
    anterior = posterior * norm.anterior_ratio * np.exp(rng.normal(0, 0.05 * spread))
    middle = posterior * float(np.clip(rng.normal(MIDDLE_RATIO + 0.02, 0.05 * spread), 0.72, 0.99))
    return np.array([anterior, min(middle, 0.5 * (anterior + posterior) - 0.3), posterior])


def _width_and_depth(rng: np.random.Generator, wish: BodyWish) -> tuple[float, float]:
    """Width and depth, mm; a broken body spreads."""
    norm = NORMS[wish.level]
    width = norm.width_mm * wish.size * np.exp(rng.normal(0, 0.06))
    depth = norm.depth_mm * wish.size * np.exp(rng.normal(0, 0.06))
    if wish.deformity is None:
        return float(width), float(depth)
    swell = 1.0 + wish.deformity.loss_fraction * rng.uniform(0.0, 0.25)
    return float(width * np.sqrt(swell)), float(depth * swell)


def _trabecular_hu(rng: np.random.Generator, level: Level, bone: BoneQuality) -> float:
    """Trabecular HU: the patient's at L1, rising to the head."""
    rise = np.clip((NORMS[Level.L1].pitch_mm - NORMS[level].pitch_mm) / 14.0, -0.2, 1.2)  # about 1 at T1
    return float(bone.trabecular_hu * (1.0 + bone.rise * rise) * np.exp(rng.normal(0, 0.1)))


def _with_true_loss(body: BodyShape, deformity: Deformity | None) -> BodyShape:
    """Loss as realised by the final surfaces (dents included), against the unfractured heights."""
    loss = float(np.max(1.0 - body.heights_mm() / np.array(body.normal_heights_mm)))
    shape = Shape.NORMAL if deformity is None else deformity.shape
    return replace(body, loss_fraction=max(loss, 0.0), shape=shape)


def _split(
    rng: np.random.Generator, normal: Float64Array, heights: Float64Array, deformity: Deformity | None
) -> Float64Array:
    """(2, 3) part of each height above and below the middle plane."""
    share = 0.5 if deformity is None else deformity.top_share
    lost = normal - heights
    above = 0.5 * normal - share * lost
    below = 0.5 * normal - (1.0 - share) * lost
    shift = 0.25 * (above.mean() - below.mean())  # keep the origin near the middle
    tilt = np.array([1.0, 0.0, -1.0]) * rng.normal(0, 0.4)
    return np.stack([above - shift + tilt, below + shift - tilt])


def _endplate(
    rng: np.random.Generator,
    wish: BodyWish,
    parts_mm: Float64Array,
    size_mm: tuple[float, float],
    *,
    is_top: bool,
) -> Endplate:
    """An endplate through three heights above (below) the middle plane; ``size_mm`` is width and depth."""
    anterior, middle, posterior = (float(x) for x in parts_mm)
    width, depth = size_mm
    is_fractured = wish.deformity is not None
    exponent = float(rng.uniform(1.0, 6.0) if is_fractured else rng.uniform(1.4, 5.0))
    cup_y = float(np.clip(rng.normal(0.06, 0.08), -0.15, 0.18)) * depth
    if not is_fractured and middle < 0.5 * (anterior + posterior):  # normal apex lies behind the middle
        cup_y = float(rng.uniform(0.0, 0.16)) * depth
    is_cervical = wish.level.order < Level.T1.order
    return Endplate(
        anterior_mm=anterior,
        middle_mm=middle,
        posterior_mm=posterior,
        cup_y_mm=cup_y,
        cup_exponent=exponent,
        rim_fraction=float(rng.uniform(0.06, 0.25) if is_fractured else rng.uniform(0.1, 0.3)),
        lateral_slope=float(rng.normal(0, 0.05 if is_fractured else 0.02)),
        uncus_mm=float(rng.uniform(1.5, 4.5)) if is_cervical and is_top else float(rng.normal(0, 0.4)),
        dents=() if wish.is_exact else _dents(rng, width, depth, fractured=is_fractured),
    )


def _dents(rng: np.random.Generator, width: float, depth: float, *, fractured: bool) -> tuple[Dent, ...]:
    chance = 0.4 if fractured else 0.14
    dents: list[Dent] = []
    while rng.random() < chance and len(dents) < 2:
        size = float(rng.uniform(2.5, 11.0) if fractured else rng.uniform(2.0, 6.0))
        dents.append(
            Dent(
                x_mm=float(rng.normal(0, 0.18)) * width,
                y_mm=float(rng.normal(0.0, 0.2)) * depth,
                width_x_mm=size * float(rng.uniform(0.7, 1.6)),
                width_y_mm=size * float(rng.uniform(0.7, 1.4)),
                depth_mm=float(rng.uniform(1.0, 4.5)),
            )
        )
    return tuple(dents)


def _osteophytes(rng: np.random.Generator) -> tuple[Osteophyte, ...]:
    if rng.random() < 0.55:
        return ()
    return tuple(
        Osteophyte(
            angle_rad=float(rng.uniform(-2.4, 2.4)),
            size_mm=float(rng.uniform(0.5, 5.5)),
            spread_rad=float(rng.uniform(0.25, 0.9)),
            is_top=bool(rng.random() < 0.5),
        )
        for _ in range(int(rng.integers(1, 5)))
    )


def _lesion(rng: np.random.Generator, width: float, depth: float, height: float) -> Lesion | None:
    """In one body of fourteen a sclerotic or lytic metastasis, or cement."""
    if rng.random() > 0.07:
        return None
    hu = float(rng.uniform(300, 900) if rng.random() < 0.6 else rng.uniform(-30, 70))
    return Lesion(
        x_mm=float(rng.normal(0, 0.2)) * width,
        y_mm=float(rng.normal(0, 0.2)) * depth,
        z_mm=float(rng.normal(0, 0.2)) * height,
        radius_mm=float(rng.uniform(4, 16)),
        hu=hu,
    )
