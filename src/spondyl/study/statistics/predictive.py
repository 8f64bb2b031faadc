"""How predictive values move with prevalence; capture-recapture of what neither AI nor report found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

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

PPV_METHOD = "MOVER on the log likelihood ratio"


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictiveValues:
    """PPV and NPV of a test at one prevalence, which is taken as known."""

    prevalence_fraction: float
    ppv: Answer
    npv: Answer


def predictive_values(
    sensitivity: Estimate, specificity: Estimate, prevalence_fractions: Sequence[float]
) -> tuple[PredictiveValues, ...]:
    """PPV = Se pi / (Se pi + (1-Sp)(1-pi)) and NPV alike, at each prevalence pi.

    The odds are prior odds times a likelihood ratio, Se/(1-Sp) or Sp/(1-Se). Its logarithm is a difference
    of two logarithms, whose interval is put together from those of Se and Sp, L = d - sqrt((a-a_L)² +
    (b_U-b)²). So any interval of Se and Sp may be given, those of partial verification too; the two are taken
    as independent. At 0 or 1 the missing end is that of the odds, 0 or infinite.

    Source: Zou and Donner, Stat Med 2008;27:1693.

    Raises:
        ValueError: a prevalence not strictly between 0 and 1, or two confidence levels.
    """
    if sensitivity.confidence != specificity.confidence:
        raise ValueError("sensitivity and specificity have intervals of different confidence")
    if not all(0.0 < x < 1.0 for x in prevalence_fractions):
        raise ValueError(f"prevalences lie strictly between 0 and 1, got {list(prevalence_fractions)}")
    se = (sensitivity.value, sensitivity.low, sensitivity.high)
    sp = (specificity.value, specificity.low, specificity.high)
    return tuple(
        PredictiveValues(
            prevalence_fraction=x,
            ppv=_predictive("ppv", se, _complement(sp), x / (1.0 - x), sensitivity),
            npv=_predictive("npv", sp, _complement(se), (1.0 - x) / x, specificity),
        )
        for x in prevalence_fractions
    )


def capture_recapture(
    by_first: int, by_second: int, by_both: int, *, confidence: float = CONFIDENCE
) -> tuple[Answer, Answer]:
    """How many fractured cases there are, of which two sources found some; and the first's sensitivity.

    Chapman: N = (n1+1)(n2+1)/(n12+1) - 1. Interval (Sadinle): seen - 1/2 + f exp(± z s) with a = n12 + 1/2,
    b and c the cases of only one source + 1/2, f = bc/a, s² = 1/a + 1/b + 1/c + a/(bc). AI and report are NOT
    independent: severe fractures are easier for both, so N is too small and the sensitivity too high. Never a
    headline.

    Source: Chapman, Univ Calif Publ Stat 1951;1:131; Sadinle, Commun Stat Simul Comput 2009;38:1909.

    Raises:
        ValueError: not 0 <= by_both <= by_first and by_second.
    """
    if not 0 <= by_both <= min(by_first, by_second):
        raise ValueError(f"needs 0 <= both <= each source, got {by_both}, {by_first}, {by_second}")
    seen = by_first + by_second - by_both
    if seen == 0:
        return _nothing("fractured_cases"), _nothing("sensitivity")
    total = (by_first + 1.0) * (by_second + 1.0) / (by_both + 1.0) - 1.0
    both, first, second = by_both + 0.5, by_first - by_both + 0.5, by_second - by_both + 0.5
    unseen = first * second / both
    spread = math.sqrt(1.0 / both + 1.0 / first + 1.0 / second + 1.0 / unseen)
    step = math.exp(standard_normal_quantile(confidence) * spread)
    low = min(max(seen - 0.5 + unseen / step, float(seen)), total)
    high = max(seen - 0.5 + unseen * step, total)
    method = "Chapman, transformed logit"
    cases = Estimate(
        measure="fractured_cases", value=total, low=low, high=high, method=method, unit=Unit.CASE, n=seen,
        confidence=confidence, remark=Remark.MODEL_BASED,
    )  # fmt: skip
    share = Estimate(
        measure="sensitivity", value=by_first / total, low=by_first / high, high=by_first / low,
        method=method, unit=Unit.CASE, n=seen, numerator=by_first, denominator=total,
        confidence=confidence, remark=Remark.MODEL_BASED,
    )  # fmt: skip
    return cases, share


def _complement(interval: tuple[float, float, float]) -> tuple[float, float, float]:
    return 1.0 - interval[0], 1.0 - interval[2], 1.0 - interval[1]


def _predictive(
    measure: str,
    hit: tuple[float, float, float],
    false: tuple[float, float, float],
    prior_odds: float,
    source: Estimate,
) -> Answer:
    """``hit`` and ``false``: value, low, high of the two rates whose ratio is the likelihood ratio."""
    low_ratio, high_ratio = _ratio_interval(hit, false)
    low, high = _share_of_odds(prior_odds * low_ratio), _share_of_odds(prior_odds * high_ratio)
    if hit[0] == 0.0 and false[0] == 0.0:
        got, needed = "neither hits nor false alarms", "a test that is sometimes positive"
        return CannotSay(
            measure=measure, code=CannotSayCode.NO_EVENTS, got=got, needed=needed, unit=source.unit,
            n=source.n, low=low, high=high,
        )  # fmt: skip
    value = _share_of_odds(prior_odds * _divide(hit[0], false[0]))
    at_boundary = hit[0] == 0.0 or false[0] == 0.0
    return Estimate(
        measure=measure, value=value, low=min(low, value), high=max(high, value), method=PPV_METHOD,
        unit=source.unit, n=source.n, confidence=source.confidence,
        remark=Remark.AT_BOUNDARY if at_boundary else Remark.NONE,
    )  # fmt: skip


def _ratio_interval(
    hit: tuple[float, float, float], false: tuple[float, float, float]
) -> tuple[float, float]:
    """Ends of hit/false; where a value is 0 the box of both intervals, which is wider, gives them."""
    if hit[0] == 0.0 or false[0] == 0.0:
        return _divide(hit[1], false[2]), _divide(hit[2], false[1])
    value = math.log(hit[0] / false[0])
    low = value - math.hypot(_log_step(hit[1], hit[0]), _log_step(false[0], false[2]))
    high = value + math.hypot(_log_step(hit[0], hit[2]), _log_step(false[1], false[0]))
    return math.exp(low), math.exp(high) if high < math.inf else math.inf


def _log_step(smaller: float, larger: float) -> float:
    return math.log(larger / smaller) if smaller > 0.0 else math.inf


def _divide(upper: float, lower: float) -> float:
    return upper / lower if lower > 0.0 else math.inf


def _share_of_odds(odds: float) -> float:
    return 1.0 if odds == math.inf else odds / (1.0 + odds)


def _nothing(measure: str) -> CannotSay:
    return CannotSay(
        measure=measure, code=CannotSayCode.NOTHING_COUNTED, got="no case by either source",
        needed="at least one", unit=Unit.CASE,
    )  # fmt: skip
