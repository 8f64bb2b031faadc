"""FROC: share of fractured vertebrae marked against false marks per case, over all thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from spondyl.study.statistics.bootstrap import RESAMPLES, interval_of_resamples, resample_counts
from spondyl.study.statistics.estimate import (
    CONFIDENCE,
    Answer,
    CannotSay,
    CannotSayCode,
    Estimate,
    Remark,
    Unit,
    require_confidence,
)
from spondyl.study.statistics.proportions import exact_interval

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
NO_FRACTURE = -1  # in ``Marks.fracture``: the mark hits none
# Setio et al., Med Image Anal 2017;42:1 (LUNA16): the rates over which the score is averaged
SCORE_RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marks:
    """All marks of all cases and how many fractures each case has; matching has been done before.

    fractures_per_case: shape (cases,). case, score: shape (marks,): number of the case from 0, and score,
    higher for surer. fracture: shape (marks,): which fracture of its case the mark hits, from 0, or
    NO_FRACTURE. Of several marks on one fracture the highest counts and the others are left out: neither a
    hit nor a false mark.

    Raises:
        ValueError: unequal lengths, a case or fracture that there is not, or a score that is NaN.
    """

    fractures_per_case: IntArray
    case: IntArray
    score: FloatArray
    fracture: IntArray

    def __post_init__(self) -> None:
        if not len(self.case) == len(self.score) == len(self.fracture):
            raise ValueError("case, score and fracture need one entry per mark")
        if np.any(self.case < 0) or np.any(self.case >= len(self.fractures_per_case)):
            raise ValueError(f"a mark names a case outside 0 to {len(self.fractures_per_case) - 1}")
        if np.any(self.fracture >= self.fractures_per_case[self.case]) or np.any(self.fracture < NO_FRACTURE):
            raise ValueError("a mark names a fracture that its case has not")
        if np.any(np.isnan(self.score)):
            raise ValueError("a mark's score is NaN; leave such a mark out")

    @property
    def cases(self) -> int:
        """Cases, with or without mark."""
        return len(self.fractures_per_case)

    @property
    def fractures(self) -> int:
        """Fractures in all cases."""
        return int(self.fractures_per_case.sum())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrocCurve:
    """Points from no mark to all marks, shapes (points,); a mark counts when its score >= threshold.

    false_positive_case_fraction: cases without fracture that carry a mark (the abscissa of the AFROC); empty
    when every case has a fracture.
    """

    thresholds: FloatArray
    sensitivity: FloatArray
    false_marks_per_case: FloatArray
    false_positive_case_fraction: FloatArray


def froc_curve(marks: Marks, case_weight: FloatArray | None = None) -> FrocCurve | CannotSay:
    """One point per distinct score. Source: Chakraborty, Med Phys 1989;16:561 (FROC, AFROC).

    case_weight: shape (cases,), how many cases each stands for, where only a sample was read; None: one.
    """
    if marks.fractures == 0:
        return _no_fractures("froc_curve", marks)
    weight = np.ones(marks.cases) if case_weight is None else np.asarray(case_weight, dtype=np.float64)
    ordered = _Ordered.of(marks)
    ends, of_mark = ordered.ends, weight[ordered.case]
    healthy = marks.fractures_per_case == 0
    first_of_case = np.zeros(len(ordered.case))
    _, first = np.unique(ordered.case, return_index=True)
    first_of_case[first] = (healthy * weight)[ordered.case[first]]
    alarmed = np.cumsum(first_of_case)[ends] / weight[healthy].sum() if healthy.any() else np.zeros(0)
    fractures, cases = float(weight @ marks.fractures_per_case), float(weight.sum())
    return FrocCurve(
        thresholds=np.append(np.inf, ordered.score[ends]),
        sensitivity=np.append(0.0, np.cumsum(of_mark * ordered.is_hit)[ends] / fractures),
        false_marks_per_case=np.append(0.0, np.cumsum(of_mark * ~ordered.is_hit)[ends] / cases),
        false_positive_case_fraction=np.append(0.0, alarmed) if healthy.any() else alarmed,
    )


def sensitivity_at_false_marks(
    measure: str,
    marks: Marks,
    rates_per_case: Sequence[float],
    *,
    seed: int,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Answer:
    """Share of fractures marked where false marks are at most so many per case; mean over several rates.

    The lowest threshold that keeps the rate is taken anew in each bootstrap sample of cases (percentile), so
    the interval holds the doubt about the threshold too. No interpolation between thresholds. With
    ``SCORE_RATES`` this is the FROC score. Where all fractures or none are marked, the exact bound of as many
    observations as there are cases with fractures.

    Raises:
        ValueError: no rate, or a negative one.
    """
    require_confidence(confidence)
    if not rates_per_case or min(rates_per_case) < 0.0:
        raise ValueError(f"false marks per case are 0 or more, got {list(rates_per_case)}")
    if marks.fractures == 0:
        return _no_fractures(measure, marks)
    ordered = _Ordered.of(marks)
    sizes = marks.fractures_per_case.astype(np.float64)
    value = _mean_sensitivity(np.ones((1, marks.cases)), ordered, sizes, rates_per_case)[0]
    if value in {0.0, 1.0}:
        return _at_boundary(measure, float(value), marks, confidence)
    blocks = resample_counts(marks.cases, resamples, seed, width=len(ordered.case))
    drawn = np.concatenate([_mean_sensitivity(x, ordered, sizes, rates_per_case) for x in blocks])
    return interval_of_resamples(
        measure, float(value), drawn, None, seed=seed, n=marks.fractures, unit=Unit.VERTEBRA,
        confidence=confidence, numerator=float(value) * marks.fractures, denominator=marks.fractures,
        method=f"bootstrap over cases, percentile, {resamples} resamples",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ordered:
    """Marks from the highest score down, one per fracture; ``ends``: the last mark of each score."""

    case: IntArray
    score: FloatArray
    is_hit: NDArray[np.bool_]
    ends: IntArray

    @classmethod
    def of(cls, marks: Marks) -> _Ordered:
        order = np.argsort(-marks.score, kind="stable")
        case, score, fracture = marks.case[order], marks.score[order], marks.fracture[order]
        pairs = np.column_stack([case, fracture])
        pairs[fracture == NO_FRACTURE, 1] = -1 - np.arange(int(np.sum(fracture == NO_FRACTURE)))
        _, first = np.unique(pairs, axis=0, return_index=True)
        kept = np.sort(first)
        score = score[kept]
        ends = np.append(np.flatnonzero(np.diff(score) != 0.0), len(score) - 1) if len(score) else kept
        return cls(case=case[kept], score=score, is_hit=fracture[kept] != NO_FRACTURE, ends=ends)


def _mean_sensitivity(
    counts: FloatArray, ordered: _Ordered, sizes: FloatArray, rates: Sequence[float]
) -> FloatArray:
    """Shape (R,), for samples in which case i stands counts[r, i] times; NaN without fracture."""
    weight = counts[:, ordered.case]
    none = np.zeros((len(counts), 1))
    hits = np.concatenate([none, np.cumsum(weight * ordered.is_hit, axis=1)[:, ordered.ends]], axis=1)
    false = np.concatenate([none, np.cumsum(weight * ~ordered.is_hit, axis=1)[:, ordered.ends]], axis=1)
    fractures = counts @ sizes
    cases = counts.sum(axis=1)
    total = np.zeros(len(counts))
    for rate in rates:
        # false marks only grow along a row, so the points within the rate are the first ones
        last = np.sum(false <= rate * cases[:, None], axis=1) - 1
        total += hits[np.arange(len(counts)), last]
    share = np.full(len(counts), np.nan)
    np.divide(total / len(rates), fractures, out=share, where=fractures > 0)
    return share


def _at_boundary(measure: str, value: float, marks: Marks, confidence: float) -> Estimate:
    """All or none marked: no resample differs, so each case with fractures counts as one observation."""
    cases = int(np.sum(marks.fractures_per_case > 0))
    low, high = exact_interval(round(value * cases), cases, confidence)
    return Estimate(
        measure=measure, value=value, low=low, high=high, method="exact bound over cases with fractures",
        unit=Unit.VERTEBRA, n=marks.fractures, numerator=value * marks.fractures,
        denominator=marks.fractures, confidence=confidence, remark=Remark.AT_BOUNDARY,
    )  # fmt: skip


def _no_fractures(measure: str, marks: Marks) -> CannotSay:
    return CannotSay(
        measure=measure, code=CannotSayCode.NOTHING_COUNTED, got=f"no fracture in {marks.cases} cases",
        needed="at least one", unit=Unit.VERTEBRA, denominator=0,
    )  # fmt: skip
