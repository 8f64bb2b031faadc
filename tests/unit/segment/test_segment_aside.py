"""Bodies beside the line of their neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from box_spine import body_box, candidate_at
from spondyl.stages.segment.aside import is_aside
from spondyl.stages.segment.outline import Outline


def outline(centre_mm: Sequence[float]) -> Outline:
    box = body_box(centre_mm, 12)
    nothing = np.zeros((2, 2, 2), np.float32)
    return Outline(
        candidate=candidate_at(box),
        centre_lps_mm=box.centre_mm,
        frame=box.frame,
        volume_ml=20.0,
        certainty=0.9,
        half_width_mm=20.0,
        half_height_mm=11.0,
        target=nothing,
        posterior=nothing,
        hu=nothing,
        in_scan=np.ones((2, 2, 2), np.bool_),
        affine=np.eye(4),
    )


def chain(left_mm: Sequence[float], back_mm: Sequence[float] | None = None) -> list[Outline]:
    back = [0.0] * len(left_mm) if back_mm is None else back_mm
    return [outline((x, y, -30.0 * n)) for n, (x, y) in enumerate(zip(left_mm, back, strict=True))]


def aside(outlines: list[Outline]) -> list[int]:
    return [place for place in range(len(outlines)) if is_aside(outlines, place)]


@pytest.mark.parametrize(("last_mm", "expected"), [(8.9, []), (-9.1, [3])])
def test_the_last_body_lies_where_the_line_goes_on(last_mm: float, expected: list[int]) -> None:
    """Its upper neighbour is then 4.5 mm off the middle of its own: within 6 mm."""
    assert aside(chain([0.0, 0.0, 0.0, last_mm])) == expected
    assert aside(chain([0.0, 0.0, 0.0, last_mm])[::-1]) == [3 - x for x in expected]


@pytest.mark.parametrize(("off_mm", "is_found"), [(5.9, False), (6.1, True)])
def test_a_body_between_lies_between_its_neighbours(off_mm: float, *, is_found: bool) -> None:
    assert is_aside(chain([0.0, 0.0, off_mm, 0.0, 0.0]), 2) == is_found


def test_scoliosis_of_sixty_degrees_is_a_spine() -> None:
    """From 30 degrees to the left to 30 degrees to the right in five steps."""
    steps = 30.0 * np.sin(np.radians([-30.0, -18.0, -6.0, 6.0, 18.0, 30.0]))
    assert aside(chain(np.concatenate([[0.0], np.cumsum(steps)]).tolist())) == []


def test_a_slipped_vertebra_is_a_spine() -> None:
    assert aside(chain([0.0] * 5, [0.0, 0.0, 0.0, -14.0, -14.0])) == []


@pytest.mark.parametrize("missed", [1, 2])
def test_a_gap_in_a_spine_that_leans_is_no_step_aside(missed: int) -> None:
    """20 degrees to the side, so many bodies not found."""
    step = 30.0 * np.sin(np.radians(20.0))
    leaning = [outline((n * step, 0.0, -30.0 * np.cos(np.radians(20.0)) * n)) for n in range(6)]
    assert aside(leaning[:2] + leaning[2 + missed :]) == []


def test_two_bodies_have_no_line() -> None:
    assert aside(chain([0.0, 30.0])) == []
