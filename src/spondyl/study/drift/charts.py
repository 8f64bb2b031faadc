"""Control charts: batches of cases in order, a centre from the first, limits at three standard errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spondyl.geometry.arrays import Float64Array
from spondyl.study.drift.facts import CaseFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How the charts are drawn.

    batch: cases per point. baseline: first points, from which centre and scatter come. sds: standard errors
        of the limits (Shewhart's three). run: points in a row on one side of the centre that are a signal
        (Western Electric rule 4: eight).
    """

    batch: int = 25
    baseline: int = 4
    sds: float = 3.0
    run: int = 8

    def __post_init__(self) -> None:
        if self.batch < 5 or self.baseline < 1 or self.sds <= 0 or self.run < 2:
            raise ValueError(
                f"batch {self.batch}, baseline {self.baseline}, sds {self.sds}, run {self.run}: "
                "at least 5 cases per "
                "batch, 1 batch of baseline, limits above 0 and runs of 2 are needed"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One point: first and last case's place in time, how many cases gave a value, the value, its limits."""

    first: str
    last: str
    n: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One point that is out of control, and by which rule."""

    chart: str
    batch: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One watched number over time."""

    name: str
    unit: str
    centre: float
    batches: tuple[Batch, ...]
    signals: tuple[Signal, ...]


_Value = Callable[[CaseFacts], float | None]
_CHARTS: tuple[tuple[str, str, bool, _Value], ...] = (
    ("flag rate", "share", True, lambda x: None if x.is_flagged is None else float(x.is_flagged)),
    ("not evaluable", "share", True, lambda x: float(x.is_not_evaluable)),
    ("score", "probability", False, lambda x: x.score),
    ("attenuation", "HU", False, lambda x: x.attenuation_hu),
    ("slice spacing", "mm", False, lambda x: x.slice_spacing_mm),
    ("vertebrae per case", "count", False, lambda x: float(x.n_vertebrae)),
    ("uncertain names", "share", False, lambda x: x.uncertain_fraction),
)


def chart_all(cases: tuple[CaseFacts, ...], limits: Limits | None = None) -> tuple[Chart, ...]:
    """Every chart that has at least its baseline; cases are put in order first.

    Raises:
        ValueError: too few cases for the baseline and one further batch.
    """
    limits = limits or Limits()
    needed = limits.batch * (limits.baseline + 1)
    if len(cases) < needed:
        raise ValueError(
            f"{len(cases)} cases; at least {needed} are needed ({limits.baseline} batches of "
            f"{limits.batch} as "
            "baseline and one to judge); give more cases or a smaller --batch"
        )
    ordered = sorted(cases, key=lambda case: case.order)
    n_batches = len(ordered) // limits.batch
    batches = [ordered[n * limits.batch : (n + 1) * limits.batch] for n in range(n_batches)]
    charts = (
        _chart(name, unit, batches, value, limits, is_share=is_share)
        for name, unit, is_share, value in _CHARTS
    )
    return tuple(chart for chart in charts if chart is not None)


def _chart(
    name: str, unit: str, batches: list[list[CaseFacts]], value: _Value, limits: Limits, *, is_share: bool
) -> Chart | None:
    values = [np.array([x for case in batch if (x := value(case)) is not None]) for batch in batches]
    baseline = np.concatenate(values[: limits.baseline])
    if baseline.size < 2 or any(one.size == 0 for one in values):
        return None
    centre = float(np.mean(baseline))
    sd = _sd(baseline, centre, is_share=is_share)
    points = tuple(
        _batch(batch, one, centre, sd, limits, is_share=is_share)
        for batch, one in zip(batches, values, strict=True)
    )
    return Chart(
        name=name, unit=unit, centre=centre, batches=points, signals=_signals(name, points, centre, limits)
    )


def _sd(baseline: Float64Array, centre: float, *, is_share: bool) -> float:
    """Of one case. A share's is binomial, with one half case added so that a share of none has a width."""
    if not is_share:
        return float(np.std(baseline, ddof=1))
    share = (centre * baseline.size + 0.5) / (baseline.size + 1.0)
    return float(np.sqrt(share * (1.0 - share)))


def _batch(
    cases: list[CaseFacts], values: Float64Array, centre: float, sd: float, limits: Limits, *, is_share: bool
) -> Batch:
    half = limits.sds * sd / float(np.sqrt(values.size))
    low, high = centre - half, centre + half
    if is_share:
        low, high = max(0.0, low), min(1.0, high)
    return Batch(
        first=cases[0].order,
        last=cases[-1].order,
        n=int(values.size),
        value=float(np.mean(values)),
        low=low,
        high=high,
    )


def _signals(name: str, points: tuple[Batch, ...], centre: float, limits: Limits) -> tuple[Signal, ...]:
    signals = []
    side, length = 0, 0
    for number, point in enumerate(points):
        here = int(np.sign(point.value - centre))
        length = length + 1 if here == side and here != 0 else 1
        side = here
        if number < limits.baseline:
            continue
        if not point.low <= point.value <= point.high:
            text = (
                f"{name} of {point.value:.3g} lies outside {point.low:.3g} to {point.high:.3g} "
                f"(cases {point.first} to {point.last})"
            )
            signals.append(Signal(chart=name, batch=number, text=text))
        elif side != 0 and length >= limits.run:
            text = f"{name}: {length} batches in a row on one side of {centre:.3g} (to case {point.last})"
            signals.append(Signal(chart=name, batch=number, text=text))
    return tuple(signals)
