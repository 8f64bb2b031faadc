"""Draws one vertebral body of a level at random, with or without a fracture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float64Array
from spondyl.synthetic.anatomy import MIDDLE_RATIO, NORMS
from spondyl.synthetic.body import BodyShape, Dent, Endplate
from spondyl.synthetic.bone import BoneQuality
from spondyl.synthetic.fracture import Deformity


def draw_body(
    rng: np.random.Generator,
    level: Level,
    centre_mm: Float64Array,
    frame: Float64Array,
    size: float,
    bone: BoneQuality,
    deformity: Deformity | None,
    factors: Float64Array,
) -> BodyShape:
    """Draw one body of a level, with or without a fracture."""
    norm = NORMS[level]
    posterior = norm.posterior_height_mm * size * np.exp(rng.normal(0, 0.035))
    anterior = posterior * norm.anterior_ratio * np.exp(rng.normal(0, 0.05))
    middle = posterior * float(np.clip(rng.normal(MIDDLE_RATIO + 0.02, 0.05), 0.72, 0.99))
    middle = min(middle, 0.5 * (anterior + posterior) - 0.3)
    normal = np.array([anterior, middle, posterior])
    heights = np.maximum(normal * factors, 2.5)
    width = norm.width_mm * size * np.exp(rng.normal(0, 0.06))
    depth = norm.depth_mm * size * np.exp(rng.normal(0, 0.06))
    if deformity is not None:
        swell = 1.0 + deformity.loss_fraction * rng.uniform(0.0, 0.25)
        width, depth = width * np.sqrt(swell), depth * swell
    split = _split(rng, normal, heights, deformity)
    top = _endplate(rng, level, split[0], width, depth, is_top=True, deformity=deformity)
    bottom = _endplate(rng, level, split[1], width, depth, is_top=False, deformity=deformity)
    number = NORMS[level].pitch_mm
    slope = np.clip((34.5 - number) / 14.0, -0.2, 1.2)  # 0 at L1, about 1 at T1
    trabecular = bone.trabecular_hu * (1.0 + bone.rise * slope) * np.exp(rng.normal(0, 0.1))
    body = BodyShape(
        level=level,
        centre_mm=centre_mm,
        frame=frame,
        width_mm=float(width),
        depth_mm=float(depth),
        waist_fraction=float(rng.uniform(0.02, 0.15) if deformity is None else rng.uniform(-0.08, 0.1)),
        front_exponent=float(rng.uniform(2.0, 2.8)),
        back_exponent=float(rng.uniform(2.6, 5.0)),
        widest_fraction=float(rng.uniform(0.05, 0.22)),
        back_concavity_mm=float(rng.uniform(-0.5, 2.2)),
        rim_radius_mm=float(rng.uniform(0.3, 2.2)),
        osteophytes=_osteophytes(rng),
        top=top,
        bottom=bottom,
        cortex_mm=bone.cortex_mm,
        cortex_hu=bone.cortex_hu,
        endplate_mm=bone.endplate_mm * float(np.exp(rng.normal(0, 0.2))),
        endplate_hu=bone.cortex_hu * float(rng.uniform(0.6, 1.1)),
        trabecular_hu=float(trabecular),
        texture_hu=bone.texture_hu,
        endplate_gain_hu=float(max(rng.normal(20, 60), -20)),
        band_hu=float(rng.uniform(40, 260)) if deformity is not None and rng.random() < 0.5 else 0.0,
        lesion=_lesion(rng, width, depth, float(heights.mean())),
        gas_cleft=deformity is not None and rng.random() < 0.04,
        loss_fraction=0.0,
        shape=Shape.NORMAL,
        normal_heights_mm=(float(anterior), float(middle), float(posterior)),
    )
    return _with_true_loss(body, deformity)


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
    level: Level,
    amp_mm: Float64Array,
    width: float,
    depth: float,
    *,
    is_top: bool,
    deformity: Deformity | None,
) -> Endplate:
    anterior, middle, posterior = (float(x) for x in amp_mm)
    cup = 0.5 * (anterior + posterior) - middle
    fractured = deformity is not None
    exponent = float(rng.uniform(1.4, 5.0) if not fractured else rng.uniform(1.0, 6.0))
    cup_y = float(rng.normal(0.06, 0.08)) * depth
    if not fractured and cup > 0:  # normal apex lies behind the middle
        cup_y = float(rng.uniform(0.0, 0.16)) * depth
    is_cervical = level.order < Level.T1.order
    return Endplate(
        anterior_mm=anterior,
        posterior_mm=posterior,
        cup_mm=cup / max(1.0 - abs(cup_y / (depth / 2)) ** exponent, 0.5),
        cup_y_mm=cup_y,
        cup_exponent=exponent,
        lateral_slope=float(rng.normal(0, 0.02 if not fractured else 0.05)),
        uncus_mm=float(rng.uniform(1.5, 4.5)) if is_cervical and is_top else float(rng.normal(0, 0.4)),
        dents=_dents(rng, width, depth, fractured=fractured),
    )


def _dents(rng: np.random.Generator, width: float, depth: float, *, fractured: bool) -> tuple[Dent, ...]:
    chance = 0.4 if fractured else 0.14
    dents: list[Dent] = []
    while rng.random() < chance and len(dents) < 2:
        size = float(rng.uniform(2.0, 6.0) if not fractured else rng.uniform(2.5, 11.0))
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


def _osteophytes(rng: np.random.Generator) -> tuple[tuple[float, float, float, float], ...]:
    if rng.random() < 0.55:
        return ()
    count = int(rng.integers(1, 5))
    return tuple(
        (
            float(rng.uniform(-2.4, 2.4)),
            float(rng.uniform(0.5, 5.5)),
            float(rng.uniform(0.25, 0.9)),
            1.0 if rng.random() < 0.5 else -1.0,
        )
        for _ in range(count)
    )


def _lesion(
    rng: np.random.Generator, width: float, depth: float, height: float
) -> tuple[float, float, float, float, float] | None:
    if rng.random() > 0.07:
        return None
    hu = float(rng.uniform(300, 900) if rng.random() < 0.6 else rng.uniform(-30, 70))
    return (
        float(rng.normal(0, 0.2)) * width,
        float(rng.normal(0, 0.2)) * depth,
        float(rng.normal(0, 0.2)) * height,
        float(rng.uniform(4, 16)),
        hu,
    )
