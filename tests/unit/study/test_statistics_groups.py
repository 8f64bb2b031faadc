"""Bootstrap over patients, shares of vertebrae, subgroups with Holm, sample size."""

from __future__ import annotations

import doctest
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import bootstrap as scipy_bootstrap
from scipy.stats import chi2_contingency, fisher_exact
from statsmodels.stats.multitest import multipletests

from spondyl.study.statistics import (
    Answer,
    BootstrapMethod,
    CannotSay,
    CannotSayCode,
    ClusteredMethod,
    Estimate,
    Group,
    Remark,
    SignificanceTest,
    Unit,
    bootstrap_totals,
    cases_for_exact_width,
    cases_for_half_width,
    cause_shares,
    design_effect,
    difference_among,
    effective_size,
    exact_interval,
    holm,
    ratio_of_totals,
    scans_for_cases,
    subgroup_tables,
    vertebra_proportion,
)

ROOT = Path(__file__).resolve().parents[3]


def figure(answer: Answer) -> Estimate:
    assert isinstance(answer, Estimate), answer
    return answer


def code(answer: Answer | SignificanceTest) -> CannotSayCode:
    assert isinstance(answer, CannotSay), answer
    return answer.code


def mean_of_totals(totals: np.ndarray) -> np.ndarray:
    return totals[:, 0] / totals[:, 1]


# ------------------------------------------------------------------------------------------- bootstrap
@pytest.mark.parametrize(
    ("method", "name"), [(BootstrapMethod.PERCENTILE, "percentile"), (BootstrapMethod.BCA, "BCa")]
)
def test_the_bootstrap_agrees_with_scipys_where_each_patient_has_one_value(
    method: BootstrapMethod, name: str
) -> None:
    values = np.random.default_rng(3).exponential(2.0, 60)  # skewed, so that BCa is not the percentile
    expected = scipy_bootstrap(
        (values,), np.mean, n_resamples=100_000, method=name, rng=np.random.default_rng(9)
    ).confidence_interval
    totals = np.column_stack([values, np.ones(60)])
    found = figure(bootstrap_totals("m", totals, mean_of_totals, seed=1, resamples=100_000, method=method))
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.02)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    totals = np.column_stack([np.arange(30.0), np.full(30, 40.0)])
    one, again, other = (figure(bootstrap_totals("m", totals, ratio_of_totals, seed=s)) for s in (5, 5, 6))
    assert one == again
    assert (one.low, one.high) != (other.low, other.high)
    assert one.seed == 5
    assert one.unit is Unit.VERTEBRA


def test_strata_are_drawn_apart() -> None:
    # within each stratum all patients are alike: drawn apart nothing can vary
    totals = np.column_stack([np.repeat([0.0, 1.0], 20), np.ones(40)])
    assert isinstance(bootstrap_totals("m", totals, ratio_of_totals, seed=1), Estimate)
    strata = np.repeat([0, 1], 20)
    assert (
        code(bootstrap_totals("m", totals, ratio_of_totals, seed=1, strata=strata))
        is CannotSayCode.NO_VARIATION
    )


def test_bootstraps_that_cannot_be_said() -> None:
    one = np.array([[1.0, 2.0]])
    assert code(bootstrap_totals("m", one, ratio_of_totals, seed=1)) is CannotSayCode.TOO_FEW
    nothing = np.zeros((5, 2))
    assert code(bootstrap_totals("m", nothing, ratio_of_totals, seed=1)) is CannotSayCode.NOTHING_COUNTED
    rare = np.array([[1.0, 2.0]] + [[0.0, 0.0]] * 9)  # a third of the resamples lacks the only patient
    assert code(bootstrap_totals("m", rare, ratio_of_totals, seed=1)) is CannotSayCode.RESAMPLES_UNDEFINED
    with pytest.raises(ValueError, match="at least 100"):
        bootstrap_totals("m", np.ones((4, 2)), ratio_of_totals, seed=1, resamples=20)
    with pytest.raises(ValueError, match="finite values"):
        bootstrap_totals("m", np.full((4, 2), np.nan), ratio_of_totals, seed=1)


def test_independent_vertebrae_have_the_exact_interval_but_for_students_quantile() -> None:
    events = np.repeat([1, 0], [40, 160])
    found = figure(vertebra_proportion("p", events, np.ones(200, int)))
    # one vertebra a patient: variance p(1-p)/(P-1)
    assert effective_size(events.astype(float), np.ones(200)) == pytest.approx(199)
    low, high = exact_interval(40, 200)
    assert (found.low, found.high) == pytest.approx((low, high), abs=2e-3)
    assert (found.numerator, found.denominator, found.n) == (40, 200, 200)


