"""Bootstrap over patients: vertebrae of one patient stay together when the sample is drawn again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import t as student_t

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
from spondyl.study.statistics.proportions import beta_interval

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
# (resamples, D) totals -> (resamples,) values; NaN where a resample has no value (0/0)
Statistic: TypeAlias = Callable[[FloatArray], FloatArray]

RESAMPLES = 2000  # clinical-methods.md section 5.4
LEAST_PATIENTS = 2
MOST_UNDEFINED_FRACTION = 0.01  # ours: beyond it the interval would describe other studies than this one
DRAWS_AT_ONCE = 2_000_000  # bounds the memory to some 50 MB whatever the number of patients


class BootstrapMethod(StrEnum):
    """How the interval is taken from the resampled values."""

    PERCENTILE = "percentile"
    BCA = "BCa"


def bootstrap_totals(
    measure: str,
    totals_per_patient: FloatArray,
    statistic: Statistic,
    *,
    seed: int,
    n: int | None = None,
    unit: Unit = Unit.VERTEBRA,
    strata: IntArray | None = None,
    resamples: int = RESAMPLES,
    method: BootstrapMethod = BootstrapMethod.BCA,
    confidence: float = CONFIDENCE,
) -> Answer:
    """Interval of a statistic that depends only on sums over patients.

    That holds for every ratio of counts, for kappa (sums of the cells), for mean and standard deviation.
    Patients are drawn with replacement, ``strata`` apart where given, each with all its vertebrae.

    Args:
        measure: name of the figure.
        totals_per_patient: shape (patients, D): what is summed, one row per patient.
        statistic: from summed rows, shape (R, D), to values, shape (R,); NaN for "no value".
        seed: of ``numpy.random.default_rng``; the same seed gives the same interval.
        n: units of analysis; the patients when not given.
        unit: what n counts.
        strata: shape (patients,), the stratum of each patient; None for one stratum.
        resamples: how many samples are drawn.
        method: percentile, or bias-corrected and accelerated by the jackknife over patients.
        confidence: nominal coverage.

    Source: Efron, J Am Stat Assoc 1987;82:171 (BCa); Davison and Hinkley 1997, section 3.8 (whole clusters).

    Raises:
        ValueError: totals that are not a finite table, or fewer than 100 resamples.
    """
    totals = _checked(totals_per_patient, resamples, confidence)
    patients = len(totals)
    if patients < LEAST_PATIENTS:
        return CannotSay(
            measure=measure, code=CannotSayCode.TOO_FEW, got=f"{patients} patients",
            needed=f"at least {LEAST_PATIENTS}", unit=unit, n=patients,
        )  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):  # 0/0 is told by NaN and counted below
        value = float(statistic(totals.sum(axis=0, keepdims=True))[0])
        counts = resample_counts(patients, resamples, seed, strata)
        drawn = np.concatenate([statistic(block @ totals) for block in counts])
        left_out = statistic(totals.sum(axis=0) - totals)
    return interval_of_resamples(
        measure, value, drawn, left_out if method is BootstrapMethod.BCA else None, seed=seed,
        n=n if n is not None else patients, unit=unit, confidence=confidence,
        method=f"bootstrap over patients, {method.value}, {resamples} resamples",
    )  # fmt: skip


def resample_counts(
    patients: int, resamples: int, seed: int, strata: IntArray | None = None, width: int = 1
) -> Iterator[FloatArray]:
    """How often each patient is drawn: blocks of shape (some resamples, patients), each row a sample.

    ``width``: numbers that the caller makes of each row, so that a block of these stays small too.
    """
    generator = np.random.default_rng(seed)
    members = [np.arange(patients)] if strata is None else [np.flatnonzero(strata == x) for x in set(strata)]
    members.sort(key=lambda rows: int(rows[0]))  # a set has no order of its own
    at_once = max(1, DRAWS_AT_ONCE // max(patients, width))
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        counts = np.zeros((rows, patients))
        for group in members:
            picked = generator.integers(0, len(group), size=(rows, len(group)))
            flat = (picked + np.arange(rows)[:, None] * len(group)).ravel()
            counts[:, group] = np.bincount(flat, minlength=rows * len(group)).reshape(rows, len(group))
        yield counts


def interval_of_resamples(
    measure: str,
    value: float,
    drawn: FloatArray,
    left_out: FloatArray | None,
    *,
    seed: int,
    n: int,
    unit: Unit,
    method: str,
    confidence: float,
    numerator: float | None = None,
    denominator: float | None = None,
) -> Answer:
    """The Estimate from resampled values; ``left_out``, the jackknife values, makes it BCa."""
    defined = drawn[np.isfinite(drawn)]
    undefined = len(drawn) - len(defined)
    problem: tuple[CannotSayCode, str, str] | None = None
    if not math.isfinite(value):
        problem = (CannotSayCode.NOTHING_COUNTED, "a ratio of 0 to 0", "something to count")
    elif undefined > MOST_UNDEFINED_FRACTION * len(drawn):
        got = f"{undefined} of {len(drawn)} resamples without a value"
        problem = (CannotSayCode.RESAMPLES_UNDEFINED, got, "more patients, or more with events")
    elif np.ptp(defined) == 0.0:
        problem = (CannotSayCode.NO_VARIATION, f"{value:g} in every resample", "patients that differ")
    if problem is not None:
        return CannotSay(
            measure=measure, code=problem[0], got=problem[1], needed=problem[2], unit=unit, n=n,
            numerator=numerator, denominator=denominator,
        )  # fmt: skip
    tail = (1.0 - confidence) / 2.0
    tails = (tail, 1.0 - tail) if left_out is None else _bca_tails(value, defined, left_out, tail)
    low, high = np.quantile(defined, tails)
    # a resampled interval may miss the value by bias; the value then is its end
    return Estimate(
        measure=measure, value=value, low=min(float(low), value), high=max(float(high), value),
        method=method, unit=unit, n=n, confidence=confidence, seed=seed, numerator=numerator,
        denominator=denominator,
    )  # fmt: skip


def _bca_tails(value: float, drawn: FloatArray, left_out: FloatArray, tail: float) -> tuple[float, float]:
    """The two quantiles to read, from the bias z0 and the acceleration a (Efron 1987, 6.6 and 4.4)."""
    below = (np.sum(drawn < value) + 0.5 * np.sum(drawn == value)) / len(drawn)
    bias = ndtri(np.clip(below, 0.5 / len(drawn), 1.0 - 0.5 / len(drawn)))
    influence = np.mean(left_out[np.isfinite(left_out)]) - left_out[np.isfinite(left_out)]
    spread = float(np.sum(influence**2)) ** 1.5
    acceleration = float(np.sum(influence**3)) / (6.0 * spread) if spread > 0.0 else 0.0
    ends = bias + ndtri(np.array([tail, 1.0 - tail]))
    low, high = ndtr(bias + ends / (1.0 - acceleration * ends))
    return float(low), float(high)


# ------------------------------------------------------------------------------------ vertebra proportions
class ClusteredMethod(StrEnum):
    """Interval of a share of vertebrae.

    Korn-Graubard is the default: it covers as stated with few events and few patients too, needs no seed and
    does not end at 1.00 when nothing was missed.
    """

    KORN_GRAUBARD = "Korn-Graubard, clustered by patient"
    PERCENTILE = "percentile"
    BCA = "BCa"


def ratio_of_totals(totals: FloatArray) -> FloatArray:
    """First column over second: the statistic of a share of vertebrae, shape (R, 2) -> (R,)."""
    ratio: FloatArray = totals[:, 0] / totals[:, 1]
    return ratio


def vertebra_proportion(
    measure: str,
    events_per_patient: FloatArray | IntArray,
    vertebrae_per_patient: FloatArray | IntArray,
    *,
    method: ClusteredMethod = ClusteredMethod.KORN_GRAUBARD,
    seed: int | None = None,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Answer:
    """Share of vertebrae sum(x)/sum(m), patients being the clusters; shapes (patients,).

    Korn-Graubard: the variance between patients, P/(P-1) sum (x_i - p m_i)² / M² (GEE with independence,
    robust), is set equal to p(1-p)/n_eff; n_eff, at most M, is multiplied by (z / t)² with P - 1 degrees of
    freedom, and the interval is Clopper-Pearson's for p n_eff of n_eff. When every vertebra or none is an
    event, as many observations are taken as there are patients: a patient counts once, with however many.

    Source: Korn and Graubard, Survey Methodology 1998;24:193.

    Raises:
        ValueError: shapes differ, more events than vertebrae, or a bootstrap without seed.
    """
    events = np.asarray(events_per_patient, dtype=np.float64)
    sizes = np.asarray(vertebrae_per_patient, dtype=np.float64)
    if events.shape != sizes.shape or events.ndim != 1 or np.any(events > sizes) or np.any(events < 0):
        raise ValueError(f"{measure}: needs two rows of equal length, each 0 <= events <= vertebrae")
    events, sizes = events[sizes > 0], sizes[sizes > 0]
    total, found, patients = float(sizes.sum()), float(events.sum()), len(sizes)
    if patients < LEAST_PATIENTS:
        code = CannotSayCode.NOTHING_COUNTED if patients == 0 else CannotSayCode.TOO_FEW
        return CannotSay(
            measure=measure, code=code, got=f"{patients} patients with vertebrae to count",
            needed=f"at least {LEAST_PATIENTS}", unit=Unit.VERTEBRA, n=int(total), numerator=found,
            denominator=total,
        )  # fmt: skip
    share = found / total
    at_boundary = found in {0.0, total}
    if method is not ClusteredMethod.KORN_GRAUBARD and not at_boundary:
        return _bootstrapped(measure, events, sizes, method, seed, resamples, confidence)
    size = float(patients) if at_boundary else effective_size(events, sizes)
    if not at_boundary:
        # the variance between patients is itself an estimate: Student's quantile in place of the normal one
        above = 0.5 + confidence / 2.0
        size *= (float(ndtri(above)) / float(student_t.ppf(above, patients - 1))) ** 2
    low, high = beta_interval(share * size, size, confidence)
    return Estimate(
        measure=measure, value=share, low=min(low, share), high=max(high, share),
        method=ClusteredMethod.KORN_GRAUBARD.value, unit=Unit.VERTEBRA, n=int(total), numerator=found,
        denominator=total, confidence=confidence, remark=Remark.AT_BOUNDARY if at_boundary else Remark.NONE,
    )  # fmt: skip


def effective_size(events: FloatArray, sizes: FloatArray) -> float:
    """Independent vertebrae worth as much as these clustered ones, between 1 and their number.

    n_eff = p(1-p) / (P/(P-1) sum (x_i - p m_i)² / M²); the design effect is M / n_eff.
    """
    total = float(sizes.sum())
    share = float(events.sum()) / total
    patients = len(sizes)
    between = patients / (patients - 1.0) * float(np.sum((events - share * sizes) ** 2)) / total**2
    if between <= 0.0:
        return total
    return float(np.clip(share * (1.0 - share) / between, 1.0, total))


def _bootstrapped(
    measure: str,
    events: FloatArray,
    sizes: FloatArray,
    method: ClusteredMethod,
    seed: int | None,
    resamples: int,
    confidence: float,
) -> Answer:
    if seed is None:
        raise ValueError(f"{measure}: a bootstrap needs a seed; give seed=, so that it can be repeated")
    answer = bootstrap_totals(
        measure, np.column_stack([events, sizes]), ratio_of_totals, seed=seed, n=int(sizes.sum()),
        resamples=resamples, method=BootstrapMethod(method.value), confidence=confidence,
    )  # fmt: skip
    if isinstance(answer, CannotSay):
        return answer
    return Estimate(
        measure=measure, value=answer.value, low=answer.low, high=answer.high, method=answer.method,
        unit=answer.unit, n=answer.n, numerator=float(events.sum()), denominator=float(sizes.sum()),
        confidence=confidence, seed=seed,
    )  # fmt: skip


def _checked(totals_per_patient: FloatArray, resamples: int, confidence: float) -> FloatArray:
    require_confidence(confidence)
    totals = np.asarray(totals_per_patient, dtype=np.float64)
    if totals.ndim != 2 or not np.all(np.isfinite(totals)):
        raise ValueError(f"totals need the shape (patients, D) and finite values, got shape {totals.shape}")
    if resamples < 100:
        raise ValueError(f"{resamples} resamples do not give a tail; use at least 100, usually {RESAMPLES}")
    return totals
