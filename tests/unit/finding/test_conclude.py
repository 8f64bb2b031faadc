"""State, reasons and score of a study."""

from __future__ import annotations

import pytest

from graded_series import (
    HEIGHTS,
    MANIFEST,
    STACK,
    T9_TO_L2,
    codes,
    finding_of,
    graded_as,
    normal_spine,
    series_of,
)
from spondyl.domain.confounder import Confounder, Effect
from spondyl.domain.finding import State
from spondyl.domain.grading import Graded, NotGraded
from spondyl.domain.level import Level
from spondyl.domain.refusal import NotMeasuredCode, Refusal, RefusalCode
from spondyl.stages.finding import refused


def test_no_fracture_is_no_flag() -> None:
    finding = finding_of(series_of(normal_spine()))
    assert finding.state == State.NO_FLAG
    assert codes(finding) == ["NO_GRADE_2_OR_MORE"]
    assert "6 vertebrae" in finding.reasons[0].text
    assert finding.score is not None
    assert finding.score < 0.001
    assert [vertebra.level for vertebra in finding.vertebrae] == ["T9", "T10", "T11", "T12", "L1", "L2"]


def test_grade_two_is_a_flag_that_names_its_level() -> None:
    finding = finding_of(series_of(normal_spine(T12=graded_as(Level.T12, 2, 0.9))))
    assert finding.state == State.FLAG
    assert codes(finding) == ["GRADE_2_OR_MORE"]
    assert finding.reasons[0].text.startswith("T12: grade 2, wedge, height loss 33% ± 5%")
    assert finding.score == pytest.approx(0.9**2 / (0.9**2 + 0.1**2), abs=0.001)


def test_grade_one_is_no_flag() -> None:
    finding = finding_of(series_of(normal_spine(T12=graded_as(Level.T12, 1, 0.24))))
    assert finding.state == State.NO_FLAG
    assert finding.vertebrae[3].genant_grade == 1


@pytest.mark.parametrize(
    ("grade", "probability", "state"),
    [(2, 0.25, State.FLAG), (1, 0.25, State.FLAG), (2, 0.24, State.NO_FLAG), (0, 0.30, State.NO_FLAG)],
)
def test_a_deformity_flags_from_a_quarter_of_probability_on(
    grade: int, probability: float, state: State
) -> None:
    finding = finding_of(series_of(normal_spine(T12=graded_as(Level.T12, grade, probability))))
    assert finding.state == state


def test_a_grade_one_that_may_be_two_says_so() -> None:
    finding = finding_of(series_of(normal_spine(T12=graded_as(Level.T12, 1, 0.4))))
    assert codes(finding) == ["POSSIBLE_GRADE_2"]
    assert finding.reasons[0].text.startswith("T12: grade 1, ")


def test_many_small_probabilities_do_not_add_up_to_a_flag() -> None:
    grades: dict[Level, Graded | NotGraded] = {level: graded_as(level, 0, 0.2) for level in T9_TO_L2}
    finding = finding_of(series_of(grades))
    assert finding.state == State.NO_FLAG
    # 0.2 is sharpened to 0.04/0.68; three of them count: 1 - (1 - 0.0588)³ = 0.166, cut to the limit
    assert finding.score == 0.099


def test_an_unflagged_study_scores_below_every_flagged_one() -> None:
    grades: dict[Level, Graded | NotGraded] = {level: graded_as(level, 1, 0.24) for level in T9_TO_L2}
    unflagged = finding_of(series_of(grades)).score
    flagged = finding_of(series_of(normal_spine(T12=graded_as(Level.T12, 1, 0.25)))).score
    assert unflagged is not None
    assert flagged is not None
    # 0.25 sharpened: 0.0625 / (0.0625 + 0.5625)
    assert unflagged < flagged == pytest.approx(0.1, abs=0.001)


@pytest.mark.parametrize(("n_read", "state"), [(3, State.NOT_EVALUABLE), (4, State.NO_FLAG)])
def test_fewer_than_four_vertebrae_are_not_evaluable(n_read: int, state: State) -> None:
    finding = finding_of(series_of({level: graded_as(level) for level in T9_TO_L2[:n_read]}))
    assert finding.state == state
    if state == State.NOT_EVALUABLE:
        assert codes(finding) == ["TOO_FEW_VERTEBRAE"]
        assert finding.score is None


def test_a_fracture_in_too_short_a_spine_flags_and_the_shortness_is_told() -> None:
    grades: dict[Level, Graded | NotGraded] = {
        Level.L1: graded_as(Level.L1, 3, 1.0),
        Level.L2: graded_as(Level.L2),
    }
    finding = finding_of(series_of(grades))
    assert finding.state == State.FLAG
    assert codes(finding) == ["GRADE_2_OR_MORE", "TOO_FEW_VERTEBRAE"]
    assert "L1" in finding.reasons[0].text


def test_what_was_not_read_is_listed() -> None:
    cut = NotGraded(level=Level.T9, code=NotMeasuredCode.CUT_BY_BORDER, text="The scan ends within T9.")
    finding = finding_of(series_of(normal_spine(T9=cut)))
    assert finding.state == State.NO_FLAG
    assert codes(finding) == ["NO_GRADE_2_OR_MORE", "NOT_ALL_EVALUATED"]
    row = finding.vertebrae[0]
    assert (row.in_view, row.not_measured, row.heights_mm, row.genant_grade) == (
        "partial",
        "CUT_BY_BORDER",
        None,
        None,
    )


def doubtful(level: Level) -> NotGraded:
    return NotGraded(
        level=level, code=NotMeasuredCode.DOUBTFUL_OUTLINE, text=f"{level} has no two endplates."
    )


