"""Bodies, their places, frames and evidence, found by a network that reads boxes."""

from __future__ import annotations

import numpy as np
import pytest

from box_spine import (
    SACRUM_HU,
    Box,
    BoxFinder,
    Scan,
    body_box,
    column,
    ct,
    sacrum_below,
    scan_round,
)
from spondyl.domain.coarse_maps import UNKNOWN
from spondyl.domain.refusal import Refusal, RefusalCode
from spondyl.domain.spine import SpineRegion
from spondyl.stages.localise import Settings, localise

SPACING = (2.5, 0.9, 1.2)  # along head, back, left
NUMBERS = (14, 15, 16, 17, 18)


def found(boxes: list[Box], scan: Scan, finder: BoxFinder | None = None) -> SpineRegion:
    region = localise(ct(boxes, scan), finder or BoxFinder(), Settings())
    assert isinstance(region, SpineRegion)
    return region


def angle_deg(one: np.ndarray, other: np.ndarray) -> float:
    """Angle of the rotation that takes one frame to the other."""
    cosine = (np.trace(one.T @ other) - 1.0) / 2.0
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def assert_found(region: SpineRegion, boxes: list[Box]) -> None:
    assert len(region.bodies) == len(boxes)
    for candidate, box in zip(region.bodies, boxes, strict=True):
        assert np.linalg.norm(candidate.centre_lps_mm - box.centre_mm) < 1.0
        assert angle_deg(candidate.frame, box.frame) < 3.0
        assert np.linalg.det(candidate.frame) > 0


def test_every_body_is_found_at_its_place_in_its_frame_from_head_to_foot() -> None:
    boxes = column(NUMBERS)
    region = found(boxes, scan_round(boxes, SPACING))
    assert_found(region, boxes)
    for candidate, number in zip(region.bodies, NUMBERS, strict=True):
        assert candidate.level_estimate == pytest.approx(number, abs=0.3)
        assert candidate.level_estimate_sd >= Settings().level_sd
        assert candidate.body_probability > 0.9


@pytest.mark.parametrize(
    ("order", "signs"),
    [((0, 1, 2), (-1, -1, 1)), ((0, 1, 2), (-1, 1, 1)), ((1, 0, 2), (1, -1, 1)), ((2, 0, 1), (-1, -1, -1)),
     ((2, 1, 0), (1, 1, -1))],
)  # fmt: skip
def test_flipped_and_permuted_stacks_give_the_same_bodies_in_the_patient(
    order: tuple[int, int, int], signs: tuple[int, int, int]
) -> None:
    boxes = column(NUMBERS[:3])
    assert_found(found(boxes, scan_round(boxes, SPACING, order=order, signs=signs)), boxes)


@pytest.mark.parametrize(
    "turn_deg", [(20.0, 0.0, 0.0), (0.0, -20.0, 0.0), (0.0, 0.0, 20.0), (10.0, 12.0, -8.0)]
)
def test_an_oblique_stack_gives_the_same_bodies_in_the_patient(turn_deg: tuple[float, float, float]) -> None:
    boxes = column(NUMBERS[:3])
    assert_found(found(boxes, scan_round(boxes, SPACING, turn_deg=turn_deg, margin_mm=14.0)), boxes)


def rows_of(scan: Scan) -> int:
    """Rows of windows of 192 mm that overlap by at least 40 %, along the head axis of an axial stack."""
    voxels = (scan.shape[0] - 1) * scan.spacing_mm[0] // 2 + 1
    return 1 if voxels <= 96 else int(np.ceil((voxels - 96) / (96 * 0.6))) + 1


@pytest.mark.parametrize("margin_mm", [20.0, 26.0, 31.0, 37.0])
def test_bodies_across_the_borders_of_windows_are_found_once(margin_mm: float) -> None:
    """Two or three rows of windows, whose borders cut the spine at other places each time."""
    boxes = column(range(10, 18))
    scan = scan_round(boxes, (3.0, 1.3, 1.6), margin_mm=margin_mm)
    assert rows_of(scan) > 1
    assert_found(found(boxes, scan), boxes)


