"""Whatever the counts: an Estimate or a code, never NaN or an accident; mirrored counts mirror the answer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spondyl.study.statistics import (
    Answer,
    CannotSay,
    ClusteredMethod,
    Estimate,
    Inference,
    IntraclassModel,
    NegativeStratum,
    PairedCounts,
    PartialVerification,
    ProportionMethod,
    StudyCounts,
    VerificationMethod,
    VerificationSettings,
    VerificationTable,
    Weighting,
    adjusted_accuracy,
    area_under_roc,
    bland_altman,
    capture_recapture,
    cohen_kappa,
    compare_areas,
    fleiss_kappa,
    gwet_agreement,
    headline_figures,
    intraclass_correlation,
    negative_predictive_value,
    paired_difference,
    paired_odds_ratio,
    predictive_values,
    prevalence,
    proportion,
    sensitivity,
    specificity,
    vertebra_proportion,
)

COUNT = st.integers(0, 12)
QUICK = settings(max_examples=60, deadline=None)


def sound(answer: Answer) -> None:
    """No NaN anywhere; an interval in order (the Estimate checks it when it is made)."""
    assert isinstance(answer, Estimate | CannotSay)
    assert not math.isnan(answer.low)
    assert not math.isnan(answer.high)
    assert answer.low <= answer.high
    for count in (answer.numerator, answer.denominator):
        assert count is None or math.isfinite(count)


def strata() -> st.SearchStrategy[tuple[NegativeStratum, ...]]:
    def stratum(numbers: tuple[int, int, int]) -> NegativeStratum:
        found, read, cases = sorted(numbers)
        return NegativeStratum(name="h", cases=cases, read=read, found=found)

    return st.lists(st.tuples(COUNT, COUNT, COUNT).map(stratum), min_size=1, max_size=3).map(tuple)


@QUICK
@given(COUNT, COUNT, strata(), st.sampled_from(VerificationMethod), st.sampled_from(Inference))
def test_partial_verification_of_any_counts(
    positives: int,
    alarms: int,
    negatives: tuple[NegativeStratum, ...],
    method: VerificationMethod,
    inference: Inference,
) -> None:
    if method is VerificationMethod.BOOTSTRAP:
        inference = Inference.POPULATION
    study = PartialVerification(true_positives=positives, false_positives=alarms, negatives=negatives)
    how = VerificationSettings(method=method, inference=inference, seed=1, resamples=100)
    for estimator in (sensitivity, specificity, negative_predictive_value, prevalence):
        answer = estimator(study, how)
        sound(answer)
        assert answer.low >= 0.0 or isinstance(answer, CannotSay)
        assert answer.high <= 1.0 or isinstance(answer, CannotSay)


@QUICK
@given(st.lists(COUNT, min_size=6, max_size=6), st.sampled_from(ProportionMethod))
def test_headline_figures_of_any_flow(numbers: list[int], method: ProportionMethod) -> None:
    a, b, c, d, e, f = sorted(numbers, reverse=True)
    counts = StudyCounts(cases=a, flagged=b, confirmed=c, not_reported=d, actionable=e, suitable=f)
    for answer in headline_figures(counts, method=method):
        sound(answer)


@QUICK
@given(COUNT, st.integers(1, 30), st.sampled_from(ProportionMethod))
def test_a_share_mirrors_its_complement(events: int, more: int, method: ProportionMethod) -> None:
    n = events + more
    one, other = proportion("p", events, n, method=method), proportion("p", n - events, n, method=method)
    assert isinstance(one, Estimate)
    assert isinstance(other, Estimate)
    assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low))


@QUICK
@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
def test_pairs_and_sources_of_any_counts(a: int, b: int, c: int, d: int) -> None:
    pairs = PairedCounts(both=a, only_first=b, only_second=c, neither=d)
    turned = PairedCounts(both=a, only_first=c, only_second=b, neither=d)
    answer, mirror = paired_difference("d", pairs), paired_difference("d", turned)
    sound(answer)
    sound(paired_odds_ratio("or", pairs))
    if isinstance(answer, Estimate):
        assert (answer.low, answer.high) == pytest.approx((-mirror.high, -mirror.low))
    for found in capture_recapture(a + b, a + c, a):
        sound(found)


@QUICK
@given(st.integers(0, 6), st.integers(1, 6), st.integers(0, 6), st.integers(1, 6), st.floats(0.001, 0.999))
def test_predictive_values_of_any_accuracy(a: int, m: int, b: int, n: int, share: float) -> None:
    se, sp = proportion("se", min(a, m), m), proportion("sp", min(b, n), n)
    assert isinstance(se, Estimate)
    assert isinstance(sp, Estimate)
    (values,) = predictive_values(se, sp, [share])
    sound(values.ppv)
    sound(values.npv)


@QUICK
@given(arrays(np.int64, (3, 3), elements=st.integers(0, 4)), st.sampled_from(Weighting))
def test_agreement_of_any_table(table: np.ndarray, weighting: Weighting) -> None:
    one, turned = (cohen_kappa("k", x, weighting=weighting) for x in (table, table.T))
    sound(one)
    assert (one.low, one.high) == pytest.approx((turned.low, turned.high))
    for estimator in (gwet_agreement, fleiss_kappa):
        sound(estimator("a", table, weighting=weighting))


@QUICK
@given(
    arrays(np.float64, 12, elements=st.sampled_from([-math.inf, 0.0, 1.0, 2.0, 3.0, math.inf])),
    arrays(np.bool_, 12),
    arrays(np.int64, 12, elements=st.integers(0, 5)),
)
def test_areas_of_any_scores(scores: np.ndarray, truth: np.ndarray, patient: np.ndarray) -> None:
    one, turned = area_under_roc("auc", scores, truth), area_under_roc("auc", -scores, truth)
    sound(one)
    sound(area_under_roc("auc", scores, truth, patient=patient))
    if isinstance(one, Estimate) and isinstance(turned, Estimate):
        assert one.value == pytest.approx(1 - turned.value)
        assert one.low == pytest.approx(1 - turned.high)
    both = compare_areas("auc", scores, np.roll(scores, 1), truth)
    sound(both.difference)


@QUICK
@given(arrays(np.int64, 8, elements=st.integers(0, 3)), st.sampled_from(ClusteredMethod))
def test_shares_of_any_patients(events: np.ndarray, method: ClusteredMethod) -> None:
    answer = vertebra_proportion("p", events, np.full(8, 3), method=method, seed=1, resamples=200)
    sound(answer)
    sound(vertebra_proportion("p", np.zeros(8, int), events, method=method, seed=1, resamples=200))


@QUICK
@given(
    arrays(np.float64, (5, 2), elements=st.sampled_from([0.0, 0.1, 0.3, 7.0, 1e9])),
    st.sampled_from(IntraclassModel),
)
def test_measurements_of_any_size(values: np.ndarray, model: IntraclassModel) -> None:
    sound(intraclass_correlation("icc", values, model=model))
    limits = bland_altman("d", values[:, 0] - values[:, 1])
    for answer in (limits.bias, limits.lower, limits.upper):
        sound(answer)


@QUICK
@given(
    arrays(np.bool_, 25), arrays(np.bool_, 25), arrays(np.bool_, 25),
    arrays(np.float64, (25, 2), elements=st.sampled_from([-1.0, 0.0, 2.0])),
)  # fmt: skip
def test_covariates_of_any_kind(
    flagged: np.ndarray, read: np.ndarray, fractured: np.ndarray, covariates: np.ndarray
) -> None:
    table = VerificationTable(
        is_flagged=flagged, is_read=read | flagged, is_fractured=fractured, covariates=covariates
    )
    adjusted = adjusted_accuracy(table)
    for answer in (
        adjusted.sensitivity_predicted,
        adjusted.specificity_predicted,
        adjusted.sensitivity_weighted,
        adjusted.specificity_weighted,
    ):
        sound(answer)
