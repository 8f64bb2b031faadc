"""ROC, DeLong and FROC against published figures, brute force and hand computation."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from spondyl.study.statistics import (
    NO_FRACTURE,
    SCORE_RATES,
    Answer,
    AreaInterval,
    CannotSay,
    CannotSayCode,
    Estimate,
    FrocCurve,
    Marks,
    Remark,
    RocCurve,
    SignificanceTest,
    area_under_roc,
    compare_areas,
    froc_curve,
    roc_curve,
    sensitivity_at_false_marks,
)

PLAIN = AreaInterval.PLAIN
# Hanley and McNeil 1982: ratings 1-5 of 58 normal and 51 abnormal CTs
HANLEY_SCORES = np.repeat([1.0, 2, 3, 4, 5, 1, 2, 3, 4, 5], [33, 6, 6, 11, 2, 3, 2, 2, 11, 33])
HANLEY_TRUTH = np.arange(109) >= 58


def figure(answer: Answer) -> Estimate:
    assert isinstance(answer, Estimate), answer
    return answer


def brute_force(first: np.ndarray, second: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """First area and the covariance of both by DeLong's definition, O(mn)."""
    parts = []
    for scores in (first, second):
        pairs = scores[truth][:, None] - scores[~truth][None, :]
        psi = (pairs > 0) + 0.5 * (pairs == 0)
        parts.append((psi.mean(), psi.mean(axis=1), psi.mean(axis=0)))
    (area, v10, v01), (_, w10, w01) = parts
    covariance = np.cov(v10, w10)[0, 1] / len(v10) + np.cov(v01, w01)[0, 1] / len(v01)
    return float(area), float(covariance)


def test_the_area_of_hanley_and_mcneil() -> None:
    # Stata's roctab on these data: 0.8932, standard error 0.0307, 0.83295 to 0.95339
    found = figure(area_under_roc("auc", HANLEY_SCORES, HANLEY_TRUTH, interval=PLAIN))
    assert (round(found.value, 4), round(found.low, 5), round(found.high, 5)) == (0.8932, 0.83295, 0.95339)
    assert (found.high - found.low) / 2 / 1.959964 == pytest.approx(0.0307, abs=5e-5)


def test_the_logit_interval_by_hand() -> None:
    plain = figure(area_under_roc("auc", HANLEY_SCORES, HANLEY_TRUTH, interval=PLAIN))
    found = figure(area_under_roc("auc", HANLEY_SCORES, HANLEY_TRUTH))
    half = (plain.high - plain.low) / 2 / (plain.value * (1 - plain.value))
    middle = math.log(plain.value / (1 - plain.value))
    assert found.low == pytest.approx(1 / (1 + math.exp(half - middle)))
    assert found.high == pytest.approx(1 / (1 + math.exp(-half - middle)))


def test_midranks_give_what_all_pairs_give() -> None:
    rng = np.random.default_rng(4)
    truth = rng.random(90) < 0.4
    first, second = (np.round(rng.normal(truth * shift, 1.0), 1) for shift in (1.2, 0.6))  # with ties
    area, variance = brute_force(first, first, truth)
    found = figure(area_under_roc("auc", first, truth, interval=PLAIN))
    assert found.value == pytest.approx(area)
    assert (found.high - found.low) / 2 / 1.959964 == pytest.approx(math.sqrt(variance), rel=1e-6)
    other, other_variance = brute_force(second, second, truth)
    spread = math.sqrt(variance + other_variance - 2 * brute_force(first, second, truth)[1])
    both = compare_areas("auc", first, second, truth)
    difference = figure(both.difference)
    assert difference.value == pytest.approx(area - other)
    assert (difference.high - difference.low) / 2 / 1.959964 == pytest.approx(spread, rel=1e-6)
    assert isinstance(both.test, SignificanceTest)
    assert both.test.statistic == pytest.approx((area - other) / spread)
    assert both.test.p_value == pytest.approx(math.erfc((area - other) / spread / math.sqrt(2)))


