"""Oriented patches: exact for linear fields in any frame, and honest about where the scan ends."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from spondyl.geometry.affine import patch_affine, to_index, to_points
from spondyl.geometry.canonical import extract_patch

SPACING = (2.5, 0.75, 0.5)  # k, j, i
SHAPE = (20, 60, 90)  # 47.5, 44.25 and 44.5 mm between the outermost voxel centres
ORIGIN = np.array([12.0, -140.0, 310.0])
PER_VOXEL = np.array([7, -3, 2])  # whole numbers, so that int16 holds the field exactly
AIR = -1024.0
PATCH = (12, 14, 16)
UPRIGHT = np.eye(3)[:, ::-1]


def affine_of(directions: np.ndarray) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = directions * np.array(SPACING)
    affine[:3, 3] = ORIGIN
    return affine


def linear() -> np.ndarray:
    return np.tensordot(PER_VOXEL, np.indices(SHAPE), 1).astype(np.int16)


def middle_of(affine: np.ndarray) -> np.ndarray:
    return to_points(affine, (np.array([SHAPE]) - 1) / 2)[0]


def index_of(affine: np.ndarray, patch: np.ndarray, shape: tuple[int, int, int] = PATCH) -> np.ndarray:
    index = np.indices(shape).reshape(3, -1).T.astype(float)
    return to_index(affine, to_points(patch, index)).reshape(*shape, 3)


@pytest.mark.parametrize("seed", range(12))
def test_a_linear_field_is_exact_in_any_frame(seed: int) -> None:
    stack, own = Rotation.random(2, random_state=seed).as_matrix()
    affine = affine_of(stack)
    patch = patch_affine(middle_of(affine), own, PATCH, 1.0)
    values, in_scan = extract_patch(linear(), affine, PATCH, patch, outside=AIR)
    assert in_scan.all()  # 8 mm to a side reach 12.1 mm in a corner; the stack goes 22 mm each way
    np.testing.assert_allclose(values, index_of(affine, patch) @ PER_VOXEL, atol=2e-3)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("end", [0, 1])
def test_in_scan_ends_at_the_outermost_voxel_centres(axis: int, end: int) -> None:
    """A patch of the stack's own axes centred on one end: half of it is outside."""
    affine = affine_of(UPRIGHT)
    at = (np.array(SHAPE) - 1) / 2
    at[axis] = end * (SHAPE[axis] - 1)
    patch = patch_affine(to_points(affine, at[None])[0], np.eye(3), PATCH, 1.0)
    values, in_scan = extract_patch(linear(), affine, PATCH, patch, outside=AIR)
    # 12, 14 or 16 voxels lie 0.5, 1.5 ... mm to either side of the end
    per_layer = np.moveaxis(in_scan, axis, 0).reshape(PATCH[axis], -1)
    expected = np.arange(PATCH[axis]) < PATCH[axis] // 2
    expected = expected if end else ~expected
    np.testing.assert_array_equal(per_layer.all(axis=1), expected)
    np.testing.assert_array_equal(per_layer.any(axis=1), expected)
    np.testing.assert_array_equal(values[~in_scan], AIR)
    np.testing.assert_allclose(values[in_scan], (index_of(affine, patch) @ PER_VOXEL)[in_scan], atol=2e-3)


@pytest.mark.parametrize("seed", range(8))
def test_in_scan_is_right_in_an_oblique_frame_at_a_corner(seed: int) -> None:
    stack, own = Rotation.random(2, random_state=100 + seed).as_matrix()
    affine = affine_of(stack)
    patch = patch_affine(to_points(affine, np.array([[0.0, 0.0, 0.0]]))[0], own, PATCH, 1.0)
    values, in_scan = extract_patch(linear(), affine, PATCH, patch, outside=AIR)
    index = index_of(affine, patch)
    depth = np.minimum(index, np.array(SHAPE) - 1 - index).min(axis=-1)
    assert in_scan[depth > 0].all()
    assert not in_scan[depth < -0.011].any()  # a hundredth of a voxel is allowed to rounding
    assert in_scan.any()
    np.testing.assert_array_equal(values[~in_scan], AIR)
    exact = depth > 0
    np.testing.assert_allclose(values[exact], (index @ PER_VOXEL)[exact], atol=2e-3)


def test_a_patch_that_ends_exactly_at_the_last_slice_is_in_the_scan() -> None:
    affine = affine_of(UPRIGHT)
    patch = affine.copy()  # the patch's voxels are the stack's own, to its very end
    patch[:3, 3] = to_points(affine, np.array([[8.0, 46.0, 74.0]]))[0]
    values, in_scan = extract_patch(linear(), affine, PATCH, patch, outside=AIR)
    assert in_scan.all()
    np.testing.assert_allclose(values, linear()[8:20, 46:60, 74:90], atol=1e-3)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("away_mm", [-300.0, -70.0, 70.0, 300.0])
def test_a_patch_wholly_outside_is_empty(axis: int, away_mm: float) -> None:
    affine = affine_of(UPRIGHT)
    centre = middle_of(affine)
    centre[axis] += away_mm
    frame = Rotation.from_euler("xyz", [20, -15, 30], degrees=True).as_matrix()
    values, in_scan = extract_patch(
        linear(), affine, PATCH, patch_affine(centre, frame, PATCH, 1.0), outside=AIR
    )
    assert not in_scan.any()
    np.testing.assert_array_equal(values, AIR)
    assert values.dtype == np.float32
    assert in_scan.dtype == np.bool_


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_patch_larger_than_the_stack_holds_all_of_it(axis: int) -> None:
    thin = linear()[:3]
    affine = affine_of(UPRIGHT)
    patch = patch_affine(to_points(affine, np.array([[1.0, 29.5, 44.5]]))[0], np.eye(3), (32, 50, 50), 1.0)
    values, in_scan = extract_patch(thin, affine, (32, 50, 50), patch, outside=AIR)
    index = index_of(affine, patch, (32, 50, 50))
    truth = ((index >= 0) & (index <= np.array(thin.shape) - 1)).all(axis=-1)
    np.testing.assert_array_equal(in_scan, truth)
    # 2 x 2.5 mm, 59 x 0.75 mm, 89 x 0.5 mm between centres: 6, 44 and 44 voxels at half-millimetres
    assert np.flatnonzero(in_scan.any(axis=tuple(a for a in range(3) if a != axis))).size == (6, 44, 44)[axis]
    np.testing.assert_array_equal(values[~in_scan], AIR)


def test_the_frame_of_a_patch_runs_superior_posterior_left() -> None:
    """A bright voxel to the patient's left, behind and above the centre lies at high i, j and k."""
    affine = np.eye(4)
    affine[:3, :3] = UPRIGHT * 1.0
    array = np.zeros((30, 30, 30), np.int16)
    array[18, 13, 16] = 500  # z 18, y 13, x 16
    patch = patch_affine(np.array([12.0, 11.0, 13.0]), np.eye(3), (13, 13, 13), 1.0)
    values, _ = extract_patch(array, affine, (13, 13, 13), patch, outside=AIR)
    assert np.argwhere(values > 250).tolist() == [[6 + 5, 6 + 2, 6 + 4]]
