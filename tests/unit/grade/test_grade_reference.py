"""Which vertebrae serve as reference, and what keeps normal shapes from being called fractures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plain_spine import measured
from spondyl.domain.grading import Graded, NotGraded, Shape
from spondyl.domain.level import STANDARD_LEVELS, Level
from spondyl.domain.measurement import Heights, Measured, NotMeasured
from spondyl.domain.refusal import NotMeasuredCode
from spondyl.stages.grade import Settings, grade
from spondyl.stages.grade.norms import NORMAL_HEIGHTS, ladder
from spondyl.stages.grade.reference import weighted_median

SIZE_MM = 16.5


def _between(first: Level, last: Level) -> tuple[Level, ...]:
    return STANDARD_LEVELS[STANDARD_LEVELS.index(first) : STANDARD_LEVELS.index(last) + 1]


def _normal(level: Level, factors: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Measured:
    a, m, p = (float(x) for x in SIZE_MM * NORMAL_HEIGHTS[level] * np.array(factors))
    return measured(level, (a, m, p))


def _graded(spine: list[Measured | NotMeasured]) -> dict[Level, Graded]:
    results = grade(tuple(spine), Settings())
    return {one.level: one for one in results if isinstance(one, Graded)}


def test_fractured_neighbours_are_nobodys_reference() -> None:
    spine: list[Measured | NotMeasured] = [_normal(level) for level in _between(Level.T8, Level.L4)]
    for index in (3, 4, 6):  # T11, T12, L2
        spine[index] = _normal(spine[index].level, (0.6, 0.65, 0.75))
    graded = _graded(spine)
    for level in (Level.T11, Level.T12, Level.L2):
        assert graded[level].grade == 3
        assert graded[level].loss_fraction == pytest.approx(0.40, abs=0.005)
    for level in (Level.T10, Level.L1, Level.L3):
        assert graded[level].grade == 0
        assert {Level.T11, Level.T12, Level.L2}.isdisjoint(graded[level].neighbours_used)


def test_a_patient_with_wedge_shaped_bodies_throughout_is_not_fractured() -> None:
    spine: list[Measured | NotMeasured] = [
        _normal(level, (0.90, 0.97, 1.0)) for level in _between(Level.T4, Level.L3)
    ]
    graded = _graded(spine)
    assert all(one.grade == 0 for one in graded.values())
    assert max(one.loss_fraction for one in graded.values()) <= 0.05


def test_one_more_wedged_than_the_patients_own_wedges_is() -> None:
    spine: list[Measured | NotMeasured] = [
        _normal(level, (0.90, 0.97, 1.0)) for level in _between(Level.T4, Level.L3)
    ]
    spine[5] = _normal(Level.T9, (0.60, 0.80, 1.0))
    graded = _graded(spine)
    assert graded[Level.T9].grade == 2  # 0.60 against 0.90: a third
    assert graded[Level.T9].shape == Shape.WEDGE
    assert [level for level, one in graded.items() if one.grade] == [Level.T9]


def test_the_bare_ratio_that_calls_l4_and_l5_fractured_is_not_used() -> None:
    spine: list[Measured | NotMeasured] = [_normal(level) for level in _between(Level.L1, Level.L5)]
    heights = spine[4].heights.as_array() if isinstance(spine[4], Measured) else np.ones(3)
    assert 1.0 - heights.min() / heights.max() > 0.13  # normal L5 is that much taller in front
    assert all(one.grade == 0 for one in _graded(spine).values())


def test_growth_is_corrected_at_the_end_of_the_view() -> None:
    # T9 is the first vertebra seen; its neighbours below are 5 and 14 % taller, which is no loss
    spine: list[Measured | NotMeasured] = [_normal(level) for level in _between(Level.T9, Level.L1)]
    assert _graded(spine)[Level.T9].loss_fraction == 0.0


def test_two_criteria_a_tall_posterior_wall_alone_makes_no_wedge() -> None:
    # a leak into the pedicles makes the posterior height a third too tall: its own ratio looks wedged
    spine: list[Measured | NotMeasured] = [_normal(level) for level in _between(Level.T8, Level.L2)]
    spine[3] = _normal(Level.T11, (1.0, 1.0, 1.33))
    assert _graded(spine)[Level.T11].grade == 0


def test_two_criteria_a_low_posterior_wall_alone_is_no_crush() -> None:
    spine: list[Measured | NotMeasured] = [_normal(level) for level in _between(Level.T8, Level.L2)]
    spine[3] = _normal(Level.T11, (1.0, 1.0, 0.7))
    assert _graded(spine)[Level.T11].grade == 0


def test_corner_points_may_exceed_the_windows_by_an_allowance_only() -> None:
    spine: list[Measured | NotMeasured] = [_normal(level) for level in _between(Level.T8, Level.L2)]
    broken_rim = _normal(Level.T11, (0.6, 1.0, 1.0))
    windows = SIZE_MM * NORMAL_HEIGHTS[Level.T11]
    spine[3] = replace(broken_rim, window_heights=Heights.from_array(windows))
    assert _graded(spine)[Level.T11].loss_fraction == pytest.approx(Settings().corner_allowance, abs=0.005)


def test_the_lowest_place_counts_up_to_an_allowance() -> None:
    spine: list[Measured | NotMeasured] = [_normal(level) for level in _between(Level.T8, Level.L2)]
    middle = float(SIZE_MM * NORMAL_HEIGHTS[Level.T11][1])
    spine[3] = replace(_normal(Level.T11), lowest_height_mm=0.5 * middle)  # a deep, narrow node
    assert _graded(spine)[Level.T11].grade == 0
    broken = _normal(Level.T11, (0.95, 0.80, 1.0))
    spine[3] = replace(broken, lowest_height_mm=0.74 * middle)
    assert _graded(spine)[Level.T11].loss_fraction == pytest.approx(0.26, abs=0.005)


def test_far_vertebrae_give_the_size_where_near_ones_are_missing() -> None:
    spine: list[Measured | NotMeasured] = [
        _normal(level) for level in (Level.T1, Level.T2, Level.T3, Level.T12)
    ]
    spine[3] = _normal(Level.T12, (0.7, 0.7, 0.7))
    graded = _graded(spine)
    assert graded[Level.T12].loss_fraction == pytest.approx(0.30, abs=0.005)
    assert graded[Level.T12].neighbours_used == (Level.T1, Level.T2, Level.T3)


@pytest.mark.parametrize("n_seen", [1, 2])
def test_without_two_others_there_is_no_reference(n_seen: int) -> None:
    spine = tuple(_normal(level) for level in (Level.L1, Level.L2)[:n_seen])
    for one in grade(spine, Settings()):
        assert isinstance(one, NotGraded)
        assert one.code == NotMeasuredCode.NO_REFERENCE
        assert not one.is_read


def test_what_was_not_measured_keeps_its_code_and_its_place() -> None:
    cut = NotMeasured(
        level=Level.T8,
        code=NotMeasuredCode.CUT_BY_BORDER,
        text="The scan ends within T8.",
        centre_lps_mm=np.zeros(3),
    )
    results = grade((cut, *(_normal(level) for level in _between(Level.T9, Level.L1))), Settings())
    assert [one.level for one in results] == list(_between(Level.T8, Level.L1))
    first = results[0]
    assert isinstance(first, NotGraded)
    assert first.code == NotMeasuredCode.CUT_BY_BORDER


def test_nothing_in_nothing_out() -> None:
    assert grade((), Settings()) == ()


def test_a_thirteenth_thoracic_vertebra_makes_room_for_itself() -> None:
    assert np.diff(ladder((Level.T12, Level.L1))) == pytest.approx([1.0])
    assert np.diff(ladder((Level.T12, Level.T13, Level.L1))) == pytest.approx([1.0, 1.0])


def test_norms_of_the_variants_lie_between_their_neighbours() -> None:
    t12, t13, l1 = (NORMAL_HEIGHTS[level][2] for level in (Level.T12, Level.T13, Level.L1))
    assert t12 < t13 < l1


def test_the_weighted_median_is_drawn_to_the_heavier_side() -> None:
    values = np.array([10.0, 20.0, 30.0])
    assert weighted_median(values, np.array([1.0, 1.0, 1.0])) == 20.0
    # middles of the weights: 1/8, 3/8, 3/4 of the whole; the half lies a third of the way from 20 to 30
    assert weighted_median(values, np.array([1.0, 1.0, 2.0])) == pytest.approx(20.0 + 10.0 / 3.0)
    assert weighted_median(values[::-1], np.array([2.0, 1.0, 1.0])) == pytest.approx(20.0 + 10.0 / 3.0)
