"""A body that the scan cuts must never pass as whole; one well inside must not be thrown away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from box_spine import Box, BoxRefiner, Scan, Vector, body_box, candidate_at, corners, ct
from spondyl.domain.refusal import Refusal
from spondyl.domain.spine import SpineRegion
from spondyl.domain.vertebra import Vertebra
from spondyl.domain.volume import HU_FLOOR, CtVolume
from spondyl.stages.segment import Settings, segment

HEAD, BACK, LEFT = 0, 1, 2  # array axes of an axial stack
FACES = [(HEAD, 1), (HEAD, 0), (BACK, 1), (BACK, 0), (LEFT, 1), (LEFT, 0)]
FACE_NAMES = ["top", "bottom", "back", "front", "left", "right"]
MARGIN_MM = 12.0  # to the other ends of the scan: more than any border below reaches
SIZE_MM = (30.0, 24.0, 18.0)
PATCH = (48, 48, 48)  # smaller than the shipped one: it holds this body, and is quicker


def a_body(centre_mm: Vector = (0.0, 0.0, 0.0), *, bend_deg: float = 0.0, lean_deg: float = 0.0) -> Box:
    return replace(body_box(centre_mm, 15, bend_deg=bend_deg, lean_deg=lean_deg), size_mm=SIZE_MM)


def scan_ending(
    box: Box,
    face: tuple[int, int],
    beyond_mm: float,
    spacing_mm: tuple[float, float, float],
    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Scan:
    """A stack whose last voxel centres on one face lie ``beyond_mm`` past the body (negative: cut it)."""
    directions = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix() @ np.eye(3)[:, ::-1]
    ends = corners(box) @ directions
    low, high = ends.min(axis=0) - MARGIN_MM, ends.max(axis=0) + MARGIN_MM
    axis, end = face
    if end:
        high[axis] = ends[:, axis].max() + beyond_mm
    else:
        low[axis] = ends[:, axis].min() - beyond_mm
    steps = np.ceil((high - low) / np.array(spacing_mm)).astype(int)
    # the face lies where it was asked for; the other end of that axis takes up the rounding
    if end:
        low[axis] = high[axis] - steps[axis] * spacing_mm[axis]
    else:
        high[axis] = low[axis] + steps[axis] * spacing_mm[axis]
    middle = directions @ ((low + high) / 2)
    return Scan(
        shape=(int(steps[0]) + 1, int(steps[1]) + 1, int(steps[2]) + 1),
        spacing_mm=spacing_mm,
        middle_mm=(float(middle[0]), float(middle[1]), float(middle[2])),
        directions=directions,
    )


def outlined(box: Box, volume: CtVolume, refiner: BoxRefiner | None = None) -> Vertebra | None:
    """The one vertebra; None where it is not outlined at all (too little of it, or too far off)."""
    region = SpineRegion(bodies=(candidate_at(box),))
    masks = segment(volume, region, refiner or BoxRefiner(patch_shape=PATCH), Settings())
    if isinstance(masks, Refusal):
        return None
    (vertebra,) = masks.vertebrae
    return vertebra


def passes_as_whole(box: Box, scan: Scan, refiner: BoxRefiner | None = None) -> bool:
    vertebra = outlined(box, ct([box], scan), refiner)
    return vertebra is not None and not vertebra.cut_by_border


@pytest.mark.parametrize("face", FACES, ids=FACE_NAMES)
@pytest.mark.parametrize("cut_mm", [0.6, 3.0, 8.0])
def test_a_body_that_the_scan_cuts_never_passes_as_whole(face: tuple[int, int], cut_mm: float) -> None:
    box = a_body()
    assert not passes_as_whole(box, scan_ending(box, face, -cut_mm, (1.5, 0.9, 1.1)))


@pytest.mark.parametrize("face", FACES, ids=FACE_NAMES)
@pytest.mark.parametrize("spacing_mm", [1.0, 2.4, 5.0])
def test_a_body_within_a_slice_of_the_border_counts_as_cut(face: tuple[int, int], spacing_mm: float) -> None:
    """Its end may be there, but one slice cannot tell."""
    box = a_body()
    for share in (0.1, 0.95):
        scan = scan_ending(box, face, share * spacing_mm, (spacing_mm, 0.9, 0.8))
        assert not passes_as_whole(box, scan), f"{share * spacing_mm:.2f} mm within the border"


@pytest.mark.parametrize("face", FACES, ids=FACE_NAMES)
@pytest.mark.parametrize("spacing_mm", [1.0, 2.4, 5.0])
def test_a_body_well_within_the_border_is_whole(face: tuple[int, int], spacing_mm: float) -> None:
    """A slice, and three voxels of the patch (3 mm) for its surface and for rounding."""
    box = a_body()
    assert passes_as_whole(box, scan_ending(box, face, spacing_mm + 3.0, (spacing_mm, 0.9, 0.8)))


@pytest.mark.parametrize("turn_deg", [(0.0, 30.0, 0.0), (20.0, -20.0, 15.0)])
@pytest.mark.parametrize("spacing_mm", [1.0, 4.0])
def test_a_body_within_a_slice_of_an_oblique_border_counts_as_cut(
    turn_deg: tuple[float, float, float], spacing_mm: float
) -> None:
    """The body's edge points at the border; 4 mm of an edge are seen by much more than noise."""
    box = a_body()
    for face in FACES:
        scan = scan_ending(box, face, 0.3 * spacing_mm, (spacing_mm, 0.9, 0.8), turn_deg)
        assert not passes_as_whole(box, scan), f"face {face}"