def test_a_spine_at_its_usual_place_takes_one_window_a_row() -> None:
    boxes = column(range(9, 18))
    scan = scan_round([*boxes, *wide_of(boxes, 90.0)], (3.0, 1.5, 1.6))
    finder = BoxFinder()
    assert_found(found(boxes, scan, finder), boxes)
    assert finder.seen == rows_of(scan) == 3


def wide_of(boxes: list[Box], reach_mm: float) -> list[Box]:
    """Places that the scan must hold as well: to both sides, and in front."""
    middle = np.mean([box.centre_mm for box in boxes], axis=0)
    return [body_box(middle + np.array(off), 0) for off in ((reach_mm, 0, 0), (-reach_mm, 0, 0), (0, -90, 0))]


@pytest.mark.parametrize("off_mm", [(115.0, 0.0), (-115.0, -40.0), (0.0, -115.0)])
def test_a_spine_far_from_its_usual_place_is_found(off_mm: tuple[float, float]) -> None:
    """The first window is laid where spines usually lie, and does not hold this one."""
    boxes = column(NUMBERS[:4])
    empty = [body_box(box.centre_mm + np.array([-2 * off_mm[0], -2 * off_mm[1], 0.0]), 0) for box in boxes]
    scan = scan_round([*boxes, *empty], (3.0, 1.6, 1.7))
    assert_found(found(boxes, scan), boxes)


@pytest.mark.parametrize("lean_deg", [-17.0, 17.0])
def test_a_spine_that_runs_aside_is_followed(lean_deg: float) -> None:
    """Fourteen bodies 32 mm apart, each 9 mm further aside: 122 mm in all, a window is 160 mm wide."""
    boxes, centre = [], np.zeros(3)
    for number in range(4, 18):
        boxes.append(body_box(centre, number, lean_deg=lean_deg))
        centre = centre - 32.0 * boxes[-1].frame[:, 2]
    scan = scan_round(boxes, (3.0, 1.6, 1.7))
    finder = BoxFinder()
    assert_found(found(boxes, scan, finder), boxes)
    assert finder.seen == rows_of(scan) == 4  # each row begins where the one beside it found the spine


def test_a_stack_smaller_than_a_window_is_read_in_one() -> None:
    boxes = column(NUMBERS[:2])
    scan = scan_round(boxes, SPACING, margin_mm=6.0)
    assert all(n * s < 150 for n, s in zip(scan.shape, scan.spacing_mm, strict=True))
    finder = BoxFinder()
    assert_found(found(boxes, scan, finder), boxes)
    assert finder.seen == 1


def test_a_lone_body_is_a_spine() -> None:
    boxes = column(NUMBERS[:1])
    assert_found(found(boxes, scan_round(boxes, SPACING)), boxes)


def test_rows_without_bone_are_not_run() -> None:
    boxes = column(NUMBERS[:2])
    high = body_box((0.0, 0.0, 400.0), 0)  # the scan reaches up there, where there is only soft tissue
    scan = scan_round([*boxes, high], (4.0, 2.0, 2.2))
    finder = BoxFinder()
    assert_found(found(boxes, scan, finder), boxes)
    assert 0 < finder.seen < rows_of(scan)


def test_no_bone_is_refused() -> None:
    scan = Scan(shape=(40, 90, 100), spacing_mm=(3.0, 1.1, 0.9), middle_mm=(0.0, 0.0, 0.0))
    finder = BoxFinder()
    refusal = localise(ct([], scan), finder, Settings())
    assert isinstance(refusal, Refusal)
    assert refusal.code == RefusalCode.NO_SPINE_FOUND
    assert refusal.stage == "localise"
    assert finder.seen == 0


def test_bone_without_a_body_is_refused() -> None:
    """A femur, so to say: bright, but of the brightness that the network takes for other bone."""
    femur = Box(centre_mm=np.zeros(3), hu=SACRUM_HU, size_mm=(30.0, 34.0, 90.0))
    finder = BoxFinder()
    refusal = localise(ct([femur], scan_round([femur], SPACING)), finder, Settings())
    assert isinstance(refusal, Refusal)
    assert refusal.code == RefusalCode.NO_SPINE_FOUND
    assert finder.seen > 0


