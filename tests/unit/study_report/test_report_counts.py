from __future__ import annotations

from dataclasses import replace

import pytest

from made_study import (
    both_confirm,
    both_reject,
    confirms,
    data,
    protocol,
    rejects,
    small_study,
    study,
    vertebra,
    without_readings_of,
)
from spondyl.domain.finding import State
from spondyl.domain.level import Level
from spondyl.study.mentions import Category
from spondyl.study.protocol import NotEvaluable, ReportDefinition, TruePositiveRule
from spondyl.study.records import RejectionReason
from spondyl.study.report import FigureTable, PlainTable, Results, StudyReport, assemble, work_out
from spondyl.study.report.flow import follow
from spondyl.study.report.outcomes import Outcome
from spondyl.study.statistics import CannotSay, Estimate, StudyCounts, headline_figures
from spondyl.study.tables import ReportRow


def figures(report: StudyReport, name: str) -> dict[str, tuple[float | None, float | None]]:
    (table,) = (x for x in report.tables if x.name == name)
    assert isinstance(table, FigureTable)
    return {x.labels[0]: (x.answer.numerator, x.answer.denominator) for x in table.rows}


def plain(report: StudyReport, name: str) -> PlainTable:
    (table,) = (x for x in report.tables if x.name == name)
    assert isinstance(table, PlainTable)
    return table


@pytest.fixture(scope="module")
def small() -> Results:
    return work_out(small_study())


@pytest.fixture(scope="module")
def report(small: Results) -> StudyReport:
    return assemble(small, "test")


def test_every_headline_figure_of_the_small_study(report: StudyReport) -> None:
    assert figures(report, "headline") == {
        "flag_rate": (5, 9),
        "ppv": (4, 5),
        "confirmed_rate": (4, 9),
        "non_report_rate": (3, 4),
        "unreported_rate": (3, 9),
        "false_positives_per_100": (1, 9),
        "scans_per_extra_patient": (9, 3),
        "alerts_per_extra_patient": (5, 3),
        "interventional_suitable": (1, 2),
    }


def test_the_headline_agrees_with_the_statistics_of_the_same_counts(report: StudyReport) -> None:
    counts = StudyCounts(cases=9, flagged=5, confirmed=4, not_reported=3, actionable=2, suitable=1)
    theirs = {x.measure: (x.numerator, x.denominator) for x in headline_figures(counts)}
    assert figures(report, "headline") == theirs


def test_the_columns_that_other_programs_rely_on(report: StudyReport) -> None:
    table = report.headline
    assert table.name == "headline"
    assert table.header() == ("measure", "numerator", "denominator", "value", "low", "high", "method")


def test_the_flow_leads_from_table_to_intervention(report: StudyReport) -> None:
    flow = {str(step): (count.part, count.whole) for step, count in plain(report, "flow").rows}  # type: ignore[union-attr]
    assert flow["CT in the case table"] == (10, 10)
    assert flow["without an answer"] == (1, 10)
    assert flow["analysed"] == (9, 10)
    assert flow["flagged"] == (5, 9)
    assert flow["not flagged, read"] == (2, 4)
    assert flow["not flagged, read, fractured"] == (1, 2)
    assert flow["confirmed"] == (4, 5)
    assert flow["not reported"] == (3, 4)
    assert flow["suitable, of fractures decided"] == (1, 2)


def test_all_definitions_of_not_reported_stand_together(report: StudyReport) -> None:
    assert figures(report, "not_reported") == {
        "strict": (3, 4),
        "seed_like (headline)": (3, 4),
        "seed_like_with_other_diagnosis": (3, 4),
        "broad": (3, 4),
    }


def test_the_definition_of_the_protocol_carries_the_headline() -> None:
    base = small_study()
    texts = {
        **base.reports,
        "c1": ReportRow(case_id="c1", text="Findings: sclerotic metastasis of T12.", lang="en"),
    }
    plan = protocol(not_reported__headline=ReportDefinition.BROAD)
    narrow, wide = (work_out(replace(base, reports=texts, protocol=x)) for x in (base.protocol, plan))
    assert next(x.category for x in narrow.reported) is Category.R0B
    assert (len(narrow.not_reported), len(wide.not_reported)) == (2, 3)


