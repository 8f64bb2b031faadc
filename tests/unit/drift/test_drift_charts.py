"""Control charts: limits by hand, signals where something changed and nowhere else."""

from __future__ import annotations

import pytest

from spondyl.study.drift import CaseFacts, Chart, Limits, chart_all

LIMITS = Limits(batch=10, baseline=4)


def cases(flagged: list[bool], hu: list[float] | None = None) -> tuple[CaseFacts, ...]:
    return tuple(
        CaseFacts(
            order=f"{n:04d}",
            is_flagged=is_flagged,
            is_not_evaluable=False,
            score=0.3,
            attenuation_hu=None if hu is None else hu[n],
            slice_spacing_mm=1.0 if n % 2 else 2.0,
            n_vertebrae=14 + n % 3,
            uncertain_fraction=0.1 * (n % 2),
        )
        for n, is_flagged in enumerate(flagged)
    )


def named(charts: tuple[Chart, ...], name: str) -> Chart:
    return next(chart for chart in charts if chart.name == name)


def test_the_limits_of_a_share_are_three_binomial_standard_errors() -> None:
    # 3 of 10 flagged in every batch: centre 0.3; with half a case added to 40: 12.5/41 = 0.3049
    chart = named(chart_all(cases([n % 10 < 3 for n in range(60)]), LIMITS), "flag rate")
    share = 12.5 / 41
    half = 3 * (share * (1 - share)) ** 0.5 / 10**0.5
    assert chart.centre == pytest.approx(0.3)
    assert chart.batches[-1].high == pytest.approx(0.3 + half)
    assert chart.batches[-1].low == 0.0  # 0.3 - 0.437 is below none
    assert chart.signals == ()


def test_a_batch_in_which_all_are_flagged_is_a_signal() -> None:
    flagged = [n % 10 < 3 for n in range(50)] + [True] * 10
    chart = named(chart_all(cases(flagged), LIMITS), "flag rate")
    assert [signal.batch for signal in chart.signals] == [5]
    assert "outside" in chart.signals[0].text


def test_a_scanner_that_reads_higher_is_a_signal() -> None:
    hu = [130.0 + (n % 5) for n in range(50)] + [150.0 + (n % 5) for n in range(20)]
    chart = named(chart_all(cases([False] * 70, hu), LIMITS), "attenuation")
    assert [signal.batch for signal in chart.signals] == [5, 6]


def test_eight_batches_on_one_side_are_a_signal_though_each_is_within_limits() -> None:
    hu = [130.0 + 4 * (-1) ** n for n in range(40)] + [131.5 + 4 * (-1) ** n for n in range(90)]
    chart = named(chart_all(cases([False] * 130, hu), LIMITS), "attenuation")
    assert chart.signals
    assert all("in a row" in signal.text for signal in chart.signals)
    assert chart.signals[0].batch == 11  # batches 4 to 11 are eight


def test_cases_are_put_in_order_first() -> None:
    flagged = [n % 10 < 3 for n in range(50)] + [True] * 10
    assert chart_all(tuple(reversed(cases(flagged))), LIMITS) == chart_all(cases(flagged), LIMITS)


def test_what_no_case_tells_has_no_chart() -> None:
    assert "attenuation" not in {chart.name for chart in chart_all(cases([False] * 50), LIMITS)}


def test_too_few_cases_say_how_many_are_needed() -> None:
    with pytest.raises(ValueError, match="49 cases; at least 50 are needed"):
        chart_all(cases([False] * 49), LIMITS)


def test_senseless_limits_are_refused() -> None:
    with pytest.raises(ValueError, match="batch 1"):
        Limits(batch=1)
