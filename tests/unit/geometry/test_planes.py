"""Robust fits and frames."""

from __future__ import annotations

import numpy as np
import pytest

from spondyl.geometry.planes import (
    fit_robust,
    frame_from,
    plane_design,
    plane_normal,
    polynomial_design,
    rotation_about,
)


def test_a_line_through_exact_points_is_found_to_rounding() -> None:
    t = np.array([0.0, 1.0, 2.5, 4.0])
    fit = fit_robust(polynomial_design(t, 1), 3.0 + 0.5 * t, scale_floor=0.1)
    assert fit.coefficients == pytest.approx([3.0, 0.5], abs=1e-9)
    assert fit.residual_sd == 0.1


def test_a_third_of_the_points_may_lie_elsewhere() -> None:
    t = np.linspace(0.0, 10.0, 31)
    values = 1.0 - 0.2 * t
    values[::3] += 6.0
    fit = fit_robust(polynomial_design(t, 1), values, scale_floor=0.1)
    assert fit.coefficients == pytest.approx([1.0, -0.2], abs=1e-6)


def test_covariance_of_a_mean_is_the_variance_over_n() -> None:
    values = np.array([-1.0, 1.0] * 50)
    fit = fit_robust(np.ones((100, 1)), values, scale_floor=0.1)
    # the median absolute deviation is 1, so the scale is 1.4826; Tukey's weights are (1 - (1/6.946)²)²
    weight = (1.0 - (1.0 / (4.685 * 1.4826)) ** 2) ** 2
    assert fit.covariance[0, 0] == pytest.approx(1.4826**2 / (100 * weight), rel=1e-6)


def test_too_few_points_are_refused() -> None:
    with pytest.raises(ValueError, match="1 points for 2 coefficients"):
        fit_robust(polynomial_design(np.array([1.0]), 1), np.array([2.0]), scale_floor=0.1)


def test_the_normal_of_a_plane_leans_against_its_slope() -> None:
    xy = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 2.0], [3.0, 2.0]])
    fit = fit_robust(plane_design(xy), 1.0 + 0.75 * xy[:, 0], scale_floor=0.1)
    assert plane_normal(fit) == pytest.approx([-0.6, 0.0, 0.8], abs=1e-9)


def test_a_frame_keeps_superior_and_is_right_handed() -> None:
    frame = frame_from(np.array([0.0, 0.0, 2.0]), np.array([0.0, 1.0, 5.0]))
    assert frame == pytest.approx(np.eye(3))  # left x, posterior y, superior z: LPS itself
    assert np.linalg.det(frame) == pytest.approx(1.0)


def test_a_parallel_hint_is_refused() -> None:
    with pytest.raises(ValueError, match="parallel"):
        frame_from(np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, 3.0]))


def test_a_quarter_turn_about_z_takes_x_to_y() -> None:
    turned = rotation_about(np.array([0.0, 0.0, 1.0]), np.pi / 2) @ np.array([1.0, 0.0, 0.0])
    assert turned == pytest.approx([0.0, 1.0, 0.0], abs=1e-12)
