"""Height losses by two criteria, shape and grade."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.domain.grading import Shape
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.grade.reference import LOWEST, POSTERIOR_OF_COLUMN, Reference
from spondyl.stages.grade.settings import Settings

_PERCENT = 2  # decimals: a loss is published and judged in whole percent, so that both always agree
_SIX_POINTS = slice(0, 3)
_WINDOWS = slice(3, 6)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Losses:
    """(3,) loss of the anterior, middle and posterior height; negative where it exceeds the expected."""

    columns: Float64Array

    @property
    def leading(self) -> int:
        """Column of the largest loss."""
        return int(np.argmax(self.columns))

    @property
    def largest(self) -> float:
        """The largest loss, not below 0, in whole percent."""
        return round(max(0.0, float(np.max(self.columns))), _PERCENT)


def lose(heights_mm: Float64Array, reference: Reference, settings: Settings) -> Losses:
    """Losses of one vertebra from its (7,) heights.

    A height counts as lost only as far as two criteria agree (McCloskey-Kanis): against what the
    neighbours predict, and against the vertebra's own posterior height; where the posterior height is
    lost as well (crush), its own loss is added to the second. Corner points and the lowest place may
    exceed the window averages only by an allowance: a rim, a lip or a small node is no fracture.
    """
    predicted = 1.0 - heights_mm / reference.expected_mm
    own = 1.0 - heights_mm / heights_mm[POSTERIOR_OF_COLUMN] / reference.own_ratio
    crush = np.clip(predicted[POSTERIOR_OF_COLUMN], 0.0, None)
    counted = np.clip(
        (crush - settings.crush_ignored) / (settings.crush_counted - settings.crush_ignored), 0.0, 1.0
    )
    by_shape = 1.0 - (1.0 - own) * (1.0 - counted * crush)
    agreed = np.minimum(predicted, by_shape + settings.own_allowance)
    for family in (_SIX_POINTS, _WINDOWS):
        # a posterior height alone is not crushed: one of the others must be low too
        anterior, middle, posterior = predicted[family]
        agreed[family.start + 2] = min(posterior, max(anterior, middle))
    corner, window = agreed[_SIX_POINTS], agreed[_WINDOWS]
    columns = np.clip(corner, window, window + settings.corner_allowance)
    columns[1] = np.clip(agreed[LOWEST], window[1], window[1] + settings.lowest_allowance)
    return Losses(columns=columns)


def grade_of(loss: float, settings: Settings) -> int:
    """Genant grade of a loss in whole percent; the lower bounds belong to the higher grade."""
    bounds = (settings.grade_1, settings.grade_2, settings.grade_3)
    return sum(loss >= bound for bound in bounds)


def shape_of(losses: Losses, settings: Settings) -> Shape:
    """Shape of a deformity: crush before wedge before biconcave (clinical-methods §1.4)."""
    anterior, middle, posterior = losses.columns
    share = settings.crush_posterior_share * losses.largest
    if posterior >= max(settings.crush_posterior_loss, share):
        return Shape.CRUSH
    return Shape.WEDGE if anterior >= middle else Shape.BICONCAVE
