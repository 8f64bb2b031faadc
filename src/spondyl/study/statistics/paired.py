"""Two yes/no answers on the same cases: McNemar's test, the difference and the odds ratio."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from scipy.stats import binom

from spondyl.study.statistics.estimate import (
    CONFIDENCE,
    Answer,
    CannotSay,
    CannotSayCode,
    Estimate,
    SignificanceTest,
    Unit,
)
from spondyl.study.statistics.proportions import exact_interval, wilson_interval


class McNemarMethod(StrEnum):
    """Exact never errs above its level; mid-p is nearer to it and the less conservative choice."""

    EXACT = "McNemar exact"
    MID_P = "McNemar mid-p"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedCounts:
    """Cases by two answers, e.g. found by the AI and named in the report, among confirmed fractures.

    Raises:
        ValueError: a negative count.
    """

    both: int
    only_first: int
    only_second: int
    neither: int

    def __post_init__(self) -> None:
        if min(self.both, self.only_first, self.only_second, self.neither) < 0:
            raise ValueError(f"counts are 0 or more, got {self}")

    @property
    def n(self) -> int:
        """All pairs."""
        return self.both + self.only_first + self.only_second + self.neither

    @property
    def discordant(self) -> int:
        """Pairs in which the two differ: all that McNemar's test looks at."""
        return self.only_first + self.only_second


def mcnemar(
    measure: str, counts: PairedCounts, *, method: McNemarMethod = McNemarMethod.EXACT
) -> SignificanceTest | CannotSay:
    """Whether the two are positive equally often: the discordant pairs against a fair coin, two-sided.

    The statistic is the number of pairs of only the first. p = min(1, 2 P(X <= min)), X ~ Bin(discordant,
    1/2); mid-p takes away P(X = min). AI and report can be compared so only where AI-negatives were read.

    Source: McNemar, Psychometrika 1947;12:153; Fagerland et al., BMC Med Res Methodol 2013;13:91.
    """
    if counts.discordant == 0:
        return CannotSay(
            measure=measure, code=CannotSayCode.NO_DISCORDANT_PAIRS, got=f"no difference in {counts.n} pairs",
            needed="a pair that differs", unit=Unit.CASE, n=counts.n,
        )  # fmt: skip
    smaller = min(counts.only_first, counts.only_second)
    p_value = 2.0 * float(binom.cdf(smaller, counts.discordant, 0.5))
    if method is McNemarMethod.MID_P:
        p_value -= float(binom.pmf(smaller, counts.discordant, 0.5))
    return SignificanceTest(
        measure=measure, statistic=counts.only_first, p_value=min(p_value, 1.0), method=method.value,
        unit=Unit.CASE, n=counts.n,
    )  # fmt: skip


def paired_difference(measure: str, counts: PairedCounts, *, confidence: float = CONFIDENCE) -> Answer:
    """First share minus second share, -1 to 1, by Newcombe's square-and-add interval for pairs.

    With Wilson intervals (l1, u1), (l2, u2) of both shares and the correlation phi of the fourfold table:
    low = d - sqrt((p1-l1)² - 2 phi (p1-l1)(u2-p2) + (u2-p2)²), high alike. A positive phi is corrected for
    continuity: max(ad - bc - n/2, 0) stands for ad - bc.

    Source: Newcombe, Stat Med 1998;17:2635, method 10.
    """
    n = counts.n
    if n == 0:
        return CannotSay(
            measure=measure, code=CannotSayCode.NOTHING_COUNTED, got="no pairs", needed="at least one",
            unit=Unit.CASE,
        )  # fmt: skip
    first, second = counts.both + counts.only_first, counts.both + counts.only_second
    low_first, high_first = wilson_interval(first, n, confidence)
    low_second, high_second = wilson_interval(second, n, confidence)
    share_first, share_second = first / n, second / n
    correlation = _correlation(counts, first, second)
    difference = (counts.only_first - counts.only_second) / n
    low = difference - _add(share_first - low_first, high_second - share_second, correlation)
    high = difference + _add(high_first - share_first, share_second - low_second, correlation)
    return Estimate(
        measure=measure, value=difference, low=max(low, -1.0), high=min(high, 1.0),
        method="Newcombe's method 10 for pairs", unit=Unit.CASE, n=n,
        numerator=counts.only_first - counts.only_second, denominator=n, confidence=confidence,
    )  # fmt: skip


def paired_odds_ratio(measure: str, counts: PairedCounts, *, confidence: float = CONFIDENCE) -> Answer:
    """Pairs of only the first over pairs of only the second, with the exact interval of that share.

    Without pairs of only the second there is no value; ``CannotSay.low`` holds the lower bound.
    """
    if counts.only_second == 0:
        code = CannotSayCode.NO_EVENTS if counts.only_first else CannotSayCode.NO_DISCORDANT_PAIRS
        low = 0.0
        if counts.only_first:
            low = _odds(exact_interval(counts.only_first, counts.discordant, confidence)[0])
        return CannotSay(
            measure=measure, code=code, got=f"{counts.only_first} and 0 discordant pairs",
            needed="at least one pair of only the second", unit=Unit.CASE, n=counts.n, low=low,
            numerator=counts.only_first, denominator=0,
        )  # fmt: skip
    low, high = exact_interval(counts.only_first, counts.discordant, confidence)
    return Estimate(
        measure=measure, value=counts.only_first / counts.only_second, low=_odds(low), high=_odds(high),
        method="conditional, Clopper-Pearson exact", unit=Unit.CASE, n=counts.n,
        numerator=counts.only_first, denominator=counts.only_second, confidence=confidence,
    )  # fmt: skip


def _correlation(counts: PairedCounts, first: int, second: int) -> float:
    """Phi of the fourfold table; 0 where a margin is empty, as Newcombe defines it."""
    margins = first * second * (counts.n - first) * (counts.n - second)
    if margins == 0:
        return 0.0
    product = counts.both * counts.neither - counts.only_first * counts.only_second
    corrected = max(product - counts.n / 2.0, 0.0) if product > 0 else float(product)
    return corrected / math.sqrt(margins)


def _add(first: float, second: float, correlation: float) -> float:
    return math.sqrt(max(first**2 - 2.0 * correlation * first * second + second**2, 0.0))


def _odds(share: float) -> float:
    return share / (1.0 - share) if share < 1.0 else math.inf