def test_the_area_of_four_scores_by_hand() -> None:
    # positives 3, 1; negatives 2, 0: 3 of 4 pairs in order; V10 = 1, 0.5; V01 = 0.5, 1; each variance 1/8
    found = figure(
        area_under_roc("auc", np.array([3.0, 1, 2, 0]), np.array([True, True, False, False]), interval=PLAIN)
    )
    assert found.value == 0.75
    assert 0.75 - found.low == pytest.approx(1.959964 * math.sqrt(1 / 8), abs=1e-6)
    assert found.high == 1.0  # cut


def test_a_hundred_thousand_cases_neither_overflow_nor_take_long() -> None:
    rng = np.random.default_rng(1)
    truth = np.arange(200_000) < 100_000
    scores = rng.standard_normal(200_000) + truth
    started = time.perf_counter()
    found = figure(area_under_roc("auc", scores, truth))
    assert time.perf_counter() - started < 5.0  # all pairs would be 10^10
    assert found.value == pytest.approx(0.7602, abs=0.005)  # Phi(1/sqrt 2)
    # the binormal variance at this size is some 1.1e-3 squared
    assert 0.001 < (found.high - found.low) / 2 / 1.96 < 0.0012


def test_perfect_separation_is_bounded_not_1_to_1() -> None:
    truth = np.array([True] * 20 + [False] * 50)
    found = figure(area_under_roc("auc", truth * 1.0, truth))
    assert (found.value, found.high, found.remark) == (1.0, 1.0, Remark.AT_BOUNDARY)
    assert found.low == pytest.approx(0.025 ** (1 / 20))
    reverse = figure(area_under_roc("auc", -1.0 * truth, truth))
    assert (reverse.value, reverse.low) == (0.0, 0.0)
    assert reverse.high == pytest.approx(1 - 0.025 ** (1 / 20))
    # ten vertebrae a patient: seven patients only, of which two have a fracture
    patient = np.repeat(np.arange(7), 10)
    clustered = figure(area_under_roc("auc", truth * 1.0, truth, patient=patient))
    assert clustered.low == pytest.approx(0.025 ** (1 / 2))


@pytest.mark.parametrize(
    ("scores", "truth", "code"),
    [
        ([1.0, 2.0], [True, True], CannotSayCode.ONE_CLASS_ONLY),
        ([1.0, 2.0], [False, False], CannotSayCode.ONE_CLASS_ONLY),
        ([1.0, 1.0, 1.0, 1.0], [True, True, False, False], CannotSayCode.NO_VARIATION),
        ([2.0, 1.0, 3.0], [True, False, False], CannotSayCode.TOO_FEW),
    ],
)
def test_degenerate_areas_are_coded(scores: list[float], truth: list[bool], code: CannotSayCode) -> None:
    answer = area_under_roc("auc", np.array(scores), np.array(truth))
    assert isinstance(answer, CannotSay)
    assert answer.code is code
    both = compare_areas("auc", np.array(scores), np.array(scores), np.array(truth))
    assert isinstance(both.difference, CannotSay)
    assert both.difference.code in {code, CannotSayCode.NO_VARIATION}


def test_one_patient_with_all_fractures_has_no_spread_between_patients() -> None:
    truth = np.array([True, True, False, False, False])
    scores = np.array([3.0, 1.0, 2.0, 0.0, 1.0])
    answer = area_under_roc("auc", scores, truth, patient=np.array([0, 0, 1, 2, 3]))
    assert isinstance(answer, CannotSay)
    assert answer.code is CannotSayCode.NO_VARIATION


def test_scores_with_faults_are_refused() -> None:
    with pytest.raises(ValueError, match="1 scores are NaN"):
        area_under_roc("auc", np.array([np.nan, 1.0]), np.array([True, False]))
    with pytest.raises(ValueError, match="booleans"):
        area_under_roc("auc", np.array([0.0, 1.0]), np.array([1, 0]))
    with pytest.raises(ValueError, match="one score and one truth"):
        roc_curve(np.array([0.0, 1.0]), np.array([True]))
    with pytest.raises(ValueError, match="4 scores but 2 patients"):
        area_under_roc(
            "auc",
            np.array([0.0, 2.0, 1.0, 3.0]),
            np.array([True, False, True, False]),
            patient=np.array([0, 1]),
        )


