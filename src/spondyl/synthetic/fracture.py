"""Fractures as wishes: which of the three heights is lost, how much, from which endplate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.domain.grading import Shape
from spondyl.geometry.arrays import Float64Array

MOST_LOST = 0.85  # of any height; below that no body is left to render


@dataclass(frozen=True, slots=True, kw_only=True)
class Deformity:
    """A wanted fracture: shape, loss (0-1) of the leading height, share taken by the top endplate."""

    shape: Shape
    loss_fraction: float
    top_share: float = 0.65

    def __post_init__(self) -> None:
        if self.shape == Shape.NORMAL:
            raise ValueError("shape normal is no fracture; leave the level out instead")
        if not 0.0 < self.loss_fraction <= MOST_LOST or not 0.0 <= self.top_share <= 1.0:
            raise ValueError(
                f"loss {self.loss_fraction}, top share {self.top_share}: "
                f"a loss in (0, {MOST_LOST}] and a share in [0, 1] are needed"
            )


def draw_deformity(rng: np.random.Generator, loss_range: tuple[float, float] = (0.12, 0.75)) -> Deformity:
    """Draw a fracture: wedge 45, biconcave 35, crush 20 in 100."""
    shapes = np.array([Shape.WEDGE, Shape.BICONCAVE, Shape.CRUSH], dtype=object)
    shape = rng.choice(shapes, p=[0.45, 0.35, 0.2])
    top_share = float(np.clip(rng.normal(0.68, 0.25), 0.0, 1.0))
    if shape == Shape.BICONCAVE:
        top_share = float(np.clip(rng.normal(0.55, 0.25), 0.0, 1.0))
    return Deformity(shape=shape, loss_fraction=float(rng.uniform(*loss_range)), top_share=top_share)


def column_factors(rng: np.random.Generator, deformity: Deformity | None) -> Float64Array:
    """(3,) factors left of anterior, middle, posterior height; the leading one loses what is asked."""
    if deformity is None:
        return np.ones(3)
    loss = deformity.loss_fraction
    if deformity.shape == Shape.WEDGE:
        lost = np.array([1.0, rng.uniform(0.45, 0.95), rng.uniform(0.0, 0.2)])
    elif deformity.shape == Shape.BICONCAVE:
        lost = np.array([rng.uniform(0.0, 0.5), 1.0, rng.uniform(0.0, 0.35)])
    else:
        lost = np.array([1.0, rng.uniform(0.85, 1.0), rng.uniform(0.75, 1.0)])
    return np.asarray(1.0 - loss * lost)
