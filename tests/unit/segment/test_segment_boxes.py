"""Outlines along the chain, drawn by a network that outlines boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from box_spine import (
    BODY_SIZE_MM,
    SOFT_HU,
    Box,
    BoxRefiner,
    Scan,
    Vector,
    body_box,
    candidate_at,
    column,
    ct,
    scan_round,
)
from spondyl.domain.coarse_maps import CoarseMaps
from spondyl.domain.refusal import Refusal, RefusalCode
from spondyl.domain.spine import SpineRegion
from spondyl.domain.vertebra import Vertebra, VertebraMasks
from spondyl.domain.volume import CtVolume
from spondyl.geometry.affine import to_points
from spondyl.geometry.canonical import canonical_grid
from spondyl.stages.segment import Settings, segment

SPACING = (1.5, 0.9, 1.1)  # along head, back, left
NUMBERS = (14, 15, 16, 17, 18)
BODY_ML = BODY_SIZE_MM[0] * BODY_SIZE_MM[1] * BODY_SIZE_MM[2] / 1000.0


def outlined(
    volume: CtVolume,
    seen: Sequence[Box],
    *,
    off_mm: Vector = (0.0, 0.0, 0.0),
    turn_deg: Vector = (0.0, 0.0, 0.0),
    refiner: BoxRefiner | None = None,
    settings: Settings | None = None,
) -> tuple[Vertebra, ...]:
    """Vertebrae outlined from candidates at boxes, all of them off and turned alike."""
    region = SpineRegion(bodies=tuple(candidate_at(box, off_mm, turn_deg) for box in seen))
    masks = segment(volume, region, refiner or BoxRefiner(), settings or Settings())
    assert isinstance(masks, VertebraMasks)
    return masks.vertebrae


def angle_deg(one: np.ndarray, other: np.ndarray) -> float:
    cosine = (np.trace(one.T @ other) - 1.0) / 2.0
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def volume_ml(vertebra: Vertebra) -> float:
    return float(vertebra.patch.occupancy.sum()) * vertebra.patch.spacing_mm**3 / 1000.0


def patch_middle(vertebra: Vertebra) -> np.ndarray:
    middle = (np.array([vertebra.patch.occupancy.shape]) - 1) / 2
    return to_points(vertebra.patch.affine, middle)[0]


def assert_outlined(vertebrae: Sequence[Vertebra], boxes: Sequence[Box]) -> None:
    assert len(vertebrae) == len(boxes)
    for vertebra, box in zip(vertebrae, boxes, strict=True):
        assert np.linalg.norm(vertebra.candidate.centre_lps_mm - box.centre_mm) < 0.7
        assert angle_deg(vertebra.candidate.frame, box.frame) < 2.0
        # half a voxel of partial volume is cut off at each edge and corner
        assert volume_ml(vertebra) == pytest.approx(BODY_ML, rel=0.04)


def test_every_body_is_outlined_at_its_place_head_to_foot() -> None:
    boxes = column(NUMBERS)
    vertebrae = outlined(ct(boxes, scan_round(boxes, SPACING)), boxes)
    assert_outlined(vertebrae, boxes)
    for vertebra, number in zip(vertebrae, NUMBERS, strict=True):
        assert vertebra.candidate.level_estimate == number
        assert not vertebra.cut_by_border
        assert vertebra.metal_fraction == 0.0
        assert vertebra.outline_quality > 0.85  # less than 1: its surface has partial volume
        assert vertebra.patch.in_scan.any()


@pytest.mark.parametrize(
    ("order", "signs"), [((0, 1, 2), (-1, -1, 1)), ((2, 0, 1), (1, -1, -1)), ((1, 2, 0), (-1, 1, -1))]
)
def test_flipped_and_permuted_stacks_give_the_same_outlines(
    order: tuple[int, int, int], signs: tuple[int, int, int]
) -> None:
    boxes = column(NUMBERS[:2])
    scan = scan_round(boxes, SPACING, order=order, signs=signs)
    vertebrae = outlined(ct(boxes, scan), boxes)
    assert_outlined(vertebrae, boxes)
    assert {vertebra.patch.slice_spacing_mm for vertebra in vertebrae} == {1.5}


def test_an_oblique_stack_gives_the_same_outlines() -> None:
    boxes = column(NUMBERS[:2])
    scan = scan_round(boxes, SPACING, turn_deg=(12.0, -15.0, 10.0))
    assert_outlined(outlined(ct(boxes, scan), boxes), boxes)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_the_second_pass_is_cut_where_the_first_one_found_the_body(axis: int, sign: float) -> None:
    """A candidate 9 mm off and turned by 12 degrees: the patch that is kept lies on the body."""
    boxes = column(NUMBERS[:1])
    volume = ct(boxes, scan_round(boxes, SPACING, margin_mm=40.0))
    off, turn = np.zeros(3), np.zeros(3)
    off[axis], turn[axis] = 9.0 * sign, 12.0 * sign
    refiner = BoxRefiner()
    (vertebra,) = outlined(volume, boxes, off_mm=off, turn_deg=turn, refiner=refiner)
    # once to find it, once where it stays, and there once more mirrored
    assert len(refiner.patches) == 3
    assert np.linalg.norm(patch_middle(vertebra) - boxes[0].centre_mm) < 0.7
    left_over = vertebra.patch.affine[:3, :3][:, ::-1] / vertebra.patch.spacing_mm
    assert angle_deg(left_over, boxes[0].frame) < 2.0
    assert_outlined([vertebra], boxes)


def test_the_last_pass_is_run_on_the_mirror_image_too() -> None:
    boxes = column(NUMBERS[:1])
    refiner = BoxRefiner()
    outlined(ct(boxes, scan_round(boxes, SPACING)), boxes, refiner=refiner)
    np.testing.assert_array_equal(refiner.patches[-1], refiner.patches[-2][:, :, ::-1])
    assert refiner.patches[-1].flags.c_contiguous


def test_the_axes_of_a_body_turned_about_its_own_axis_are_kept_through_the_mirror() -> None:
    frame = Rotation.from_euler("z", 14.0, degrees=True).as_matrix()
    boxes = [replace(body_box((0.0, 0.0, 0.0), 15), frame=frame)]
    volume = ct(boxes, scan_round(boxes, SPACING, margin_mm=30.0))
    (vertebra,) = outlined(volume, [replace(boxes[0], frame=np.eye(3))])
    assert angle_deg(vertebra.candidate.frame, frame) < 1.0


# ----------------------------------------------------------------------- doubles, gaps and the ends


def test_two_candidates_on_one_body_give_one_outline() -> None:
    boxes = column(NUMBERS[:3])
    volume = ct(boxes, scan_round(boxes, SPACING))
    double = replace(boxes[1], centre_mm=boxes[1].centre_mm + np.array([0.0, 2.0, -7.0]))
    seen = [boxes[0], boxes[1], double, boxes[2]]
    assert_outlined(outlined(volume, seen), boxes)


@pytest.mark.parametrize("missed", [[1], [2], [3], [2, 3]])
def test_bodies_missed_between_are_filled_in(missed: list[int]) -> None:
    boxes = column((12, 13, 14, 15, 16, 17))
    volume = ct(boxes, scan_round(boxes, SPACING))
    vertebrae = outlined(volume, [box for place, box in enumerate(boxes) if place not in missed])
    assert_outlined(vertebrae, boxes)
    for place in missed:
        candidate = vertebrae[place].candidate
        assert candidate.level_estimate == pytest.approx(12 + place)
        assert candidate.level_estimate_sd > 1.3  # nobody read this body's number
        assert candidate.rib_evidence == 0.5
        assert candidate.sacrum_evidence == 0.0


def test_a_gap_without_a_body_stays_a_gap() -> None:
    boxes = column(NUMBERS)
    seen = boxes[:2] + boxes[3:]
    assert_outlined(outlined(ct(seen, scan_round(seen, SPACING)), seen), seen)


def test_the_chain_goes_on_beyond_both_its_ends() -> None:
    boxes = column((11, 12, 13, 14, 15, 16, 17))
    vertebrae = outlined(ct(boxes, scan_round(boxes, SPACING)), boxes[2:5])
    assert_outlined(vertebrae, boxes)
    numbers = [vertebra.candidate.level_estimate for vertebra in vertebrae]
    assert numbers == pytest.approx([11, 12, 13, 14, 15, 16, 17])


def test_the_chain_ends_where_the_bodies_end() -> None:
    boxes = column(NUMBERS[:3])
    volume = ct(boxes, scan_round(boxes, SPACING, margin_mm=120.0))
    assert_outlined(outlined(volume, boxes), boxes)


def test_the_chain_ends_where_the_scan_ends() -> None:
    """Bodies go on above and below, but the scan does not: nothing is looked for out there."""
    boxes = column((11, 12, 13, 14, 15))
    volume = ct(boxes, scan_round(boxes[1:4], SPACING, margin_mm=3.0))
    refiner = BoxRefiner()
    vertebrae = outlined(volume, boxes[1:4], refiner=refiner)
    whole = [vertebra for vertebra in vertebrae if not vertebra.cut_by_border]
    assert len(whole) <= 3
    for vertebra in vertebrae:
        nearest = min(np.linalg.norm(vertebra.candidate.centre_lps_mm - box.centre_mm) for box in boxes[1:4])
        assert nearest < 0.7
    assert len(refiner.patches) == 3 * 2  # each of the three as it is and mirrored


@pytest.mark.parametrize("size_mm", [(24.0, 18.0, 24.0), (56.0, 48.0, 24.0)], ids=["third", "double"])
def test_a_bright_thing_beyond_the_end_that_is_not_of_their_size_is_no_vertebra(
    size_mm: tuple[float, float, float],
) -> None:
    boxes = column(NUMBERS[:3])
    every = [*boxes, replace(column(NUMBERS[:4])[3], size_mm=size_mm)]
    assert_outlined(outlined(ct(every, scan_round(every, SPACING)), boxes), boxes)


def test_a_lone_body_is_outlined() -> None:
    boxes = column(NUMBERS[:1])
    assert_outlined(outlined(ct(boxes, scan_round(boxes, SPACING)), boxes), boxes)


# ------------------------------------------------------------------------- evidence at the final place


def maps_of(volume: CtVolume, *, body: float, number: float) -> CoarseMaps:
    """Coarse maps that say the same everywhere in the volume."""
    shape, grid = canonical_grid(volume.hu.shape, volume.affine, 2.0)

    def everywhere(value: float) -> np.ndarray:
        return np.full(shape, value, np.float32)

    return CoarseMaps(
        body=everywhere(body),
        rib=everywhere(0.75),
        sacrum=everywhere(0.25),
        level=everywhere(number),
        affine=grid,
    )


@pytest.mark.parametrize("body", [0.9, 0.1])
def test_every_body_gets_the_evidence_at_its_final_place(body: float) -> None:
    """The third body was not found by the finder. Its running number is taken from the maps where they see
    a body there, else it stays what its neighbour tells, and is not trusted much.
    """
    boxes = column((11, 12, 13, 14))
    volume = ct(boxes, scan_round(boxes, SPACING, margin_mm=50.0))
    seen = [boxes[0], boxes[1], boxes[3]]
    maps = maps_of(volume, body=body, number=17.0)
    region = SpineRegion(bodies=tuple(candidate_at(box) for box in seen), maps=maps)
    masks = segment(volume, region, BoxRefiner(), Settings())
    assert isinstance(masks, VertebraMasks)
    assert len(masks.vertebrae) == 4
    for vertebra, number in zip(masks.vertebrae, (11, 12, 13, 14), strict=True):
        candidate = vertebra.candidate
        assert candidate.rib_evidence == pytest.approx(0.75)
        assert candidate.sacrum_evidence == pytest.approx(0.25)
        assert candidate.level_estimate == pytest.approx(17.0 if body > 0.5 else number)
        assert candidate.level_estimate_sd == pytest.approx(1.3 if body > 0.5 else 4.0)


def test_where_no_candidate_is_a_body_the_search_begins_in_the_column() -> None:
    boxes = column(NUMBERS[:4])
    volume = ct(boxes, scan_round(boxes, SPACING, margin_mm=50.0))
    aside = (candidate_at(boxes[1], (60.0, 0.0, 0.0)),)
    blind = segment(volume, SpineRegion(bodies=aside), BoxRefiner(), Settings())
    assert isinstance(blind, Refusal)
    maps = maps_of(volume, body=0.9, number=17.0)
    masks = segment(volume, SpineRegion(bodies=aside, maps=maps), BoxRefiner(), Settings())
    assert isinstance(masks, VertebraMasks)
    assert_outlined(masks.vertebrae, boxes)


# ------------------------------------------------------------------------------- nothing, or too little


def test_no_body_at_any_candidate_is_refused() -> None:
    boxes = column(NUMBERS[:2])
    empty = ct([], scan_round(boxes, SPACING))
    region = SpineRegion(bodies=tuple(candidate_at(box) for box in boxes))
    refusal = segment(empty, region, BoxRefiner(), Settings())
    assert isinstance(refusal, Refusal)
    assert refusal.code == RefusalCode.NO_SPINE_FOUND
    assert refusal.stage == "segment"


@pytest.mark.parametrize(("beyond_mm", "is_at_the_end"), [(6.0, True), (40.0, False)])
def test_a_refusal_says_where_the_spine_runs_along_the_end_of_the_scan(
    beyond_mm: float, *, is_at_the_end: bool
) -> None:
    """Candidates without a body, their centres that far within the scan's back."""
    boxes = column(NUMBERS[:2])
    seen = [replace(box, centre_mm=np.array([0.0, 0.0, box.centre_mm[2]])) for box in boxes]
    scan = Scan(shape=(60, 80, 80), spacing_mm=(2.0, 1.0, 1.0), middle_mm=(0.0, beyond_mm - 39.5, -16.0))
    region = SpineRegion(bodies=tuple(candidate_at(box) for box in seen))
    refusal = segment(ct([], scan), region, BoxRefiner(), Settings())
    assert isinstance(refusal, Refusal)
    assert ("end of the scan" in refusal.got) == is_at_the_end