def test_sensitivity_comes_from_the_strata_read(small: Results, report: StudyReport) -> None:
    # c6 is the certainty stratum (its report names a fracture); one of c7-c9 is drawn, and c7 alone was read
    named = next(x for x in small.negatives.strata if x.name == "report_names_fracture")
    assert (named.cases, named.read, named.found) == (1, 1, 1)
    others = [x for x in small.negatives.strata if x.name != "report_names_fracture"]
    assert sum(x.cases for x in others) == 3
    drawn_c7 = not small.negatives.outside
    assert sum(x.read for x in others) == drawn_c7
    table = plain(report, "negatives")
    assert [row[0] for row in table.rows] == [x.name.replace("_", " ") for x in small.negatives.strata]


def test_without_negatives_read_sensitivity_cannot_be_said() -> None:
    base = without_readings_of(without_readings_of(small_study(), "c6"), "c7")
    (table,) = (x for x in assemble(work_out(base), "test").tables if x.name == "accuracy")
    assert isinstance(table, FigureTable)
    assert all(isinstance(x.answer, CannotSay) for x in table.rows if x.labels[0] == "sensitivity")


def test_a_flagged_case_without_verdict_leaves_the_predictive_value_but_not_the_flag_rate() -> None:
    made = assemble(work_out(without_readings_of(small_study(), "c3")), "test")
    assert figures(made, "headline")["flag_rate"] == (5, 9)
    assert figures(made, "headline")["ppv"] == (3, 4)
    assert any("no verdict" in x for x in made.remarks)


def test_a_confirmed_case_without_report_leaves_the_non_report_rate() -> None:
    base = small_study()
    reports = {case: x for case, x in base.reports.items() if case != "c1"}
    made = assemble(work_out(replace(base, reports=reports)), "test")
    assert figures(made, "headline")["non_report_rate"] == (2, 3)
    assert any("have no report" in x for x in made.remarks)


def test_who_is_too_young_or_comes_again_is_left_out_with_the_reason() -> None:
    studies = [
        study("c1", patient_id="p"),
        study("c2", patient_id="p"),
        study("c3", age_years=17.9),
        study("c4", age_years=None),
    ]
    flow = follow(data(studies, [vertebra("c1", Level.L1, 2)]))
    assert [x.case_id for x in flow.analysed] == ["c1"]
    assert dict(flow.excluded) == {
        "younger than 18 years": 1,
        "age not known": 1,
        "later scan of the same patient": 1,
    }


def test_cases_without_an_answer_count_as_not_flagged_where_the_protocol_says_so() -> None:
    studies = [study("c1"), study("c2", State.NOT_EVALUABLE, refusal_code="NO_SPINE")]
    rows = [vertebra("c1", Level.L1, 2)]
    apart = follow(data(studies, rows))
    counted = follow(
        data(studies, rows, plan=protocol(population__not_evaluable=NotEvaluable.AS_NOT_FLAGGED))
    )
    assert (len(apart.analysed), len(counted.analysed)) == (1, 2)
    assert [x.case_id for x in counted.unflagged] == ["c2"]


@pytest.mark.parametrize(
    ("changes", "marked"),
    [
        ({"genant_grade": 1}, False),
        ({"probability_grade_2_or_more": 0.49}, False),
        ({"probability_grade_2_or_more": 0.5}, True),
        ({"counted_grade": 0}, False),  # a confounder has rejected it
    ],
)
def test_a_mark_is_a_vertebra_of_the_protocols_grade_and_probability(
    changes: dict[str, object], marked: bool
) -> None:
    row = (
        vertebra("c1", Level.L1, 2, **changes)
        if "genant_grade" not in changes
        else vertebra("c1", Level.L1, 1)
    )
    flow = follow(data([study("c1")], [row]))
    assert bool(flow.flagged) is marked
    assert flow.differing == (() if marked else ("c1",))  # the software's own state says FLAG


def test_a_vertebra_outside_the_levels_or_too_few_marks_flag_nothing() -> None:
    rows = [vertebra("c1", Level.L1, 2)]
    assert not follow(data([study("c1")], rows, plan=protocol(positive__last_level=Level.T12))).flagged
    assert not follow(data([study("c1")], rows, plan=protocol(positive__minimum_vertebrae=2))).flagged