def test_patients_whose_vertebrae_are_all_alike_count_once() -> None:
    events = np.repeat([10, 0], [10, 40])
    size = effective_size(events.astype(float), np.full(50, 10.0))
    assert size == pytest.approx(49)  # not 500
    found = figure(vertebra_proportion("p", events, np.full(50, 10)))
    low, high = exact_interval(10, 50)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.01)
    for method in (ClusteredMethod.PERCENTILE, ClusteredMethod.BCA):
        drawn = figure(vertebra_proportion("p", events, np.full(50, 10), method=method, seed=4))
        assert (drawn.low, drawn.high) == pytest.approx((low, high), abs=0.03)
        assert drawn.numerator == 100


def test_no_vertebra_missed_is_bounded_by_the_number_of_patients() -> None:
    for method in ClusteredMethod:
        found = figure(vertebra_proportion("se", np.full(25, 8), np.full(25, 8), method=method, seed=1))
        assert (found.value, found.remark) == (1.0, Remark.AT_BOUNDARY)
        assert (found.low, found.high) == exact_interval(25, 25)


def test_shares_of_vertebrae_that_cannot_be_said() -> None:
    assert code(vertebra_proportion("p", np.array([0]), np.array([0]))) is CannotSayCode.NOTHING_COUNTED
    assert code(vertebra_proportion("p", np.array([1]), np.array([3]))) is CannotSayCode.TOO_FEW
    with pytest.raises(ValueError, match="0 <= events <= vertebrae"):
        vertebra_proportion("p", np.array([4, 0]), np.array([3, 3]))
    with pytest.raises(ValueError, match="needs a seed"):
        vertebra_proportion("p", np.array([1, 0]), np.array([3, 3]), method=ClusteredMethod.BCA)


