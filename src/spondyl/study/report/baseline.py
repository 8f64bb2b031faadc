"""Table 1: who was scanned and how, by what became of them; and the subgroups made of the same bands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spondyl.study.report.headline import chosen_method
from spondyl.study.report.layout import Cell, Count, FigureRow, FigureTable, PlainTable
from spondyl.study.report.outcomes import Outcome
from spondyl.study.report.results import Results
from spondyl.study.statistics import Group, SignificanceTest, SubgroupTable, subgroup_tables
from spondyl.study.tables import StudyRow

_AGE_BANDS_YEARS = (50, 60, 70, 80)  # ours; 50: the age from which the products are cleared
_SPACING_BANDS_MM = (1.0, 1.5, 3.0)  # clinical-methods 10: full grades to 1.5 mm, none above 3
_MOST_NAMES = 8  # of sites and kernels; the rarer ones are put together
_SMALLEST_SHOWN = 0.001  # p-value
_UNKNOWN, _OTHER = "not known", "other"
_SUBGROUPS = frozenset({"age", "sex", "slice spacing", "site"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Characteristic:
    """A property of the cases: its values in their order, and each case's value by case id."""

    name: str
    values: tuple[str, ...]
    of: Mapping[str, str]


def baseline(results: Results) -> PlainTable:
    """Table 1: by column all cases analysed, flagged, confirmed, and confirmed but not reported."""
    groups = _groups(results)
    whole = len(results.flow.analysed)
    rows: list[tuple[Cell | Count, ...]] = [
        ("cases", "of those analysed", *(Count(part=len(x), whole=whole) for x in groups.values())),
        ("age", "median (quartiles), years", *(_quartiles(x.age_years for x in g) for g in groups.values())),
    ]
    for one in _characteristics(results.flow.analysed):
        by_group = [(Counter(one.of[x.case_id] for x in group), len(group)) for group in groups.values()]
        rows += [
            (one.name, value, *(Count(part=counts[value], whole=n) for counts, n in by_group))
            for value in one.values
        ]
    graded = (_quartiles(x.vertebrae_graded for x in group) for group in groups.values())
    rows.append(("vertebrae graded", "median (quartiles)", *graded))
    return PlainTable(
        name="baseline",
        title="Table 1. Cases by what became of them",
        columns=("characteristic", "value", *groups),
        rows=tuple(rows),
        note="Shares are of the cases of the column; in the first row of all cases analysed.",
    )


def subgroups(results: Results) -> tuple[FigureTable, ...]:
    """PPV and non-report rate by age, sex, slice spacing and site; the tests corrected by Holm."""
    decided = [x for x in results.flagged if x.outcome is not Outcome.OPEN]
    confirmed = {x.case_id: x.outcome is Outcome.CONFIRMED for x in decided}
    missed = {x.case_id: x.category in results.definition.categories for x in results.reported}
    return (
        _subgroup(results, "ppv", "Positive predictive value by subgroup", confirmed),
        _subgroup(results, "non_report_rate", "Non-report rate by subgroup", missed),
    )


def _subgroup(results: Results, measure: str, title: str, events: Mapping[str, bool]) -> FigureTable:
    variables = {
        one.name: [
            _group(value, [event for case, event in events.items() if one.of[case] == value])
            for value in one.values
        ]
        for one in _characteristics(results.flow.analysed)
        if one.name in _SUBGROUPS and len(one.values) > 1
    }
    plan = results.data.protocol.analysis
    tables = subgroup_tables(
        measure,
        variables,
        seed=plan.bootstrap_seed.value,
        method=chosen_method(results),
        confidence=plan.confidence.value,
    )
    rows = (
        FigureRow(labels=(table.variable, row.name, "" if place else _test(table)), answer=row.estimate)
        for table in tables
        for place, row in enumerate(table.rows)
    )
    return FigureTable(
        name=f"subgroups_{measure}",
        title=title,
        columns=("variable", "group", "test"),
        rows=tuple(rows),
        note="The test asks whether the groups of a variable have one share; Holm: corrected for the number "
        "of variables.",
    )


