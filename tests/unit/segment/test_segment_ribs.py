"""Ribs drawn into the coarse network's rib map: one belongs to one body, a stump is none."""

from __future__ import annotations

import numpy as np
import pytest

from box_spine import body_box, candidate_at
from spondyl.domain.coarse_maps import UNKNOWN, CoarseMaps
from spondyl.stages.segment.outline import Outline
from spondyl.stages.segment.ribs import rib_evidence

SHAPE = (70, 60, 90)  # voxels of 2 mm: z from -90 to 48, y from -60 to 58, x from -89 to 89 mm
AFFINE = np.array([[0.0, 0, 2, -89], [0, 2, 0, -60], [2, 0, 0, -90], [0, 0, 0, 1]])
HALF_WIDTH_MM = 20.0
UPPER, LOWER = 0.0, -30.0  # heights of two bodies


def outline(height_mm: float) -> Outline:
    box = body_box((0.0, 0.0, height_mm), 12)
    nothing = np.zeros((2, 2, 2), np.float32)
    return Outline(
        candidate=candidate_at(box),
        centre_lps_mm=box.centre_mm,
        frame=box.frame,
        volume_ml=20.0,
        certainty=0.9,
        half_width_mm=HALF_WIDTH_MM,
        half_height_mm=11.0,
        target=nothing,
        posterior=nothing,
        hu=nothing,
        in_scan=np.ones((2, 2, 2), np.bool_),
        affine=np.eye(4),
    )


def maps(*ribs: tuple[float, float, float, float], width: int = SHAPE[2]) -> CoarseMaps:
    """Each rib: side (-1, 1), height at the body's wall, slope, and how far from the wall it goes, mm."""
    z, _, x = np.moveaxis(np.indices(SHAPE) * 2.0, 0, 0)
    z, x = z - 90.0, x - 89.0
    rib = np.zeros(SHAPE, np.float32)
    for side, start, slope, length in ribs:
        beside = side * x - HALF_WIDTH_MM
        on_it = (np.abs(z - start - slope * beside) < 5.0) & (beside > 0) & (beside < length)
        rib[on_it] = 1.0
    keep = slice((SHAPE[2] - width) // 2, (SHAPE[2] + width) // 2)
    affine = AFFINE.copy()
    affine[0, 3] += 2.0 * keep.start
    rib = rib[:, :, keep].copy()
    other = [np.zeros_like(rib) for _ in range(3)]
    return CoarseMaps(body=other[0], rib=rib, sacrum=other[1], level=other[2], affine=affine)


def evidence(seen: CoarseMaps) -> list[float]:
    return rib_evidence([outline(UPPER), outline(LOWER)], seen)


def test_a_pair_of_ribs_is_seen_at_its_body_and_not_at_the_next() -> None:
    with_ribs, without = evidence(maps(*[(side, UPPER + 6.0, -0.6, 50.0) for side in (-1.0, 1.0)]))
    assert with_ribs > 0.9
    assert without < UNKNOWN


def test_a_rib_on_one_side_is_more_than_half_the_evidence() -> None:
    lone, none = evidence(maps((1.0, UPPER + 6.0, -0.6, 50.0)))
    assert lone == pytest.approx(0.6, abs=0.05)
    assert none < UNKNOWN


def test_a_transverse_process_is_no_rib() -> None:
    """It ends 14 mm beside the wall; a rib is followed from 6 to 42 mm."""
    stumps = evidence(maps(*[(side, UPPER + 4.0, 0.0, 14.0) for side in (-1.0, 1.0)]))
    assert max(stumps) < UNKNOWN


def test_where_the_place_of_a_rib_is_out_of_view_nothing_is_said_about_it() -> None:
    assert evidence(maps(width=46)) == [UNKNOWN, UNKNOWN]  # ends 26 mm from the middle, 6 mm beside the wall


def test_without_a_rib_there_is_no_evidence_for_one() -> None:
    assert evidence(maps()) == [0.0, 0.0]
