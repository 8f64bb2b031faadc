"""Sensitivity, specificity and NPV when every flagged case was read, but only a sample of the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import expit, logit
from scipy.stats import hypergeom

from spondyl.study.statistics.bootstrap import RESAMPLES, interval_of_resamples
from spondyl.study.statistics.estimate import (
    CONFIDENCE,
    Answer,
    CannotSay,
    CannotSayCode,
    Estimate,
    Remark,
    Unit,
    require_confidence,
    standard_normal_quantile,
)
from spondyl.study.statistics.proportions import exact_interval, wilson_interval


class Inference(StrEnum):
    """For whom the interval speaks: the patients from whom this cohort came, or this cohort alone."""

    POPULATION = "population"
    COHORT = "this cohort"


class VerificationMethod(StrEnum):
    """How the interval is made. Wilson is the default: it covers with few or no fractures found as well."""

    WILSON = "Wilson by stratum"
    LOGIT = "logit"
    EXACT = "exact bounds"
    BOOTSTRAP = "bootstrap within strata"


@dataclass(frozen=True, slots=True, kw_only=True)
class NegativeStratum:
    """Test-negative cases of one kind: how many there are, were read, and turned out to have a fracture.

    A certainty stratum (all with a fracture named in the report) has ``read == cases``.

    Raises:
        ValueError: not 0 <= found <= read <= cases.
    """

    name: str
    cases: int
    read: int
    found: int

    def __post_init__(self) -> None:
        if not 0 <= self.found <= self.read <= self.cases:
            raise ValueError(
                f"stratum {self.name}: needs 0 <= found <= read <= cases, "
                f"got {self.found}, {self.read}, {self.cases}"
            )

    @property
    def is_complete(self) -> bool:
        """Whether every case of it was read."""
        return self.read == self.cases

    @property
    def found_fraction(self) -> float:
        """False-omission rate of this stratum, 0-1; 0 for one without cases."""
        return self.found / self.read if self.read else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialVerification:
    """A cohort whose flagged cases were all read and whose other cases were sampled by stratum.

    Raises:
        ValueError: negative counts, or no stratum.
    """

    true_positives: int
    false_positives: int
    negatives: tuple[NegativeStratum, ...]

    def __post_init__(self) -> None:
        if self.true_positives < 0 or self.false_positives < 0 or not self.negatives:
            raise ValueError("counts are 0 or more, and there is at least one stratum of negatives")

    @property
    def n_negative(self) -> int:
        """Test-negative cases."""
        return sum(x.cases for x in self.negatives)

    @property
    def n(self) -> int:
        """All cases."""
        return self.true_positives + self.false_positives + self.n_negative

    @property
    def false_negatives(self) -> float:
        """Fractured test-negatives, extrapolated: sum over strata of n_h f_h / m_h."""
        return sum(x.cases * x.found_fraction for x in self.negatives)

    @property
    def sampled(self) -> tuple[NegativeStratum, ...]:
        """Strata of which some cases were read and some not."""
        return tuple(x for x in self.negatives if 0 < x.read < x.cases)

    @property
    def unread(self) -> tuple[NegativeStratum, ...]:
        """Strata with cases of which none was read."""
        return tuple(x for x in self.negatives if x.cases and not x.read)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """``part / (part + rest)``: which of TP, FP, FN, TN make the part and which the rest."""

    measure: str
    part: frozenset[str]
    rest: frozenset[str]

    def sums(self, study: PartialVerification, false_negatives: float) -> tuple[float, float]:
        """The part and the rest, given how many false negatives there are."""
        counts = {
            "TP": float(study.true_positives),
            "FP": float(study.false_positives),
            "FN": false_negatives,
            "TN": study.n_negative - false_negatives,
        }
        return sum(counts[x] for x in self.part), sum(counts[x] for x in self.rest)

    def value(self, study: PartialVerification, false_negatives: float) -> float:
        """The share; NaN for 0 of 0, which the caller has excluded."""
        part, rest = self.sums(study, false_negatives)
        return part / (part + rest) if part + rest > 0.0 else math.nan

    def logit_variance(self, study: PartialVerification, inference: Inference) -> float:
        """Delta method over the multinomial of TP, FP and the strata and the binomial of each sample."""
        difference = self._weight(study, "FN") - self._weight(study, "TN")
        variance = 0.0
        for stratum in study.negatives:
            if stratum.cases:
                share = stratum.found_fraction
                each = (stratum.cases * difference) ** 2 * share * (1.0 - share) / stratum.read
                left_unread = 1.0 - stratum.read / stratum.cases
                variance += each * (left_unread if inference is Inference.COHORT else 1.0)
        return variance + (self.cohort_variance(study) if inference is Inference.POPULATION else 0.0)

    def cohort_variance(self, study: PartialVerification) -> float:
        """The part of it that would be left if every negative were read: the cohort is a sample itself."""
        variance = study.true_positives * self._weight(study, "TP") ** 2
        variance += study.false_positives * self._weight(study, "FP") ** 2
        missed, healthy = self._weight(study, "FN"), self._weight(study, "TN")
        for stratum in study.negatives:
            share = stratum.found_fraction
            variance += stratum.cases * (share * missed + (1.0 - share) * healthy) ** 2
        return variance

    def _weight(self, study: PartialVerification, count: str) -> float:
        """How much one more such case moves log(part) - log(rest)."""
        part, rest = self.sums(study, study.false_negatives)
        return (count in self.part) / part - (count in self.rest) / rest


_SENSITIVITY = _Share(measure="sensitivity", part=frozenset({"TP"}), rest=frozenset({"FN"}))
_SPECIFICITY = _Share(measure="specificity", part=frozenset({"TN"}), rest=frozenset({"FP"}))
_NPV = _Share(measure="npv", part=frozenset({"TN"}), rest=frozenset({"FN"}))
_PREVALENCE = _Share(measure="prevalence", part=frozenset({"TP", "FN"}), rest=frozenset({"FP", "TN"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationSettings:
    """How the interval is made; ``seed`` and ``resamples`` are for the bootstrap alone.

    Raises:
        ValueError: a bootstrap without seed, or for this cohort; a confidence outside 0-1.
    """

    inference: Inference = Inference.POPULATION
    method: VerificationMethod = VerificationMethod.WILSON
    confidence: float = CONFIDENCE
    seed: int | None = None
    resamples: int = RESAMPLES

    def __post_init__(self) -> None:
        require_confidence(self.confidence)
        if self.method is VerificationMethod.BOOTSTRAP:
            if self.seed is None:
                raise ValueError("a bootstrap needs a seed; give seed=, so that it can be repeated")
            if self.inference is Inference.COHORT:
                raise ValueError(
                    "the bootstrap speaks for the population; for this cohort use logit or exact"
                )


DEFAULT = VerificationSettings()


def sensitivity(study: PartialVerification, settings: VerificationSettings = DEFAULT) -> Answer:
    """TP / (TP + FN) with FN = sum n_h f_h / m_h extrapolated from the negatives read (Begg-Greenes).

    Wilson by stratum (MOVER): FN's bounds are FN ± sqrt(sum (n_h (p_h - w_h))²), p_h = f_h/m_h and w_h its
    Wilson bound; put into TP/(TP + FN); for the population combined, on the logit, with the doubt that is
    left when all negatives are read, 1/TP + sum n_h p_h² / FN². For this cohort m_h / (1 - m_h/n_h) stands
    for m_h.

    Logit: var(logit Se) = 1/TP + sum n_h p_h² / FN² + sum n_h² p_h (1-p_h) / m_h / FN²;
    for one stratum this is 1/TP + 1/n- + (1-FOR)/f. For this cohort, TP and n_h being known, only the last
    sum, each term times 1 - m_h/n_h. Exact: Clopper-Pearson (population) or hypergeometric (cohort) bounds
    of every sampled stratum, the error shared equally among them, in place of Wilson's: never too short for
    the negatives, and longer than it need be.

    Source: Begg and Greenes, Biometrics 1983;39:207, missing at random within a stratum; MOVER: Zou and
    Donner, Stat Med 2008;27:1693; the variance by the delta method (docs/reference/statistics.md).
    """
    return _answer(_SENSITIVITY, study, settings)


def specificity(study: PartialVerification, settings: VerificationSettings = DEFAULT) -> Answer:
    """TN / (TN + FP), TN = n- - FN extrapolated; formulas as for ``sensitivity``."""
    return _answer(_SPECIFICITY, study, settings)


def negative_predictive_value(study: PartialVerification, settings: VerificationSettings = DEFAULT) -> Answer:
    """TN / (TN + FN) = 1 - FOR, strata weighted by their cases; formulas as for ``sensitivity``."""
    return _answer(_NPV, study, settings)


def prevalence(study: PartialVerification, settings: VerificationSettings = DEFAULT) -> Answer:
    """(TP + FN) / N: how many of the scanned patients have a fracture; formulas as for ``sensitivity``."""
    return _answer(_PREVALENCE, study, settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """Accuracy if this share of the test-negatives had a fracture (no negatives were read)."""

    false_omission_fraction: float
    false_negatives: float
    sensitivity: float
    specificity: float
    prevalence: float


def what_if(
    true_positives: int, false_positives: int, negatives: int, false_omission_fractions: Sequence[float]
) -> tuple[WhatIf, ...]:
    """Sensitivity, specificity and prevalence for supposed false-omission rates, 0-1 each.

    A sensitivity analysis, never a headline: it tells what would have to be true.

    Raises:
        ValueError: a rate outside 0-1, negative counts, or no true positive, or no negative.
    """
    if true_positives < 1 or false_positives < 0 or negatives < 1:
        raise ValueError("needs at least one true positive, one negative and no negative count")
    if not all(0.0 <= x < 1.0 for x in false_omission_fractions):
        raise ValueError(f"false-omission rates are 0 to below 1, got {list(false_omission_fractions)}")
    n = true_positives + false_positives + negatives
    rows = []
    for rate in false_omission_fractions:
        missed = negatives * rate
        rows.append(
            WhatIf(
                false_omission_fraction=rate,
                false_negatives=missed,
                sensitivity=true_positives / (true_positives + missed),
                specificity=(negatives - missed) / (negatives - missed + false_positives),
                prevalence=(true_positives + missed) / n,
            )
        )
    return tuple(rows)


def false_negative_bounds(
    study: PartialVerification, inference: Inference, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Lower and upper bound of the number of false negatives; an unread stratum may hold none or all."""
    sampled = study.sampled
    each = 1.0 - (1.0 - confidence) / max(len(sampled), 1)
    low = high = float(sum(x.found for x in study.negatives if x.is_complete))
    for stratum in sampled:
        if inference is Inference.COHORT:
            bounds = hypergeometric_interval(stratum.found, stratum.read, stratum.cases, each)
            low, high = low + bounds[0], high + bounds[1]
        else:
            shares = exact_interval(stratum.found, stratum.read, each)
            low, high = low + stratum.cases * shares[0], high + stratum.cases * shares[1]
    return low, high + sum(x.cases for x in study.unread)


