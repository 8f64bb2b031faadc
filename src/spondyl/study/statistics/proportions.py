"""Proportions of independent units, and what follows from one: rates per 100, units per event."""

from __future__ import annotations

import math
from enum import StrEnum

from scipy.stats import beta, chi2

from spondyl.study.statistics.estimate import (
    CONFIDENCE,
    Answer,
    CannotSay,
    CannotSayCode,
    Estimate,
    Unit,
    require_confidence,
    standard_normal_quantile,
)


class ProportionMethod(StrEnum):
    """Interval of one proportion.

    Wilson is the default: over the range of proportions its coverage averages the nominal one.
    Clopper-Pearson never covers less, hence mostly more: the choice where a bound must hold.
    """

    WILSON = "Wilson"
    EXACT = "Clopper-Pearson exact"


def wilson_interval(events: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Score interval (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n).

    ``events`` and ``n`` may be effective (not whole) counts. Source: Wilson, J Am Stat Assoc 1927;22:209.

    Raises:
        ValueError: not 0 <= events <= n, n = 0, or a confidence outside 0-1.
    """
    _require_counts(events, n)
    z = standard_normal_quantile(confidence)
    share = events / n
    centre = share + z * z / (2.0 * n)
    half = z * math.sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n))
    width = 1.0 + z * z / n
    # at 0 and n the bound is 0 and 1 by algebra; rounding must not put it on the wrong side of the value
    low = 0.0 if events == 0 else min((centre - half) / width, share)
    high = 1.0 if events == n else max((centre + half) / width, share)
    return max(low, 0.0), min(high, 1.0)


def exact_interval(events: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Clopper-Pearson: the beta quantiles B(a/2; x, n-x+1) and B(1-a/2; x+1, n-x).

    Source: Clopper and Pearson, Biometrika 1934;26:404.

    Raises:
        ValueError: not 0 <= events <= n, n = 0, or a confidence outside 0-1.
    """
    return beta_interval(events, n, confidence)


def beta_interval(events: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The same for effective counts, which need not be whole numbers.

    Raises:
        ValueError: not 0 <= events <= n, n = 0, or a confidence outside 0-1.
    """
    _require_counts(events, n)
    require_confidence(confidence)
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if events == 0 else float(beta.ppf(tail, events, n - events + 1))
    high = 1.0 if events == n else float(beta.ppf(1.0 - tail, events + 1, n - events))
    return low, high


def proportion(
    measure: str,
    events: int,
    n: int,
    *,
    method: ProportionMethod = ProportionMethod.WILSON,
    unit: Unit = Unit.CASE,
    confidence: float = CONFIDENCE,
) -> Answer:
    """The share ``events / n`` of independent units; CannotSay NOTHING_COUNTED when n is 0.

    For flag rate (TP+FP)/N, PPV TP/(TP+FP), non-report rate NR/TP and every other share of cases. Several
    vertebrae of one patient are not independent: use ``vertebra_proportion``.

    Raises:
        ValueError: not 0 <= events <= n, or a confidence outside 0-1.
    """
    if n == 0:
        return _nothing(measure, unit, events)
    interval = _interval(method, events, n, confidence)
    return Estimate(
        measure=measure, value=events / n, low=interval[0], high=interval[1], method=method.value, unit=unit,
        n=n, numerator=events, denominator=n, confidence=confidence,
    )  # fmt: skip


def rate_per_hundred(
    measure: str,
    events: int,
    n: int,
    *,
    method: ProportionMethod = ProportionMethod.WILSON,
    unit: Unit = Unit.CASE,
    confidence: float = CONFIDENCE,
) -> Answer:
    """100 events / n, e.g. false-positive cases per 100 scans; at most one event per unit.

    Raises:
        ValueError: as for ``proportion``.
    """
    return scaled(
        proportion(measure, events, n, method=method, unit=unit, confidence=confidence), measure, 100.0
    )


def units_per_event(
    measure: str,
    events: int,
    n: int,
    *,
    method: ProportionMethod = ProportionMethod.WILSON,
    unit: Unit = Unit.CASE,
    confidence: float = CONFIDENCE,
) -> Answer:
    """Units over events: scans per extra patient N/NR, alerts per extra patient (TP+FP)/NR.

    The interval is that of events/n, turned over: the same coverage. The events are some of the n units.
    With no event there is no value, but the lower bound stands in ``CannotSay.low``.

    Raises:
        ValueError: as for ``proportion``.
    """
    if n == 0:
        return _nothing(measure, unit, events)
    low, high = _interval(method, events, n, confidence)
    if events == 0:
        return CannotSay(
            measure=measure, code=CannotSayCode.NO_EVENTS, got=f"0 events in {n}", needed="one event",
            unit=unit, n=n, numerator=n, denominator=0, low=1.0 / high,
        )  # fmt: skip
    return Estimate(
        measure=measure, value=n / events, low=1.0 / high, high=1.0 / low,
        method=f"{method.value} of the inverse", unit=unit, n=n, numerator=n, denominator=events,
        confidence=confidence,
    )  # fmt: skip


def events_per_unit(
    measure: str, events: int, n: int, *, unit: Unit = Unit.CASE, confidence: float = CONFIDENCE
) -> Answer:
    """A count over n units that may each hold several events, as false-positive marks per scan.

    Garwood's exact Poisson interval: the marks of one scan are taken as independent. Where they cluster,
    ``bootstrap_totals`` over patients is wider and right. Source: Garwood, Biometrika 1936;28:437.

    Raises:
        ValueError: a negative count, or a confidence outside 0-1.
    """
    if events < 0 or n < 0:
        raise ValueError(f"counts are 0 or more, got {events} events in {n} units")
    require_confidence(confidence)
    if n == 0:
        return _nothing(measure, unit, events)
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if events == 0 else float(chi2.ppf(tail, 2 * events)) / 2.0
    high = float(chi2.ppf(1.0 - tail, 2 * events + 2)) / 2.0
    return Estimate(
        measure=measure, value=events / n, low=low / n, high=high / n, method="Garwood exact Poisson",
        unit=unit, n=n, numerator=events, denominator=n, confidence=confidence,
    )  # fmt: skip


def scaled(answer: Answer, measure: str, factor: float, *, unit: Unit | None = None) -> Answer:
    """The same answer times a known positive factor (100 scans, studies per day); counts stay.

    Raises:
        ValueError: the factor is not positive.
    """
    if not factor > 0.0:
        raise ValueError(f"{measure}: the factor must be positive, got {factor}")
    if isinstance(answer, CannotSay):
        return CannotSay(
            measure=measure, code=answer.code, got=answer.got, needed=answer.needed,
            unit=unit or answer.unit, n=answer.n, numerator=answer.numerator, denominator=answer.denominator,
            low=answer.low * factor, high=answer.high * factor,
        )  # fmt: skip
    return Estimate(
        measure=measure, value=answer.value * factor, low=answer.low * factor, high=answer.high * factor,
        method=answer.method, unit=unit or answer.unit, n=answer.n, numerator=answer.numerator,
        denominator=answer.denominator, confidence=answer.confidence, seed=answer.seed, remark=answer.remark,
    )  # fmt: skip


def _interval(method: ProportionMethod, events: int, n: int, confidence: float) -> tuple[float, float]:
    if method is ProportionMethod.EXACT:
        return exact_interval(events, n, confidence)
    return wilson_interval(events, n, confidence)


def _nothing(measure: str, unit: Unit, events: int) -> CannotSay:
    if events != 0:
        raise ValueError(f"{measure}: {events} events cannot lie in 0 {unit} units")
    return CannotSay(
        measure=measure, code=CannotSayCode.NOTHING_COUNTED, got=f"a denominator of 0 {unit} units",
        needed="at least one", unit=unit, numerator=events, denominator=0,
    )  # fmt: skip


def _require_counts(events: float, n: float) -> None:
    if not (n > 0 and 0 <= events <= n):
        raise ValueError(f"a proportion needs 0 <= events <= n and n > 0, got {events} of {n}")