def test_a_candidate_wholly_outside_the_scan_is_dropped() -> None:
    boxes = column(NUMBERS[:2])
    outside = body_box(boxes[0].centre_mm + np.array([0.0, 0.0, 300.0]), 1)
    assert_outlined(outlined(ct(boxes, scan_round(boxes, SPACING)), [outside, *boxes]), boxes)


@pytest.mark.parametrize(("side_mm", "is_kept"), [(9.0, False), (13.0, True)])
def test_a_target_smaller_than_any_body_is_dropped(side_mm: float, *, is_kept: bool) -> None:
    """9 mm cubed is 0.73 ml, 13 mm cubed 2.2 ml; 1.2 ml is asked for."""
    cube = Box(centre_mm=np.zeros(3), hu=400.0, size_mm=(side_mm, side_mm, side_mm))
    volume = ct([cube], scan_round([cube], (1.0, 0.9, 1.1), margin_mm=40.0))
    region = SpineRegion(bodies=(candidate_at(cube),))
    assert isinstance(segment(volume, region, BoxRefiner(), Settings()), VertebraMasks) == is_kept


@pytest.mark.parametrize(("away_mm", "is_kept"), [(12.0, True), (18.0, False)])
def test_a_body_far_from_where_it_was_looked_for_is_another_one(away_mm: float, *, is_kept: bool) -> None:
    boxes = column(NUMBERS[:1])
    volume = ct(boxes, scan_round(boxes, SPACING, margin_mm=40.0))
    region = SpineRegion(bodies=(candidate_at(boxes[0], (0.0, 0.0, away_mm)),))
    assert isinstance(segment(volume, region, BoxRefiner(), Settings()), VertebraMasks) == is_kept


