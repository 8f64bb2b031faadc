"""Fractures inserted into a CT of plain boxes: realised loss, neighbours untouched, the way back."""

from __future__ import annotations

import numpy as np
import pytest

from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.domain.volume import CtVolume
from spondyl.geometry.affine import to_index
from spondyl.synthetic.insert import Inserted, WantedFracture, insert_fracture
from spondyl.synthetic.insert_place import frame_of, place_among

# three boxes 30 mm deep, 36 mm wide and 25 voxels of 1 mm tall, 7 mm apart, upright; the middle one at 0
BODY_HU, SOFT_HU = 300, 40
HEIGHT_MM, GAP_MM, HALF_DEPTH_MM, HALF_WIDTH_MM = 25.0, 7.0, 15.0, 18.0
PITCH_MM = HEIGHT_MM + GAP_MM
SHAPE = (121, 91, 91)
AFFINE = np.array([[0.0, 0.0, 1.0, -45.0], [0.0, 1.0, 0.0, -45.0], [1.0, 0.0, 0.0, -60.0], [0, 0, 0, 1]])
SHAPES = (Shape.WEDGE, Shape.BICONCAVE, Shape.CRUSH)


def box_points(z_mm: float) -> np.ndarray:
    rows = [(0.0, y, z_mm + side * HEIGHT_MM / 2) for side in (1, -1) for y in (-15.0, 0.0, 15.0)]
    return np.array(rows)


POINTS = {Level.L1: box_points(PITCH_MM), Level.L2: box_points(0.0), Level.L3: box_points(-PITCH_MM)}


@pytest.fixture(scope="module")
def volume() -> CtVolume:
    k, j, i = np.indices(SHAPE)
    x, y, z = i - 45.0, j - 45.0, k - 60.0
    inside = np.zeros(SHAPE, dtype=bool)
    for centre in (-PITCH_MM, 0.0, PITCH_MM):
        inside |= (
            (np.abs(z - centre) <= HEIGHT_MM / 2)
            & (np.abs(y) <= HALF_DEPTH_MM)
            & (np.abs(x) <= HALF_WIDTH_MM)
        )
    return CtVolume(
        hu=np.where(inside, BODY_HU, SOFT_HU).astype(np.int16), affine=AFFINE.copy(), series_id="boxes"
    )


def insert(volume: CtVolume, shape: Shape, loss: float) -> Inserted:
    return insert_fracture(
        volume, place_among(Level.L2, POINTS, 36.0), WantedFracture(shape=shape, loss_fraction=loss)
    )


def bone_height_mm(volume: CtVolume, y_mm: float) -> float:
    """Height of the middle body on its own column of voxels, between half-way crossings."""
    column = volume.hu[30:91, round(y_mm + 45), 45].astype(float)
    edge = (BODY_HU + SOFT_HU) / 2
    middle = 30
    top, bottom = middle, middle
    while column[top + 1] > edge:
        top += 1
    while column[bottom - 1] > edge:
        bottom -= 1
    above = (column[top] - edge) / (column[top] - column[top + 1])
    below = (column[bottom] - edge) / (column[bottom] - column[bottom - 1])
    return float(top + above - (bottom - below))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("loss", [0.15, 0.35, 0.6])
def test_the_realised_loss_is_the_wanted_one_within_three_points(
    volume: CtVolume, shape: Shape, loss: float
) -> None:
    assert insert(volume, shape, loss).loss_fraction == pytest.approx(loss, abs=0.03)


@pytest.mark.parametrize(
    ("shape", "y_mm"), [(Shape.WEDGE, -14.0), (Shape.BICONCAVE, 0.0), (Shape.CRUSH, 0.0)]
)
def test_the_loss_is_seen_in_the_voxels_too(volume: CtVolume, shape: Shape, y_mm: float) -> None:
    before = bone_height_mm(volume, y_mm)
    assert before == pytest.approx(25.0, abs=1e-6)
    after = bone_height_mm(insert(volume, shape, 0.4).volume, y_mm)
    assert 1.0 - after / before == pytest.approx(0.4, abs=0.03)


