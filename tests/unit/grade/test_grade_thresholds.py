"""Losses at the edges of the grades, shapes, and the uncertainty of a grade."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from plain_spine import measured
from spondyl.domain.grading import Graded, NotGraded, Shape
from spondyl.domain.level import STANDARD_LEVELS, Level
from spondyl.domain.measurement import Measured
from spondyl.stages.grade import Settings, grade
from spondyl.stages.grade.norms import NORMAL_HEIGHTS

T7_TO_L3 = STANDARD_LEVELS[STANDARD_LEVELS.index(Level.T7) : STANDARD_LEVELS.index(Level.L3) + 1]
SIZE_MM = 17.0  # posterior height of T1


def _spine(
    lost: dict[Level, tuple[float, float, float]], *, slice_spacing_mm: float = 1.0, sd_mm: float = 0.5
) -> tuple[Measured, ...]:
    """A spine exactly on the norms but for given losses of the three heights."""
    spine = []
    for level in T7_TO_L3:
        heights = SIZE_MM * NORMAL_HEIGHTS[level] * (1.0 - np.array(lost.get(level, (0.0, 0.0, 0.0))))
        a, m, p = (float(x) for x in heights)
        spine.append(measured(level, (a, m, p), slice_spacing_mm=slice_spacing_mm, sd_mm=sd_mm))
    return tuple(spine)


def _grade_of(
    level: Level, lost: tuple[float, float, float], *, slice_spacing_mm: float = 1.0, sd_mm: float = 0.5
) -> Graded | NotGraded:
    spine = _spine({level: lost}, slice_spacing_mm=slice_spacing_mm, sd_mm=sd_mm)
    return next(one for one in grade(spine, Settings()) if one.level == level)


def test_a_spine_on_the_norms_has_no_loss_anywhere() -> None:
    for one in grade(_spine({}), Settings()):
        assert isinstance(one, Graded)
        assert (one.grade, one.shape) == (0, Shape.NORMAL)
        assert one.loss_fraction == 0.0
        assert one.probability_grade_2_or_more < 0.001


@pytest.mark.parametrize(
    ("loss", "expected"),
    [(0.19, 0), (0.194, 0), (0.20, 1), (0.244, 1), (0.25, 2), (0.394, 2), (0.40, 3), (0.60, 3)],
)
def test_lower_bounds_belong_to_the_higher_grade(loss: float, expected: int) -> None:
    one = _grade_of(Level.T11, (loss, 0.5 * loss, 0.0))
    assert isinstance(one, Graded)
    assert one.grade == expected
    assert one.loss_fraction == pytest.approx(loss, abs=0.005)


def test_loss_is_published_in_whole_percent_and_judged_as_published() -> None:
    one = _grade_of(Level.T11, (0.2461, 0.1, 0.0))
    assert isinstance(one, Graded)
    assert (one.loss_fraction, one.grade) == (0.25, 2)


@pytest.mark.parametrize(
    ("lost", "shape"),
    [
        ((0.30, 0.15, 0.00), Shape.WEDGE),
        ((0.05, 0.30, 0.05), Shape.BICONCAVE),
        ((0.30, 0.30, 0.30), Shape.CRUSH),
        ((0.45, 0.35, 0.25), Shape.CRUSH),  # the posterior height lost more than half of the largest loss
        ((0.45, 0.30, 0.16), Shape.WEDGE),  # it lost less than half
    ],
)
def test_shapes(lost: tuple[float, float, float], shape: Shape) -> None:
    one = _grade_of(Level.L1, lost)
    assert isinstance(one, Graded)
    assert one.shape == shape
    assert one.loss_fraction == pytest.approx(max(lost), abs=0.011)


def test_expected_heights_are_the_norms_in_the_patients_size() -> None:
    one = _grade_of(Level.L1, (0.3, 0.3, 0.3))
    assert isinstance(one, Graded)
    assert one.expected.as_array() == pytest.approx(SIZE_MM * NORMAL_HEIGHTS[Level.L1], rel=1e-9)
    assert Level.L1 not in one.neighbours_used


def test_uncertainty_is_the_sum_of_measuring_and_anatomy() -> None:
    one = _grade_of(Level.T11, (0.30, 0.15, 0.0), sd_mm=1.0)
    assert isinstance(one, Graded)
    measuring = 1.0 / one.expected.anterior_mm
    anatomy = 0.7 * Settings().anatomy_sd[0]
    assert one.loss_sd == pytest.approx(np.hypot(measuring, anatomy), rel=1e-6)
    assert one.probability_grade_2_or_more == pytest.approx(norm.cdf((0.30 - 0.25) / one.loss_sd), abs=1e-6)


def test_at_the_bound_it_is_a_coin() -> None:
    one = _grade_of(Level.T11, (0.25, 0.12, 0.0))
    assert isinstance(one, Graded)
    assert one.probability_grade_2_or_more == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize(
    ("spacing", "is_graded"), [(1.5, True), (3.0, True), (3.1, True), (3.2, False), (5.0, False)]
)
def test_slices_above_three_millimetres_are_not_graded(spacing: float, is_graded: bool) -> None:
    one = _grade_of(Level.T11, (0.30, 0.15, 0.0), slice_spacing_mm=spacing)
    assert isinstance(one, Graded) == is_graded
    if isinstance(one, NotGraded):
        assert one.code == "SLICES_TOO_THICK"
        assert one.is_read
        assert one.loss_fraction == pytest.approx(0.30)
        assert one.probability_grade_2_or_more is not None


def test_a_certain_severe_loss_is_graded_on_thick_slices() -> None:
    severe = _grade_of(Level.T11, (0.55, 0.40, 0.05), slice_spacing_mm=5.0)
    unsure = _grade_of(Level.T11, (0.45, 0.30, 0.05), slice_spacing_mm=5.0)
    assert isinstance(severe, Graded)
    assert severe.grade == 3
    assert isinstance(unsure, NotGraded)  # 0.45 less one sd is below 0.40


def test_thick_slices_widen_the_probability() -> None:
    thick = _grade_of(Level.T11, (0.15, 0.08, 0.0), slice_spacing_mm=5.0)
    thin = _grade_of(Level.T11, (0.15, 0.08, 0.0))
    assert thick.loss_sd is not None
    assert thin.loss_sd is not None
    assert thick.loss_sd > thin.loss_sd