def test_pieces_that_are_not_joined_to_the_body_are_not_its_own() -> None:
    """The refiner outlines the nearest part only; further pieces are planted into its answer, alike in its
    answer to the mirror image.
    """

    class WithASpeck(BoxRefiner):
        def run(self, patch: np.ndarray) -> np.ndarray:
            out = super().run(patch)
            out[1, 2:8, 2:8, [*range(2, 8), *range(56, 62)]] = 9.0
            return out

    boxes = column(NUMBERS[:1])
    volume = ct(boxes, scan_round(boxes, SPACING, margin_mm=40.0))
    (vertebra,) = outlined(volume, boxes, refiner=WithASpeck())
    assert_outlined([vertebra], boxes)
    np.testing.assert_array_equal(vertebra.patch.occupancy[2:8, 2:8, 2:8], 0.0)
    np.testing.assert_array_equal(vertebra.patch.occupancy[2:8, 2:8, 56:62], 0.0)


@pytest.mark.parametrize("probability", [0.05, 0.3, 0.49])
def test_a_place_that_the_refiner_only_half_believes_in_holds_no_body(probability: float) -> None:
    """Nowhere more likely a body than not, but much of it: 20 mm cubed at these probabilities."""

    class Doubting(BoxRefiner):
        def run(self, patch: np.ndarray) -> np.ndarray:
            out = np.zeros((9, *patch.shape), np.float32)
            out[1:6] = -24.0
            out[1, 22:42, 22:42, 22:42] = np.log(probability / (1.0 - probability))
            return out

    boxes = column(NUMBERS[:1])
    volume = ct(boxes, scan_round(boxes, SPACING, margin_mm=40.0))
    region = SpineRegion(bodies=(candidate_at(boxes[0]),))
    assert isinstance(segment(volume, region, Doubting(), Settings()), Refusal)


