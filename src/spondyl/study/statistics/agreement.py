"""Agreement of readers in categories: Cohen's kappa and weighted kappa, Gwet's AC1/AC2, Fleiss' kappa.

All interval methods take the cases as independent; for vertebrae within patients use ``clustered_kappa``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from spondyl.study.statistics.bootstrap import RESAMPLES, BootstrapMethod, bootstrap_totals
from spondyl.study.statistics.estimate import (
    CONFIDENCE,
    Answer,
    CannotSay,
    CannotSayCode,
    Estimate,
    Remark,
    Unit,
    standard_normal_quantile,
)
from spondyl.study.statistics.proportions import exact_interval, proportion

FloatArray: TypeAlias = NDArray[np.float64]
CountTable: TypeAlias = NDArray[np.int64] | FloatArray
# from the mean shares (K,) to the agreement by chance, and to the row (K,) that gives each case's part of it
Chance: TypeAlias = Callable[[FloatArray], tuple[float, FloatArray]]

# half a width below this is rounding: one case of a million that differs gives some 1e-6
SMALLEST_SPREAD = 1e-7


class Weighting(StrEnum):
    """What a disagreement costs: all alike, by its distance, or by the square of it (ordered categories)."""

    NONE = "unweighted"
    LINEAR = "linear"
    QUADRATIC = "quadratic"

    def matrix(self, categories: int) -> FloatArray:
        """Shape (K, K): 1 on the diagonal; 1 - |i-j|/(K-1), or 1 - ((i-j)/(K-1))²."""
        if self is Weighting.NONE or categories < 2:
            return np.eye(categories)
        step = np.arange(categories)
        distance = np.abs(step[:, None] - step[None, :]) / (categories - 1)
        weights: FloatArray = 1.0 - (distance if self is Weighting.LINEAR else distance**2)
        return weights


def cross_table(
    first: Sequence[Hashable], second: Sequence[Hashable], categories: Sequence[Hashable]
) -> NDArray[np.int64]:
    """Counts of the pairs of answers, shape (K, K), rows the first reader, in the order of the categories.

    Raises:
        ValueError: unequal lengths, or an answer that is no category.
    """
    if len(first) != len(second):
        raise ValueError(f"the readers gave {len(first)} and {len(second)} answers; they must rate the same")
    place = {category: index for index, category in enumerate(categories)}
    strange = sorted({str(x) for x in (*first, *second) if x not in place})
    if strange:
        raise ValueError(f"answers {', '.join(strange)} are none of {', '.join(map(str, categories))}")
    table = np.zeros((len(place), len(place)), dtype=np.int64)
    np.add.at(table, ([place[x] for x in first], [place[x] for x in second]), 1)
    return table


def cohen_kappa(
    measure: str,
    table: CountTable,
    *,
    weighting: Weighting = Weighting.NONE,
    unit: Unit = Unit.CASE,
    confidence: float = CONFIDENCE,
) -> Answer:
    """(po - pe) / (1 - pe), po = sum w p_ij, pe = sum w p_i. p_.j, with the large-sample standard error.

    var = (sum p_ij [w_ij (1-pe) - (w_i. + w_.j)(1-po)]² - (po pe - 2 pe + po)²) / (n (1-pe)⁴), where w_i. and
    w_.j are the weights averaged over the other reader's margin. With perfect agreement that is 0, and the
    low end is taken from the exact bound of po instead.

    Args:
        measure: name of the figure.
        table: shape (K, K), counts, rows the first reader; ordered categories for weights.
        weighting: none, linear or quadratic.
        unit: what was rated.
        confidence: nominal coverage.

    Source: Cohen, Educ Psychol Meas 1960;20:37; Fleiss, Cohen and Everitt, Psychol Bull 1969;72:323.

    Raises:
        ValueError: no square table of counts.
    """
    counts = _square(table)
    n = int(counts.sum())
    if n == 0:
        return _cannot(measure, CannotSayCode.NOTHING_COUNTED, "no cases", "rated cases", unit, 0)
    share = counts / n
    weights = weighting.matrix(len(share))
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    observed, expected = float(np.sum(weights * share)), float(rows @ weights @ columns)
    if 1.0 - expected < np.finfo(float).eps * n:
        return _cannot(
            measure, CannotSayCode.NO_VARIATION, "both readers gave every case the same category",
            "at least two categories in use", unit, n,
        )  # fmt: skip
    kappa = (observed - expected) / (1.0 - expected)
    mean_weight = (weights @ columns)[:, None] + (rows @ weights)[None, :]
    terms = share * (weights * (1.0 - expected) - mean_weight * (1.0 - observed)) ** 2
    variance = float(terms.sum()) - (observed * expected - 2.0 * expected + observed) ** 2
    error = math.sqrt(max(variance, 0.0) / n) / (1.0 - expected) ** 2
    half = standard_normal_quantile(confidence) * error
    agreed = int(np.trace(counts))
    return _agreement(
        measure, kappa, half, expected, agreed, n, unit, confidence,
        f"Cohen's kappa, {weighting.value}, Fleiss-Cohen-Everitt",
    )  # fmt: skip


def clustered_kappa(
    measure: str,
    tables_per_patient: CountTable,
    *,
    seed: int,
    weighting: Weighting = Weighting.NONE,
    resamples: int = RESAMPLES,
    method: BootstrapMethod = BootstrapMethod.BCA,
    confidence: float = CONFIDENCE,
) -> Answer:
    """Cohen's kappa over vertebrae with the bootstrap over patients; tables of shape (patients, K, K).

    With perfect agreement n of the Estimate is the number of patients: its bound rests on them.

    Raises:
        ValueError: another shape.
    """
    tables = np.asarray(tables_per_patient, dtype=np.float64)
    if tables.ndim != 3 or tables.shape[1] != tables.shape[2]:
        raise ValueError(f"{measure}: needs one K x K table per patient, got shape {tables.shape}")
    categories = tables.shape[1]
    weights = weighting.matrix(categories)

    def kappa(totals: FloatArray) -> FloatArray:
        share = (totals / totals.sum(axis=1, keepdims=True)).reshape(-1, categories, categories)
        expected = np.einsum("ri,ij,rj->r", share.sum(axis=2), weights, share.sum(axis=1))
        values: FloatArray = (np.einsum("rij,ij->r", share, weights) - expected) / (1.0 - expected)
        return values

    totals = tables.sum(axis=0)
    share = totals / totals.sum() if totals.any() else totals
    expected = float(share.sum(axis=1) @ weights @ share.sum(axis=0))
    if totals.any() and float(np.trace(totals)) == float(totals.sum()) and expected < 1.0:
        # no resample of perfect agreement differs: each patient counts as one observation
        return _agreement(
            measure, 1.0, 0.0, expected, len(tables), len(tables), Unit.VERTEBRA, confidence,
            f"Cohen's kappa, {weighting.value}, exact bound over patients",
        )  # fmt: skip
    return bootstrap_totals(
        measure, tables.reshape(len(tables), -1), kappa, seed=seed, n=int(tables.sum()),
        resamples=resamples, method=method, confidence=confidence,
    )  # fmt: skip


def gwet_agreement(
    measure: str,
    ratings: NDArray[np.int64],
    *,
    weighting: Weighting = Weighting.NONE,
    unit: Unit = Unit.CASE,
    confidence: float = CONFIDENCE,
) -> Answer:
    """Gwet's AC1 (unweighted) or AC2 (weighted), for two or more readers, some answers missing.

    (pa - pe) / (1 - pe) with pe = T_w / (K (K-1)) sum_k q_k (1 - q_k): q_k the mean share of category k,
    T_w the sum of all weights. It hardly moves with prevalence; AC2 overstates where there is no agreement.

    Args:
        measure: name of the figure.
        ratings: shape (cases, K): how many readers put the case into each category (``rating_counts``).
        weighting: none for AC1; linear or quadratic for AC2.
        unit: what was rated.
        confidence: nominal coverage; Student's t with n - 1 degrees of freedom.

    Source: Gwet, Br J Math Stat Psychol 2008;61:29; Handbook of Inter-Rater Reliability, 4th ed. 2014, ch. 5.

    Raises:
        ValueError: no table of counts.
    """
    name = "AC1" if weighting is Weighting.NONE else f"AC2, {weighting.value}"
    counts = _two_dimensional(ratings)
    categories = counts.shape[1]
    weights = weighting.matrix(categories)
    if categories < 2:
        raise ValueError(f"{measure}: agreement needs at least two possible categories")
    scale = float(weights.sum()) / (categories * (categories - 1))

    def chance(shares: FloatArray) -> tuple[float, FloatArray]:
        return scale * float(shares @ (1.0 - shares)), scale * (1.0 - shares)

    return _chance_corrected(measure, counts, weights, chance, f"Gwet's {name}", unit, confidence)


def fleiss_kappa(
    measure: str,
    ratings: NDArray[np.int64],
    *,
    weighting: Weighting = Weighting.NONE,
    unit: Unit = Unit.CASE,
    confidence: float = CONFIDENCE,
) -> Answer:
    """Fleiss' kappa for two or more readers: pe = sum_kl w_kl q_k q_l.

    Fleiss' own standard error holds only under chance agreement; this is Gwet's, which supposes nothing.
    Arguments as in ``gwet_agreement``.

    Source: Fleiss, Psychol Bull 1971;76:378; Gwet, Br J Math Stat Psychol 2008;61:29.

    Raises:
        ValueError: no table of counts.
    """
    counts = _two_dimensional(ratings)
    weights = weighting.matrix(counts.shape[1])

    def chance(shares: FloatArray) -> tuple[float, FloatArray]:
        return float(shares @ weights @ shares), weights @ shares

    name = f"Fleiss' kappa, {weighting.value}, Gwet's variance"
    return _chance_corrected(measure, counts, weights, chance, name, unit, confidence)


def rating_counts(
    answers: Sequence[Sequence[Hashable | None]], categories: Sequence[Hashable]
) -> NDArray[np.int64]:
    """From one row of answers per case (None: not read) to counts of shape (cases, K).

    Raises:
        ValueError: an answer that is no category.
    """
    place = {category: index for index, category in enumerate(categories)}
    counts = np.zeros((len(answers), len(place)), dtype=np.int64)
    for row, given in enumerate(answers):
        for answer in given:
            if answer is None:
                continue
            if answer not in place:
                raise ValueError(f"answer {answer} is none of {', '.join(map(str, categories))}")
            counts[row, place[answer]] += 1
    return counts


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderAgreement:
    """What is printed together for two readers: never kappa without the raw agreement and the indices.

    prevalence_index, bias_index: |a-d|/n and |b-c|/n of the 2 x 2 table (Byrt, J Clin Epidemiol 1993;46:423);
    None for more than two categories.
    """

    raw: Answer
    kappa: Answer
    gwet: Answer
    prevalence_index: float | None
    bias_index: float | None


def reader_agreement(
    measure: str, table: CountTable, *, unit: Unit = Unit.CASE, confidence: float = CONFIDENCE
) -> ReaderAgreement:
    """Two readers: for yes/no raw agreement, kappa and AC1; for grades quadratic kappa and AC2.

    ``table`` has the shape (K, K), ordered categories. With 87 % positives the paradox of kappa is certain,
    so both are given.

    Raises:
        ValueError: no square table of counts.
    """
    counts = _square(table)
    n = int(counts.sum())
    binary = len(counts) == 2
    weighting = Weighting.NONE if binary else Weighting.QUADRATIC
    names = ("kappa", "ac1") if binary else ("kappa_quadratic", "ac2_quadratic")
    return ReaderAgreement(
        raw=proportion(
            f"{measure}_raw_agreement", int(np.trace(counts)), n, unit=unit, confidence=confidence
        ),
        kappa=cohen_kappa(
            f"{measure}_{names[0]}", counts, weighting=weighting, unit=unit, confidence=confidence
        ),
        gwet=gwet_agreement(
            f"{measure}_{names[1]}", _pairs(counts), weighting=weighting, unit=unit, confidence=confidence
        ),
        prevalence_index=abs(int(counts[0, 0] - counts[1, 1])) / n if binary and n else None,
        bias_index=abs(int(counts[0, 1] - counts[1, 0])) / n if binary and n else None,
    )


def _chance_corrected(
    measure: str,
    counts: FloatArray,
    weights: FloatArray,
    chance: Chance,
    method: str,
    unit: Unit,
    confidence: float,
) -> Answer:
    """(pa - pe) / (1 - pe) with Gwet's variance over the cases; those with one answer only shape pe."""
    counts = counts[counts.sum(axis=1) > 0]
    readers = counts.sum(axis=1)
    twice = readers >= 2
    n, paired = len(counts), int(twice.sum())
    if paired < 2:
        return _cannot(
            measure, CannotSayCode.TOO_FEW, f"{paired} cases with two answers", "at least 2", unit, n
        )
    agreeing = np.sum(counts * (counts @ weights - 1.0), axis=1)
    per_case = np.divide(agreeing, readers * (readers - 1.0), out=np.zeros(n), where=twice)
    observed = float(per_case.sum()) / paired
    expected, gradient = chance((counts / readers[:, None]).mean(axis=0))
    if 1.0 - expected < np.finfo(float).eps * n:
        return _cannot(
            measure, CannotSayCode.NO_VARIATION, "every answer is the same category",
            "at least two categories in use", unit, n,
        )  # fmt: skip
    value = (observed - expected) / (1.0 - expected)
    own = n / paired * (per_case - expected * twice) / (1.0 - expected)
    expected_of_case = counts @ gradient / readers
    own = own - 2.0 * (1.0 - value) * (expected_of_case - expected) / (1.0 - expected)
    error = math.sqrt(float(np.sum((own - value) ** 2)) / (n * (n - 1.0)))
    half = float(student_t.ppf(0.5 + confidence / 2.0, n - 1)) * error
    unanimous = int(np.sum(twice & (counts.max(axis=1) == readers)))
    return _agreement(measure, value, half, expected, unanimous, paired, unit, confidence, method)


