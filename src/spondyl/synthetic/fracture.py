"""Fractures as wishes: which of the three heights is lost, how much, from which endplate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.domain.grading import Shape
from spondyl.geometry.arrays import Float64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Deformity:
    """A wanted fracture: shape, loss (0-1) of the leading height, share taken by the top endplate."""

    shape: Shape
    loss_fraction: float
    top_share: float


def draw_deformity(rng: np.random.Generator, loss_range: tuple[float, float] = (0.12, 0.75)) -> Deformity:
    """Draw a fracture: wedge 45, biconcave 35, crush 20 in 100."""
    shape = rng.choice(
        np.array([Shape.WEDGE, Shape.BICONCAVE, Shape.CRUSH], dtype=object), p=[0.45, 0.35, 0.2]
    )
    top_share = float(np.clip(rng.normal(0.68, 0.25), 0.0, 1.0))
    if shape == Shape.BICONCAVE:
        top_share = float(np.clip(rng.normal(0.55, 0.25), 0.0, 1.0))
    return Deformity(shape=shape, loss_fraction=float(rng.uniform(*loss_range)), top_share=top_share)


def column_factors(rng: np.random.Generator, deformity: Deformity | None) -> Float64Array:
    """(3,) factors left of anterior, middle, posterior height."""
    if deformity is None:
        return np.ones(3)
    loss = deformity.loss_fraction
    if deformity.shape == Shape.WEDGE:
        lost = np.array([loss, loss * rng.uniform(0.45, 0.95), loss * rng.uniform(0.0, 0.2)])
    elif deformity.shape == Shape.BICONCAVE:
        lost = np.array([loss * rng.uniform(0.0, 0.5), loss, loss * rng.uniform(0.0, 0.35)])
    else:
        lost = loss * np.array([1.0, rng.uniform(0.85, 1.05), rng.uniform(0.75, 1.0)])
    return np.asarray(1.0 - np.minimum(lost, 0.85))
