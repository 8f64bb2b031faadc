"""Accuracy under partial verification: the reference's table, hand computation, exact bounds, bootstrap."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import hypergeom

from spondyl.study.statistics import (
    Answer,
    CannotSay,
    CannotSayCode,
    Estimate,
    Inference,
    NegativeStratum,
    PartialVerification,
    Remark,
    VerificationMethod,
    VerificationSettings,
    VerificationTable,
    adjusted_accuracy,
    capture_recapture,
    exact_interval,
    false_negative_bounds,
    hypergeometric_interval,
    negative_predictive_value,
    negatives_to_read,
    predictive_values,
    prevalence,
    proportion,
    sensitivity,
    specificity,
    what_if,
    wilson_interval,
)

LOGIT, EXACT = VerificationMethod.LOGIT, VerificationMethod.EXACT
COHORT = Inference.COHORT


def study(read: int, found: int, tp: int = 436, fp: int = 65, negatives: int = 1055) -> PartialVerification:
    stratum = NegativeStratum(name="negatives", cases=negatives, read=read, found=found)
    return PartialVerification(true_positives=tp, false_positives=fp, negatives=(stratum,))


def figure(answer: Estimate | CannotSay) -> Estimate:
    assert isinstance(answer, Estimate), answer
    return answer


@pytest.mark.parametrize(
    ("read", "found", "value", "low", "high"),
    [
        (100, 0, 1.00, 0.92, 1.0),
        (200, 0, 1.00, 0.96, 1.0),
        (300, 0, 1.00, 0.98, 1.0),
        (200, 6, 0.93, 0.87, 0.97),
        (300, 9, 0.93, 0.88, 0.97),
        (300, 15, 0.89, 0.84, 0.94),
        (300, 30, 0.81, 0.75, 0.86),  # the reference prints 0.80; 436 / 541.5 is 0.805
        (600, 18, 0.93, 0.90, 0.96),
    ],
)
def test_the_planning_table_of_the_reference(
    read: int, found: int, value: float, low: float, high: float
) -> None:
    (plan,) = negatives_to_read(436, 1055, [(read, found)])
    estimate = plan.sensitivity
    assert [round(x, 2) for x in (estimate.value, estimate.low, estimate.high)] == [value, low, high]


def test_the_what_if_table_of_the_reference() -> None:
    rows = what_if(436, 65, 1055, [0.01, 0.02, 0.05, 0.10])
    assert [round(x.sensitivity, 3) for x in rows] == [0.976, 0.954, 0.892, 0.805]
    assert rows[3].false_negatives == pytest.approx(105.5)
    assert rows[3].specificity == pytest.approx(949.5 / 1014.5)
    assert rows[3].prevalence == pytest.approx(541.5 / 1556)
    with pytest.raises(ValueError, match="0 to below 1"):
        what_if(436, 65, 1055, [5])
    with pytest.raises(ValueError, match="at least one true positive"):
        what_if(0, 65, 1055, [0.1])


def test_the_logit_interval_for_the_population_is_that_of_the_reference() -> None:
    found = figure(sensitivity(study(300, 9), VerificationSettings(method=LOGIT)))
    rate = 9 / 300
    assert found.value == pytest.approx(436 / (436 + 1055 * rate))
    half = 1.959964 * math.sqrt(1 / 436 + 1 / 1055 + (1 - rate) / 9)
    middle = math.log(436 / (1055 * rate))
    assert found.low == pytest.approx(1 / (1 + math.exp(half - middle)), abs=1e-7)
    assert found.high == pytest.approx(1 / (1 + math.exp(-half - middle)), abs=1e-7)
    assert found.denominator == pytest.approx(467.65)


def test_the_logit_interval_for_this_cohort_has_the_finite_population_factor() -> None:
    found = figure(sensitivity(study(300, 9), VerificationSettings(method=LOGIT, inference=COHORT)))
    half = 1.959964 * math.sqrt((1 - 0.03) / 9 * (1 - 300 / 1055))
    middle = math.log(436 / 31.65)
    assert found.low == pytest.approx(1 / (1 + math.exp(half - middle)), abs=1e-7)


def test_read_completely_the_logit_variance_is_that_of_two_counts() -> None:
    found = figure(sensitivity(study(1055, 32), VerificationSettings(method=LOGIT)))
    half = 1.959964 * math.sqrt(1 / 436 + 1 / 32)
    assert found.low == pytest.approx(1 / (1 + 32 / 436 * math.exp(half)), abs=1e-7)
    # and specificity: 1023 true negatives against 65 false positives
    right = figure(specificity(study(1055, 32), VerificationSettings(method=LOGIT)))
    half = 1.959964 * math.sqrt(1 / 1023 + 1 / 65)
    assert right.low == pytest.approx(1 / (1 + 65 / 1023 * math.exp(half)), abs=1e-7)


def test_read_completely_the_default_is_wilson_and_for_this_cohort_there_is_no_doubt() -> None:
    found = figure(sensitivity(study(1055, 32)))
    assert (found.low, found.high) == wilson_interval(436, 468)
    known = figure(sensitivity(study(1055, 32), VerificationSettings(inference=COHORT)))
    assert known.low == known.value == known.high == 436 / 468


def test_npv_of_one_stratum_is_wilsons_interval_of_the_sample() -> None:
    # all doubt lies in f/m: the logit of 1 - FOR is widened by 1/n- alone
    known = figure(negative_predictive_value(study(300, 9, negatives=10**9)))
    low, high = wilson_interval(291, 300)
    assert (known.low, known.high) == pytest.approx((low, high), abs=2e-6)
    assert known.value == pytest.approx(0.97)


def test_a_certainty_stratum_adds_its_fractures_without_doubt() -> None:
    certain = NegativeStratum(name="named in the report", cases=20, read=20, found=12)
    sampled = NegativeStratum(name="others", cases=1035, read=300, found=6)
    both = PartialVerification(true_positives=436, false_positives=65, negatives=(certain, sampled))
    assert both.false_negatives == pytest.approx(12 + 1035 * 6 / 300)
    low, high = false_negative_bounds(both, COHORT)
    inner = hypergeometric_interval(6, 300, 1035)
    assert (low, high) == (12 + inner[0], 12 + inner[1])
    answer = figure(sensitivity(both, VerificationSettings(method=EXACT, inference=COHORT)))
    assert answer.low == pytest.approx(436 / (436 + high))
    # variance of three strata by hand, the certainty stratum has no sampling part
    fn, rates = both.false_negatives, (0.6, 0.02)
    variance = 1 / 436 + (20 * 0.6**2 + 1035 * 0.02**2) / fn**2
    variance += (20**2 * 0.6 * 0.4 / 20 + 1035**2 * 0.02 * 0.98 / 300) / fn**2
    logit = figure(sensitivity(both, VerificationSettings(method=LOGIT)))
    half = 1.959964 * math.sqrt(variance)
    assert logit.low == pytest.approx(1 / (1 + fn / 436 * math.exp(half)), abs=1e-7)
    assert rates == (certain.found_fraction, sampled.found_fraction)


def test_none_found_gives_the_one_sided_bound() -> None:
    nothing = study(300, 0)
    exact = figure(sensitivity(nothing, VerificationSettings(method=EXACT)))
    upper = exact_interval(0, 300)[1]
    assert (exact.value, exact.high) == (1.0, 1.0)
    assert exact.low == pytest.approx(436 / (436 + 1055 * upper))
    assert exact.remark is Remark.AT_BOUNDARY
    # the logit has no value there, so it is the exact bound as well
    assert figure(sensitivity(nothing, VerificationSettings(method=LOGIT))).low == exact.low
    assert figure(negative_predictive_value(nothing)).value == 1.0


def test_no_false_positive_and_no_true_positive_have_their_own_exact_bound() -> None:
    right = figure(specificity(study(300, 9, fp=0)))
    assert (right.value, right.high, right.remark) == (1.0, 1.0, Remark.AT_BOUNDARY)
    assert 0.99 < right.low < 1.0
    none = figure(sensitivity(study(300, 9, tp=0)))
    assert (none.value, none.low) == (0.0, 0.0)
    assert 0.0 < none.high < 0.35
    empty = sensitivity(study(300, 0, tp=0))
    assert isinstance(empty, CannotSay)
    assert empty.code is CannotSayCode.NOTHING_COUNTED


def test_without_negatives_read_the_code_says_so_and_the_range_stays() -> None:
    answer = sensitivity(study(0, 0))
    assert isinstance(answer, CannotSay)
    assert answer.code is CannotSayCode.NO_NEGATIVES_READ
    assert "no case read of negatives" in answer.text
    assert answer.low == pytest.approx(436 / (436 + 1055))
    assert answer.high == 1.0


@pytest.mark.parametrize("estimator", [sensitivity, specificity, negative_predictive_value, prevalence])
def test_the_four_measures_agree_with_the_bootstrap(
    estimator: Callable[[PartialVerification, VerificationSettings], Answer],
) -> None:
    strata = (
        NegativeStratum(name="high", cases=3500, read=1500, found=140),
        NegativeStratum(name="low", cases=7000, read=1500, found=60),
    )
    both = PartialVerification(true_positives=4360, false_positives=650, negatives=strata)
    drawn = figure(estimator(both, VerificationSettings(method=VerificationMethod.BOOTSTRAP, seed=7)))
    for method in (VerificationMethod.WILSON, LOGIT):
        closed = figure(estimator(both, VerificationSettings(method=method)))
        width = drawn.high - drawn.low
        assert closed.value == drawn.value
        assert closed.low == pytest.approx(drawn.low, abs=0.1 * width)
        assert closed.high == pytest.approx(drawn.high, abs=0.1 * width)
    again = figure(estimator(both, VerificationSettings(method=VerificationMethod.BOOTSTRAP, seed=7)))
    assert again == drawn
    assert drawn.seed == 7


def test_a_bootstrap_needs_a_seed_and_the_population() -> None:
    with pytest.raises(ValueError, match="needs a seed"):
        VerificationSettings(method=VerificationMethod.BOOTSTRAP)
    with pytest.raises(ValueError, match="population"):
        VerificationSettings(method=VerificationMethod.BOOTSTRAP, seed=1, inference=COHORT)


def test_impossible_strata_are_refused() -> None:
    with pytest.raises(ValueError, match="stratum x: needs 0 <= found <= read <= cases"):
        NegativeStratum(name="x", cases=5, read=6, found=0)
    with pytest.raises(ValueError, match="at least one stratum"):
        PartialVerification(true_positives=1, false_positives=1, negatives=())
    with pytest.raises(ValueError, match="needs 0 <= found"):
        hypergeometric_interval(3, 2, 10)
    with pytest.raises(ValueError, match="one negative read"):
        negatives_to_read(10, 100, [(0, 0)])


@pytest.mark.parametrize(("found", "read", "cases"), [(0, 5, 20), (3, 10, 25), (10, 10, 25), (7, 8, 8)])
def test_hypergeometric_bounds_are_those_of_trying_every_number(found: int, read: int, cases: int) -> None:
    possible = [
        x
        for x in range(found, cases - read + found + 1)
        if hypergeom.sf(found - 1, cases, x, read) > 0.025 and hypergeom.cdf(found, cases, x, read) > 0.025
    ]
    assert hypergeometric_interval(found, read, cases) == (possible[0], possible[-1])


# ------------------------------------------------------------------------------------------ prevalence
def test_ppv_by_prevalence_of_the_reference() -> None:
    se, sp = figure(proportion("se", 952, 1000)), figure(proportion("sp", 929, 1000))
    rows = predictive_values(se, sp, [0.05, 0.10, 0.15, 0.20, 0.28, 0.35])
    assert [round(figure(x.ppv).value, 2) for x in rows] == [0.41, 0.60, 0.70, 0.77, 0.84, 0.88]
    npv = figure(rows[1].npv)
    assert npv.value == pytest.approx(0.929 * 0.9 / (0.929 * 0.9 + 0.048 * 0.1))
    assert npv.low < npv.value < npv.high


def test_the_interval_of_ppv_by_hand() -> None:
    se, sp = figure(proportion("se", 95, 100)), figure(proportion("sp", 90, 100))
    found = figure(predictive_values(se, sp, [0.5])[0].ppv)  # prior odds 1: PPV = Se / (Se + 1 - Sp)
    low = math.log(9.5) - math.hypot(math.log(0.95 / se.low), math.log((1 - sp.low) / 0.1))
    assert found.value == pytest.approx(0.95 / 1.05)
    assert found.low == pytest.approx(1 / (1 + math.exp(-low)))


def test_a_perfect_specificity_bounds_ppv_on_one_side() -> None:
    se, sp = figure(proportion("se", 95, 100)), figure(proportion("sp", 50, 50))
    found = figure(predictive_values(se, sp, [0.1])[0].ppv)
    assert (found.value, found.high, found.remark) == (1.0, 1.0, Remark.AT_BOUNDARY)
    assert found.low == pytest.approx(se.low / (se.low + (1 - sp.low) * 9))
    never = figure(proportion("se", 0, 100))
    answer = predictive_values(never, sp, [0.1])[0].ppv
    assert isinstance(answer, CannotSay)
    assert answer.code is CannotSayCode.NO_EVENTS
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        predictive_values(se, sp, [28])
    with pytest.raises(ValueError, match="different confidence"):
        predictive_values(se, figure(proportion("sp", 50, 50, confidence=0.9)), [0.1])


def test_capture_recapture_of_the_reference() -> None:
    cases, share = capture_recapture(436, 82, 72)
    assert round(figure(cases).value) == 496
    assert round(figure(share).value, 2) == 0.88
    assert figure(share).remark is Remark.MODEL_BASED
    assert figure(cases).low >= 446  # those that were seen
    apart = capture_recapture(0, 0, 0)
    assert [x.code for x in apart if isinstance(x, CannotSay)] == [CannotSayCode.NOTHING_COUNTED] * 2
    with pytest.raises(ValueError, match="both"):
        capture_recapture(3, 2, 3)


def test_capture_recapture_where_one_source_found_nothing_new() -> None:
    cases, _ = capture_recapture(40, 10, 10)
    found = figure(cases)
    assert (found.value, found.low) == (40.0, 40.0)
    assert found.high > 40.0


# ------------------------------------------------------------------------------------------ covariates
def table(rows: list[tuple[bool, bool, bool, float, int]]) -> VerificationTable:
    columns = list(zip(*[row[:4] for row in rows for _ in range(row[4])], strict=True))
    return VerificationTable(
        is_flagged=np.array(columns[0]),
        is_read=np.array(columns[1]),
        is_fractured=np.array(columns[2]),
        covariates=np.array(columns[3], dtype=float)[:, None],
    )


# flagged, read, fractured, covariate, how many; x = 0: 150 of 600 read, 3 found; x = 1: 100 of 200, 10 found
STRATIFIED = [
    (True, True, True, 0.0, 300), (True, True, False, 0.0, 50),
    (False, True, True, 0.0, 3), (False, True, False, 0.0, 147), (False, False, False, 0.0, 450),
    (False, True, True, 1.0, 10), (False, True, False, 1.0, 90), (False, False, False, 1.0, 100),
]  # fmt: skip


def test_with_a_binary_covariate_both_models_are_the_stratified_estimator() -> None:
    adjusted = adjusted_accuracy(table(STRATIFIED))
    strata = (
        NegativeStratum(name="0", cases=600, read=150, found=3),
        NegativeStratum(name="1", cases=200, read=100, found=10),
    )
    plain = PartialVerification(true_positives=300, false_positives=50, negatives=strata)
    expected = figure(sensitivity(plain, VerificationSettings(method=LOGIT)))
    # a saturated model: 600 x 3/150 + 200 x 10/100 = 32 false negatives, and the same variance
    assert expected.value == pytest.approx(300 / 332)
    for answer in (adjusted.sensitivity_predicted, adjusted.sensitivity_weighted):
        found = figure(answer)
        assert found.value == pytest.approx(expected.value, abs=1e-9)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
        assert found.remark is Remark.MODEL_BASED
    right = figure(specificity(plain, VerificationSettings(method=LOGIT)))
    for answer in (adjusted.specificity_predicted, adjusted.specificity_weighted):
        assert figure(answer).value == pytest.approx(right.value, abs=1e-9)
        assert figure(answer).low == pytest.approx(right.low, abs=1e-9)


def test_read_completely_the_weights_are_one() -> None:
    rows = [row for row in STRATIFIED if row[1]]
    adjusted = adjusted_accuracy(table(rows))
    assert figure(adjusted.sensitivity_weighted).value == pytest.approx(300 / 313)


def test_a_model_that_cannot_be_fitted_is_a_code() -> None:
    few = [(True, True, True, 0.0, 30), (True, True, False, 0.0, 5), (False, True, True, 1.0, 1),
           (False, True, False, 0.0, 40), (False, False, False, 1.0, 20)]  # fmt: skip
    answer = adjusted_accuracy(table(few)).sensitivity_predicted
    assert isinstance(answer, CannotSay)
    assert answer.code is CannotSayCode.TOO_FEW
    separated = [(True, True, True, 0.0, 30), (True, True, False, 0.0, 5), (False, True, True, 1.0, 20),
                 (False, True, False, 0.0, 40), (False, False, False, 1.0, 20)]  # fmt: skip
    answer = adjusted_accuracy(table(separated)).sensitivity_predicted
    assert isinstance(answer, CannotSay)
    assert answer.code is CannotSayCode.NOT_CONVERGED
    alarms = [row for row in STRATIFIED if not (row[0] and not row[2])]
    answer = adjusted_accuracy(table(alarms)).specificity_predicted
    assert isinstance(answer, CannotSay)
    assert answer.code is CannotSayCode.NO_EVENTS


def test_a_table_with_faults_is_refused() -> None:
    flags = np.array([True, False])
    good = {"is_flagged": flags, "is_read": np.array([True, True]), "is_fractured": flags,
            "covariates": np.zeros((2, 1))}  # fmt: skip
    with pytest.raises(ValueError, match="1 flagged cases were not read"):
        VerificationTable(**{**good, "is_read": np.array([False, True])})
    with pytest.raises(ValueError, match="finite numbers"):
        VerificationTable(**{**good, "covariates": np.array([[np.nan], [0.0]])})
    with pytest.raises(ValueError, match="2 rows in every column"):
        VerificationTable(**{**good, "is_read": np.array([True])})