def _test(table: SubgroupTable) -> str:
    if not isinstance(table.test, SignificanceTest) or table.holm_p_value is None:
        return "none"
    return (
        f"{table.test.method}: p {_probability(table.test.p_value)}, Holm {_probability(table.holm_p_value)}"
    )


def _probability(value: float) -> str:
    return "< 0.001" if value < _SMALLEST_SHOWN else f"= {value:.3f}"


def _group(name: str, events: Collection[bool]) -> Group:
    return Group(name=name, events=sum(events), n=len(events))


def _groups(results: Results) -> dict[str, list[StudyRow]]:
    by_id = {x.case_id: x for x in results.flow.analysed}
    return {
        "analysed": list(results.flow.analysed),
        "flagged": [by_id[x.case_id] for x in results.flagged],
        "confirmed": [by_id[x.case_id] for x in results.confirmed],
        "not reported": [by_id[x.case_id] for x in results.not_reported],
    }


def _characteristics(studies: Sequence[StudyRow]) -> tuple[_Characteristic, ...]:
    ages = _bands(_AGE_BANDS_YEARS, "below {} years", "{} to below {} years", "{} years and above")
    spacings = _bands(_SPACING_BANDS_MM, "to {} mm", "above {} to {} mm", "above {} mm")
    return (
        _banded("age", studies, ages, lambda x: _place(x.age_years, _AGE_BANDS_YEARS, "right")),
        _named("sex", studies, lambda x: x.sex.value if x.sex else None),
        _banded(
            "slice spacing",
            studies,
            spacings,
            lambda x: _place(x.slice_spacing_mm, _SPACING_BANDS_MM, "left"),
        ),
        _named("site", studies, lambda x: x.site),
        _named("kernel", studies, lambda x: x.kernel),
    )


def _bands(bounds: Sequence[float], first: str, between: str, last: str) -> tuple[str, ...]:
    names = [f"{bound:g}" for bound in bounds]
    middle = (between.format(low, high) for low, high in pairwise(names))
    return (first.format(names[0]), *middle, last.format(names[-1]))


def _place(value: float | None, bounds: Sequence[float], side: str) -> int | None:
    """In which band a value lies; a bound belongs to the band above it ("right") or below it ("left")."""
    if value is None:
        return None
    return sum(value >= bound if side == "right" else value > bound for bound in bounds)


def _banded(
    name: str, studies: Sequence[StudyRow], bands: Sequence[str], place: Callable[[StudyRow], int | None]
) -> _Characteristic:
    of = {x.case_id: _UNKNOWN if (at := place(x)) is None else bands[at] for x in studies}
    present = set(of.values())
    return _Characteristic(name=name, values=tuple(x for x in (*bands, _UNKNOWN) if x in present), of=of)


def _named(name: str, studies: Sequence[StudyRow], tell: Callable[[StudyRow], str | None]) -> _Characteristic:
    told = {x.case_id: tell(x) or _UNKNOWN for x in studies}
    frequent = [x for x, _ in Counter(told.values()).most_common() if x != _UNKNOWN][:_MOST_NAMES]
    of = {case: value if value in {*frequent, _UNKNOWN} else _OTHER for case, value in told.items()}
    present = set(of.values())
    return _Characteristic(
        name=name, values=tuple(x for x in (*sorted(frequent), _OTHER, _UNKNOWN) if x in present), of=of
    )


def _quartiles(values: Iterable[float | None]) -> str:
    """Median, quartiles and on how many they rest."""
    known = [x for x in values if x is not None]
    if not known:
        return "none known"
    low, middle, high = np.percentile(known, (25, 50, 75)).tolist()
    return f"{middle:.0f} ({low:.0f}–{high:.0f}), n {len(known)}"
