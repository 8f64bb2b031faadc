"""Proportions against the figures of the study, hand computation, scipy and statsmodels."""

from __future__ import annotations

import math

import pytest
from scipy.stats import binomtest
from statsmodels.stats.proportion import proportion_confint

from spondyl.study.statistics import (
    CannotSay,
    CannotSayCode,
    Estimate,
    ProportionMethod,
    Remark,
    SignificanceTest,
    StudyCounts,
    Unit,
    Workplace,
    alert_burden,
    events_per_unit,
    exact_interval,
    headline_figures,
    proportion,
    rate_per_hundred,
    scaled,
    units_per_event,
    wilson_interval,
)

SEED = StudyCounts(cases=1556, flagged=501, confirmed=436, not_reported=364, actionable=10, suitable=9)
EXACT = ProportionMethod.EXACT


def figure(answer: Estimate | CannotSay) -> Estimate:
    assert isinstance(answer, Estimate), answer
    return answer


@pytest.mark.parametrize(
    ("measure", "percent", "low", "high"),
    [
        ("flag_rate", 32.20, 29.88, 34.58),
        ("ppv", 87.03, 83.76, 89.84),
        ("confirmed_rate", 28.02, 25.80, 30.32),
        ("non_report_rate", 83.49, 79.66, 86.85),
        ("interventional_suitable", 90.0, 55.50, 99.75),
    ],
)
def test_the_published_counts_give_the_published_exact_intervals(
    measure: str, percent: float, low: float, high: float
) -> None:
    figures = {x.measure: figure(x) for x in headline_figures(SEED, method=EXACT)}
    found = figures[measure]
    assert [round(100 * x, 2) for x in (found.value, found.low, found.high)] == [percent, low, high]


def test_the_published_ppv_has_its_wilson_interval() -> None:
    found = figure(proportion("ppv", 436, 501))
    assert (round(found.low, 4), round(found.high, 4)) == (0.8380, 0.8969)
    assert (found.numerator, found.denominator, found.n, found.unit) == (436, 501, 501, Unit.CASE)
    assert found.method == "Wilson"


def test_false_positives_scans_and_alerts_of_the_published_study() -> None:
    figures = {x.measure: figure(x) for x in headline_figures(SEED, method=EXACT)}
    false = figures["false_positives_per_100"]
    assert [round(x, 2) for x in (false.value, false.low, false.high)] == [4.18, 3.24, 5.29]
    assert round(figures["scans_per_extra_patient"].value, 2) == 4.27
    assert round(figures["alerts_per_extra_patient"].value, 2) == 1.38


def test_every_headline_figure_carries_its_counts() -> None:
    counts = {x.measure: (x.numerator, x.denominator) for x in headline_figures(SEED)}
    assert counts == {
        "flag_rate": (501, 1556),
        "ppv": (436, 501),
        "confirmed_rate": (436, 1556),
        "non_report_rate": (364, 436),
        "unreported_rate": (364, 1556),
        "false_positives_per_100": (65, 1556),
        "scans_per_extra_patient": (1556, 364),
        "alerts_per_extra_patient": (501, 364),
        "interventional_suitable": (9, 10),
    }


@pytest.mark.parametrize(("events", "n"), [(0, 7), (7, 7), (1, 9), (13, 50), (436, 501), (3, 100_000)])
def test_intervals_agree_with_scipy_and_statsmodels(events: int, n: int) -> None:
    for ours, scipy_name, other_name in (
        (wilson_interval, "wilson", "wilson"),
        (exact_interval, "exact", "beta"),
    ):
        for confidence in (0.95, 0.9):
            expected = binomtest(events, n).proportion_ci(confidence, method=scipy_name)
            assert ours(events, n, confidence) == pytest.approx((expected.low, expected.high), abs=1e-12)
            expected_too = proportion_confint(events, n, alpha=1 - confidence, method=other_name)
            assert ours(events, n, confidence) == pytest.approx(expected_too, abs=1e-12)


def test_wilson_of_one_in_two_by_hand() -> None:
    # z² = 3.8415: (0.5 + 0.9604 ± 1.96 sqrt(0.125 + 0.2401)) / 2.9207
    assert wilson_interval(1, 2) == pytest.approx((0.0945, 0.9055), abs=5e-5)


def test_the_exact_bound_of_no_event_is_the_rule_of_three() -> None:
    low, high = exact_interval(0, 300)
    assert low == 0.0
    assert high == pytest.approx(1 - 0.025 ** (1 / 300), rel=1e-12)


def test_scans_per_extra_patient_turns_the_interval_over() -> None:
    share = figure(proportion("x", 364, 1556))
    scans = figure(units_per_event("scans", 364, 1556))
    assert (scans.low, scans.high) == pytest.approx((1 / share.high, 1 / share.low))
    assert scans.low < scans.value < scans.high


