"""Expected heights: from neighbours that are not themselves suspicious, and the patient's own ratios."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.domain.level import Level
from spondyl.domain.measurement import Measured
from spondyl.geometry.arrays import BoolArray, Float64Array
from spondyl.geometry.planes import MAD_TO_SD
from spondyl.stages.grade.norms import NORMAL_HEIGHTS, ladder
from spondyl.stages.grade.settings import Settings

# columns of every table here: the six points' three heights, the windows' three, the lowest place
COLUMN_OF_NORM = np.array([0, 1, 2, 0, 1, 2, 1])
POSTERIOR_OF_COLUMN = np.array([2, 2, 2, 5, 5, 5, 5])
LOWEST = 6
_ENDS = frozenset({Level.T1, Level.L5, Level.L6})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spine:
    """The measured vertebrae of one spine as tables.

    heights_mm: (n, 7) see COLUMN_OF_NORM. norms: (n, 7) normal heights, any unit. place: (n,) on the ladder.
    """

    levels: tuple[Level, ...]
    heights_mm: Float64Array
    norms: Float64Array
    place: Float64Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """What one vertebra is held against.

    expected_mm: (7,) heights. spread: (7,) relative sd of the expected heights, from the neighbours' scatter.
    own_ratio: (7,) expected ratio of each height to the vertebra's own posterior height.
    """

    expected_mm: Float64Array
    spread: Float64Array
    own_ratio: Float64Array
    neighbours: tuple[Level, ...]


def tabulate(measured: list[Measured]) -> Spine:
    """Put the measured vertebrae into tables."""
    levels = tuple(one.level for one in measured)
    rows = []
    for one in measured:
        windows = one.window_heights.as_array()
        lowest = windows[1] if one.lowest_height_mm is None else one.lowest_height_mm
        rows.append(np.concatenate([one.heights.as_array(), windows, [lowest]]))
    norms = np.array([NORMAL_HEIGHTS[level][COLUMN_OF_NORM] for level in levels])
    return Spine(levels=levels, heights_mm=np.array(rows), norms=norms, place=ladder(levels))


def refer(spine: Spine, index: int, is_reference: BoolArray, settings: Settings) -> Reference | None:
    """Reference of one vertebra; None where nothing is left to compare it with.

    is_reference: (n,) vertebrae that may serve; the vertebra itself never does.
    """
    may_serve = is_reference.copy()
    may_serve[index] = False
    if np.count_nonzero(may_serve) < settings.fewest_references:
        return None
    weights = _weights(spine, index, may_serve, settings)
    if np.count_nonzero(weights) < settings.fewest_references:
        weights = may_serve.astype(np.float64)  # the patient's size, from wherever it was measured
    used = np.flatnonzero(weights)
    predictions = spine.heights_mm[used] / spine.norms[used] * spine.norms[index]
    expected = np.array([weighted_median(column, weights[used]) for column in predictions.T])
    scatter = MAD_TO_SD * np.array(
        [weighted_median(column, weights[used]) for column in np.abs(predictions / expected - 1.0).T]
    )
    return Reference(
        expected_mm=expected,
        spread=scatter / np.sqrt(len(used)),
        own_ratio=_own_ratio(spine, index, is_reference, settings),
        neighbours=tuple(spine.levels[i] for i in used),
    )


def weighted_median(values: Float64Array, weights: Float64Array) -> float:
    """Median of values with weights, linear between the middles of their weights."""
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    middles = (np.cumsum(weights) - 0.5 * weights) / np.sum(weights)
    return float(np.interp(0.5, middles, values))


def _weights(spine: Spine, index: int, may_serve: BoolArray, settings: Settings) -> Float64Array:
    distance = np.abs(spine.place - spine.place[index]).astype(int)
    by_distance = np.zeros(max(int(distance.max()), len(settings.neighbour_weights)) + 1)
    by_distance[1 : len(settings.neighbour_weights) + 1] = settings.neighbour_weights
    ends = np.array([settings.end_weight if level in _ENDS else 1.0 for level in spine.levels])
    return np.where(may_serve, by_distance[distance] * ends, 0.0)


def _own_ratio(spine: Spine, index: int, is_reference: BoolArray, settings: Settings) -> Float64Array:
    """Norm ratio of the level, moved by the median deviation of the patient's unsuspicious vertebrae."""
    ratios = spine.heights_mm / spine.heights_mm[:, POSTERIOR_OF_COLUMN]
    normal = spine.norms / spine.norms[:, POSTERIOR_OF_COLUMN]
    # the vertebra itself is left out: one wedge must not make wedges normal
    others = is_reference.copy()
    others[index] = False
    deviation = np.log(ratios[others] / normal[others])
    n_others = int(np.count_nonzero(others))
    shift = np.median(deviation, axis=0) * n_others / (n_others + settings.shift_prior_count)
    limit = settings.largest_shift
    return np.asarray(normal[index] * np.exp(np.clip(shift, -limit, limit)))
