"""What the report rests on: software, choices of the protocol, files, cases without an answer, every case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from spondyl.domain.finding import State
from spondyl.study.protocol import NotEvaluable, protocol_sha256, stated_choices
from spondyl.study.report.consensus import NOT_READ, Verdict
from spondyl.study.report.layout import Cell, Count, PlainTable
from spondyl.study.report.results import Results
from spondyl.study.tables import StudyRow

_PARTS = (
    ("version of Spondyl", "spondyl_version"),
    ("inference engine", "engine"),
    ("networks, SHA-256", "networks_sha256"),
    ("settings, SHA-256", "settings_sha256"),
)

_CASE_COLUMNS = (
    "case_id", "state", "enters", "flagged", "verdict", "outcome", "cause", "fractures", "report_category",
    "adjudicated",
)  # fmt: skip


def software(results: Results, report_version: str) -> PlainTable:
    """Which software, networks and settings read the cases, and which files this report is made from."""
    studies = results.data.studies
    rows: list[tuple[Cell | Count, ...]] = []
    for words, field in _PARTS:
        values = Counter(getattr(x, field) or "not told" for x in studies)
        rows += [(words, value, Count(part=n, whole=len(studies))) for value, n in sorted(values.items())]
    rows += [
        ("protocol", results.data.protocol.name, None),
        ("protocol, SHA-256 of its choices", protocol_sha256(results.data.protocol), None),
        ("this report made by Spondyl", report_version, None),
    ]
    rows += [(f"{x.name}, {x.rows} rows, SHA-256", x.sha256, None) for x in results.data.files]
    return PlainTable(
        name="software",
        title="Software, networks, settings and files",
        columns=("what", "value", "cases"),
        rows=tuple(rows),
    )


def choices(results: Results) -> PlainTable:
    """Every choice of the protocol, thresholds included, with its source."""
    return PlainTable(
        name="protocol",
        title="Choices of the protocol",
        columns=("choice", "value", "source", "because"),
        rows=tuple(
            (x.key, x.value, x.source.value, x.because) for x in stated_choices(results.data.protocol)
        ),
        note="Source “paper”: the published abstract says so; “ours”: it leaves it open.",
    )


def not_evaluable(results: Results) -> PlainTable:
    """Cases without an answer, by reason."""
    without = results.flow.not_evaluable
    counts = Counter(_why(x) for x in without)
    entered = len(without) + sum(x.state is not State.NOT_EVALUABLE for x in results.flow.analysed)
    apart = results.data.protocol.population.not_evaluable.value is NotEvaluable.APART
    ending = "are left out of the figures" if apart else "count as not flagged"
    return PlainTable(
        name="not_evaluable",
        title="Cases without an answer",
        columns=("reason", "cases"),
        rows=tuple(
            (reason, Count(part=n, whole=entered))
            for reason, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ),
        note=f"{len(without)} of the {entered} cases that the protocol lets in; by the protocol they "
        f"{ending}. Each is listed in cases.csv.",
    )


def cases(results: Results) -> PlainTable:
    """cases.csv: one row a case, what became of it; for tracing every count back."""
    return PlainTable(
        name="cases",
        title="Every case",
        columns=_CASE_COLUMNS,
        rows=tuple(_case_rows(results)),
        shown=False,
    )


def to_check(results: Results) -> PlainTable:
    """Not-reported verdicts, which a human has to confirm on the report: they are the headline."""
    return PlainTable(
        name="reports_to_check",
        title="Reports to read by hand: every not-reported verdict",
        columns=("case_id", "category", "levels"),
        rows=tuple(
            (x.case_id, x.category.value, " ".join(y.fracture.place.level.value for y in x.fractures))
            for x in results.not_reported
        ),
        shown=False,
    )


def remarks(results: Results) -> tuple[str, ...]:
    """What a reader must know before any figure; empty when all is in order."""
    flow = results.flow
    references = [results.references.get(x.case_id, NOT_READ) for x in flow.analysed]
    undecided = [x for x in references if x.verdict is Verdict.UNRESOLVED]
    waiting = [x for x in results.presented if x.suitable is None]
    found = (
        (len(results.open), "flagged case(s) have no verdict: not read, read by too few, or readers differ "
         "and nobody has decided. They are left out of the predictive value."),
        (len(undecided), "case(s) read are not settled between the readers."),
        (len(results.without_report), "confirmed case(s) have no report: left out of the non-report rate."),
        (len(flow.differing), "case(s) have another flag by the protocol than the software gave."),
        (len(waiting), "fracture(s) wait for the interventional end."),
        (len(_several(results)), "part(s) of the software differ between the cases: see Software."),
    )  # fmt: skip
    return tuple(f"{n} {words}" for n, words in found if n)


def _several(results: Results) -> list[str]:
    studies = results.data.studies
    return [words for words, field in _PARTS if len({getattr(x, field) for x in studies}) > 1]


def _why(study: StudyRow) -> str:
    return study.refusal_code or study.failure_code or study.reasons or "no reason told"


def _case_rows(results: Results) -> Iterator[tuple[Cell | Count, ...]]:
    entering = {x.case_id for x in results.flow.analysed}
    flagged = {x.case_id: x for x in results.flagged}
    reported = {x.case_id: x for x in results.reported}
    for study in results.data.studies:
        case = study.case_id
        reference = results.references.get(case, NOT_READ)
        fractures = " ".join(f"{x.place.level.value}:{x.grade}" for x in reference.fractures)
        flag, report = flagged.get(case), reported.get(case)
        yield (
            case, study.state.value, _flag(case in entering), _flag(flag is not None),
            reference.verdict.value,
            flag.outcome.value if flag else "", flag.cause if flag else "", fractures,
            report.category.value if report else "", _flag(reference.is_adjudicated),
        )  # fmt: skip


def _flag(value: bool) -> str:
    return "yes" if value else "no"