def _agreement(
    measure: str,
    value: float,
    half: float,
    expected: float,
    agreed: int,
    n: int,
    unit: Unit,
    confidence: float,
    method: str,
) -> Answer:
    """The Estimate; where all agree, its low end from the exact bound of the share that agree."""
    is_perfect = agreed == n
    if half < SMALLEST_SPREAD and not is_perfect:
        return CannotSay(
            measure=measure, code=CannotSayCode.NO_VARIATION, got=f"{value:.3g} without spread",
            needed="cases on which the readers differ in more than one way", unit=unit, n=n,
            high=1.0,
        )  # fmt: skip
    # without any observed agreement the coefficient is -pe / (1 - pe), which may lie below -1
    low, high = max(value - half, min(-expected / (1.0 - expected), value)), min(value + half, 1.0)
    if is_perfect:
        value, high = 1.0, 1.0  # but for rounding they are
        low = (exact_interval(agreed, n, confidence)[0] - expected) / (1.0 - expected)
    return Estimate(
        measure=measure, value=value, low=low, high=high, method=method, unit=unit,
        n=n, confidence=confidence, remark=Remark.AT_BOUNDARY if is_perfect else Remark.NONE,
    )  # fmt: skip


def _pairs(table: FloatArray) -> NDArray[np.int64]:
    """Two readers' table (K, K) as rating counts, shape (n, K)."""
    categories = len(table)
    rows, columns = np.divmod(np.arange(categories**2), categories)
    one_each = np.eye(categories, dtype=np.int64)[rows] + np.eye(categories, dtype=np.int64)[columns]
    return np.repeat(one_each, table.ravel().astype(np.int64), axis=0)


def _square(table: CountTable) -> FloatArray:
    counts = _two_dimensional(table)
    if counts.shape[0] != counts.shape[1]:
        raise ValueError(f"two readers' answers make a square table, got shape {counts.shape}")
    return counts


def _two_dimensional(table: CountTable) -> FloatArray:
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or not np.all(np.isfinite(counts)) or np.any(counts < 0):
        raise ValueError(f"needs a table of counts, 0 or more, got shape {counts.shape}")
    return counts


def _cannot(measure: str, code: CannotSayCode, got: str, needed: str, unit: Unit, n: int) -> CannotSay:
    return CannotSay(measure=measure, code=code, got=got, needed=needed, unit=unit, n=n)
