"""Norms of the spine by level, and random spines drawn from them.

Sources: pitch and sagittal direction from 2,116 CTs (ImFusion VID, CC BY-SA 4.0), height ratios from
3,607 readings on 100 chest CTs (neuro-ml), endplate widths and depths after Panjabi 1991/1992,
heights raised to CT values (anatomy-and-norms §4). Lengths in mm, angles in degrees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.domain.level import STANDARD_LEVELS, Level
from spondyl.geometry.arrays import Float64Array


@dataclass(frozen=True, slots=True)
class LevelNorm:
    """Typical vertebra of one level and the step to the next lower one."""

    width_mm: float
    depth_mm: float
    posterior_height_mm: float
    anterior_ratio: float
    pitch_mm: float
    sagittal_deg: float  # direction of the step down: + goes posterior
    sagittal_sd_deg: float


NORMS: dict[Level, LevelNorm] = {
    Level.C2: LevelNorm(19.0, 16.0, 18.0, 1.00, 18.5, -8.0, 9.0),
    Level.C3: LevelNorm(18.5, 16.0, 14.0, 0.98, 17.0, -4.0, 9.0),
    Level.C4: LevelNorm(19.0, 16.2, 13.8, 0.98, 17.0, 2.0, 9.0),
    Level.C5: LevelNorm(20.0, 16.4, 13.6, 0.97, 17.2, 9.0, 9.0),
    Level.C6: LevelNorm(22.5, 16.8, 13.8, 0.96, 18.0, 18.0, 9.0),
    Level.C7: LevelNorm(26.0, 17.0, 15.2, 0.98, 19.8, 28.0, 9.0),
    Level.T1: LevelNorm(29.0, 18.0, 17.2, 0.955, 20.7, 27.6, 8.5),
    Level.T2: LevelNorm(28.5, 19.2, 18.2, 0.965, 21.0, 26.1, 8.0),
    Level.T3: LevelNorm(27.0, 21.0, 18.6, 0.945, 21.0, 21.6, 7.3),
    Level.T4: LevelNorm(26.8, 22.8, 19.0, 0.935, 21.6, 16.9, 6.4),
    Level.T5: LevelNorm(27.4, 24.4, 19.5, 0.915, 22.1, 10.8, 6.9),
    Level.T6: LevelNorm(28.4, 26.2, 20.0, 0.890, 22.6, 2.4, 7.6),
    Level.T7: LevelNorm(29.4, 27.8, 20.5, 0.880, 23.3, -6.3, 8.4),
    Level.T8: LevelNorm(30.8, 29.0, 21.0, 0.900, 24.0, -11.2, 8.7),
    Level.T9: LevelNorm(32.4, 30.0, 21.8, 0.925, 25.4, -13.1, 8.0),
    Level.T10: LevelNorm(34.4, 31.0, 23.0, 0.940, 27.3, -13.8, 7.6),
    Level.T11: LevelNorm(37.4, 31.8, 24.6, 0.905, 29.7, -14.4, 7.5),
    Level.T12: LevelNorm(40.6, 32.6, 26.2, 0.915, 32.3, -14.8, 7.1),
    Level.L1: LevelNorm(42.6, 33.6, 27.6, 0.935, 34.5, -15.9, 6.6),
    Level.L2: LevelNorm(44.2, 34.6, 28.2, 0.970, 35.8, -13.5, 6.7),
    Level.L3: LevelNorm(46.4, 35.4, 28.0, 1.000, 36.5, -6.1, 7.5),
    Level.L4: LevelNorm(48.6, 35.8, 27.2, 1.050, 36.3, 6.6, 9.3),
    Level.L5: LevelNorm(50.6, 35.6, 25.4, 1.150, 34.0, 24.0, 9.0),
    Level.S1: LevelNorm(50.0, 30.0, 25.0, 1.120, 27.0, 42.0, 9.0),
}
LEVELS: tuple[Level, ...] = tuple(x for x in STANDARD_LEVELS if x in NORMS)
MIDDLE_RATIO = 0.85  # normal Hm/Hp at every level (anatomy-and-norms §4.1)


def level_number(level: Level) -> int:
    """Running number in standard anatomy: C1 = 0 ... S1 = 24 (no T13, no L6)."""
    return STANDARD_LEVELS.index(level)


def thoracic_share(level: Level) -> float:
    """1 in mid thorax, falling to 0 at C7 and L1."""
    number = level_number(level)
    return float(np.clip((number - 6) / 3, 0, 1) * np.clip((20 - number) / 2.5, 0, 1))


def lumbar_share(level: Level) -> float:
    """1 from L2 downwards, falling to 0 at T11."""
    return float(np.clip((level_number(level) - 17) / 3, 0, 1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpinePose:
    """Places and frames of all levels, head to foot.

    centres_mm: (n, 3) LPS. frames: (n, 3, 3), columns left, posterior, superior.
    size: factor on every length of the norms.
    """

    levels: tuple[Level, ...]
    centres_mm: Float64Array
    frames: Float64Array
    size: float
    disc_factors: Float64Array


def draw_pose(
    rng: np.random.Generator, *, kyphosis_deg: dict[Level, float], body_scales: Float64Array
) -> SpinePose:
    """Draw a spine from the head to S1 in patient axes; S1 ends near the origin's height.

    kyphosis_deg: extra forward bend at fractured levels. body_scales: (n,) height left of each
    body relative to its norm, so that a crushed body brings its neighbours closer.
    """
    n = len(LEVELS)
    norms = [NORMS[level] for level in LEVELS]
    size = float(np.exp(rng.normal(0.0, 0.075)))
    sagittal = np.array([x.sagittal_deg for x in norms]) * rng.uniform(0.3, 1.5)
    sagittal = sagittal + _smooth_noise(rng, n) * np.array([x.sagittal_sd_deg for x in norms]) * 0.8
    extra = np.array([kyphosis_deg.get(level, 0.0) for level in LEVELS])
    sagittal = sagittal - np.cumsum(extra) + 0.5 * extra.sum()
    coronal = _scoliosis(rng, n)
    disc_factors = np.exp(rng.normal(0.0, 0.15) + rng.normal(0.0, 0.18, n))
    worn_share = rng.uniform(0.1, 0.6) if rng.random() < 0.3 else 0.0  # worn discs come in some patients
    disc_factors *= np.where(rng.random(n) < worn_share, rng.uniform(0.3, 0.8, n), 1.0)
    disc_factors = np.clip(disc_factors, 0.25, 1.6)
    steps = _steps(norms, sagittal, coronal, size, disc_factors, body_scales)
    centres = np.vstack([np.zeros(3), np.cumsum(steps[:-1], axis=0)])
    centres -= centres.mean(axis=0)
    frames = _frames(rng, steps, coronal)
    return SpinePose(levels=LEVELS, centres_mm=centres, frames=frames, size=size, disc_factors=disc_factors)


def _smooth_noise(rng: np.random.Generator, n: int) -> Float64Array:
    """(n,) unit-variance noise whose neighbours correlate by about 0.7 (measured on VID: 0.64-0.73)."""
    white = rng.normal(size=n)
    out = np.empty(n)
    out[0] = white[0]
    for index in range(1, n):
        out[index] = 0.7 * out[index - 1] + np.sqrt(1 - 0.49) * white[index]
    return out


def _scoliosis(rng: np.random.Generator, n: int) -> Float64Array:
    """(n,) coronal direction of the steps in degrees; one patient in eight has a marked curve."""
    noise = _smooth_noise(rng, n) * 3.0
    amplitude = rng.uniform(8.0, 28.0) if rng.random() < 0.125 else rng.uniform(0.0, 4.0)
    phase = rng.uniform(0.0, 2 * np.pi)
    waves = rng.uniform(0.7, 1.6)
    return noise + amplitude * np.sin(2 * np.pi * waves * np.arange(n) / n + phase)


def _steps(
    norms: list[LevelNorm],
    sagittal: Float64Array,
    coronal: Float64Array,
    size: float,
    disc_factors: Float64Array,
    body_scales: Float64Array,
) -> Float64Array:
    """(n, 3) vectors from each centre to the next lower one."""
    heights = np.array([x.posterior_height_mm * (1 + x.anterior_ratio) / 2 for x in norms])
    heights = np.append(heights, heights[-1])
    scales = np.append(body_scales, 1.0)
    n = len(norms)
    lengths = np.empty(n)
    for index, norm in enumerate(norms):
        half_bodies = 0.5 * (heights[index] + heights[index + 1])
        disc = max(norm.pitch_mm - half_bodies, 1.5) * disc_factors[index]
        lengths[index] = (
            0.5 * (heights[index] * scales[index] + heights[index + 1] * scales[index + 1]) + disc
        )
    a, b = np.radians(sagittal), np.radians(coronal)
    directions = np.stack([np.sin(b), np.sin(a) * np.cos(b), -np.cos(a) * np.cos(b)], axis=1)
    return np.asarray(directions * (lengths * size)[:, None])


def _frames(rng: np.random.Generator, steps: Float64Array, coronal: Float64Array) -> Float64Array:
    """(n, 3, 3) vertebra frames: superior along the mean of the steps above and below, a little noise."""
    n = len(steps)
    frames = np.empty((n, 3, 3))
    torsion = np.radians(coronal * rng.uniform(-0.4, 0.4) + rng.normal(0, 1.5, n))
    for index in range(n):
        above = steps[max(index - 1, 0)]
        direction = above / np.linalg.norm(above) + steps[index] / np.linalg.norm(steps[index])
        superior = -direction / np.linalg.norm(direction) + rng.normal(0.0, 0.025, 3)
        superior /= np.linalg.norm(superior)
        left = np.array([np.cos(torsion[index]), np.sin(torsion[index]), 0.0])
        left -= superior * (left @ superior)
        left /= np.linalg.norm(left)
        frames[index] = np.stack([left, np.cross(superior, left), superior], axis=1)
    return frames
