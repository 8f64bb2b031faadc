"""Tables of a proportion by subgroup, with Holm's correction; shares of causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, fisher_exact

from spondyl.study.statistics.estimate import (
    CONFIDENCE,
    Answer,
    CannotSay,
    CannotSayCode,
    SignificanceTest,
    Unit,
)
from spondyl.study.statistics.proportions import ProportionMethod, proportion

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
LEAST_EXPECTED = 5.0  # Cochran, Ann Math Stat 1952;23:315: below it chi-square is not to be trusted
PERMUTATIONS = 9999  # ours: the smallest p-value is then 0.0001


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One level of one variable: ``events`` of ``n`` independent units.

    Raises:
        ValueError: not 0 <= events <= n.
    """

    name: str
    events: int
    n: int

    def __post_init__(self) -> None:
        if not 0 <= self.events <= self.n:
            raise ValueError(f"group {self.name}: needs 0 <= events <= n, got {self.events}, {self.n}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupRow:
    """One level with its estimate."""

    name: str
    estimate: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupTable:
    """One variable: its levels, the test that they are alike, and Holm's p-value among all variables.

    holm_p_value is None where the test cannot be made.
    """

    variable: str
    rows: tuple[SubgroupRow, ...]
    test: SignificanceTest | CannotSay
    holm_p_value: float | None


def subgroup_tables(
    measure: str,
    variables: Mapping[str, Sequence[Group]],
    *,
    seed: int,
    method: ProportionMethod = ProportionMethod.WILSON,
    unit: Unit = Unit.CASE,
    confidence: float = CONFIDENCE,
) -> tuple[SubgroupTable, ...]:
    """One table per variable (age band, sex, slice thickness), the tests corrected for their number.

    ``seed`` serves the permutation test, which is used where a group expects fewer than five events.
    """
    tests = {name: difference_among(f"{measure}_by_{name}", groups, seed=seed, unit=unit)
             for name, groups in variables.items()}  # fmt: skip
    tested = [name for name, test in tests.items() if isinstance(test, SignificanceTest)]
    p_values = [test.p_value for test in tests.values() if isinstance(test, SignificanceTest)]
    corrected = dict(zip(tested, holm(p_values), strict=True))
    return tuple(
        SubgroupTable(
            variable=name,
            rows=tuple(
                SubgroupRow(
                    name=group.name,
                    estimate=proportion(
                        measure, group.events, group.n, method=method, unit=unit, confidence=confidence
                    ),
                )
                for group in groups
            ),
            test=tests[name],
            holm_p_value=corrected.get(name),
        )
        for name, groups in variables.items()
    )


def difference_among(
    measure: str, groups: Sequence[Group], *, seed: int, unit: Unit = Unit.CASE
) -> SignificanceTest | CannotSay:
    """Whether the groups have the same share: Fisher's exact test for two, Pearson's chi-square for more.

    Where an expected count is below five, the chi-square of more than two groups is compared with 9999 tables
    of the same margins (multivariate hypergeometric, seeded) instead of its limiting distribution.
    """
    filled = [group for group in groups if group.n > 0]
    events, sizes = (np.array([getattr(x, name) for x in filled], dtype=np.int64) for name in ("events", "n"))
    total, n = int(events.sum()), int(sizes.sum())
    if len(filled) < 2 or total in {0, n}:
        code = CannotSayCode.TOO_FEW if len(filled) < 2 else CannotSayCode.NO_VARIATION
        return CannotSay(
            measure=measure, code=code, got=f"{len(filled)} groups with cases, {total} events in {n}",
            needed="two groups, and units with and without the event", unit=unit, n=n,
        )  # fmt: skip
    statistic = float(_chi_square(events, sizes, total, n))
    if len(filled) == 2:
        p_value = float(fisher_exact(np.column_stack([events, sizes - events])).pvalue)
        name = "Fisher exact"
    elif float(np.min(sizes)) * min(total, n - total) / n < LEAST_EXPECTED:
        generator = np.random.default_rng(seed)
        drawn = generator.multivariate_hypergeometric(sizes, total, size=PERMUTATIONS)
        # the comparison allows for rounding: tables as extreme as the observed one count
        as_extreme = int(np.sum(_chi_square(drawn, sizes, total, n) >= statistic * (1.0 - 1e-9)))
        p_value, name = (as_extreme + 1) / (PERMUTATIONS + 1), f"chi-square, {PERMUTATIONS} permutations"
    else:
        p_value, name = float(chi2.sf(statistic, len(filled) - 1)), "chi-square"
    return SignificanceTest(
        measure=measure, statistic=statistic, p_value=min(p_value, 1.0), method=name, unit=unit, n=n
    )


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values in the order given: the k-th smallest times (m - k + 1), never below a smaller one's.

    Source: Holm, Scand J Stat 1979;6:65.

    Raises:
        ValueError: a p-value outside 0-1.
    """
    values = np.asarray(p_values, dtype=np.float64)
    if np.any(values < 0.0) or np.any(values > 1.0) or np.any(np.isnan(values)):
        raise ValueError(f"p-values are 0 to 1, got {list(p_values)}")
    order = np.argsort(values, kind="stable")
    factors = len(values) - np.arange(len(values))
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    return tuple(float(x) for x in adjusted)


def cause_shares(
    measure: str, counts: Mapping[str, int], *, unit: Unit = Unit.CASE, confidence: float = CONFIDENCE
) -> tuple[SubgroupRow, ...]:
    """Each cause's share of all (false positives by primary reason), most frequent first, Wilson each.

    The intervals hold one by one, not all at once.

    Raises:
        ValueError: a negative count.
    """
    total = sum(counts.values())
    return tuple(
        SubgroupRow(name=name, estimate=proportion(measure, count, total, unit=unit, confidence=confidence))
        for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def _chi_square(
    events: IntArray,
    sizes: IntArray,
    total: int,
    n: int,
) -> FloatArray:
    """Pearson's statistic of (..., groups) events against the same share in all."""
    expected = sizes * (total / n)
    by_group = (events - expected) ** 2 * (1.0 / expected + 1.0 / (sizes - expected))
    statistic: FloatArray = by_group.sum(axis=-1)
    return statistic