def test_a_vertebra_without_an_outline_between_two_that_were_read_is_not_passed_over() -> None:
    finding = finding_of(series_of(normal_spine(T12=doubtful(Level.T12))))
    assert finding.state == State.FLAG
    assert codes(finding) == ["UNREAD_IN_THE_ROW", "NOT_ALL_EVALUATED"]
    assert finding.reasons[0].text.startswith("T12:")
    assert finding.score == 0.5


def test_a_vertebra_not_found_between_two_that_were_read_is_not_passed_over() -> None:
    finding = finding_of(series_of({x: graded_as(x) for x in T9_TO_L2 if x != Level.T11}))
    assert finding.state == State.FLAG
    assert codes(finding) == ["UNREAD_IN_THE_ROW"]
    assert finding.reasons[0].text.startswith("T11:")


@pytest.mark.parametrize("level", [Level.T9, Level.L2])
def test_a_doubtful_outline_at_the_end_of_the_row_is_only_listed(level: Level) -> None:
    finding = finding_of(series_of(normal_spine(**{level.value: doubtful(level)})))
    assert finding.state == State.NO_FLAG


def test_metal_over_a_vertebra_is_no_reason_to_suspect_it() -> None:
    metal = NotGraded(level=Level.T12, code=NotMeasuredCode.METAL, text="Metal covers 20% of T12.")
    assert finding_of(series_of(normal_spine(T12=metal))).state == State.NO_FLAG


def test_thick_slices_can_still_say_that_nothing_severe_is_there() -> None:
    grades: dict[Level, Graded | NotGraded] = {
        level: NotGraded(
            level=level,
            code=NotMeasuredCode.SLICES_TOO_THICK,
            text="too thick",
            expected=HEIGHTS,
            loss_fraction=0.05,
            loss_sd=0.1,
            probability_grade_2_or_more=0.02,
        )
        for level in T9_TO_L2
    }
    finding = finding_of(series_of(grades, slice_spacing_mm=4.25))
    assert finding.state == State.NO_FLAG
    assert codes(finding) == ["NO_GRADE_2_OR_MORE", "DETECTION_ONLY"]
    assert finding.vertebrae[0].genant_grade is None
    assert finding.vertebrae[0].not_measured == "SLICES_TOO_THICK"
    assert finding.vertebrae[0].probability_grade_2_or_more == 0.02


@pytest.mark.parametrize(("spacing", "is_warned"), [(1.5, False), (2.5, True)])
def test_slices_above_one_and_a_half_millimetres_are_warned_of(spacing: float, is_warned: bool) -> None:
    finding = finding_of(series_of(normal_spine(), slice_spacing_mm=spacing))
    assert ("THICK_SLICES" in codes(finding)) == is_warned


def test_unsure_names_are_told() -> None:
    finding = finding_of(series_of(normal_spine(L1=graded_as(Level.L1, 2, 0.9)), sure=False))
    assert "LEVELS_UNCERTAIN" in codes(finding)
    assert finding.reasons[0].text.startswith("L1 (level uncertain)")
    assert all(row.level_uncertain for row in finding.vertebrae)


def _confounder(level: Level | None, effect: Effect) -> Confounder:
    return Confounder(
        kind="schmorl_node", level=level, value=3.0, threshold=2.0, unit="mm", effect=effect, text="A node."
    )


@pytest.mark.parametrize(
    ("effect", "grade", "state"),
    [
        (Effect.REJECT, 3, State.NO_FLAG),
        (Effect.DOWNGRADE, 2, State.NO_FLAG),
        (Effect.DOWNGRADE, 3, State.FLAG),
        (Effect.FLAG, 2, State.FLAG),
        (Effect.EXCLUDE, 3, State.FLAG),  # nobody's reference, but its own grade stands
    ],
)
def test_confounders_hold_a_flag_back(effect: Effect, grade: int, state: State) -> None:
    series = series_of(normal_spine(T12=graded_as(Level.T12, grade, 0.99)))
    finding = finding_of(series, confounders=(_confounder(Level.T12, effect),))
    assert finding.state == state
    assert finding.vertebrae[3].genant_grade == grade  # what was seen stays written
    assert finding.vertebrae[3].confounders[0].kind == "schmorl_node"
    if state == State.NO_FLAG:
        assert finding.score is not None
        assert finding.score < 0.5


def test_an_excluding_confounder_of_the_study_makes_it_not_evaluable() -> None:
    finding = finding_of(series_of(normal_spine()), confounders=(_confounder(None, Effect.EXCLUDE),))
    assert finding.state == State.NOT_EVALUABLE
    assert codes(finding) == ["SCHMORL_NODE"]


def test_a_refusal_is_not_evaluable_with_its_code() -> None:
    refusal = Refusal(stage="ingest", code=RefusalCode.NOT_CT, got="An MR series.", needed="a CT series.")
    finding = refused(refusal, (STACK,), MANIFEST)
    assert finding.state == State.NOT_EVALUABLE
    assert codes(finding) == ["NOT_CT"]
    assert finding.refusal is not None
    assert finding.refusal.stage == "ingest"
    assert finding.series[0].series_id == "a"
    assert finding.score is None


def test_the_row_carries_every_number() -> None:
    row = finding_of(series_of(normal_spine())).vertebrae[0]
    assert row.heights_mm is not None
    assert (row.heights_mm.anterior, row.heights_mm.middle, row.heights_mm.posterior) == (22.0, 21.0, 24.0)
    assert row.landmarks_lps_mm is not None
    superior, inferior = row.landmarks_lps_mm.superior_anterior, row.landmarks_lps_mm.inferior_anterior
    assert superior[2] - inferior[2] == pytest.approx(22.0)
    assert row.label == 16  # T9 in the VerSe scheme
    assert (row.level_probability, row.attenuation_hu, row.depth_mm) == (0.95, 150.0, 30.0)