def test_faint_doubt_all_over_the_patch_adds_nothing_to_a_body() -> None:
    """A probability of 0.01 on each of 64 cubed voxels would be 2.6 ml."""

    class Faint(BoxRefiner):
        def run(self, patch: np.ndarray) -> np.ndarray:
            out = super().run(patch)
            out[1] = np.maximum(out[1], np.log(0.01 / 0.99))
            return out

    boxes = column(NUMBERS[:1])
    volume = ct(boxes, scan_round(boxes, SPACING, margin_mm=40.0))
    assert_outlined(outlined(volume, boxes, refiner=Faint()), boxes)
    region = SpineRegion(bodies=(candidate_at(boxes[0]),))
    empty = ct([], scan_round(boxes, SPACING, margin_mm=40.0))
    assert isinstance(segment(empty, region, Faint(), Settings()), Refusal)


# --------------------------------------------------------------------------------------------- metal


def with_metal(boxes: list[Box], metal: Box) -> CtVolume:
    """Metal is drawn last, over whatever is there."""
    return ct([*boxes, metal], scan_round(boxes, (1.0, 0.9, 1.1), margin_mm=30.0))


def test_metal_in_the_body_counts_by_its_volume() -> None:
    """A block of 12 x 12 x 12 mm in a body of 42 x 32 x 24 mm and 5 mm round it (faces only:
    32256 + 2 x 5 x (42 x 32 + 42 x 24 + 32 x 24) mm3, and some of the edges).
    """
    boxes = [body_box((0.0, 0.0, 0.0), 15)]
    metal = Box(centre_mm=np.array([3.0, 2.0, -1.0]), hu=3000.0, size_mm=(12.0, 12.0, 12.0))
    (vertebra,) = outlined(with_metal(boxes, metal), boxes)
    faces = 42 * 32 * 24 + 2 * 5 * (42 * 32 + 42 * 24 + 32 * 24)
    whole = 52 * 42 * 34
    assert 0.9 * 12**3 / whole < vertebra.metal_fraction < 1.1 * 12**3 / faces


@pytest.mark.parametrize(("gap_mm", "counts"), [(2.0, True), (8.0, False)])
def test_metal_beside_the_body_counts_as_far_as_it_spoils_it(gap_mm: float, *, counts: bool) -> None:
    boxes = [body_box((0.0, 0.0, 0.0), 15)]
    metal = Box(centre_mm=np.array([0.0, 16.0 + gap_mm + 3.0, 0.0]), hu=3000.0, size_mm=(12.0, 6.0, 12.0))
    (vertebra,) = outlined(with_metal(boxes, metal), boxes)
    assert (vertebra.metal_fraction > 0.0) == counts


def test_dense_bone_is_no_metal() -> None:
    boxes = [body_box((0.0, 0.0, 0.0), 15)]
    dense = Box(centre_mm=np.zeros(3), hu=1500.0, size_mm=(16.0, 16.0, 16.0))
    (vertebra,) = outlined(with_metal(boxes, dense), boxes)
    assert vertebra.metal_fraction == 0.0
    assert vertebra.patch.hu.max() > SOFT_HU + 1000
