"""The headline: the figures of the published abstract, for this study, each with its counts."""

from __future__ import annotations

from collections.abc import Iterator

from spondyl.study.mentions import NotReported
from spondyl.study.protocol import IntervalMethod
from spondyl.study.report.layout import FigureRow, FigureTable
from spondyl.study.report.outcomes import Outcome
from spondyl.study.report.results import Results
from spondyl.study.statistics import (
    Answer,
    ProportionMethod,
    Unit,
    proportion,
    rate_per_hundred,
    units_per_event,
)

_METHODS = {IntervalMethod.WILSON: ProportionMethod.WILSON, IntervalMethod.EXACT: ProportionMethod.EXACT}
_SHARE, _PLAIN = 100.0, 1.0
MEASURE_WORDS = {
    "flag_rate": "flagged, of cases analysed",
    "ppv": "confirmed, of flagged cases read (positive predictive value)",
    "confirmed_rate": "confirmed, of cases analysed",
    "non_report_rate": "absent from the report, of confirmed cases with a report",
    "unreported_rate": "confirmed and absent from the report, of cases analysed",
    "false_positives_per_100": "false positive cases in 100 cases",
    "scans_per_extra_patient": "cases analysed for one patient whose fracture the report leaves out",
    "alerts_per_extra_patient": "flagged cases for one such patient",
    "interventional_suitable": "suitable for augmentation, of fractures presented and decided",
}


def chosen_method(results: Results) -> ProportionMethod:
    """The interval that the protocol chose for the headline."""
    return _METHODS[results.data.protocol.analysis.interval.value]


def headline(results: Results) -> FigureTable:
    """headline.csv: one row a measure; other programs rely on its name and columns."""
    definition = results.definition.value
    return FigureTable(
        name="headline",
        title="Headline figures",
        columns=("measure",),
        rows=tuple(_rows(results, chosen_method(results))),
        note=f"Interval: {chosen_method(results)}, {_confidence(results)}. Not reported: by the definition "
        f"“{definition}” of the protocol; the others stand under Report categories.",
    )


def headline_by_method(results: Results) -> FigureTable:
    """The same figures with every interval method beside each other."""
    rows = [
        FigureRow(labels=(row.labels[0], method.value), answer=row.answer, scale=row.scale)
        for method in ProportionMethod
        for row in _rows(results, method)
    ]
    order = {measure: place for place, measure in enumerate(MEASURE_WORDS)}
    return FigureTable(
        name="headline_by_method",
        title="Headline figures by both interval methods",
        columns=("measure", "interval"),
        rows=tuple(sorted(rows, key=lambda row: order[row.labels[0]])),
    )


def rules(results: Results) -> FigureTable:
    """PPV by what counts as true: strict and lenient, any grade and grade 2 or more."""
    decided = [x for x in results.flagged if x.outcome is not Outcome.OPEN]
    rows = [
        ("strict: a marked vertebra is fractured", sum(x.strict is Outcome.CONFIRMED for x in decided)),
        ("lenient: the patient has any fracture", sum(x.lenient is Outcome.CONFIRMED for x in decided)),
        (
            "as the protocol, and grade 2 or more",
            sum(
                x.outcome is Outcome.CONFIRMED and any(y.grade >= _MODERATE for y in x.reference.fractures)
                for x in decided
            ),
        ),
    ]
    return FigureTable(
        name="ppv_by_rule",
        title="Positive predictive value by what counts as true",
        columns=("rule",),
        rows=tuple(
            FigureRow(labels=(rule,), answer=_proportion(results, "ppv", events, len(decided)))
            for rule, events in rows
        ),
        note="The published abstract does not say which of these it used.",
    )


def not_reported(results: Results) -> FigureTable:
    """Cases whose report leaves the fracture out, by every definition."""
    n = len(results.reported)
    rows = []
    for definition in NotReported:
        codes = "+".join(sorted(definition.categories))
        events = sum(x.category in definition.categories for x in results.reported)
        mark = " (headline)" if definition is results.definition else ""
        answer = _proportion(results, f"non_report_rate_{definition.value}", events, n)
        rows.append(FigureRow(labels=(f"{definition.value}{mark}", codes), answer=answer))
    return FigureTable(
        name="not_reported",
        title="Not reported, by every definition",
        columns=("definition", "categories"),
        rows=tuple(rows),
        note="Cases are patients with a confirmed fracture whose report is at hand.",
    )


def _rows(results: Results, method: ProportionMethod) -> Iterator[FigureRow]:
    cases, flagged = len(results.flow.analysed), len(results.flagged)
    decided = flagged - len(results.open)
    confirmed, with_report = len(results.confirmed), len(results.reported)
    missed = len(results.not_reported)
    confidence = results.data.protocol.analysis.confidence.value
    suitable = [x.suitable for x in results.presented if x.suitable is not None]

    def share(measure: str, events: int, n: int, unit: Unit = Unit.CASE) -> Answer:
        return proportion(measure, events, n, method=method, unit=unit, confidence=confidence)

    def per_event(measure: str, n: int) -> Answer:
        return units_per_event(measure, missed, n, method=method, confidence=confidence)

    hundred = "false_positives_per_100"
    false = rate_per_hundred(
        hundred, len(results.false_positive), cases, method=method, confidence=confidence
    )
    for answer, scale in (
        (share("flag_rate", flagged, cases), _SHARE),
        (share("ppv", confirmed, decided), _SHARE),
        (share("confirmed_rate", confirmed, cases), _SHARE),
        (share("non_report_rate", missed, with_report), _SHARE),
        (share("unreported_rate", missed, cases), _SHARE),
        (false, _PLAIN),
        (per_event("scans_per_extra_patient", cases), _PLAIN),
        (per_event("alerts_per_extra_patient", flagged), _PLAIN),
        (share("interventional_suitable", sum(suitable), len(suitable), Unit.VERTEBRA), _SHARE),
    ):
        yield FigureRow(labels=(answer.measure,), answer=answer, scale=scale)


_MODERATE = 2  # Genant


def _proportion(results: Results, measure: str, events: int, n: int) -> Answer:
    confidence = results.data.protocol.analysis.confidence.value
    return proportion(measure, events, n, method=chosen_method(results), confidence=confidence)


def _confidence(results: Results) -> str:
    return f"{results.data.protocol.analysis.confidence.value:.0%}".replace("%", " %")