def test_without_events_the_lower_bound_of_scans_is_still_said() -> None:
    none = units_per_event("scans", 0, 300, method=EXACT)
    assert isinstance(none, CannotSay)
    assert none.code is CannotSayCode.NO_EVENTS
    assert none.low == pytest.approx(1 / (1 - 0.025 ** (1 / 300)))
    assert none.high == math.inf


def test_a_denominator_of_zero_is_a_code() -> None:
    for answer in (
        proportion("p", 0, 0),
        units_per_event("u", 0, 0),
        events_per_unit("e", 0, 0),
        rate_per_hundred("r", 0, 0),
    ):
        assert isinstance(answer, CannotSay)
        assert answer.code is CannotSayCode.NOTHING_COUNTED
        assert "cannot be said (NOTHING_COUNTED)" in answer.text


@pytest.mark.parametrize(("events", "n"), [(3, 2), (-1, 4), (1, 0)])
def test_impossible_counts_are_refused(events: int, n: int) -> None:
    with pytest.raises(ValueError, match="events"):
        proportion("p", events, n)


def test_a_confidence_in_percent_is_refused_with_the_way_out() -> None:
    with pytest.raises(ValueError, match=r"95 % is written 0\.95"):
        proportion("p", 1, 2, confidence=95)
    with pytest.raises(ValueError, match=r"95 % is written 0\.95"):
        proportion("p", 1, 2, method=EXACT, confidence=95)


def test_marks_per_scan_have_garwoods_interval() -> None:
    # Garwood 1936 for 10 events: 4.795 to 18.390
    found = figure(events_per_unit("fp", 10, 100, unit=Unit.MARK))
    assert (found.value, round(found.low, 5), round(found.high, 5)) == (0.1, 0.04795, 0.18390)
    none = figure(events_per_unit("fp", 0, 100))
    assert (none.low, none.high) == pytest.approx((0.0, -math.log(0.025) / 100))
    with pytest.raises(ValueError, match="0 or more"):
        events_per_unit("fp", -1, 5)


def test_burden_of_the_published_study() -> None:
    burden = alert_burden(SEED, Workplace(studies_per_day=60, readers=3, minutes_per_alert=2))
    alerts = figure(burden.alerts_per_reader_day)
    assert alerts.value == pytest.approx(20 * 501 / 1556)
    assert alerts.unit is Unit.READING_DAY
    assert figure(burden.minutes_per_reader_day).value == pytest.approx(40 * 501 / 1556)
    known = figure(burden.already_reported)
    assert (known.numerator, known.denominator) == (72, 436)
    assert round(known.value, 3) == 0.165
    assert round(figure(burden.alerts_per_actionable_case).value) == 50
    assert round(figure(burden.false_positives_per_100).value, 2) == 4.18
    assert figure(burden.flag_rate).value == 501 / 1556


def test_a_scaled_answer_keeps_its_counts_and_a_code_stays_a_code() -> None:
    assert figure(scaled(proportion("p", 1, 4), "q", 8.0)).value == 2.0
    none = scaled(units_per_event("u", 0, 4), "q", 2.0)
    assert isinstance(none, CannotSay)
    assert none.low == pytest.approx(2 * units_per_event("u", 0, 4).low)
    with pytest.raises(ValueError, match="positive"):
        scaled(proportion("p", 1, 4), "q", 0.0)
    with pytest.raises(ValueError, match="positive"):
        Workplace(studies_per_day=0, readers=3, minutes_per_alert=2)


def test_counts_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="part of the one before it"):
        StudyCounts(cases=10, flagged=11, confirmed=0, not_reported=0, actionable=0, suitable=0)


def test_an_estimate_is_never_nan_infinite_or_outside_its_interval() -> None:
    def estimate(value: float, low: float, high: float, n: int = 5) -> Estimate:
        return Estimate(measure="x", value=value, low=low, high=high, method="m", unit=Unit.CASE, n=n)

    for value, low, high in ((math.nan, 0, 1), (0.5, math.nan, 1), (0.5, 0.6, 1), (0.5, 0, 0.4)):
        with pytest.raises(ValueError, match="low <= value <= high"):
            estimate(value, low, high)
    with pytest.raises(ValueError, match="told by CannotSay"):
        estimate(math.inf, 0, math.inf)
    with pytest.raises(ValueError, match="at least one case"):
        estimate(0.5, 0, 1, n=0)
    assert estimate(0.5, 0, 1).remark is Remark.NONE
    with pytest.raises(ValueError, match="outside 0-1"):
        SignificanceTest(measure="x", statistic=0, p_value=1.2, method="m", unit=Unit.CASE, n=5)
