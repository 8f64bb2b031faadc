"""Bodies that were missed: how many may hide in each step of the chain, and every way to combine that."""

from __future__ import annotations

from itertools import product

import numpy as np

from spondyl.geometry.arrays import Float64Array

_SHORTEST_GAP = 1.3  # times the usual step: below it a missed body would leave a disc's height for two bodies
_EITHER_WAY = 1.6  # a step may be this much longer or shorter than the bodies in it usually need
_USUAL_WITHOUT_NEIGHBOURS_MM = 25.0
_MOST_COMBINATIONS = 48


def gap_choices(steps_mm: Float64Array) -> list[tuple[int, ...]]:
    """Every plausible count of missed bodies in each step, (n - 1,) per choice; the likeliest comes first."""
    if len(steps_mm) == 0:
        return [()]
    ratios = steps_mm / _usual_mm(steps_mm)
    per_step = [_counts(float(ratio)) for ratio in ratios]
    # too many doubtful steps to try all: the least doubtful ones are taken as they look
    for place in np.argsort(ratios):
        if np.prod([len(counts) for counts in per_step]) <= _MOST_COMBINATIONS:
            break
        per_step[place] = per_step[place][:1]
    return list(product(*per_step))


def _usual_mm(steps_mm: Float64Array) -> Float64Array:
    """(n - 1,) what a step measures in its neighbourhood.

    The shorter half of the neighbours says so: a step of theirs may itself hide a body.
    """
    usual = []
    for place in range(len(steps_mm)):
        near = np.concatenate([steps_mm[max(place - 3, 0) : place], steps_mm[place + 1 : place + 4]])
        usual.append(float(np.percentile(near, 40)) if len(near) else _USUAL_WITHOUT_NEIGHBOURS_MM)
    return np.array(usual)


def _counts(ratio: float) -> tuple[int, ...]:
    """Numbers of missed bodies that may hide in a step of so many times the usual, the likeliest first."""
    likeliest = max(round(ratio) - 1, 0)
    if ratio < _SHORTEST_GAP:
        return (0,)
    low = max(int(np.ceil(ratio / _EITHER_WAY)) - 1, 0)
    high = int(np.floor(ratio * _EITHER_WAY)) - 1
    return (likeliest, *(count for count in range(low, high + 1) if count != likeliest))
