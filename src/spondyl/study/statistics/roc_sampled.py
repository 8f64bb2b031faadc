"""The area under the ROC where only some cases were read: weighted by stratum, bootstrapped within strata."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from spondyl.study.statistics.bootstrap import RESAMPLES, interval_of_resamples, resample_counts
from spondyl.study.statistics.estimate import (
    CONFIDENCE,
    Answer,
    CannotSay,
    CannotSayCode,
    Unit,
    require_confidence,
)

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
IntArray: TypeAlias = NDArray[np.int64]


def area_under_sampled_roc(
    measure: str,
    scores: FloatArray,
    is_positive: BoolArray,
    stratum: IntArray,
    weight: FloatArray,
    *,
    seed: int,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Answer:
    """Sum of w_i w_j ([s_i > s_j] + half of ties) over pairs of a positive and a negative, by sum of w_i w_j.

    w is cases of the stratum by cases read of it, so that each read case stands for those that were not
    (Horvitz-Thompson); percentile bootstrap of the cases within their strata. Which cases are read may depend
    on the score and on the report, but within a stratum on nothing else. Shapes (n,), n cases read.

    Source: Begg and Greenes, Biometrics 1983;39:207, for the weights; Efron and Tibshirani 1993, chapter 8,
    for the bootstrap of several samples.

    Raises:
        ValueError: unequal shapes, a score that is NaN, a weight that is not positive.
    """
    require_confidence(confidence)
    n = len(scores)
    if not n == len(is_positive) == len(stratum) == len(weight):
        raise ValueError("score, truth, stratum and weight need one entry per case")
    if np.any(np.isnan(scores)) or np.any(weight <= 0.0):
        raise ValueError("a score is NaN or a weight not above 0; leave such cases out and count them")
    positives = int(is_positive.sum())
    if positives in {0, n}:
        return CannotSay(
            measure=measure, code=CannotSayCode.ONE_CLASS_ONLY, unit=Unit.CASE, n=n,
            got=f"{positives} positives, {n - positives} negatives", needed="both",
        )  # fmt: skip
    order = np.argsort(scores, kind="stable")
    values, truth = scores[order], is_positive[order]
    first_of_score = np.flatnonzero(np.append(True, np.diff(values) != 0.0))
    place = weight[order]
    area = _areas(place[None, :], truth, first_of_score)[0]
    drawn = [
        _areas(counts[:, order] * place, truth, first_of_score)
        for counts in resample_counts(n, resamples, seed, stratum, width=4)
    ]
    return interval_of_resamples(
        measure, float(area), np.concatenate(drawn), None, seed=seed, n=n, unit=Unit.CASE,
        method="weighted by stratum, bootstrap within strata", confidence=confidence,
    )  # fmt: skip


def _areas(weight: FloatArray, truth: BoolArray, first_of_score: IntArray) -> FloatArray:
    """Weighted areas, one per row of weights of shape (rows, n), cases in the order of their scores."""
    positive = np.add.reduceat(weight * truth, first_of_score, axis=1)
    negative = np.add.reduceat(weight * ~truth, first_of_score, axis=1)
    below = np.cumsum(negative, axis=1) - negative
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    ordered = np.sum(positive * (below + negative / 2.0), axis=1)
    area = np.full(len(weight), np.nan)
    np.divide(ordered, pairs, out=area, where=pairs > 0.0)
    return area