def test_a_fracture_elsewhere_is_true_by_the_lenient_rule_only() -> None:
    readings = [
        *both_reject("c1", Level.L3, RejectionReason.SCHMORL),
        *both_confirm("c1", Level.T5, 2, marked_level=None),
    ]
    rows = [vertebra("c1", Level.L3, 2)]
    strict = work_out(data([study("c1")], rows, readings))
    lenient_plan = protocol(true_positive__rule=TruePositiveRule.LENIENT)
    lenient = work_out(data([study("c1")], rows, readings, plan=lenient_plan))
    assert strict.flagged[0].outcome is Outcome.NOT_CONFIRMED
    assert strict.flagged[0].cause == "schmorl"
    assert lenient.flagged[0].outcome is Outcome.CONFIRMED


def test_the_cause_is_the_reason_given_most_often_then_the_first_of_the_list() -> None:
    rows = [vertebra("c1", Level.L3, 2)]
    readings = [
        rejects("c1", "a", Level.L3, RejectionReason.OTHER),
        rejects("c1", "b", Level.L3, RejectionReason.SCOLIOSIS),
    ]
    assert work_out(data([study("c1")], rows, readings)).flagged[0].cause == "scoliosis"


def test_a_case_is_reported_by_its_best_or_by_its_worst_fracture() -> None:
    readings = [*both_confirm("c1", Level.L3, 2), *both_confirm("c1", Level.T5, 2, marked_level=None)]
    reports = [ReportRow(case_id="c1", text="Findings: compression fracture of L3.", lang="en")]
    rows = [vertebra("c1", Level.L3, 2)]
    best = work_out(data([study("c1")], rows, readings, reports=reports))
    worst = work_out(
        data(
            [study("c1")],
            rows,
            readings,
            reports=reports,
            plan=protocol(not_reported__needs_every_level=True),
        )
    )
    assert (best.reported[0].category, worst.reported[0].category) == (Category.R1, Category.N)
    assert not best.reported[0].all_levels


def test_agreement_counts_the_pairs_of_first_answers() -> None:
    readings = [
        *both_confirm("c1", Level.L1, 2),
        confirms("c2", "a", Level.L1, 2),
        rejects("c2", "b", Level.L1, RejectionReason.SCOLIOSIS),
        *both_reject("c3", Level.L1, RejectionReason.SCOLIOSIS),
    ]
    studies = [study(f"c{n}") for n in (1, 2, 3)]
    made = work_out(data(studies, [vertebra(x.case_id, Level.L1, 2) for x in studies], readings))
    presence = next(x for x in made.agreements if x.name == "readers_presence")
    grades = next(x for x in made.agreements if x.name == "readers_grade")
    assert presence.table.tolist() == [[1, 0], [1, 1]]
    assert grades.table.tolist() == [[1, 0, 0, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]
    assert isinstance(presence.figures.raw, Estimate)
    assert (presence.figures.raw.numerator, presence.figures.raw.denominator) == (2, 3)


def test_shares_by_level_are_of_the_level(report: StudyReport) -> None:
    rows = {row[0]: row for row in plain(report, "grades_by_level").cells()}
    # level, marks n/of, fractures n/of, grades 1, 2, 3 n/of, not reported n/of
    assert rows["T12"] == ("T12", 1, 1, 1, 4, 0, 1, 0, 1, 1, 1, 1, 1)
    assert rows["L3"] == ("L3", 0, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0)


def test_the_checklist_says_what_is_missing(report: StudyReport) -> None:
    states = {str(row[0]): row[-1] for row in plain(report, "checklist").rows}
    assert states["S19"] == "filled"
    assert states["S30"] == "to be told"
    assert "S30" in plain(report, "checklist").note


def test_every_shown_share_carries_its_counts(report: StudyReport) -> None:
    for table in report.tables:
        if isinstance(table, FigureTable):
            for row in table.rows:
                assert row.counts
                assert "%" not in row.value or row.answer.denominator or row.answer.n


def test_a_study_without_any_reading_makes_a_report_all_the_same() -> None:
    base = small_study()
    made = assemble(work_out(replace(base, readings=(), interventions=(), reports={})), "test")
    assert figures(made, "headline")["ppv"] == (0, 0)
    assert all(x.svg.startswith("<svg") for x in made.pictures)
