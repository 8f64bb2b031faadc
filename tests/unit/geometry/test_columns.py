"""Crossings of profiles between their samples."""

from __future__ import annotations

import numpy as np
import pytest

from spondyl.geometry.columns import crossings, first_exit, longest_run, median_seen


def test_the_longest_of_two_runs_is_taken() -> None:
    first, last = longest_run(np.array([[True, True, False, True, True, True, False]]))
    assert (first[0], last[0]) == (3, 5)


def test_no_run_is_marked() -> None:
    first, last = longest_run(np.zeros((1, 4), dtype=np.bool_))
    assert (first[0], last[0]) == (-1, -1)


def test_crossings_lie_between_unequally_placed_samples() -> None:
    # 0.5 lies half-way from 0 to 1 between 2 and 4 mm, and a quarter from 1 towards -1 between 5 and 9
    entered, left = crossings(np.array([0.0, 0.0, 1.0, 1.0, -1.0]), np.array([0.0, 2.0, 4.0, 5.0, 9.0]), 0.5)
    assert entered == pytest.approx(3.0)
    assert left == pytest.approx(6.0)


def test_a_surface_beyond_the_samples_is_not_seen() -> None:
    entered, left = crossings(np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]), np.arange(3.0), 0.5)
    assert np.isnan(entered[0])
    assert left[0] == pytest.approx(1.5)
    assert entered[1] == pytest.approx(0.5)
    assert np.isnan(left[1])


def test_a_profile_that_never_rises_has_no_surface() -> None:
    entered, left = crossings(np.zeros(5), np.arange(5.0), 0.5)
    assert np.isnan(entered)
    assert np.isnan(left)


def test_the_first_exit_is_not_the_last() -> None:
    exits = first_exit(
        np.array([[1.0, 1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0]]), np.arange(5.0) * 2, 0.5
    )
    assert exits[0] == pytest.approx(3.0)
    assert np.isnan(exits[1])  # it starts outside


def test_no_exit_where_the_profile_stays_inside() -> None:
    assert np.isnan(first_exit(np.ones(4), np.arange(4.0), 0.5))


def test_the_median_leaves_gaps_out() -> None:
    nan = np.nan
    values = np.array([[1.0, nan, 4.0], [9.0, nan, nan], [2.0, 5.0, 8.0], [4.0, nan, nan]])
    assert median_seen(values) == pytest.approx([3.0, 5.0, 6.0])
    few = median_seen(values, fewest=2)
    assert np.isnan(few[1])
    assert few[2] == pytest.approx(6.0)