def test_sixty_thousand_patients_are_resampled_in_bounded_memory() -> None:
    import resource

    rng = np.random.default_rng(1)
    sizes = rng.integers(10, 24, 60_000)
    events = rng.binomial(sizes, 0.1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = figure(
        vertebra_proportion("p", events, sizes, method=ClusteredMethod.PERCENTILE, seed=1, resamples=200)
    )
    assert found.n == int(sizes.sum())  # a million vertebrae
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KiB


# ------------------------------------------------------------------------------------------- subgroups
def test_holm_by_hand_and_as_statsmodels() -> None:
    # 0.01 x 4, 0.02 x 3, 0.03 x 2 raised to the one before, 0.04 x 1 raised
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    values = np.random.default_rng(1).random(9) ** 3
    assert holm(values.tolist()) == pytest.approx(multipletests(values, method="holm")[1])
    assert holm([]) == ()
    with pytest.raises(ValueError, match="p-values are 0 to 1"):
        holm([math.nan])


def groups(*counts: tuple[int, int]) -> list[Group]:
    return [Group(name=str(i), events=x, n=n) for i, (x, n) in enumerate(counts)]


def test_two_groups_are_compared_exactly_and_more_by_chi_square() -> None:
    two = difference_among("d", groups((8, 20), (2, 25)), seed=1)
    assert isinstance(two, SignificanceTest)
    assert two.method == "Fisher exact"
    assert two.p_value == pytest.approx(fisher_exact([[8, 12], [2, 23]]).pvalue)
    three = difference_among("d", groups((80, 200), (60, 180), (90, 170)), seed=1)
    assert isinstance(three, SignificanceTest)
    expected = chi2_contingency([[80, 120], [60, 120], [90, 80]])
    assert (three.statistic, three.p_value) == pytest.approx((expected.statistic, expected.pvalue))


def test_small_groups_are_permuted_with_a_seed() -> None:
    small = groups((3, 4), (1, 5), (0, 6))
    one, again = (difference_among("d", small, seed=7) for _ in range(2))
    assert isinstance(one, SignificanceTest)
    assert one == again
    assert one.method == "chi-square, 9999 permutations"
    # all tables of these margins: P(chi-square >= observed), counted exactly
    tables = [(a, b, 4 - a - b) for a in range(5) for b in range(5 - a)]
    weights = {t: math.comb(4, t[0]) * math.comb(5, t[1]) * math.comb(6, t[2]) for t in tables}
    expected = np.array([4, 5, 6]) * 4 / 15

    def statistic(table: tuple[int, int, int]) -> float:
        return float(np.sum((np.array(table) - expected) ** 2 / expected)) * 15 / 11

    extreme = sum(w for t, w in weights.items() if statistic(t) >= statistic((3, 1, 0)) - 1e-9)
    assert one.p_value == pytest.approx(extreme / math.comb(15, 4), abs=0.012)


def test_a_table_of_subgroups_corrects_for_the_number_of_variables() -> None:
    tables = subgroup_tables(
        "ppv",
        {
            "sex": groups((200, 230), (236, 271)),
            "slice": groups((180, 190), (256, 311)),
            "site": groups((436, 501)),
            "age": [*groups((100, 120), (336, 381)), Group(name="under 50", events=0, n=0)],
        },
        seed=1,
    )
    assert [x.variable for x in tables] == ["sex", "slice", "site", "age"]
    assert code(tables[2].test) is CannotSayCode.TOO_FEW
    assert tables[2].holm_p_value is None
    tests = [x.test for x in tables if isinstance(x.test, SignificanceTest)]
    assert [x.holm_p_value for x in tables if x.holm_p_value is not None] == list(
        holm([t.p_value for t in tests])
    )
    assert figure(tables[1].rows[0].estimate).value == 180 / 190
    assert code(tables[3].rows[2].estimate) is CannotSayCode.NOTHING_COUNTED
    all_alike = difference_among("d", groups((5, 5), (6, 6)), seed=1)
    assert code(all_alike) is CannotSayCode.NO_VARIATION
    with pytest.raises(ValueError, match="group x"):
        Group(name="x", events=3, n=2)


def test_causes_stand_in_order_of_their_number() -> None:
    rows = cause_shares("cause", {"scoliosis": 12, "sclerotic metastasis": 38, "misidentified": 15})
    assert [x.name for x in rows] == ["sclerotic metastasis", "misidentified", "scoliosis"]
    assert figure(rows[0].estimate).value == 38 / 65
    assert code(cause_shares("cause", {"a": 0})[0].estimate) is CannotSayCode.NOTHING_COUNTED


# ----------------------------------------------------------------------------------------- sample size
@pytest.mark.parametrize(
    ("share", "half", "cases"), [(0.87, 0.03, 483), (0.835, 0.035, 433), (0.90, 0.05, 139), (0.95, 0.03, 203)]
)
def test_the_sample_sizes_of_the_reference(share: float, half: float, cases: int) -> None:
    assert cases_for_half_width(share, half) == cases


def test_scans_and_design_effect() -> None:
    assert scans_for_cases(139, 0.28) == 497  # "about 500"
    assert scans_for_cases(3, 0.3) == 10
    assert design_effect(10.0, 0.2) == pytest.approx(2.8)
    with pytest.raises(ValueError, match="prevalence up to 1"):
        scans_for_cases(10, 28)
    with pytest.raises(ValueError, match="1 or more vertebrae"):
        design_effect(0.5, 0.2)


def test_the_exact_width_needs_more_cases_than_the_formula_and_is_kept() -> None:
    assert cases_for_exact_width(0.90, 0.05) > cases_for_half_width(0.90, 0.05)
    n = cases_for_exact_width(0.5, 0.2)
    assert n < 100

    def expected_width(n: int) -> float:
        return sum(
            math.comb(n, x) / 2**n * (exact_interval(x, n)[1] - exact_interval(x, n)[0]) for x in range(n + 1)
        )

    assert expected_width(n) <= 0.4 < expected_width(n - 1)
    with pytest.raises(ValueError, match=r"3 points are written 0\.03"):
        cases_for_half_width(0.87, 3)
    with pytest.raises(ValueError, match="ask for a wider interval"):
        cases_for_exact_width(0.5, 1e-5)


# ------------------------------------------------------------------------------------------------ codes
def test_every_code_and_every_estimator_is_documented() -> None:
    from spondyl.study import statistics

    page = (ROOT / "docs" / "reference" / "statistics.md").read_text(encoding="utf-8")
    assert [x for x in CannotSayCode if f"`{x}`" not in page] == []
    functions = [x for x in statistics.__all__ if x[0].islower()]
    assert [x for x in functions if f"`{x}`" not in page] == []


def test_the_examples_of_the_page_come_out() -> None:
    page = ROOT / "docs" / "reference" / "statistics.md"
    assert doctest.testfile(str(page), module_relative=False) == (0, 52)


def test_every_code_is_exercised_by_a_test() -> None:
    texts = "".join(x.read_text(encoding="utf-8") for x in Path(__file__).parent.glob("test_statistics_*.py"))
    assert [x for x in CannotSayCode if f"CannotSayCode.{x.name}" not in texts] == []
