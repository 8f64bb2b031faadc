"""Agreement against published worked examples and statsmodels; degenerate tables are codes or bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats import inter_rater

from spondyl.study.statistics import (
    Answer,
    BootstrapMethod,
    CannotSay,
    CannotSayCode,
    Estimate,
    IntraclassModel,
    McNemarMethod,
    PairedCounts,
    Remark,
    SignificanceTest,
    Weighting,
    bland_altman,
    clustered_bland_altman,
    clustered_kappa,
    cohen_kappa,
    cross_table,
    exact_interval,
    fleiss_kappa,
    gwet_agreement,
    intraclass_correlation,
    mcnemar,
    paired_difference,
    paired_odds_ratio,
    rating_counts,
    reader_agreement,
)

GRADES = np.array([[11, 3, 1, 0], [2, 9, 4, 0], [1, 3, 14, 6], [0, 1, 2, 17]])
# Gwet, Handbook of Inter-Rater Reliability: 12 units, 4 raters, some missing
GWET: list[list[int | None]] = [
    [1, 1, None, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4], [4, 4, 4, 4],
    [1, 1, 2, 1], [2, 2, 2, 2], [None, 5, 5, 5], [None, None, 1, 1], [None, 3, None, None],
]  # fmt: skip
SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
)


def figure(answer: Answer) -> Estimate:
    assert isinstance(answer, Estimate), answer
    return answer


def code(answer: Answer | SignificanceTest) -> CannotSayCode:
    assert isinstance(answer, CannotSay), answer
    return answer.code


def test_kappa_by_hand() -> None:
    # 50 cases: po = 35/50, pe = 0.5 x 0.6 + 0.5 x 0.4 = 0.5, kappa 0.4 (Wikipedia's example, Cohen's kappa)
    found = figure(cohen_kappa("k", np.array([[20, 5], [10, 15]])))
    assert found.value == pytest.approx(0.4)
    assert found.n == 50


@pytest.mark.parametrize("weighting", Weighting)
def test_kappa_and_its_interval_agree_with_statsmodels(weighting: Weighting) -> None:
    weights = {"unweighted": None, "linear": "linear", "quadratic": "quadratic"}[weighting.value]
    expected = inter_rater.cohens_kappa(GRADES, wt=weights)
    found = figure(cohen_kappa("k", GRADES, weighting=weighting))
    assert found.value == pytest.approx(expected.kappa, rel=1e-12)
    assert (found.low, found.high) == pytest.approx((expected.kappa_low, expected.kappa_upp), rel=1e-9)


def test_the_paradox_of_kappa_in_gwets_example() -> None:
    # Gwet 2002: 118 + 0 agree of 125; kappa -0.0234 although 94 % agree, AC1 0.9408
    both = reader_agreement("presence", np.array([[118, 5], [2, 0]]))
    assert figure(both.raw).value == 0.944
    assert round(figure(both.kappa).value, 4) == -0.0234
    assert round(figure(both.gwet).value, 4) == 0.9408
    assert (both.prevalence_index, both.bias_index) == (118 / 125, 3 / 125)
    assert [x.measure for x in (both.raw, both.kappa, both.gwet)] == [
        "presence_raw_agreement",
        "presence_kappa",
        "presence_ac1",
    ]


def test_grades_have_quadratic_kappa_and_ac2() -> None:
    both = reader_agreement("grade", GRADES)
    assert figure(both.kappa) == figure(
        cohen_kappa("grade_kappa_quadratic", GRADES, weighting=Weighting.QUADRATIC)
    )
    # AC2 by hand: observed and chance from the weights
    share, steps = GRADES / GRADES.sum(), np.arange(4)
    weights = 1 - ((steps[:, None] - steps[None, :]) / 3) ** 2
    mean = (share.sum(axis=0) + share.sum(axis=1)) / 2
    chance = weights.sum() / 12 * float(np.sum(mean * (1 - mean)))
    expected = (float(np.sum(weights * share)) - chance) / (1 - chance)
    assert figure(both.gwet).value == pytest.approx(expected)
    assert both.prevalence_index is None


def test_ac1_and_fleiss_of_gwets_handbook() -> None:
    # printed there: AC1 0.77544 (0.46081 to 1), Fleiss 0.76117 (0.42438 to 1), both with t on 10 degrees
    ratings = rating_counts(GWET, [1, 2, 3, 4, 5])
    # the unit that one rater alone has rated shapes the chance agreement, and n is that of the other eleven
    ac1, fleiss = figure(gwet_agreement("ac1", ratings)), figure(fleiss_kappa("f", ratings))
    assert (round(ac1.value, 5), round(ac1.low, 5), ac1.high) == (0.77544, 0.46081, 1.0)
    assert (round(fleiss.value, 5), round(fleiss.low, 4), fleiss.high) == (0.76117, 0.4244, 1.0)


def test_fleiss_kappa_agrees_with_statsmodels_and_its_classic_example() -> None:
    # Wikipedia's example: 10 subjects, 14 raters, 5 categories, kappa 0.210
    counts = np.array(
        [[0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
         [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]]
    )  # fmt: skip
    found = figure(fleiss_kappa("f", counts))
    assert round(found.value, 3) == 0.210
    assert found.value == pytest.approx(inter_rater.fleiss_kappa(counts), rel=1e-12)
    assert found.low < found.value < found.high


def test_fleiss_of_two_readers_is_scotts_pi() -> None:
    table = np.array([[30, 6], [4, 10]])
    counts = np.repeat(np.array([[2, 0], [1, 1], [1, 1], [0, 2]]), table.ravel(), axis=0)
    mean = np.array([70, 30]) / 100
    chance = float(mean @ mean)
    assert figure(fleiss_kappa("pi", counts)).value == pytest.approx((0.8 - chance) / (1 - chance))


def test_perfect_agreement_is_not_given_an_interval_without_width() -> None:
    table = np.array([[30, 0], [0, 70]])
    pairs = np.repeat(np.array([[2, 0], [0, 2]]), [30, 70], axis=0)
    bound = exact_interval(100, 100)[0]
    for answer, chance in (
        (cohen_kappa("k", table), 0.58),
        (fleiss_kappa("f", pairs), 0.58),
        (gwet_agreement("a", pairs), 0.42),
    ):
        found = figure(answer)
        assert (found.value, found.high, found.remark) == (1.0, 1.0, Remark.AT_BOUNDARY)
        assert found.low == pytest.approx((bound - chance) / (1 - chance))


def test_degenerate_agreement_is_coded() -> None:
    one = np.array([[40, 0], [0, 0]])
    assert code(cohen_kappa("k", one)) is CannotSayCode.NO_VARIATION
    assert code(cohen_kappa("k", np.zeros((2, 2)))) is CannotSayCode.NOTHING_COUNTED
    assert code(fleiss_kappa("f", np.array([[2, 0]] * 9))) is CannotSayCode.NO_VARIATION
    assert code(fleiss_kappa("f", np.array([[1, 0], [0, 1], [2, 0]]))) is CannotSayCode.TOO_FEW
    # 7 pairs, all in two cells off the diagonal: kappa 0 by every resample of the cells, but for rounding
    off = np.array([[0, 0, 0], [3, 0, 0], [0, 4, 0]])
    assert code(cohen_kappa("k", off, weighting=Weighting.LINEAR)) is CannotSayCode.NO_VARIATION
    # AC1 has a value there: everybody says the same, and chance does not explain it
    assert figure(gwet_agreement("a", np.array([[2, 0]] * 9))).value == 1.0
    with pytest.raises(ValueError, match="square table"):
        cohen_kappa("k", np.ones((2, 3)))
    with pytest.raises(ValueError, match="counts"):
        fleiss_kappa("f", np.array([[-1, 3]]))
    with pytest.raises(ValueError, match="two possible categories"):
        gwet_agreement("a", np.array([[2], [2]]))


def test_answers_become_tables_and_strange_ones_are_named() -> None:
    table = cross_table(["a", "b", "a"], ["a", "a", "b"], ["a", "b"])
    assert table.tolist() == [[1, 1], [1, 0]]
    with pytest.raises(ValueError, match="answers c are none of a, b"):
        cross_table(["a", "c"], ["a", "b"], ["a", "b"])
    with pytest.raises(ValueError, match="2 and 1 answers"):
        cross_table(["a", "a"], ["a"], ["a"])
    with pytest.raises(ValueError, match="answer 7 is none of 1, 2"):
        rating_counts([[1, 7]], [1, 2])


def test_kappa_over_patients_with_one_vertebra_each_is_plain_kappa() -> None:
    cells = np.repeat(np.eye(4, dtype=int), [180, 20, 30, 70], axis=0).reshape(-1, 2, 2)
    plain = figure(cohen_kappa("k", cells.sum(axis=0)))
    for method in BootstrapMethod:
        found = figure(clustered_kappa("k", cells, seed=3, method=method))
        assert found.value == pytest.approx(plain.value)
        assert found.low == pytest.approx(plain.low, abs=0.02)
        assert found.high == pytest.approx(plain.high, abs=0.02)
        assert found.seed == 3
    perfect = figure(
        clustered_kappa(
            "k", 5 * np.repeat(np.eye(4, dtype=int)[[0, 3]], 20, axis=0).reshape(-1, 2, 2), seed=1
        )
    )
    assert (perfect.value, perfect.high, perfect.n) == (1.0, 1.0, 40)
    assert perfect.low == pytest.approx((exact_interval(40, 40)[0] - 0.5) / 0.5)
    with pytest.raises(ValueError, match="one K x K table per patient"):
        clustered_kappa("k", np.zeros((3, 2)), seed=1)


def test_vertebrae_of_one_patient_read_alike_widen_the_interval() -> None:
    # every patient gives ten vertebrae of the same kind: 300 vertebrae, but 30 observations
    cells = 10 * np.repeat(np.eye(4, dtype=int), [18, 2, 3, 7], axis=0).reshape(-1, 2, 2)
    naive = figure(cohen_kappa("k", cells.sum(axis=0)))
    found = figure(clustered_kappa("k", cells, seed=3, method=BootstrapMethod.PERCENTILE))
    assert (found.high - found.low) / (naive.high - naive.low) == pytest.approx(math.sqrt(10), rel=0.15)


# --------------------------------------------------------------------------------------- measurements
def test_icc_of_shrout_and_fleiss() -> None:
    # printed there: ICC(2,1) 0.29, ICC(3,1) 0.71; intervals as R's psych prints them
    two = figure(intraclass_correlation("icc", SHROUT_FLEISS))
    three = figure(intraclass_correlation("icc", SHROUT_FLEISS, model=IntraclassModel.ICC_3_1))
    assert [round(x, 2) for x in (two.value, two.low, two.high)] == [0.29, 0.02, 0.76]
    assert [round(x, 2) for x in (three.value, three.low, three.high)] == [0.71, 0.34, 0.95]
    assert (two.n, two.method[:8]) == (6, "ICC(2,1)")


def test_icc_does_not_change_with_unit_or_origin() -> None:
    plain = figure(intraclass_correlation("icc", SHROUT_FLEISS))
    moved = figure(intraclass_correlation("icc", 1000 + 25.4 * SHROUT_FLEISS))
    assert (moved.value, moved.low, moved.high) == pytest.approx((plain.value, plain.low, plain.high))


def test_icc_that_cannot_be_said() -> None:
    assert code(intraclass_correlation("icc", SHROUT_FLEISS[:2])) is CannotSayCode.TOO_FEW
    same = np.repeat(SHROUT_FLEISS[:, :1], 3, axis=1)
    assert code(intraclass_correlation("icc", same)) is CannotSayCode.NO_VARIATION
    assert code(intraclass_correlation("icc", np.full((6, 2), 4.2))) is CannotSayCode.NO_VARIATION
    with pytest.raises(ValueError, match="complete table"):
        intraclass_correlation("icc", np.array([[1.0, np.nan]] * 5))


def test_limits_of_agreement_by_hand() -> None:
    # differences -1, 1, 3: mean 1, s 2; t(2) 4.3027; chi²(2) 7.3778 and 0.0506
    limits = bland_altman("loss", np.array([-1.0, 1.0, 3.0]))
    bias, lower, upper = (figure(x) for x in (limits.bias, limits.lower, limits.upper))
    half = 4.302653 * 2 / math.sqrt(3)
    assert (bias.value, bias.low, bias.high) == pytest.approx((1.0, 1 - half, 1 + half))
    assert (lower.value, upper.value) == pytest.approx((1 - 3.92, 1 + 3.92))
    smallest, largest = 2 * math.sqrt(2 / 7.377759), 2 * math.sqrt(2 / 0.0506356)
    assert upper.low == pytest.approx(4.92 - math.hypot(half, 1.96 * (2 - smallest)))
    assert upper.high == pytest.approx(4.92 + math.hypot(half, 1.96 * (largest - 2)), rel=1e-5)
    assert (upper.value - upper.low) == pytest.approx(lower.high - lower.value)


def test_the_bias_of_bland_and_altmans_peak_flow_meters() -> None:
    # Lancet 1986: 17 subjects, large meter minus mini meter: mean -2.1, s 38.8, bias -22.0 to 17.8
    wright = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
    mini = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
    bias = figure(bland_altman("flow", np.array(wright) - np.array(mini)).bias)
    assert [round(x, 1) for x in (bias.value, bias.low, bias.high)] == [-2.1, -22.0, 17.8]


def test_limits_over_patients_are_the_plain_ones_where_each_has_one() -> None:
    values = np.random.default_rng(2).normal(1.0, 6.0, 400)
    plain = bland_altman("loss", values)
    found = clustered_bland_altman("loss", values, np.arange(400), seed=5)
    for ours, expected in ((found.bias, plain.bias), (found.upper, plain.upper), (found.lower, plain.lower)):
        assert figure(ours).value == pytest.approx(figure(expected).value)
        assert figure(ours).low == pytest.approx(figure(expected).low, abs=0.15)
        assert figure(ours).high == pytest.approx(figure(expected).high, abs=0.15)
    with pytest.raises(ValueError, match="400 differences but 3 patients"):
        clustered_bland_altman("loss", values, np.arange(3), seed=5)


def test_limits_that_cannot_be_said() -> None:
    assert code(bland_altman("loss", np.array([1.0])).upper) is CannotSayCode.TOO_FEW
    assert code(bland_altman("loss", np.array([1.0, 1.0])).bias) is CannotSayCode.NO_VARIATION
    with pytest.raises(ValueError, match="finite differences"):
        bland_altman("loss", np.array([1.0, np.inf]))


# ----------------------------------------------------------------------------------------------- pairs
def test_mcnemar_by_hand() -> None:
    # 12 against 2 discordant: 2 (1 + 14 + 91) / 2^14
    counts = PairedCounts(both=36, only_first=12, only_second=2, neither=0)
    exact = mcnemar("m", counts)
    assert isinstance(exact, SignificanceTest)
    assert exact.p_value == pytest.approx(2 * 106 / 2**14)
    middle = mcnemar("m", counts, method=McNemarMethod.MID_P)
    assert isinstance(middle, SignificanceTest)
    assert middle.p_value == pytest.approx((2 * 106 - 91) / 2**14)


def test_mcnemar_agrees_with_statsmodels() -> None:
    from statsmodels.stats.contingency_tables import mcnemar as expected

    for table in ([[5, 3], [8, 1]], [[0, 7], [7, 0]], [[72, 364], [10, 0]]):
        (both, first), (second, neither) = table
        found = mcnemar("m", PairedCounts(both=both, only_first=first, only_second=second, neither=neither))
        assert isinstance(found, SignificanceTest)
        assert found.p_value == pytest.approx(expected(table, exact=True).pvalue, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ((36, 12, 2, 0), (0.0569, 0.3404)),  # Newcombe 1998, method 10; phi is negative
        ((0, 0, 0, 0), None),
        # by hand: phi = (25 - 100) / 225 uncorrected; sqrt(2 (1 + 1/3)) times 0.16846, half of Wilson's width
        ((5, 10, 10, 5), (-0.2751, 0.2751)),
        # by hand: phi = (47 - 1 - 25) / 96 corrected; Wilson of 2 of 50 is 0.01104 to 0.13460
        ((1, 1, 1, 47), (-0.0927, 0.0927)),
    ],
)
def test_paired_difference_of_newcombes_table(
    cells: tuple[int, int, int, int], expected: tuple[float, float] | None
) -> None:
    both, first, second, neither = cells
    answer = paired_difference(
        "d", PairedCounts(both=both, only_first=first, only_second=second, neither=neither)
    )
    if expected is None:
        assert code(answer) is CannotSayCode.NOTHING_COUNTED
    else:
        found = figure(answer)
        assert found.value == pytest.approx((first - second) / found.n)
        assert (round(found.low, 4), round(found.high, 4)) == expected


def test_paired_odds_ratio_and_its_one_sided_form() -> None:
    found = figure(paired_odds_ratio("or", PairedCounts(both=5, only_first=12, only_second=3, neither=9)))
    low, high = exact_interval(12, 15)
    assert (found.value, found.low, found.high) == pytest.approx((4.0, low / (1 - low), high / (1 - high)))
    one = paired_odds_ratio("or", PairedCounts(both=5, only_first=12, only_second=0, neither=9))
    assert isinstance(one, CannotSay)
    assert one.code is CannotSayCode.NO_EVENTS
    low = exact_interval(12, 12)[0]
    assert one.low == pytest.approx(low / (1 - low))


def test_two_answers_that_never_differ_are_coded() -> None:
    same = PairedCounts(both=5, only_first=0, only_second=0, neither=4)
    assert code(mcnemar("m", same)) is CannotSayCode.NO_DISCORDANT_PAIRS
    assert code(paired_odds_ratio("or", same)) is CannotSayCode.NO_DISCORDANT_PAIRS
    assert figure(paired_difference("d", same)).value == 0.0
    with pytest.raises(ValueError, match="0 or more"):
        PairedCounts(both=-1, only_first=0, only_second=0, neither=0)
