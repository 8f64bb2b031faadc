"""Which of the bodies found belong to the spine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from made_spine import body
from spondyl.domain.spine import BodyCandidate
from spondyl.stages.localise import Settings
from spondyl.stages.localise.chain import best_chain

SETTINGS = Settings()


def at(left: float, back: float, height: float, probability: float = 0.9) -> BodyCandidate:
    return replace(body((left, back, height), number=15.0), body_probability=probability)


def straight(n_bodies: int, pitch_mm: float = 30.0) -> list[BodyCandidate]:
    return [at(0.0, 0.0, -pitch_mm * place) for place in range(n_bodies)]


def chained(*bodies: BodyCandidate) -> list[BodyCandidate]:
    return best_chain(list(bodies), SETTINGS)


def test_a_chain_runs_from_head_to_foot_whatever_the_order_of_finding() -> None:
    spine = straight(5)
    assert chained(spine[3], spine[0], spine[4], spine[2], spine[1]) == spine


def test_nothing_found_is_an_empty_chain() -> None:
    assert chained() == []


@pytest.mark.parametrize("aside_mm", [45.0, -80.0])
@pytest.mark.parametrize("height_mm", [-15.0, -45.0, -100.0])
def test_a_body_beside_the_spine_is_dropped(aside_mm: float, height_mm: float) -> None:
    """Seen from the body above it, it lies more than 55 degrees off the axis."""
    spine = straight(4)
    assert chained(*spine, at(aside_mm, 0.0, height_mm)) == spine


@pytest.mark.parametrize(("below_mm", "is_kept"), [(60.0 / np.tan(np.radians(54.0)), True),
                                                   (60.0 / np.tan(np.radians(56.0)), False)])  # fmt: skip
def test_a_step_bends_by_at_most_the_settings_angle(below_mm: float, *, is_kept: bool) -> None:
    """60 mm aside, seen from the last body at 54 or 56 degrees from its axis."""
    spine = straight(3)
    end = at(60.0, 0.0, -60.0 - below_mm, probability=1.0)
    assert (end in chained(*spine, end)) == is_kept


def test_a_double_of_a_body_does_not_come_twice() -> None:
    """5 mm below another one: nearer than two vertebrae can be."""
    spine = straight(3)
    double = at(0.0, 0.0, -35.0, probability=0.5)
    assert chained(*spine, double) == spine


def test_bodies_too_far_apart_are_two_chains_and_the_heavier_one_is_kept() -> None:
    """The largest step is 1.6 x 62 mm, a missed body or two."""
    spine = straight(4)
    far = at(0.0, 0.0, -90.0 - 100.0)
    assert chained(*spine, far) == spine
    near = at(0.0, 0.0, -90.0 - 62.0)
    assert chained(*spine, near) == [*spine, near]


def test_the_longer_of_two_columns_is_the_spine() -> None:
    spine = straight(6)
    femora = [at(120.0, 0.0, -150.0 - 30.0 * place, probability=0.95) for place in range(3)]
    assert chained(*femora, *spine) == spine
