"""The area under the ROC of a sample: by hand, against the whole, and against a sum over all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from spondyl.study.statistics import (
    NO_FRACTURE,
    CannotSay,
    CannotSayCode,
    Estimate,
    FrocCurve,
    Marks,
    RocCurve,
    area_under_roc,
    area_under_sampled_roc,
    froc_curve,
    roc_curve,
)

SCORES = np.array([0.9, 0.8, 0.8, 0.3, 0.2])
TRUTH = np.array([True, True, False, True, False])
STRATA = np.array([0, 0, 0, 1, 1])
WEIGHT = np.array([1.0, 1.0, 1.0, 3.0, 3.0])


def test_an_area_by_hand() -> None:
    # each case four times over, which changes no area: five cases leave some resamples without a negative
    many = (np.repeat(x, 4) for x in (SCORES, TRUTH, STRATA, WEIGHT))
    answer = area_under_sampled_roc("auc", *many, seed=1, resamples=200)
    # positives 1 + 1 + 3, negatives 1 + 3: 20 pairs; 0.9 is above 4, 0.8 above 3 and half of 1, 0.3 above 9
    assert isinstance(answer, Estimate)
    assert answer.value == pytest.approx((4.0 + 3.5 + 9.0) / 20.0)
    assert answer.low <= answer.value <= answer.high


def test_equal_weights_give_the_area_of_delong_and_of_all_pairs() -> None:
    rng = np.random.default_rng(5)
    truth = rng.random(300) < 0.4
    scores = np.round(rng.normal(size=300) + truth, 1)  # with ties
    strata, weight = np.zeros(300, dtype=np.int64), np.ones(300)
    sampled = area_under_sampled_roc("auc", scores, truth, strata, weight, seed=2)
    whole = area_under_roc("auc", scores, truth)
    differences = scores[truth][:, None] - scores[~truth][None, :]
    assert isinstance(sampled, Estimate)
    assert isinstance(whole, Estimate)
    assert sampled.value == pytest.approx(float(np.mean((differences > 0) + 0.5 * (differences == 0))))
    assert sampled.value == pytest.approx(whole.value)
    assert (sampled.low, sampled.high) == pytest.approx((whole.low, whole.high), abs=0.01)


def test_the_curve_has_the_area_of_its_weights() -> None:
    curve = roc_curve(SCORES, TRUTH, WEIGHT)
    assert isinstance(curve, RocCurve)
    assert curve.sensitivity.tolist() == pytest.approx([0.0, 0.2, 0.4, 1.0, 1.0])
    assert curve.false_positive_fraction.tolist() == pytest.approx([0.0, 0.0, 0.25, 0.25, 1.0])
    assert np.trapezoid(curve.sensitivity, curve.false_positive_fraction) == pytest.approx(16.5 / 20.0)


def test_a_case_that_stands_for_three_counts_three_times_in_the_froc() -> None:
    marks = Marks(
        fractures_per_case=np.array([1, 1]),
        case=np.array([0, 1, 1]),
        score=np.array([0.9, 0.8, 0.7]),
        fracture=np.array([0, NO_FRACTURE, 0]),
    )
    curve = froc_curve(marks, np.array([1.0, 3.0]))
    assert isinstance(curve, FrocCurve)
    assert curve.sensitivity.tolist() == pytest.approx([0.0, 0.25, 0.25, 1.0])
    assert curve.false_marks_per_case.tolist() == pytest.approx([0.0, 0.0, 0.75, 0.75])


def test_one_class_cannot_say_and_nonsense_is_refused() -> None:
    nobody = np.zeros(5, dtype=np.bool_)
    answer = area_under_sampled_roc("auc", SCORES, nobody, STRATA, WEIGHT, seed=1)
    assert isinstance(answer, CannotSay)
    assert answer.code is CannotSayCode.ONE_CLASS_ONLY
    for scores, weight in ((SCORES[:4], WEIGHT), (SCORES, WEIGHT - 1.0), (np.full(5, np.nan), WEIGHT)):
        with pytest.raises(ValueError, match="case"):
            area_under_sampled_roc("auc", scores, TRUTH, STRATA, weight, seed=1)
