"""ROC curve and the area under it with DeLong's interval; two scores on the same cases; clusters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import rankdata

from spondyl.study.statistics.estimate import (
    CONFIDENCE,
    Answer,
    CannotSay,
    CannotSayCode,
    Estimate,
    Remark,
    SignificanceTest,
    Unit,
    require_confidence,
    standard_normal_quantile,
)

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]


class AreaInterval(StrEnum):
    """The logit keeps the interval within 0-1 and covers near 1, where the plain one is too short."""

    LOGIT = "DeLong, logit"
    PLAIN = "DeLong"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RocCurve:
    """Points of the curve from (0, 0) to (1, 1), shapes (points,); called positive: score >= threshold."""

    thresholds: FloatArray
    sensitivity: FloatArray
    false_positive_fraction: FloatArray


def roc_curve(
    scores: FloatArray, is_positive: BoolArray, weight: FloatArray | None = None
) -> RocCurve | CannotSay:
    """One point per distinct score, higher scores first; the first threshold is infinite.

    weight: shape (n,), how many cases each stands for, where only a sample was read; None: one.

    Raises:
        ValueError: unequal shapes, or a score that is NaN.
    """
    values, truth = _checked(scores, is_positive)
    stands_for = np.ones(len(values)) if weight is None else np.asarray(weight, dtype=np.float64)
    missing = _one_class("roc_curve", truth, Unit.CASE)
    if missing is not None:
        return missing
    order = np.argsort(-values, kind="stable")
    values, truth, stands_for = values[order], truth[order], stands_for[order]
    last_of_score = np.append(np.flatnonzero(np.diff(values) != 0.0), len(values) - 1)
    hits, alarms = (np.cumsum(stands_for * x)[last_of_score] for x in (truth, ~truth))
    return RocCurve(
        thresholds=np.append(np.inf, values[last_of_score]),
        sensitivity=np.append(0.0, hits / hits[-1]),
        false_positive_fraction=np.append(0.0, alarms / alarms[-1]),
    )


def area_under_roc(
    measure: str,
    scores: FloatArray,
    is_positive: BoolArray,
    *,
    patient: NDArray[np.int64] | None = None,
    interval: AreaInterval = AreaInterval.LOGIT,
    unit: Unit = Unit.CASE,
    confidence: float = CONFIDENCE,
) -> Answer:
    """P(score of a positive > that of a negative) + half of ties, with DeLong's variance.

    From mid-ranks, O(n log n): V_i = (rank among all - rank among positives) / negatives, and alike for the
    negatives; var = S10/m + S01/n. With ``patient`` (shape (n,), numbers) the vertebrae of one patient may be
    correlated: the components are summed by patient (Obuchowski). Separated completely, the variance is 0:
    then the low end is that of min(m, n) disjoint pairs, all of which were in order: (a/2)^(1/min(m, n)).

    Args:
        measure: name of the figure.
        scores: shape (n,), higher for positive; infinite allowed.
        is_positive: shape (n,).
        patient: the number of the patient of each; None: independent.
        interval: logit (default) or plain, cut at 0 and 1.
        unit: what was scored.
        confidence: nominal coverage.

    Source: DeLong, DeLong and Clarke-Pearson, Biometrics 1988;44:837; Sun and Xu, IEEE Signal Process Lett
    2014;21:1389; Obuchowski, Biometrics 1997;53:567.

    Raises:
        ValueError: unequal shapes, or a score that is NaN.
    """
    require_confidence(confidence)
    values, truth = _checked(scores, is_positive)
    n = len(values)
    if patient is not None and len(patient) != n:
        raise ValueError(f"{n} scores but {len(patient)} patients named")
    problem = _one_class(measure, truth, unit)
    if problem is not None:
        return problem
    placed = _Placement.of(values, truth)
    if placed.area in {0.0, 1.0}:
        return _separated(measure, placed, _independent_pairs(truth, patient), n, unit, confidence)
    few = _too_few(measure, truth, unit)
    if few is not None:
        return few
    if patient is None:
        variance = _covariance(placed, placed)
    else:
        variance = _clustered_variance(placed, truth, np.asarray(patient))
    if variance <= np.finfo(float).eps ** 2:
        return CannotSay(
            measure=measure, code=CannotSayCode.NO_VARIATION, got=f"area {placed.area:g} without spread",
            needed="scores that differ", unit=unit, n=n, low=0.0, high=1.0,
        )  # fmt: skip
    low, high = _area_interval(placed.area, math.sqrt(variance), interval, confidence)
    name = interval.value if patient is None else f"{interval.value}, clustered by patient"
    return Estimate(
        measure=measure, value=placed.area, low=low, high=high, method=name, unit=unit, n=n,
        confidence=confidence,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaComparison:
    """Two areas on the same cases, their difference (first minus second) and the test of no difference."""

    first: Answer
    second: Answer
    difference: Answer
    test: SignificanceTest | CannotSay


def compare_areas(
    measure: str,
    first: FloatArray,
    second: FloatArray,
    is_positive: BoolArray,
    *,
    unit: Unit = Unit.CASE,
    confidence: float = CONFIDENCE,
) -> AreaComparison:
    """DeLong's paired comparison of two scores, shapes (n,), of the same cases.

    var(difference) = var1 + var2 - 2 cov, all from the placement values. Source: as ``area_under_roc``.

    Raises:
        ValueError: unequal shapes, or a score that is NaN.
    """
    one, truth = _checked(first, is_positive)
    two, _ = _checked(second, is_positive)
    n = len(truth)
    areas = [
        area_under_roc(f"{measure}_{name}", x, truth, unit=unit, confidence=confidence)
        for name, x in (("first", one), ("second", two))
    ]
    problem = _one_class(f"{measure}_difference", truth, unit) or _too_few(
        f"{measure}_difference", truth, unit
    )
    if problem is not None:
        return AreaComparison(first=areas[0], second=areas[1], difference=problem, test=problem)
    placed = _Placement.of(one, truth), _Placement.of(two, truth)
    difference = placed[0].area - placed[1].area
    variance = sum(_covariance(x, x) for x in placed) - 2.0 * _covariance(*placed)
    if variance <= np.finfo(float).eps:
        same = CannotSay(
            measure=f"{measure}_difference", code=CannotSayCode.NO_VARIATION,
            got=f"a difference of {difference:g} without spread", needed="scores that order cases otherwise",
            unit=unit, n=n, low=-1.0, high=1.0,
        )  # fmt: skip
        return AreaComparison(first=areas[0], second=areas[1], difference=same, test=same)
    error = math.sqrt(variance)
    half = standard_normal_quantile(confidence) * error
    statistic = difference / error
    return AreaComparison(
        first=areas[0],
        second=areas[1],
        difference=Estimate(
            measure=f"{measure}_difference", value=difference, low=max(difference - half, -1.0),
            high=min(difference + half, 1.0), method="DeLong, paired", unit=unit, n=n, confidence=confidence,
        ),
        test=SignificanceTest(
            measure=f"{measure}_difference", statistic=statistic,
            p_value=min(2.0 * float(ndtr(-abs(statistic))), 1.0), method="DeLong, paired", unit=unit, n=n,
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Placement:
    """Placement values: for a positive the share of negatives below, for a negative of positives above."""

    area: float
    of_positives: FloatArray
    of_negatives: FloatArray

    @classmethod
    def of(cls, values: FloatArray, truth: BoolArray) -> _Placement:
        positives, negatives = int(truth.sum()), int((~truth).sum())
        # mid-ranks are halves of whole numbers and sums of them stay below 2^53: no overflow, no rounding
        rank = rankdata(values)
        above = (rank[truth] - rankdata(values[truth])) / negatives
        below = 1.0 - (rank[~truth] - rankdata(values[~truth])) / positives
        area = float(rank[truth].sum() - positives * (positives + 1) / 2.0) / positives / negatives
        return cls(area=area, of_positives=above, of_negatives=below)


def _covariance(first: _Placement, second: _Placement) -> float:
    total = 0.0
    for one, two in (
        (first.of_positives, second.of_positives),
        (first.of_negatives, second.of_negatives),
    ):
        total += float(np.sum((one - one.mean()) * (two - two.mean()))) / (len(one) - 1) / len(one)
    return total


def _clustered_variance(placed: _Placement, truth: BoolArray, patient: NDArray[np.int64]) -> float:
    """Obuchowski 1997: S10/m + S01/n + 2 S11/(mn) from sums by patient, less their expectation."""
    _, number = np.unique(patient, return_inverse=True)
    patients = int(number.max()) + 1

    def by_patient(which: BoolArray, placement: FloatArray) -> tuple[FloatArray, int]:
        sums = np.bincount(number[which], weights=placement - placed.area, minlength=patients)
        return np.asarray(sums, dtype=np.float64), len(np.unique(number[which]))

    positive, with_positive = by_patient(truth, placed.of_positives)
    negative, with_negative = by_patient(~truth, placed.of_negatives)
    m, n = len(placed.of_positives), len(placed.of_negatives)
    if min(with_positive, with_negative) < 2:
        return 0.0  # one patient alone tells nothing of the spread between patients
    variance = with_positive / (with_positive - 1) * float(positive @ positive) / m**2
    variance += with_negative / (with_negative - 1) * float(negative @ negative) / n**2
    return variance + 2.0 * patients / (patients - 1) * float(positive @ negative) / (m * n)


def _area_interval(
    area: float, error: float, interval: AreaInterval, confidence: float
) -> tuple[float, float]:
    half = standard_normal_quantile(confidence) * error
    if interval is AreaInterval.PLAIN:
        return max(area - half, 0.0), min(area + half, 1.0)
    logit, step = math.log(area / (1.0 - area)), half / (area * (1.0 - area))
    low, high = (1.0 / (1.0 + math.exp(min(-x, 700.0))) for x in (logit - step, logit + step))
    return min(low, area), max(high, area)


def _independent_pairs(truth: BoolArray, patient: NDArray[np.int64] | None) -> int:
    """Pairs of a positive and a negative without a common case, or without a common patient."""
    number = np.arange(len(truth)) if patient is None else np.asarray(patient)
    positive, negative = np.unique(number[truth]), np.unique(number[~truth])
    # a patient with both can serve on one side only
    return max(1, min(len(positive), len(negative), len(np.union1d(positive, negative)) // 2))


def _separated(
    measure: str, placed: _Placement, pairs: int, n: int, unit: Unit, confidence: float
) -> Estimate:
    bound = ((1.0 - confidence) / 2.0) ** (1.0 / pairs)
    low, high = (bound, 1.0) if placed.area == 1.0 else (0.0, 1.0 - bound)
    return Estimate(
        measure=measure, value=placed.area, low=low, high=high, method="exact bound from disjoint pairs",
        unit=unit, n=n, confidence=confidence, remark=Remark.AT_BOUNDARY,
    )  # fmt: skip


def _one_class(measure: str, truth: BoolArray, unit: Unit) -> CannotSay | None:
    positives = int(truth.sum())
    if 0 < positives < len(truth):
        return None
    return CannotSay(
        measure=measure, code=CannotSayCode.ONE_CLASS_ONLY, unit=unit, n=len(truth),
        got=f"{positives} positives, {len(truth) - positives} negatives", needed="both",
    )  # fmt: skip


def _too_few(measure: str, truth: BoolArray, unit: Unit) -> CannotSay | None:
    positives = int(truth.sum())
    if min(positives, len(truth) - positives) >= 2:
        return None
    return CannotSay(
        measure=measure, code=CannotSayCode.TOO_FEW, unit=unit, n=len(truth), low=0.0, high=1.0,
        got=f"{positives} positives, {len(truth) - positives} negatives", needed="two of each for a variance",
    )  # fmt: skip


def _checked(scores: FloatArray, is_positive: BoolArray) -> tuple[FloatArray, BoolArray]:
    values, truth = np.asarray(scores, dtype=np.float64), np.asarray(is_positive)
    if values.ndim != 1 or values.shape != truth.shape:
        raise ValueError(f"needs one score and one truth per case, got shapes {values.shape}, {truth.shape}")
    if truth.dtype != np.bool_:
        raise ValueError(f"the truth is a row of booleans, got {truth.dtype}")
    if np.any(np.isnan(values)):
        raise ValueError(f"{int(np.isnan(values).sum())} scores are NaN; leave such cases out and count them")
    return values, truth
