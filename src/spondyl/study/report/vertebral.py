"""Tables by vertebra: grades by level, software against readers, report categories, interventional review."""

from __future__ import annotations

from collections import Counter

import numpy as np

from spondyl.domain.level import Level
from spondyl.study.mentions import Category, NotReported
from spondyl.study.records import InterventionalReview, RejectionReason
from spondyl.study.report.agreeing import GRADES
from spondyl.study.report.consensus import same_vertebra
from spondyl.study.report.flow import Mark
from spondyl.study.report.intervening import Presented
from spondyl.study.report.layout import Cell, Count, FigureRow, FigureTable, PlainTable
from spondyl.study.report.outcomes import FlaggedCase, Outcome
from spondyl.study.report.results import Results
from spondyl.study.statistics import cause_shares, vertebra_proportion

_FRACTURED = tuple(range(1, GRADES))
_INTERVENTIONAL_COLUMNS = (
    "case", "level", "grade", "report", "reader 1", "reader 2", "decided by", "suitable", "wall", "SINS",
    "reasons",
)  # fmt: skip
CATEGORY_WORDS = {
    Category.R2: "named as a fracture, with severity",
    Category.R1: "named as a fracture, without severity",
    Category.R0A: "ambiguous term, or uncertain",
    Category.R0B: "another diagnosis of the vertebra",
    Category.R0C: "history only",
    Category.X: "said to be absent",
    Category.N: "nothing said",
}
CAUSE_WORDS = {
    RejectionReason.SCLEROTIC_METASTASIS: "sclerotic metastasis",
    RejectionReason.SCOLIOSIS: "scoliosis",
    RejectionReason.MISIDENTIFICATION: "vertebra misidentified",
    RejectionReason.SCHMORL: "Schmorl's node",
    RejectionReason.DEGENERATIVE_WEDGE: "degenerative wedge",
    RejectionReason.PHYSIOLOGICAL_WEDGE: "physiological wedge",
    RejectionReason.SCHEUERMANN: "Scheuermann's disease",
    RejectionReason.SHORT_VERTEBRAL_HEIGHT: "short vertebra without fracture",
    RejectionReason.LYTIC_WITHOUT_COLLAPSE: "lytic lesion without collapse",
    RejectionReason.PARTIAL_VIEW: "cut by the scan",
}


def grades_by_level(results: Results) -> PlainTable:
    """Per level: marks, confirmed marks, confirmed fractures by grade, and those the report leaves out."""
    marks, true_marks = _marks(results)
    grades: Counter[tuple[Level, int]] = Counter(
        (fracture.place.level, fracture.grade)
        for case in results.confirmed
        for fracture in case.reference.fractures
    )
    missed = Counter(
        one.fracture.place.level
        for case in results.reported
        for one in case.fractures
        if one.category in results.definition.categories
    )
    compared = Counter(one.fracture.place.level for case in results.reported for one in case.fractures)
    total = sum(grades.values())
    rows: list[tuple[Cell | Count, ...]] = []
    for level in Level:
        of_level = [grades[level, grade] for grade in _FRACTURED]
        if marks[level] or any(of_level):
            rows.append(
                (
                    level.value,
                    Count(part=true_marks[level], whole=marks[level]),
                    Count(part=sum(of_level), whole=total),
                    *(Count(part=n, whole=sum(of_level)) for n in of_level),
                    Count(part=missed[level], whole=compared[level]),
                )
            )
    return PlainTable(
        name="grades_by_level",
        title="Grades by level",
        columns=(
            "level",
            "marks confirmed",
            "fractures",
            *(f"grade {x}" for x in _FRACTURED),
            "not reported",
        ),
        rows=tuple(rows),
        note="Fractures of confirmed cases, level and grade by the readers. Marks: vertebrae that the "
        "software called fractured, in flagged cases with a verdict; their levels are the software's.",
    )


def vertebra_figures(results: Results) -> FigureTable:
    """Shares of vertebrae, patients being the clusters."""
    confidence = results.data.protocol.analysis.confidence.value
    decided = [x for x in results.flagged if x.outcome is not Outcome.OPEN]
    marks = np.array([[_confirmed_marks(x, results), len(x.marks)] for x in decided]).reshape(-1, 2)
    rows = [
        FigureRow(
            labels=("marks confirmed, of marks in flagged cases with a verdict",),
            answer=vertebra_proportion("ppv_vertebra", marks[:, 0], marks[:, 1], confidence=confidence),
        )
    ]
    for definition in NotReported:
        counts = np.array(
            [
                [sum(y.category in definition.categories for y in x.fractures), len(x.fractures)]
                for x in results.reported
            ]
        ).reshape(-1, 2)
        name = f"non_report_rate_vertebra_{definition.value}"
        rows.append(
            FigureRow(
                labels=(f"fractures not reported, {definition.value}",),
                answer=vertebra_proportion(name, counts[:, 0], counts[:, 1], confidence=confidence),
            )
        )
    return FigureTable(
        name="vertebra_figures",
        title="By vertebra",
        columns=("share",),
        rows=tuple(rows),
        note="Vertebrae of one patient are not independent: the interval is wider than for as many patients.",
    )


