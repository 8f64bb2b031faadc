"""How many bodies may hide in a step: counts worked out from the ratio to the neighbours' steps."""

from __future__ import annotations

import numpy as np
import pytest

from spondyl.stages.label.gaps import gap_choices


def test_even_steps_hide_nothing() -> None:
    assert gap_choices(np.full(5, 25.0)) == [(0, 0, 0, 0, 0)]


def test_no_step_has_one_empty_choice() -> None:
    assert gap_choices(np.array([])) == [()]


@pytest.mark.parametrize(
    ("ratio", "counts"),
    [
        (1.25, {0}),  # a thick disc
        (1.4, {0, 1}),  # 1.4 / 1.6 < 1 and 1.4 x 1.6 = 2.24
        (2.0, {1, 2}),  # 2.0 / 1.6 = 1.25: at least two steps; 3.2: at most three
        (3.0, {1, 2, 3}),  # 1.875 and 4.8
    ],
)
def test_a_long_step_may_hide_what_its_length_allows(ratio: float, counts: set[int]) -> None:
    steps = np.array([25.0, 25.0, 25.0 * ratio, 25.0, 25.0])
    choices = gap_choices(steps)
    assert {choice[2] for choice in choices} == counts
    assert choices[0][2] == round(ratio) - 1
    assert all(choice[:2] + choice[3:] == (0, 0, 0, 0) for choice in choices)


def test_two_doubtful_steps_are_combined_in_every_way() -> None:
    choices = gap_choices(np.array([25.0, 36.0, 25.0, 25.0, 36.0, 25.0]))
    assert sorted(choices) == [
        (0, a, 0, 0, b, 0) for a in (0, 1) for b in (0, 1)
    ]  # fmt: skip


def test_a_chain_full_of_doubt_is_not_tried_without_end() -> None:
    steps = np.tile([25.0, 25.0, 25.0, 50.0], 6)
    assert 1 < len(gap_choices(steps)) <= 48
