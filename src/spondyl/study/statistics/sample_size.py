"""How many cases a study needs: for a width, for scans at a prevalence, for clusters, for negatives read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, binom

from spondyl.study.statistics.estimate import CONFIDENCE, Estimate, Unit, standard_normal_quantile
from spondyl.study.statistics.verification import (
    Inference,
    NegativeStratum,
    PartialVerification,
    false_negative_bounds,
)

LARGEST_STUDY = 10_000_000  # a search that goes beyond it has been asked for a width without sense


def cases_for_half_width(expected_share: float, half_width: float, *, confidence: float = CONFIDENCE) -> int:
    """z² p (1-p) / d², rounded up: cases so that a proportion is known to ± d. For n of 100 and more.

    Raises:
        ValueError: a share not strictly between 0 and 1, or a half width not between 0 and 0.5.
    """
    _require(expected_share, half_width)
    z = standard_normal_quantile(confidence)
    # a whole number that rounding has put a hair above itself is not raised by one
    return math.ceil(z * z * expected_share * (1.0 - expected_share) / half_width**2 - 1e-9)


def cases_for_exact_width(expected_share: float, half_width: float, *, confidence: float = CONFIDENCE) -> int:
    """The fewest cases for which the Clopper-Pearson interval is expected to be no wider than 2d.

    The width is averaged over the binomial distribution of the outcome; it falls with n, so n is found by
    halving. The choice where the formula gives fewer than 100.

    Raises:
        ValueError: as ``cases_for_half_width``, or more than ten million cases needed.
    """
    _require(expected_share, half_width)
    tail = (1.0 - confidence) / 2.0

    def width(n: int) -> float:
        middle, spread = (
            n * expected_share,
            8.0 * math.sqrt(n * expected_share * (1.0 - expected_share)) + 8.0,
        )
        x = np.arange(max(0, math.floor(middle - spread)), min(n, math.ceil(middle + spread)) + 1)
        low = np.where(x == 0, 0.0, beta.ppf(tail, np.maximum(x, 1), n - x + 1))
        high = np.where(x == n, 1.0, beta.ppf(1.0 - tail, x + 1, np.maximum(n - x, 1)))
        return float(np.sum(binom.pmf(x, n, expected_share) * (high - low)))

    high = 1
    while width(high) > 2.0 * half_width:
        high *= 2
        if high > LARGEST_STUDY:
            raise ValueError(
                f"± {half_width} needs more than {LARGEST_STUDY} cases; ask for a wider interval"
            )
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if width(middle) <= 2.0 * half_width else (middle, high)
    return high


def scans_for_cases(cases: int, prevalence_fraction: float) -> int:
    """Scans so that ``cases`` with the condition are expected: cases / prevalence, rounded up.

    Raises:
        ValueError: negative cases, or a prevalence not above 0 and up to 1.
    """
    if cases < 0 or not 0.0 < prevalence_fraction <= 1.0:
        raise ValueError(
            f"needs 0 or more cases and a prevalence up to 1, got {cases}, {prevalence_fraction}"
        )
    return math.ceil(cases / prevalence_fraction - 1e-9)


def design_effect(vertebrae_per_patient: float, correlation: float) -> float:
    """DEFF = 1 + (m - 1) rho: by how much clustering multiplies the vertebrae needed (Kish 1965).

    Raises:
        ValueError: fewer than one vertebra per patient, or a correlation outside 0-1.
    """
    if vertebrae_per_patient < 1.0 or not 0.0 <= correlation <= 1.0:
        raise ValueError(
            f"needs 1 or more vertebrae and a correlation 0-1, got {vertebrae_per_patient}, {correlation}"
        )
    return 1.0 + (vertebrae_per_patient - 1.0) * correlation


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingPlan:
    """What reading so many negatives would tell of the sensitivity, were so many fractures found."""

    read: int
    found: int
    sensitivity: Estimate


def negatives_to_read(
    true_positives: int, negatives: int, plans: Sequence[tuple[int, int]], *, confidence: float = CONFIDENCE
) -> tuple[ReadingPlan, ...]:
    """One row per plan (read, found): sensitivity TP/(TP + FN) at the exact bounds of the false negatives.

    The bounds are Clopper-Pearson's, and those of this cohort (hypergeometric) when none is found. TP is
    taken as known: what is planned is the reading of negatives.

    Raises:
        ValueError: more read than there are, more found than read, none read, or no true positive.
    """
    if true_positives < 1 or any(read < 1 for read, _ in plans):
        raise ValueError("needs at least one true positive and one negative read in every plan")
    rows = []
    for read, found in plans:
        stratum = NegativeStratum(name="negatives", cases=negatives, read=read, found=found)
        study = PartialVerification(true_positives=true_positives, false_positives=0, negatives=(stratum,))
        inference = Inference.POPULATION if found else Inference.COHORT
        fewest, most = false_negative_bounds(study, inference, confidence)
        estimate = Estimate(
            measure="sensitivity", value=true_positives / (true_positives + study.false_negatives),
            low=true_positives / (true_positives + most), high=true_positives / (true_positives + fewest),
            method=f"exact bounds of the false negatives, {inference}", unit=Unit.CASE, n=study.n,
            numerator=true_positives, denominator=true_positives + study.false_negatives,
            confidence=confidence,
        )  # fmt: skip
        rows.append(ReadingPlan(read=read, found=found, sensitivity=estimate))
    return tuple(rows)


def _require(expected_share: float, half_width: float) -> None:
    if not 0.0 < expected_share < 1.0 or not 0.0 < half_width < 0.5:
        raise ValueError(
            "needs an expected share strictly between 0 and 1 and a half width between 0 and 0.5, "
            f"got {expected_share}, {half_width}; 3 points are written 0.03"
        )