def test_a_core_too_small_for_a_body_is_not_one() -> None:
    boxes = column(NUMBERS[:2])
    speck = Box(centre_mm=np.array([0.0, 0.0, 40.0]), hu=boxes[0].hu, size_mm=(9.0, 8.0, 7.0))
    assert Settings().core_volume_ml > 9.0 * 8.0 * 7.0 / 2 / 1000.0
    assert_found(found([*boxes, speck], scan_round([*boxes, speck], SPACING)), boxes)


@pytest.mark.parametrize(("tall_mm", "is_spine"), [(90.0, True), (30.0, False)])
def test_a_long_column_without_single_bodies_is_a_spine(tall_mm: float, *, is_spine: bool) -> None:
    """Ten steps of 5 mm are needed; no core is large enough to be a body of its own."""
    bone = Box(centre_mm=np.zeros(3), hu=body_box(np.zeros(3), 15).hu, size_mm=(30.0, 34.0, tall_mm))
    merged = Settings(core_volume_ml=1000.0)
    region = localise(ct([bone], scan_round([bone], SPACING)), BoxFinder(), merged)
    assert isinstance(region, SpineRegion) == is_spine
    if isinstance(region, SpineRegion):
        (candidate,) = region.bodies
        assert np.linalg.norm(candidate.centre_lps_mm) < 5.0


@pytest.mark.parametrize("aside_mm", [(75.0, 0.0), (-75.0, 10.0), (0.0, -80.0)])
def test_a_false_body_off_the_chain_is_dropped(aside_mm: tuple[float, float]) -> None:
    boxes = column(NUMBERS[:4])
    false = body_box(boxes[1].centre_mm + np.array([*aside_mm, -10.0]), 3)
    assert_found(found([*boxes, false], scan_round([*boxes, false], SPACING)), boxes)


def test_two_false_bodies_do_not_outweigh_four_of_the_spine() -> None:
    boxes = column(NUMBERS[:4])
    hips = [body_box(boxes[-1].centre_mm + np.array([side * 90.0, -20.0, -25.0]), 4) for side in (-1.0, 1.0)]
    assert_found(found([*boxes, *hips], scan_round([*boxes, *hips], (3.0, 1.3, 1.6))), boxes)


def test_the_chain_goes_on_across_a_missed_body() -> None:
    boxes = column(NUMBERS)
    seen = boxes[:2] + boxes[3:]
    assert_found(found(seen, scan_round(seen, SPACING)), seen)


def test_the_sacrum_is_seen_below_the_last_body_only() -> None:
    boxes = column(NUMBERS[:3])
    sacrum = sacrum_below(boxes[-1])
    region = found([*boxes, sacrum], scan_round([*boxes, sacrum], SPACING))
    evidence = [candidate.sacrum_evidence for candidate in region.bodies]
    assert evidence[-1] > 0.8
    assert max(evidence[:-1]) < 0.1


@pytest.mark.parametrize(("margin_mm", "is_in_view"), [(5.0, False), (15.0, False), (60.0, True)])
def test_where_the_place_of_the_sacrum_is_out_of_view_nothing_is_said_about_it(
    margin_mm: float, *, is_in_view: bool
) -> None:
    """It would lie 14 to 30 mm below the body. Exactly 0 says unknown, a little says that it is not there."""
    boxes = column(NUMBERS[:2])
    last = found(boxes, scan_round(boxes, SPACING, margin_mm=margin_mm)).bodies[-1]
    assert (last.sacrum_evidence > 0.0) == is_in_view
    assert last.sacrum_evidence < 0.05


def test_without_a_sacrum_there_is_no_evidence_for_it_and_nobody_has_looked_for_ribs() -> None:
    boxes = column(NUMBERS[:3])
    for candidate in found(boxes, scan_round(boxes, SPACING)).bodies:
        assert candidate.rib_evidence == UNKNOWN
        assert candidate.sacrum_evidence < 0.05


def test_the_same_stack_gives_the_same_bodies_to_the_bit() -> None:
    boxes = column(NUMBERS[:3])
    scan = scan_round(boxes, SPACING)
    one, other = found(boxes, scan), found(boxes, scan)
    for a, b in zip(one.bodies, other.bodies, strict=True):
        np.testing.assert_array_equal(a.centre_lps_mm, b.centre_lps_mm)
        np.testing.assert_array_equal(a.frame, b.frame)
        assert a.level_estimate == b.level_estimate