def software_against_readers(results: Results) -> PlainTable:
    """Grades of the marks by the software (rows) and by the readers (columns; 0: no fracture there)."""
    table: Counter[tuple[int, int]] = Counter()
    for case in results.flagged:
        if case.outcome is not Outcome.OPEN:
            for mark in case.marks:
                table[mark.grade, _reference_grade(mark, case, results)] += 1
    rows: list[tuple[Cell | Count, ...]] = []
    for grade in sorted({software for software, _ in table}):
        counts = [table[grade, other] for other in range(GRADES)]
        rows.append((f"software {grade}", *(Count(part=n, whole=sum(counts)) for n in counts)))
    return PlainTable(
        name="software_against_readers",
        title="Grade by the software and by the readers, of every mark",
        columns=("mark", "not confirmed", *(f"readers {x}" for x in _FRACTURED)),
        rows=tuple(rows),
    )


def causes(results: Results) -> FigureTable:
    """Why flagged cases were not confirmed."""
    counts = Counter(x.cause for x in results.false_positive)
    confidence = results.data.protocol.analysis.confidence.value
    rows = cause_shares("false_positive_cause", counts, confidence=confidence)
    return FigureTable(
        name="false_positive_causes",
        title="Causes of false positive cases",
        columns=("cause", "words"),
        rows=tuple(FigureRow(labels=(x.name, cause_words(x.name)), answer=x.estimate) for x in rows),
        note="One cause a case: the reason given most often for its marks; of equals the first in the list "
        "of codes.",
    )


def cause_words(cause: str) -> str:
    """A reason code in words."""
    return CAUSE_WORDS.get(cause, cause.replace("_", " "))  # type: ignore[call-overload, no-any-return]


def report_categories(results: Results) -> PlainTable:
    """What the reports say of the confirmed cases and of their fractures."""
    cases = Counter(x.category for x in results.reported)
    fractures = Counter(y.category for x in results.reported for y in x.fractures)
    rows: list[tuple[Cell | Count, ...]] = [
        (
            category.value,
            CATEGORY_WORDS[category],
            Count(part=cases[category], whole=len(results.reported)),
            Count(part=fractures[category], whole=fractures.total()),
        )
        for category in Category
    ]
    body_only = [x for x in results.reported if x.body_only]
    all_levels = [x for x in results.reported if x.all_levels]
    of_cases = len(results.reported)
    rows += [
        (
            "R0d",
            "in the findings but not in the conclusion",
            Count(part=len(body_only), whole=of_cases),
            None,
        ),
        (
            "all",
            "every fracture of the patient is reported",
            Count(part=len(all_levels), whole=of_cases),
            None,
        ),
    ]
    rule = results.data.protocol.not_reported
    return PlainTable(
        name="report_categories",
        title="What the report says of confirmed fractures",
        columns=("code", "meaning", "cases", "fractures"),
        rows=tuple(rows),
        note=f"A level in the report counts for a fracture within {rule.tolerance_levels.value} level(s); "
        f"a case has the {'lowest' if rule.needs_every_level.value else 'highest'} category of its "
        "fractures. R0d and “all” overlap the others.",
    )


def interventional(results: Results) -> PlainTable:
    """Every fracture that was presented to the interventional readers."""
    return PlainTable(
        name="interventional",
        title="Interventional review, fracture by fracture",
        columns=_INTERVENTIONAL_COLUMNS,
        rows=tuple(_interventional_row(x) for x in results.presented),
        note="Suitable: at once, or after MRI or a clinical check. Without pain and MRI this is technical "
        "suitability only. SINS: range, where pain is not known.",
    )


def _interventional_row(one: Presented) -> tuple[Cell | Count, ...]:
    answers = [x.suitability.value for x in one.first]
    last = one.deciding or (one.first[0] if one.first else None)
    decided_by = "adjudicator" if one.deciding else "both alike" if one.suitable is not None else "open"
    end = {True: "yes", False: "no", None: "open"}[one.suitable]
    fracture = one.reported.fracture
    reasons = dict.fromkeys(y.value for x in (*one.first, *_one_or_none(one.deciding)) for y in x.reasons)
    return (
        one.case_id, fracture.place.level.value, fracture.grade, one.reported.category.value,
        *(answers[place] if place < len(answers) else "" for place in range(2)), decided_by, end,
        last.posterior_wall.value if last and last.posterior_wall else "", _sins(last),
        " ".join(reasons),
    )  # fmt: skip


def _one_or_none(review: InterventionalReview | None) -> tuple[InterventionalReview, ...]:
    return (review,) if review else ()


def _sins(review: InterventionalReview | None) -> str:
    span = review.sins_range if review else None
    if span is None:
        return ""
    return f"{span[0]}" if span[0] == span[1] else f"{span[0]}–{span[1]}"


def _marks(results: Results) -> tuple[Counter[Level], Counter[Level]]:
    """Marks and confirmed marks by the software's level, in flagged cases with a verdict."""
    every: Counter[Level] = Counter()
    true: Counter[Level] = Counter()
    for case in results.flagged:
        if case.outcome is not Outcome.OPEN:
            for mark in case.marks:
                every[mark.place.level] += 1
                true[mark.place.level] += _reference_grade(mark, case, results) > 0
    return every, true


def _confirmed_marks(case: FlaggedCase, results: Results) -> int:
    return sum(_reference_grade(mark, case, results) > 0 for mark in case.marks)


def _reference_grade(mark: Mark, case: FlaggedCase, results: Results) -> int:
    """The readers' grade of the marked vertebra, 0 where they confirm none there."""
    matching = results.data.protocol.matching
    same = (x.grade for x in case.reference.fractures if same_vertebra(mark.place, x.place, matching))
    return next(same, 0)