def test_with_one_vertebra_per_patient_the_clustered_variance_is_delongs() -> None:
    plain = figure(area_under_roc("auc", HANLEY_SCORES, HANLEY_TRUTH, interval=PLAIN))
    found = figure(area_under_roc("auc", HANLEY_SCORES, HANLEY_TRUTH, patient=np.arange(109), interval=PLAIN))
    assert found.low == pytest.approx(plain.low, abs=1e-3)
    assert found.method == "DeLong, clustered by patient"


def test_each_case_written_ten_times_widens_the_clustered_interval_only() -> None:
    tenfold = [np.repeat(x, 10) for x in (HANLEY_SCORES, HANLEY_TRUTH, np.arange(109))]
    plain = figure(area_under_roc("auc", HANLEY_SCORES, HANLEY_TRUTH, interval=PLAIN))
    clustered = figure(area_under_roc("auc", tenfold[0], tenfold[1], patient=tenfold[2], interval=PLAIN))
    naive = figure(area_under_roc("auc", tenfold[0], tenfold[1], interval=PLAIN))
    width = plain.high - plain.low
    assert clustered.high - clustered.low == pytest.approx(width, rel=0.01)
    assert naive.high - naive.low == pytest.approx(width / math.sqrt(10), rel=0.02)


def test_the_curve_has_one_point_per_score() -> None:
    curve = roc_curve(np.array([3.0, 1.0, 2.0, 1.0]), np.array([True, True, False, False]))
    assert isinstance(curve, RocCurve)
    assert curve.thresholds.tolist() == [math.inf, 3.0, 2.0, 1.0]
    assert curve.sensitivity.tolist() == [0.0, 0.5, 0.5, 1.0]
    assert curve.false_positive_fraction.tolist() == [0.0, 0.0, 0.5, 1.0]
    assert isinstance(roc_curve(np.array([1.0]), np.array([True])), CannotSay)


# ------------------------------------------------------------------------------------------------ FROC
def marks() -> Marks:
    """Three cases with 2, 1 and 0 fractures; the second mark on one fracture does not count."""
    return Marks(
        fractures_per_case=np.array([2, 1, 0]),
        case=np.array([0, 0, 0, 1, 2, 2]),
        score=np.array([0.9, 0.8, 0.3, 0.7, 0.7, 0.2]),
        fracture=np.array([0, 0, NO_FRACTURE, 0, NO_FRACTURE, NO_FRACTURE]),
    )


def test_froc_by_hand() -> None:
    curve = froc_curve(marks())
    assert isinstance(curve, FrocCurve)
    assert curve.thresholds.tolist() == [math.inf, 0.9, 0.7, 0.3, 0.2]
    assert curve.sensitivity.tolist() == pytest.approx([0, 1 / 3, 2 / 3, 2 / 3, 2 / 3])
    assert curve.false_marks_per_case.tolist() == pytest.approx([0, 0, 1 / 3, 2 / 3, 1])
    # the only case without fracture is alarmed from 0.7 on
    assert curve.false_positive_case_fraction.tolist() == [0, 0, 1, 1, 1]