def wilson_bounds(
    study: PartialVerification, inference: Inference, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Bounds of the number of false negatives by the strata's Wilson intervals, put together (MOVER)."""
    below = above = 0.0
    for stratum in study.sampled:
        unread = 1.0 - stratum.read / stratum.cases if inference is Inference.COHORT else 1.0
        size = stratum.read / unread
        low, high = wilson_interval(stratum.found_fraction * size, size, confidence)
        below = math.hypot(below, stratum.cases * (stratum.found_fraction - low))
        above = math.hypot(above, stratum.cases * (high - stratum.found_fraction))
    fewest = max(study.false_negatives - below, float(sum(x.found for x in study.negatives)))
    most = study.n_negative - sum(x.read - x.found for x in study.negatives)
    return min(fewest, study.false_negatives), min(study.false_negatives + above, float(most))


def hypergeometric_interval(
    found: int, read: int, cases: int, confidence: float = CONFIDENCE
) -> tuple[int, int]:
    """Exact bounds of the events among ``cases``, of which ``read`` were drawn and ``found`` had it.

    The smallest and the largest number under which an outcome at least as extreme has a probability above
    half the error. Source: Wright, Exact Confidence Bounds when Sampling from Small Finite Universes, 1991.

    Raises:
        ValueError: not 0 <= found <= read <= cases.
    """
    if not 0 <= found <= read <= cases:
        raise ValueError(f"needs 0 <= found <= read <= cases, got {found}, {read}, {cases}")
    tail = (1.0 - confidence) / 2.0
    smallest, largest = found, cases - read + found
    low, top = smallest, largest
    while low < top:  # P(X >= found) grows with the number of events
        middle = (low + top) // 2
        if hypergeom.sf(found - 1, cases, middle, read) > tail:
            top = middle
        else:
            low = middle + 1
    bottom, high = smallest, largest
    while bottom < high:  # P(X <= found) falls with it
        middle = (bottom + high + 1) // 2
        if hypergeom.cdf(found, cases, middle, read) > tail:
            bottom = middle
        else:
            high = middle - 1
    return low, high


def _answer(share: _Share, study: PartialVerification, settings: VerificationSettings) -> Answer:
    part, rest = share.sums(study, study.false_negatives)
    problem: tuple[CannotSayCode, str, str] | None = None
    low, high = 0.0, 1.0
    if study.unread:
        names = ", ".join(x.name for x in study.unread)
        problem = (CannotSayCode.NO_NEGATIVES_READ, f"no case read of {names}", "a sample of each stratum")
        if part + rest > 0.0:
            low, high = _bounded(share, study, settings, VerificationMethod.EXACT)
    elif part + rest == 0.0:
        problem = (CannotSayCode.NOTHING_COUNTED, "a denominator of 0", "at least one case")
    if problem is not None:
        return CannotSay(
            measure=share.measure, code=problem[0], got=problem[1], needed=problem[2], unit=Unit.CASE,
            n=study.n, low=low, high=high,
        )  # fmt: skip
    if settings.method is VerificationMethod.BOOTSTRAP:
        return _bootstrapped(share, study, settings)
    value = part / (part + rest)
    low, high, method, remark = _interval(share, study, settings)
    return Estimate(
        measure=share.measure, value=value, low=min(low, value), high=max(high, value), unit=Unit.CASE,
        method=f"{method}, {settings.inference.value}", n=study.n, numerator=part, denominator=part + rest,
        confidence=settings.confidence, remark=remark,
    )  # fmt: skip


def _interval(
    share: _Share, study: PartialVerification, settings: VerificationSettings
) -> tuple[float, float, str, Remark]:
    part, rest = share.sums(study, study.false_negatives)
    population = settings.inference is Inference.POPULATION
    if population and not study.sampled and settings.method is VerificationMethod.WILSON:
        low, high = wilson_interval(part, part + rest, settings.confidence)
        return low, high, "complete verification, Wilson", Remark.NONE
    at_boundary = part == 0.0 or rest == 0.0
    if settings.method is VerificationMethod.LOGIT and not at_boundary:
        middle = math.log(part / rest)
        half = standard_normal_quantile(settings.confidence)
        half *= math.sqrt(share.logit_variance(study, settings.inference))
        low, high = float(expit(middle - half)), float(expit(middle + half))
        return low, high, f"partial verification, {VerificationMethod.LOGIT}", Remark.NONE
    # the logit fails where the share is 0 or 1
    method = VerificationMethod.EXACT if settings.method is VerificationMethod.LOGIT else settings.method
    low, high = _bounded(share, study, settings, method)
    remark = Remark.AT_BOUNDARY if at_boundary else Remark.NONE
    return low, high, f"partial verification, {method}", remark


def _bounded(
    share: _Share, study: PartialVerification, settings: VerificationSettings, method: VerificationMethod
) -> tuple[float, float]:
    """The share at both bounds of the false negatives, widened for the population by the cohort's own doubt.

    Where TP or FP is 0 the logarithm fails, and the exact bound of that count stands instead.
    """
    bounds = wilson_bounds if method is VerificationMethod.WILSON else false_negative_bounds
    missed = bounds(study, settings.inference, settings.confidence)
    shares = [x for x in (share.value(study, each) for each in missed) if math.isfinite(x)]
    low, high = (min(shares), max(shares)) if shares else (0.0, 1.0)
    if settings.inference is Inference.COHORT:
        return low, high
    if share is _SENSITIVITY and study.true_positives == 0:
        surely = math.floor(missed[0])
        return 0.0, exact_interval(0, surely, settings.confidence)[1] if surely else 1.0
    if share is _SPECIFICITY and study.false_positives == 0:
        surely = math.floor(study.n_negative - missed[1])
        return exact_interval(surely, surely, settings.confidence)[0] if surely else 0.0, 1.0
    part, rest = share.sums(study, study.false_negatives)
    if part == 0.0 or rest == 0.0:
        return low, high
    middle = math.log(part / rest)
    half = standard_normal_quantile(settings.confidence) * math.sqrt(share.cohort_variance(study))
    low = float(expit(middle - math.hypot(half, middle - float(logit(low)))))
    high = float(expit(middle + math.hypot(half, float(logit(high)) - middle)))
    return low, high


def _bootstrapped(share: _Share, study: PartialVerification, settings: VerificationSettings) -> Answer:
    """Draw the cohort again, then the sample within each stratum, by their shares."""
    assert settings.seed is not None  # VerificationSettings refuses a bootstrap without it
    generator = np.random.default_rng(settings.seed)
    strata = study.negatives
    kinds = [study.true_positives, study.false_positives, *(x.cases for x in strata)]
    drawn = generator.multinomial(study.n, np.array(kinds) / study.n, size=settings.resamples)
    missed = np.zeros(settings.resamples)
    for column, stratum in enumerate(strata, start=2):
        cases = drawn[:, column]
        read = cases if stratum.is_complete else np.full_like(cases, stratum.read)
        found = generator.binomial(read, stratum.found_fraction)
        missed += cases * np.divide(found, read, out=np.zeros(len(read)), where=read > 0)
    negatives = drawn[:, 2:].sum(axis=1)
    counts = {"TP": drawn[:, 0], "FP": drawn[:, 1], "FN": missed, "TN": negatives - missed}
    part: np.ndarray = sum((counts[x] for x in share.part), np.zeros(settings.resamples))
    rest: np.ndarray = sum((counts[x] for x in share.rest), np.zeros(settings.resamples))
    values = np.divide(part, part + rest, out=np.full(len(part), np.nan), where=part + rest > 0)
    of_part, of_rest = share.sums(study, study.false_negatives)
    return interval_of_resamples(
        share.measure, share.value(study, study.false_negatives), values, None, seed=settings.seed,
        n=study.n, unit=Unit.CASE, confidence=settings.confidence, numerator=of_part,
        denominator=of_part + of_rest,
        method=f"partial verification, {VerificationMethod.BOOTSTRAP}, {settings.resamples} resamples",
    )  # fmt: skip