@pytest.mark.parametrize("turn_deg", [(0.0, 30.0, 0.0), (20.0, -20.0, 15.0)])
def test_a_body_well_within_an_oblique_border_is_whole(turn_deg: tuple[float, float, float]) -> None:
    box = a_body()
    for face in FACES:
        assert passes_as_whole(box, scan_ending(box, face, 6.0, (2.0, 0.9, 0.8), turn_deg))


@settings(deadline=None, max_examples=40)
@given(
    face=st.sampled_from(FACES),
    cut_mm=st.floats(1.0, 10.0),
    spacing=st.tuples(st.floats(0.7, 5.0), st.floats(0.6, 1.2), st.floats(0.6, 1.2)),
    turn_deg=st.tuples(*[st.floats(-30.0, 30.0)] * 3),
    lean_deg=st.tuples(*[st.floats(-30.0, 30.0)] * 2),
)
def test_however_the_scan_cuts_it_a_body_never_passes_as_whole(
    face: tuple[int, int],
    cut_mm: float,
    spacing: tuple[float, float, float],
    turn_deg: tuple[float, float, float],
    lean_deg: tuple[float, float],
) -> None:
    box = a_body(bend_deg=lean_deg[0], lean_deg=lean_deg[1])
    assert not passes_as_whole(box, scan_ending(box, face, -cut_mm, spacing, turn_deg))


@settings(deadline=None, max_examples=25)
@given(
    face=st.sampled_from(FACES),
    cut_mm=st.floats(1.5, 10.0),
    slice_mm=st.floats(0.7, 5.0),
    shy_mm=st.integers(1, 3),
    bend_deg=st.floats(-20.0, 20.0),
)
def test_a_refiner_that_shies_from_the_border_does_not_make_a_cut_body_whole(
    face: tuple[int, int], cut_mm: float, slice_mm: float, shy_mm: int, bend_deg: float
) -> None:
    """Next to the end of what it sees a network may no longer believe in a body: it then ends too early."""
    box = a_body(bend_deg=bend_deg)
    scan = scan_ending(box, face, -cut_mm, (slice_mm, 0.9, 0.8))
    assert not passes_as_whole(box, scan, BoxRefiner(patch_shape=PATCH, shy_mm=shy_mm))


@pytest.mark.parametrize("radius_mm", [26.0, 34.0])
def test_a_body_at_the_edge_of_the_scan_circle_counts_as_cut(radius_mm: float) -> None:
    """Beyond the circle the volume holds its floor value: no data, although the array goes on."""
    box = a_body((24.0, 0.0, 0.0))  # to x = 39 mm
    scan = Scan(shape=(40, 100, 100), spacing_mm=(1.5, 0.9, 1.1), middle_mm=(0.0, 0.0, 0.0))
    hu = ct([box], scan).hu.copy()
    j, i = np.indices(scan.shape[1:])
    outside = np.hypot((j - 49.5) * 0.9, (i - 49.5) * 1.1) > radius_mm
    hu[:, outside] = HU_FLOOR
    volume = CtVolume(hu=hu, affine=scan.affine, series_id="boxes")
    vertebra = outlined(box, volume)
    assert vertebra is None or vertebra.cut_by_border


def test_a_gas_pocket_in_the_disc_is_no_border() -> None:
    """Vacuum in the disc space, 20 x 16 x 4 mm of the floor value, 0.5 mm above the body."""
    box = a_body()
    scan = scan_ending(box, (HEAD, 1), MARGIN_MM, (1.0, 0.9, 1.1))
    gas = Box(centre_mm=np.array([0.0, 0.0, 9.0 + 0.5 + 2.0]), hu=HU_FLOOR, size_mm=(20.0, 16.0, 4.0))
    vertebra = outlined(box, ct([box, gas], scan))
    assert vertebra is not None
    assert not vertebra.cut_by_border


def test_lung_whose_noise_reaches_the_floor_is_no_border() -> None:
    """Lung at -900 with a noise of 60: one voxel in fifty is at the floor. 1.5 mm beside the body."""
    box = a_body()
    scan = scan_ending(box, (HEAD, 1), MARGIN_MM, (1.0, 0.9, 1.1))
    volume = ct([box], scan)
    hu = volume.hu.astype(float)
    i = np.indices(scan.shape)[LEFT]
    left = (i - (scan.shape[LEFT] - 1) / 2) * 1.1 + scan.middle_mm[0]
    noise = np.random.default_rng(5).normal(-900.0, 60.0, scan.shape)
    hu = np.where(left > 15.0 + 1.5, noise, hu)
    clipped = np.clip(np.round(hu), HU_FLOOR, None).astype(np.int16)
    assert 0.005 < np.mean(clipped[left > 17.0] == HU_FLOOR) < 0.04
    vertebra = outlined(box, CtVolume(hu=clipped, affine=scan.affine, series_id="boxes"))
    assert vertebra is not None
    assert not vertebra.cut_by_border


def test_the_part_of_a_cut_body_beyond_the_scan_is_left_empty() -> None:
    box = a_body()
    vertebra = outlined(box, ct([box], scan_ending(box, (HEAD, 1), -6.0, (1.5, 0.9, 1.1))))
    assert vertebra is not None
    assert vertebra.cut_by_border
    assert np.count_nonzero(~vertebra.patch.in_scan) > 0
    np.testing.assert_array_equal(vertebra.patch.occupancy[~vertebra.patch.in_scan], 0.0)