def test_sensitivity_at_a_rate_takes_the_lowest_threshold_that_keeps_it() -> None:
    one = marks()
    many = Marks(  # the three cases thirty times, so that every resample has fractures
        fractures_per_case=np.tile(one.fractures_per_case, 30),
        case=(one.case[None, :] + 3 * np.arange(30)[:, None]).ravel(),
        score=np.tile(one.score, 30),
        fracture=np.tile(one.fracture, 30),
    )
    for rate, expected in ((0.0, 1 / 3), (0.3, 1 / 3), (1 / 3, 2 / 3), (8.0, 2 / 3)):
        found = figure(sensitivity_at_false_marks("se", many, [rate], seed=1, resamples=400))
        assert found.value == pytest.approx(expected)
        assert (found.n, found.denominator) == (90, 90)
    both = figure(sensitivity_at_false_marks("se", many, [0.0, 0.0, 1.0], seed=1, resamples=400))
    assert both.value == pytest.approx((1 / 3 + 1 / 3 + 2 / 3) / 3)
    assert both.low < both.value < both.high
    few = sensitivity_at_false_marks("se", one, [1.0], seed=1, resamples=400)
    assert isinstance(few, CannotSay)
    assert few.code is CannotSayCode.RESAMPLES_UNDEFINED  # one in 27 lacks both cases with fractures


def test_the_froc_interval_is_that_of_the_share_of_vertebrae_without_false_marks() -> None:
    rng = np.random.default_rng(8)
    sizes = rng.integers(1, 4, 200)
    number = np.concatenate([np.arange(x) for x in sizes])
    case = np.repeat(np.arange(200), sizes)
    kept = rng.random(len(case)) < 0.8
    no_false = Marks(
        fractures_per_case=sizes, case=case[kept], score=np.ones(int(kept.sum())), fracture=number[kept]
    )
    found = figure(sensitivity_at_false_marks("se", no_false, SCORE_RATES, seed=2))
    share = kept.mean()
    assert found.value == pytest.approx(share)
    half = 1.96 * math.sqrt(share * (1 - share) / len(case))
    assert found.high - found.low == pytest.approx(2 * half, rel=0.15)
    assert found == sensitivity_at_false_marks("se", no_false, SCORE_RATES, seed=2)


def test_all_fractures_marked_is_bounded_by_the_cases_that_have_one() -> None:
    every = Marks(
        fractures_per_case=np.array([2, 1, 0, 3]), case=np.array([0, 0, 1, 3, 3, 3]), score=np.ones(6),
        fracture=np.array([0, 1, 0, 0, 1, 2]),
    )  # fmt: skip
    found = figure(sensitivity_at_false_marks("se", every, [1.0], seed=1))
    assert (found.value, found.high, found.remark) == (1.0, 1.0, Remark.AT_BOUNDARY)
    assert found.low == pytest.approx(0.025 ** (1 / 3))
    assert found.seed is None  # nothing was drawn


def test_marks_without_fractures_or_with_faults() -> None:
    none = Marks(
        fractures_per_case=np.array([0, 0]), case=np.array([0]), score=np.array([0.5]),
        fracture=np.array([NO_FRACTURE]),
    )  # fmt: skip
    for answer in (froc_curve(none), sensitivity_at_false_marks("se", none, [1.0], seed=1)):
        assert isinstance(answer, CannotSay)
        assert answer.code is CannotSayCode.NOTHING_COUNTED
    empty = Marks(
        fractures_per_case=np.array([1, 2]),
        case=np.zeros(0, int),
        score=np.zeros(0),
        fracture=np.zeros(0, int),
    )
    curve = froc_curve(empty)
    assert isinstance(curve, FrocCurve)
    assert curve.sensitivity.tolist() == [0.0]
    answer = sensitivity_at_false_marks("se", empty, [1.0], seed=1)
    assert figure(answer).value == 0.0
    good = {"fractures_per_case": np.array([1]), "case": np.array([0]), "score": np.array([0.5]),
            "fracture": np.array([0])}  # fmt: skip
    for wrong, message in (
        ({"case": np.array([1])}, "outside 0 to 0"),
        ({"fracture": np.array([1])}, "a fracture that its case has not"),
        ({"score": np.array([np.nan])}, "NaN"),
        ({"score": np.array([0.5, 0.6])}, "one entry per mark"),
    ):
        with pytest.raises(ValueError, match=message):
            Marks(**{**good, **wrong})
    with pytest.raises(ValueError, match="0 or more"):
        sensitivity_at_false_marks("se", marks(), [-1.0], seed=1)