def test_each_shape_loses_height_where_its_name_says(volume: CtVolume) -> None:
    leading = {shape: int(np.argmax(insert(volume, shape, 0.4).loss_fractions)) for shape in SHAPES}
    assert leading[Shape.WEDGE] == 0
    assert leading[Shape.BICONCAVE] == 1
    crush = insert(volume, Shape.CRUSH, 0.4).loss_fractions
    assert crush.min() > 0.3  # the posterior height is lost too
    assert insert(volume, Shape.WEDGE, 0.4).loss_fractions[2] < 0.1


@pytest.mark.parametrize("shape", SHAPES)
def test_the_neighbours_and_everything_beyond_them_stay_as_they_were(volume: CtVolume, shape: Shape) -> None:
    inserted = insert(volume, shape, 0.6)
    # the neighbours' first voxels: z = 20 and -20
    for part in (slice(80, None), slice(0, 41)):
        assert np.array_equal(inserted.volume.hu[part], volume.hu[part])
    for level in (Level.L1, Level.L3):
        moved = np.linalg.norm(inserted.carry(POINTS[level]) - POINTS[level], axis=1)
        assert moved.max() < 0.1


@pytest.mark.parametrize("shape", SHAPES)
def test_the_warp_keeps_the_order_along_the_axis_and_leads_back(volume: CtVolume, shape: Shape) -> None:
    inserted = insert(volume, shape, 0.6)
    for y in (-15.0, -5.0, 0.0, 10.0):
        line = np.array([[4.0, y, z] for z in np.arange(-30.0, 30.5, 0.5)])
        carried = inserted.carry(line)
        assert np.all(np.diff(carried[:, 2]) > 0.0)
        assert inserted.origin(carried) == pytest.approx(line, abs=0.02)


def test_the_points_of_the_truth_are_the_original_ones_carried(volume: CtVolume) -> None:
    inserted = insert(volume, Shape.WEDGE, 0.35)
    assert inserted.carry(POINTS[Level.L2]) == pytest.approx(inserted.landmarks_lps_mm, abs=1e-6)
    # 25 mm, 35 % lost in front
    assert inserted.heights_after_mm[0] == pytest.approx(25.0 * 0.65, abs=0.05)


def test_what_is_compressed_becomes_denser(volume: CtVolume) -> None:
    middle = to_index(AFFINE, np.array([[0.0, 0.0, 0.0]])).astype(int)[0]
    assert insert(volume, Shape.CRUSH, 0.5).volume.hu[tuple(middle)] > BODY_HU + 30


def test_the_gaps_end_before_the_neighbours_and_do_not_jump_over_one(volume: CtVolume) -> None:
    place = place_among(Level.L2, POINTS)
    assert np.all(place.gap_above_mm < GAP_MM)
    assert np.all(place.gap_above_mm > 0.5 * GAP_MM)
    # L1 without points: what lies 40 mm above is no neighbour, and the thin default is taken
    far = {Level.T12: box_points(2 * PITCH_MM), Level.L2: POINTS[Level.L2]}
    assert np.all(place_among(Level.L2, far).gap_above_mm < 0.5 * GAP_MM)


def test_the_frame_of_six_points_is_the_body_s_own() -> None:
    assert frame_of(POINTS[Level.L2]) == pytest.approx(np.eye(3), abs=1e-9)


def test_points_that_form_no_body_are_refused() -> None:
    with pytest.raises(ValueError, match="do not form a body"):
        frame_of(np.zeros((6, 3)))
    with pytest.raises(ValueError, match="L4 has no six points; choose one of L1, L2, L3"):
        place_among(Level.L4, POINTS)


def test_a_body_partly_outside_the_volume_is_refused(volume: CtVolume) -> None:
    outside = {Level.L2: box_points(55.0)}
    with pytest.raises(ValueError, match="partly outside"):
        insert_fracture(
            volume, place_among(Level.L2, outside), WantedFracture(shape=Shape.WEDGE, loss_fraction=0.3)
        )


@pytest.mark.parametrize(
    ("shape", "loss", "message"),
    [(Shape.NORMAL, 0.3, "is needed"), (Shape.WEDGE, 0.0, "at most 0.8"), (Shape.WEDGE, 0.9, "at most 0.8")],
)
def test_what_is_no_fracture_is_refused(shape: Shape, loss: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WantedFracture(shape=shape, loss_fraction=loss)
