"""What holds no data, told from gas at the floor of the scale, on pictures drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest

from spondyl.domain.volume import HU_FLOOR, CtVolume
from spondyl.geometry.affine import to_index
from spondyl.stages.segment.field import find_field

SHAPE = (20, 120, 140)  # slices of 2.5 mm, pixels of 1 mm
AFFINE = np.array([[0.0, 0, 1, -70], [0, 1, 0, -60], [2.5, 0, 0, 0], [0, 0, 0, 1]])
ROW, COLUMN = np.indices(SHAPE[1:])
CIRCLE = np.hypot(ROW - 60, COLUMN - 70) > 58  # outside of it


def empty_at(hu: np.ndarray, affine: np.ndarray = AFFINE) -> np.ndarray:
    """(k, j, i) where the volume itself, asked as a patch, holds no data."""
    volume = CtVolume(hu=hu.astype(np.int16), affine=affine, series_id="drawn")
    return find_field(volume).holds_no_data(hu.astype(np.float32), affine)


def assert_nearly(empty: np.ndarray, expected: np.ndarray) -> None:
    """Nothing too much; of what is expected, slivers thinner than a block at the picture's sides may miss."""
    assert not empty[:, ~expected].any()
    assert np.mean(empty[:, expected]) > 0.95


def tissue() -> np.ndarray:
    return np.full(SHAPE, 40.0)


def lungs() -> np.ndarray:
    """Two lungs that the sides and the front of the picture cut, with the mediastinum between them."""
    beside = np.abs(COLUMN - 70) > 25
    return np.asarray(beside & (ROW < 80))


def test_what_lies_beyond_the_scan_circle_holds_no_data() -> None:
    hu = tissue()
    hu[:, CIRCLE] = HU_FLOOR
    assert_nearly(empty_at(hu), CIRCLE)


@pytest.mark.parametrize("turn_deg", [10.0, 20.0])
def test_the_corners_of_a_turned_picture_hold_no_data(turn_deg: float) -> None:
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    along, across = (COLUMN - 70) * c + (ROW - 60) * s, (ROW - 60) * c - (COLUMN - 70) * s
    corners = (np.abs(along) > 62) | (np.abs(across) > 54)
    hu = tissue()
    hu[:, corners] = HU_FLOOR
    assert_nearly(empty_at(hu), corners)


def test_the_wedge_of_a_straightened_stack_holds_no_data() -> None:
    """Slice k was moved by 2 k pixels to the back: so many rows in front are padding."""
    hu = tissue()
    for k in range(SHAPE[0]):
        hu[k, : 2 * k] = HU_FLOOR
    empty = empty_at(hu)
    assert empty[10, :20].all()
    assert empty[19, :38].all()
    assert not empty[10, 24:].any()


def test_a_lung_at_the_floor_that_the_picture_cuts_holds_data() -> None:
    hu = tissue()
    hu[:14, lungs()] = HU_FLOOR  # the six lowest slices show no lung
    assert not empty_at(hu).any()


def test_gas_within_the_body_holds_data() -> None:
    hu = tissue()
    hu[5:12, 40:70, 50:90] = HU_FLOOR
    assert not empty_at(hu).any()


def test_noise_that_reaches_the_floor_is_data() -> None:
    noise = np.random.default_rng(1).normal(-950.0, 60.0, SHAPE)
    hu = np.where(np.broadcast_to(lungs(), SHAPE), np.maximum(noise, HU_FLOOR), tissue())
    assert np.mean(hu[:, lungs()] == HU_FLOOR) > 0.05
    assert not empty_at(hu).any()


@pytest.mark.parametrize("axis", [1, 2])
def test_the_slices_may_lie_along_any_axis(axis: int) -> None:
    hu = tissue()
    hu[:, CIRCLE] = HU_FLOOR
    order = np.roll([0, 1, 2], axis)
    affine = AFFINE.copy()
    affine[:, :3] = AFFINE[:, :3][:, order]
    turned = np.ascontiguousarray(hu.transpose(order))
    assert_nearly(empty_at(turned, affine).transpose(np.argsort(order)), CIRCLE)


def test_a_patch_that_reaches_beyond_the_blocks_is_answered_by_the_nearest() -> None:
    hu = tissue()
    hu[:, CIRCLE] = HU_FLOOR
    field = find_field(CtVolume(hu=hu.astype(np.int16), affine=AFFINE, series_id="drawn"))
    patch = AFFINE.copy()
    patch[:3, 3] -= np.array([0.0, 0.0, 10.0])  # four slices below the scan
    assert float(to_index(AFFINE, patch[None, :3, 3])[0, 0]) == pytest.approx(-4.0)
    floor = np.full((2, 1, 1), HU_FLOOR, np.float32)
    assert field.holds_no_data(floor, patch).all()
