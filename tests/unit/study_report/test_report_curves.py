"""ROC and FROC of a study: whom they count, and that nothing is drawn where no negative was read."""

from __future__ import annotations

import numpy as np
import pytest

from made_study import both_confirm, both_reject, data, small_study, study, vertebra
from spondyl.domain.finding import State
from spondyl.domain.level import Level
from spondyl.study.records import RejectionReason
from spondyl.study.report import assemble, work_out
from spondyl.study.report.curves import pictures, points, read_cases
from spondyl.study.statistics import NO_FRACTURE


def test_the_curves_of_a_study_whose_cases_were_all_read() -> None:
    cases = [
        study("c1", score_probability=0.9),
        study("c2", score_probability=0.8),
        study("c3", State.NO_FLAG, score_probability=0.1),
    ]
    spine = [
        vertebra("c1", Level.L1, 2, probability_grade_2_or_more=0.9),
        vertebra("c1", Level.L4, 0, probability_grade_2_or_more=0.2),
        vertebra("c2", Level.T8, 2, probability_grade_2_or_more=0.8),
        vertebra("c3", Level.T9, 1, probability_grade_2_or_more=0.1),
        vertebra("c3", Level.T10, None),  # without a grade there is no mark
    ]
    readings = [
        *both_confirm("c1", Level.L1, 2),
        *both_reject("c2", Level.T8, RejectionReason.SCHMORL),
        *both_confirm("c3", Level.T9, 2),
    ]
    read = read_cases(work_out(data(cases, spine, readings)))
    assert read.is_whole
    assert read.is_fractured.tolist() == [True, False, True]
    assert read.marks.fracture.tolist() == [0, NO_FRACTURE, NO_FRACTURE, 0]
    roc, froc = points(read)
    # c1 is above c2, c3 is not: one point up, one across, one up
    assert [row[1:] for row in roc.rows] == [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (1.0, 1.0)]
    assert list(froc.rows[-1]) == [0.1, 1.0, pytest.approx(2 / 3)]
    assert [x.name for x in pictures(read)] == ["roc", "froc"]
    assert all("research" in x.svg.lower() for x in pictures(read))


def test_a_case_read_of_a_sample_stands_for_its_stratum() -> None:
    results = work_out(small_study())
    read = read_cases(results)
    named = sum(x.cases for x in results.negatives.strata if x.read)
    assert float(read.weight[read.stratum > 0].sum()) == pytest.approx(named)
    assert np.all(read.weight[read.stratum == 0] == 1.0)


def test_without_a_negative_read_nothing_is_drawn() -> None:
    made = work_out(data([study("c1")], [vertebra("c1", Level.L1, 2)], both_confirm("c1", Level.L1, 2)))
    report = assemble(made, "test")
    assert {"roc", "froc"}.isdisjoint({x.name for x in report.pictures} | {x.name for x in report.tables})
    (area,) = (x for x in report.tables if x.name == "roc_area")
    assert "ONE_CLASS_ONLY" in str(list(area.cells()))
