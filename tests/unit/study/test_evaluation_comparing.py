"""Findings held against made truth: who is who, what counts as found, invented, wrongly named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graded_series import MANIFEST
from spondyl.domain.finding import HeightTriple, Reason, State, StudyFinding, VertebraFinding
from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.study.evaluation.comparing import CaseRow, Overlap, compare
from spondyl.study.evaluation.figures import Figure, calibration, figures
from spondyl.study.evaluation.truth import KnownCase, KnownVertebra
from spondyl.study.statistics import CannotSay, Estimate

HEIGHTS_MM = np.array([20.0, 19.0, 22.0])


def known(level: Level, z_mm: float, **changes: object) -> KnownVertebra:
    values = {"grade": 0, "shape": Shape.NORMAL, "heights_mm": HEIGHTS_MM, **changes}
    return KnownVertebra(level=level, centre_lps_mm=np.array([0.0, 0.0, z_mm]), **values)  # type: ignore[arg-type]


def read(level: str, z_mm: float, **changes: object) -> VertebraFinding:
    values: dict[str, object] = {
        "level": level, "level_probability": 0.9, "level_uncertain": False, "in_view": "full",
        "series_id": "a", "label": 20, "centre_lps_mm": (0.0, 0.0, z_mm),
        "heights_mm": HeightTriple(anterior=20.5, middle=18.0, posterior=22.0),
        "height_sd_mm": HeightTriple(anterior=0.5, middle=0.4, posterior=0.5), "window_heights_mm": None,
        "expected_heights_mm": None, "landmarks_lps_mm": None, "depth_mm": 30.0, "loss_fraction": 0.0,
        "loss_sd": 0.03, "genant_grade": 0, "shape": "normal", "probability_grade_2_or_more": 0.01,
        "attenuation_hu": None, "not_measured": None,
    }  # fmt: skip
    return VertebraFinding.model_validate({**values, **changes})


def finding(*vertebrae: VertebraFinding, state: State = State.NO_FLAG, score: float = 0.01) -> StudyFinding:
    return StudyFinding(
        state=state, reasons=(Reason(code="X", text="x"),), score=score, vertebrae=vertebrae, series=(),
        refusal=None, manifest=MANIFEST,
    )  # fmt: skip


def case(*vertebrae: KnownVertebra, name: str = "a") -> KnownCase:
    return KnownCase(name=name, vertebrae=vertebrae)


TRUTH = case(known(Level.T12, 60.0), known(Level.L1, 30.0), known(Level.L2, 0.0))


def by_measure(rows: tuple[Figure, ...]) -> dict[str, Figure]:
    return {x.measure: x for x in rows}


def test_a_body_counts_as_found_within_eight_millimetres() -> None:
    row = compare(TRUTH, finding(read("T12", 67.9), read("L1", 38.1)), 1.0, {})
    assert [x.is_found for x in row.vertebrae] == [True, False, False]
    assert [x.read_level for x in row.invented] == ["L1"]


def test_two_bodies_in_one_place_are_one_found_and_one_invented() -> None:
    row = compare(TRUTH, finding(read("T12", 60.0), read("L1", 31.0), read("L2", 27.0)), 1.0, {})
    assert [x.read_level for x in row.vertebrae] == ["T12", "L1", None]
    assert [x.read_level for x in row.invented] == ["L2"]


def test_what_lies_beyond_the_truth_or_is_cut_is_not_held_against_the_reading() -> None:
    row = compare(TRUTH, finding(read("T11", 90.0), read("L4", -12.0, in_view="partial")), 1.0, {})
    assert row.invented == ()


def test_a_wrong_name_is_confident_only_where_it_is_not_marked() -> None:
    shifted = finding(read("T11", 60.0), read("T12", 30.0), read("L1", 0.0))
    row = compare(TRUTH, shifted, 1.0, {})
    assert row.is_every_level_right is False
    assert row.is_confidently_wrong
    marked = finding(*(x.model_copy(update={"level_uncertain": True}) for x in shifted.vertebrae))
    assert not compare(TRUTH, marked, 1.0, {}).is_confidently_wrong
    guessed = KnownCase(name="a", vertebrae=TRUTH.vertebrae, levels_known=False)
    assert compare(guessed, shifted, 1.0, {}).is_every_level_right is None


def test_identified_means_the_nearest_centre_within_twenty_and_the_right_name() -> None:
    row = compare(TRUTH, finding(read("T12", 45.0), read("L1", 30.0), read("L3", 0.0)), 1.0, {})
    # T12: its own name 15 mm away, though L1's body is 30 away; L2: nearest is named L3
    assert [x.is_identified for x in row.vertebrae] == [True, True, False]


def test_height_errors_are_read_minus_true() -> None:
    row = compare(TRUTH, finding(read("T12", 60.0)), 1.0, {})
    assert row.vertebrae[0].height_errors_mm == pytest.approx((0.5, -1.0, 0.0))


def test_a_case_is_positive_by_one_fracture_and_negative_only_when_all_were_graded() -> None:
    assert case(known(Level.L1, 0.0, grade=2), known(Level.L2, 30.0, grade=None)).is_positive is True
    assert case(known(Level.L1, 0.0), known(Level.L2, 30.0, grade=None)).is_positive is None
    assert case(known(Level.L1, 0.0), known(Level.L2, 30.0)).is_positive is False


def made_cases() -> list[CaseRow]:
    """Three CTs: one broken and seen, one broken and missed, one whole with a false alarm."""
    broken = case(known(Level.L1, 30.0, grade=3, shape=Shape.WEDGE, loss_fraction=0.45), known(Level.L2, 0.0))
    seen = read(
        "L1", 30.0, genant_grade=3, shape="wedge", loss_fraction=0.40, probability_grade_2_or_more=0.95
    )
    missed = read(
        "L1", 30.0, genant_grade=1, shape="crush", loss_fraction=0.21, probability_grade_2_or_more=0.3
    )
    false = read(
        "L1", 30.0, genant_grade=2, shape="wedge", loss_fraction=0.26, probability_grade_2_or_more=0.6
    )
    whole = case(known(Level.L1, 30.0), known(Level.L2, 0.0), name="c")
    other = read("L2", 0.0)
    return [
        compare(broken, finding(seen, other, state=State.FLAG, score=0.95), 1.0, {}),
        compare(replace(broken, name="b"), finding(missed, other, score=0.3), 2.5, {}),
        compare(whole, finding(false, other, state=State.FLAG, score=0.6), 2.5,
                {(Level.L1, "L1"): Overlap(dice=0.9, surface_mm=0.5)}),
    ]  # fmt: skip


def test_the_figures_are_those_that_can_be_counted_by_hand() -> None:
    rows = by_measure(figures(made_cases()))
    value = {name: x.answer.value for name, x in rows.items() if isinstance(x.answer, Estimate)}
    assert value["recall"] == 1.0  # 6 of 6
    assert value["invented"] == 0.0
    assert value["case_sensitivity"] == 0.5  # one of the two broken CTs is flagged
    assert value["vertebra_sensitivity"] == 0.5
    assert value["case_false_alarm"] == 1.0
    assert value["false_per_ct"] == 1.0
    assert value["levels_all_right"] == 1.0
    # losses 0.40 and 0.21 for 0.45: 5 and 24 points
    assert value["loss_mae"] == pytest.approx(14.5)
    assert value["loss_bias"] == pytest.approx(-14.5)
    # wedge read as wedge and as crush
    assert value["shape_right"] == 0.5
    # one CT without fracture is too few for DeLong's variance, and that is said
    assert isinstance(rows["case_auc"].answer, CannotSay)


def test_a_mean_without_interval_still_stands() -> None:
    alike = by_measure(figures(made_cases()))["height_mae"].answer
    # three CTs of the same errors: no resample differs, the mean is (0.5 + 1.0 + 0.0) / 3
    assert isinstance(alike, CannotSay)
    assert alike.numerator is not None
    assert alike.denominator == 18
    assert alike.numerator / alike.denominator == pytest.approx(0.5)


def test_coverage_counts_errors_within_the_stated_deviation() -> None:
    # 0.5 <= 1.96 x 0.5, 1.0 > 1.96 x 0.4, 0 <= ...: two of three
    answer = by_measure(figures(made_cases()))["height_coverage"].answer
    assert answer.numerator == 12
    assert answer.denominator == 18


def test_sensitivity_rises_with_the_false_marks_allowed() -> None:
    rows = by_measure(figures(made_cases()))
    # three CTs; the false mark of 0.6 comes between 0.95 and 0.3: at 0.1 per CT none is allowed
    few, many = rows["froc_0.1"].answer, rows["froc_0.5"].answer
    assert few.numerator == pytest.approx(1.0)
    assert isinstance(many, Estimate)
    assert many.value == 1.0


def test_the_calibration_holds_stated_against_true() -> None:
    bins = calibration(made_cases())
    assert [(x.n, x.share) for x in bins] == [(3, 0.0), (1, 1.0), (1, 0.0), (1, 1.0)]
    assert bins[0].mean_probability == pytest.approx(0.01)


def test_outlines_are_averaged_where_there_are_any() -> None:
    dice = by_measure(figures(made_cases()))["dice"].answer
    assert (dice.numerator, dice.denominator) == (0.9, 1.0)
    assert "dice" not in by_measure(figures(made_cases()[:2]))


def test_a_level_twice_in_the_truth_is_refused() -> None:
    with pytest.raises(ValueError, match="stands twice"):
        case(known(Level.L1, 0.0), known(Level.L1, 30.0))
