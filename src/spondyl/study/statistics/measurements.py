"""Agreement in numbers (height loss, HU): intraclass correlation and Bland-Altman limits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2
from scipy.stats import f as fisher_f
from scipy.stats import t as student_t

from spondyl.study.statistics.bootstrap import RESAMPLES, BootstrapMethod, bootstrap_totals
from spondyl.study.statistics.estimate import (
    CONFIDENCE,
    Answer,
    CannotSay,
    CannotSayCode,
    Estimate,
    Unit,
    require_confidence,
)

FloatArray: TypeAlias = NDArray[np.float64]
LIMIT_FACTOR = 1.96  # Bland and Altman 1986: 95 % of differences, normal


class IntraclassModel(StrEnum):
    """Single rating: readers drawn from many, absolute agreement; or these readers, consistency."""

    ICC_2_1 = "ICC(2,1), two-way random, absolute agreement"
    ICC_3_1 = "ICC(3,1), two-way mixed, consistency"


def intraclass_correlation(
    measure: str,
    ratings: FloatArray,
    *,
    model: IntraclassModel = IntraclassModel.ICC_2_1,
    unit: Unit = Unit.VERTEBRA,
    confidence: float = CONFIDENCE,
) -> Answer:
    """Share of the variance of one reading that is between the units, with the F-based interval.

    With mean squares of units (B), readers (J) and error (E), n units and k readers:
    ICC(2,1) = (B - E) / (B + (k-1) E + k (J - E) / n); ICC(3,1) = (B - E) / (B + (k-1) E).

    Args:
        measure: name of the figure.
        ratings: shape (units, readers), complete.
        model: which of the two.
        unit: what was measured.
        confidence: nominal coverage.

    Source: Shrout and Fleiss, Psychol Bull 1979;86:420 (for ICC(2,1) with Satterthwaite's degrees
    of freedom); McGraw and Wong, Psychol Methods 1996;1:30.

    Raises:
        ValueError: not a finite table.
    """
    values = np.asarray(ratings, dtype=np.float64)
    if values.ndim != 2 or not np.all(np.isfinite(values)):
        raise ValueError(f"{measure}: needs a complete table (units, readers), got shape {values.shape}")
    require_confidence(confidence)
    n, readers = values.shape
    if n < 3 or readers < 2:
        return _cannot(
            measure, CannotSayCode.TOO_FEW, f"{n} units, {readers} readers", "3 and 2 at least", unit, n
        )
    squares = _MeanSquares.of(values)
    scale = float(np.max(np.abs(values))) or 1.0
    if min(squares.between, squares.error) <= (np.finfo(float).eps * scale) ** 2 * n:
        got = (
            "units that do not differ" if squares.between <= squares.error else "readers without any scatter"
        )
        return _cannot(measure, CannotSayCode.NO_VARIATION, got, "both to vary", unit, n)
    if model is IntraclassModel.ICC_3_1:
        value, low, high = _consistency(squares, n, readers, confidence)
    else:
        value, low, high = _absolute(squares, n, readers, confidence)
    return Estimate(
        measure=measure, value=value, low=min(low, value), high=max(high, value),
        method=f"{model.value}, F-based", unit=unit, n=n, confidence=confidence,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _MeanSquares:
    """Of the two-way table without repetition, in squared units of the ratings."""

    between: float
    readers: float
    error: float

    @classmethod
    def of(cls, values: FloatArray) -> _MeanSquares:
        n, k = values.shape
        mean = float(values.mean())
        rows, columns = values.mean(axis=1), values.mean(axis=0)
        residual = values - rows[:, None] - columns[None, :] + mean
        return cls(
            between=k * float(np.sum((rows - mean) ** 2)) / (n - 1),
            readers=n * float(np.sum((columns - mean) ** 2)) / (k - 1),
            error=float(np.sum(residual**2)) / ((n - 1) * (k - 1)),
        )


def _consistency(squares: _MeanSquares, n: int, k: int, confidence: float) -> tuple[float, float, float]:
    ratio = squares.between / squares.error
    above = 0.5 + confidence / 2.0
    freedom = (n - 1, (n - 1) * (k - 1))
    low = ratio / float(fisher_f.ppf(above, *freedom))
    high = ratio * float(fisher_f.ppf(above, freedom[1], freedom[0]))
    value, low, high = ((x - 1.0) / (x + k - 1.0) for x in (ratio, low, high))
    return value, low, high


def _absolute(squares: _MeanSquares, n: int, k: int, confidence: float) -> tuple[float, float, float]:
    between, readers, error = squares.between, squares.readers, squares.error
    value = (between - error) / (between + (k - 1) * error + k * (readers - error) / n)
    # Satterthwaite's degrees of freedom of the linear combination a J + b E that F is taken against
    ratio = readers / error
    spread = k * value * ratio + n * (1.0 + (k - 1) * value) - k * value
    freedom = (k - 1) * (n - 1) * spread**2
    freedom /= (n - 1) * (k * value * ratio) ** 2 + (n * (1.0 + (k - 1) * value) - k * value) ** 2
    above = 0.5 + confidence / 2.0
    upper = float(fisher_f.ppf(above, n - 1, freedom))
    lower = float(fisher_f.ppf(above, freedom, n - 1))
    noise = k * readers + (k * n - k - n) * error
    low = n * (between - upper * error) / (upper * noise + n * between)
    high = n * (lower * between - error) / (noise + n * lower * between)
    return value, low, high


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsOfAgreement:
    """Mean difference (bias) and the limits between which 95 % of the differences lie, each with interval."""

    bias: Answer
    lower: Answer
    upper: Answer


def bland_altman(
    measure: str, differences: FloatArray, *, unit: Unit = Unit.VERTEBRA, confidence: float = CONFIDENCE
) -> LimitsOfAgreement:
    """Bias d and limits d ± 1.96 s of independent differences, shape (n,), in the unit of the differences.

    The bias has Student's interval. For a limit the intervals of mean and standard deviation are put
    together (MOVER): d + 1.96 s - sqrt((t s/√n)² + 1.96² (s - s_L)²), s_L = s sqrt((n-1)/chi²), the other end
    alike; it covers also with few differences, where 1.71 s/√n does not. Positive difference: first reading
    larger. Differences should not grow with the mean; look at the plot.

    Source: Bland and Altman, Lancet 1986;1:307; Donner and Zou, Stat Methods Med Res 2012;21:347.

    Raises:
        ValueError: values that are not finite.
    """
    values = _row(measure, differences)
    require_confidence(confidence)
    n = len(values)
    spread = float(values.std(ddof=1)) if n > 1 else 0.0
    names = tuple(f"{measure}_{x}" for x in ("bias", "lower_limit", "upper_limit"))
    if n < 2 or spread == 0.0:
        code = CannotSayCode.TOO_FEW if n < 2 else CannotSayCode.NO_VARIATION
        bias, lower, upper = (
            _cannot(x, code, f"{n} differences, spread 0", "two that differ", unit, n) for x in names
        )
        return LimitsOfAgreement(bias=bias, lower=lower, upper=upper)
    mean = float(values.mean())
    half = float(student_t.ppf(0.5 + confidence / 2.0, n - 1)) * spread / math.sqrt(n)
    smallest, largest = _deviation_interval(spread, n, confidence)
    inner = math.hypot(half, LIMIT_FACTOR * (spread - smallest))
    outer = math.hypot(half, LIMIT_FACTOR * (largest - spread))
    limit = LIMIT_FACTOR * spread

    def estimate(name: str, value: float, low: float, high: float, method: str) -> Estimate:
        return Estimate(
            measure=name, value=value, low=low, high=high, method=method, unit=unit, n=n,
            confidence=confidence,
        )  # fmt: skip

    bias_method, method = "Student's t", "Bland-Altman, MOVER"
    return LimitsOfAgreement(
        bias=estimate(names[0], mean, mean - half, mean + half, bias_method),
        lower=estimate(names[1], mean - limit, mean - limit - outer, mean - limit + inner, method),
        upper=estimate(names[2], mean + limit, mean + limit - inner, mean + limit + outer, method),
    )


def clustered_bland_altman(
    measure: str,
    differences: FloatArray,
    patient: NDArray[np.int64],
    *,
    seed: int,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> LimitsOfAgreement:
    """Bias and limits where vertebrae share patients: the same figures, the bootstrap over patients (BCa).

    Shapes (n,) and (n,): a difference and the number of its patient.

    Raises:
        ValueError: unequal lengths or values that are not finite.
    """
    values = _row(measure, differences)
    if len(patient) != len(values):
        raise ValueError(f"{measure}: {len(values)} differences but {len(patient)} patients named")
    _, number = np.unique(patient, return_inverse=True)
    totals: FloatArray = np.column_stack(
        [np.bincount(number, weights=x) for x in (np.ones(len(values)), values, values**2)]
    )

    def figure(name: str, side: float) -> Answer:
        def statistic(sums: FloatArray) -> FloatArray:
            n, mean = sums[:, 0], sums[:, 1] / sums[:, 0]
            variance = np.maximum(sums[:, 2] - n * mean**2, 0.0) / (n - 1.0)
            limit: FloatArray = mean + side * LIMIT_FACTOR * np.sqrt(variance)
            return limit

        return bootstrap_totals(
            f"{measure}_{name}", totals, statistic, seed=seed, n=len(values), resamples=resamples,
            method=BootstrapMethod.BCA, confidence=confidence,
        )  # fmt: skip

    return LimitsOfAgreement(
        bias=figure("bias", 0.0), lower=figure("lower_limit", -1.0), upper=figure("upper_limit", 1.0)
    )


def _deviation_interval(spread: float, n: int, confidence: float) -> tuple[float, float]:
    tail = (1.0 - confidence) / 2.0
    low = spread * math.sqrt((n - 1) / float(chi2.ppf(1.0 - tail, n - 1)))
    high = spread * math.sqrt((n - 1) / float(chi2.ppf(tail, n - 1)))
    return low, high


def _row(measure: str, differences: FloatArray) -> FloatArray:
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or not np.all(np.isfinite(values)):
        raise ValueError(f"{measure}: needs a row of finite differences, got shape {values.shape}")
    return values


def _cannot(measure: str, code: CannotSayCode, got: str, needed: str, unit: Unit, n: int) -> CannotSay:
    return CannotSay(measure=measure, code=code, got=got, needed=needed, unit=unit, n=n)
