"""One study in several stacks: each vertebra once, where it was seen best."""

from __future__ import annotations

from graded_series import centre_of, codes, finding_of, graded_as, normal_spine, series_of
from spondyl.domain.finding import State
from spondyl.domain.grading import Graded, NotGraded
from spondyl.domain.level import Level
from spondyl.domain.refusal import NotMeasuredCode

UPPER = (Level.T4, Level.T5, Level.T6, Level.T7)
LOWER = (Level.T7, Level.T8, Level.T9, Level.T10)


def _cut(level: Level) -> NotGraded:
    return NotGraded(level=level, code=NotMeasuredCode.CUT_BY_BORDER, text="cut")


def _grades(levels: tuple[Level, ...], *cut: Level) -> dict[Level, Graded | NotGraded]:
    return {level: _cut(level) if level in cut else graded_as(level) for level in levels}


def test_two_halves_make_one_spine() -> None:
    upper = series_of(_grades(UPPER, Level.T7), series_id="upper")
    lower = series_of(_grades(LOWER), series_id="lower")
    finding = finding_of(upper, lower)
    assert [row.level for row in finding.vertebrae] == ["T4", "T5", "T6", "T7", "T8", "T9", "T10"]
    t7 = finding.vertebrae[3]
    assert (t7.series_id, t7.in_view) == ("lower", "full")
    assert codes(finding) == ["NO_GRADE_2_OR_MORE"]


def test_the_order_of_the_stacks_does_not_matter() -> None:
    upper = series_of(_grades(UPPER, Level.T7), series_id="upper")
    lower = series_of(_grades(LOWER), series_id="lower")
    assert finding_of(upper, lower).vertebrae == finding_of(lower, upper).vertebrae


def test_thinner_slices_win() -> None:
    thick = series_of(normal_spine(L1=graded_as(Level.L1, 2, 0.9)), series_id="thick", slice_spacing_mm=3.0)
    thin = series_of(normal_spine(), series_id="thin", slice_spacing_mm=1.0)
    finding = finding_of(thick, thin)
    assert {row.series_id for row in finding.vertebrae} == {"thin"}
    assert finding.state == State.NO_FLAG


def test_one_vertebra_of_two_names_stands_once_and_is_unsure() -> None:
    # the second stack counts one too few: its T10 stands where the first has T9
    first = series_of(_grades((Level.T8, Level.T9, Level.T10, Level.T11)), series_id="first")
    offset = float(centre_of(Level.T9)[2] - centre_of(Level.T10)[2])
    second = series_of(
        _grades((Level.T9, Level.T10, Level.T11)), series_id="second", slice_spacing_mm=2.0, shift_mm=offset
    )
    finding = finding_of(first, second)
    assert [row.level for row in finding.vertebrae] == ["T8", "T9", "T10", "T11"]
    assert "LEVELS_DISAGREE" in codes(finding)
    assert [row.level for row in finding.vertebrae if row.level_uncertain]


def test_small_shifts_between_stacks_are_no_disagreement() -> None:
    first = series_of(normal_spine(), series_id="first")
    second = series_of(normal_spine(), series_id="second", slice_spacing_mm=2.0, shift_mm=4.0)
    assert "LEVELS_DISAGREE" not in codes(finding_of(first, second))
