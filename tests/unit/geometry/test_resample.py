"""Sampling between voxels."""

from __future__ import annotations

import numpy as np
import pytest

from spondyl.geometry.resample import grid_points, keep_largest_part, sample


def test_a_ramp_is_sampled_exactly_on_unequal_spacing() -> None:
    affine = np.diag([3.0, 2.0, 0.5, 1.0])
    k, j, i = np.indices((4, 5, 6)).astype(np.float64)
    points = np.array([[4.5, 3.0, 1.25], [0.0, 8.0, 2.5]])  # indices (1.5, 1.5, 2.5) and (0, 4, 5)
    values = sample(100 * k + 10 * j + i, affine, points, order=1, outside=-1.0)
    assert values == pytest.approx([167.5, 45.0])


def test_outside_is_filled() -> None:
    values = sample(np.ones((3, 3, 3)), np.eye(4), np.array([[5.0, 1.0, 1.0]]), order=1, outside=-7.0)
    assert values == pytest.approx([-7.0])


def test_a_grid_follows_the_frame() -> None:
    frame = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # left is -y, posterior is x
    points = grid_points(
        np.array([10.0, 20.0, 30.0]), frame, np.array([2.0]), np.array([0.0, 5.0]), np.array([1.0])
    )
    assert points.shape == (1, 2, 1, 3)
    assert points[0, 1, 0] == pytest.approx([15.0, 18.0, 31.0])


def test_the_largest_part_is_kept_and_its_hole_filled() -> None:
    mask = np.zeros((7, 7, 9), dtype=np.bool_)
    mask[1:6, 1:6, 1:6] = True
    mask[3, 3, 3] = False
    mask[3, 3, 8] = True
    kept, share = keep_largest_part(mask)
    assert kept.sum() == 125
    assert kept[3, 3, 3]
    assert not kept[3, 3, 8]
    assert share == pytest.approx(124 / 125)


def test_an_empty_mask_has_no_part() -> None:
    kept, share = keep_largest_part(np.zeros((2, 3, 4), dtype=np.bool_))
    assert not kept.any()
    assert share == 0.0
