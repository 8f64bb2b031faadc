"""What a statistic answers: an Estimate with its interval, or CannotSay with a code; never NaN."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from scipy.special import ndtri

CONFIDENCE = 0.95  # ours; the seed's abstract gives no interval at all


class Unit(StrEnum):
    """What was counted. A patient with ten vertebrae is one case and ten vertebrae."""

    CASE = "case"
    VERTEBRA = "vertebra"
    MARK = "mark"
    READING_DAY = "reading day"


class CannotSayCode(StrEnum):
    """Why there is no number. Each code stands in docs/reference/statistics.md and in a test."""

    NOTHING_COUNTED = "NOTHING_COUNTED"  # the denominator is zero
    NO_EVENTS = "NO_EVENTS"  # the numerator is zero and would be divided by
    TOO_FEW = "TOO_FEW"  # the method needs more units than there are
    ONE_CLASS_ONLY = "ONE_CLASS_ONLY"  # no positives, or no negatives, to tell apart
    NO_VARIATION = "NO_VARIATION"  # every unit alike: the method's spread is zero
    NO_NEGATIVES_READ = "NO_NEGATIVES_READ"  # a stratum of test-negatives of which none was read
    NO_DISCORDANT_PAIRS = "NO_DISCORDANT_PAIRS"  # two tests never differ
    RESAMPLES_UNDEFINED = "RESAMPLES_UNDEFINED"  # too many bootstrap resamples have no value
    NOT_CONVERGED = "NOT_CONVERGED"  # an iterated fit has no finite solution


class Remark(StrEnum):
    """What a reader must know beside the interval."""

    NONE = ""
    AT_BOUNDARY = "at the boundary: the interval is a one-sided exact bound, at least as wide as nominal"
    MODEL_BASED = "rests on the stated model; a sensitivity analysis, not a headline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One figure with its confidence interval and all that is needed to read it.

    measure: what is estimated, as in the column ``measure`` of the tables (``ppv``, ``kappa``).
    value, low, high: in the unit of the measure; proportions are 0-1. ``high`` may be infinite, NaN never.
    method: the name of the interval's method.
    unit: what was counted; n: how many of them.
    numerator, denominator: the counts behind a ratio; None where the measure is no ratio. A numerator
        extrapolated from a sample need not be a whole number.
    confidence: nominal coverage of the interval, 0-1.
    seed: of the bootstrap; None where nothing was drawn.

    Raises:
        ValueError: NaN, low > value, value > high, or n < 1.
    """

    measure: str
    value: float
    low: float
    high: float
    method: str
    unit: Unit
    n: int
    numerator: float | None = None
    denominator: float | None = None
    confidence: float = CONFIDENCE
    seed: int | None = None
    remark: Remark = Remark.NONE

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:  # false for NaN too
            raise ValueError(
                f"{self.measure}: needs low <= value <= high without NaN, "
                f"got {self.low}, {self.value}, {self.high}"
            )
        if not math.isfinite(self.value):
            raise ValueError(f"{self.measure}: an infinite value is told by CannotSay, got {self.value}")
        if self.n < 1:
            raise ValueError(f"{self.measure}: needs at least one {self.unit}, got n = {self.n}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotSay:
    """There is no figure; ``code`` says why, ``got`` and ``needed`` say it in words.

    low, high: the range that can be said all the same (minus to plus infinity when nothing can).
    """

    measure: str
    code: CannotSayCode
    got: str
    needed: str
    unit: Unit
    n: int = 0
    numerator: float | None = None
    denominator: float | None = None
    low: float = -math.inf
    high: float = math.inf

    @property
    def text(self) -> str:
        """One sentence for people."""
        return f"{self.measure} cannot be said ({self.code}): {self.got}; needed: {self.needed}"


Answer: TypeAlias = Estimate | CannotSay


@dataclass(frozen=True, slots=True, kw_only=True)
class SignificanceTest:
    """The outcome of a significance test: two-sided p_value, 0-1; statistic in the unit of the method."""

    measure: str
    statistic: float
    p_value: float
    method: str
    unit: Unit
    n: int

    def __post_init__(self) -> None:
        if not 0.0 <= self.p_value <= 1.0:
            raise ValueError(f"{self.measure}: p-value {self.p_value} is outside 0-1")


def standard_normal_quantile(confidence: float) -> float:
    """The two-sided standard normal quantile: 1.96 for 0.95.

    Raises:
        ValueError: confidence is not strictly between 0 and 1.
    """
    require_confidence(confidence)
    return float(ndtri(0.5 + confidence / 2.0))


def require_confidence(confidence: float) -> None:
    """Refuse a confidence level that is not strictly between 0 and 1, with the usual slip named.

    Raises:
        ValueError: it is not.
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence {confidence} is not between 0 and 1; 95 % is written 0.95")
