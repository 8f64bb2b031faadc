"""Resampling onto the patient's axes: what is linear stays linear, what is averaged keeps its integral."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from spondyl.geometry.affine import to_index, to_points
from spondyl.geometry.canonical import canonical_grid, resample

SPACING = (3.0, 0.7, 0.9)  # k, j, i: unequal on all three axes
SHAPE = (14, 60, 50)
ORIGIN = np.array([-31.0, 17.0, -205.0])
SLOPE = np.array([1.5, -2.0, 0.8])  # value per mm along left, posterior, superior
AIR = -1024.0


def affine_of(directions: np.ndarray, spacing: tuple[float, float, float] = SPACING) -> np.ndarray:
    """Affine whose columns k, j, i run along the given unit vectors."""
    affine = np.eye(4)
    affine[:3, :3] = directions * np.array(spacing)
    affine[:3, 3] = ORIGIN
    return affine


def upright() -> np.ndarray:
    """Columns of an axial stack from feet to head: k superior, j posterior, i left."""
    return np.eye(3)[:, ::-1]


def turned(degrees: float, axis: str) -> np.ndarray:
    return Rotation.from_euler(axis, degrees, degrees=True).as_matrix() @ upright()


def field(points: np.ndarray) -> np.ndarray:
    return (points - ORIGIN) @ SLOPE + 40.0


def sampled(affine: np.ndarray, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    index = np.indices(shape).reshape(3, -1).T.astype(float)
    return field(to_points(affine, index)).reshape(shape).astype(np.float32)


def grid_field(grid: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    index = np.indices(shape).reshape(3, -1).T.astype(float)
    return field(to_points(grid, index)).reshape(shape)


def depth_in_voxels(affine: np.ndarray, grid: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """How many source voxels each grid point lies within the outermost voxel centres (negative: outside)."""
    index = to_index(affine, to_points(grid, np.indices(shape).reshape(3, -1).T.astype(float)))
    return np.minimum(index, np.array(SHAPE) - 1 - index).reshape(*shape, 3)


ORIENTATIONS = [
    pytest.param(order, signs, id=f"{''.join('LPS'[o] for o in order)}{''.join('+-'[s < 0] for s in signs)}")
    for order in itertools.permutations(range(3))
    for signs in ((1, 1, 1), (-1, 1, 1), (1, -1, 1), (-1, -1, -1))
]


def aligned(order: tuple[int, int, int], signs: tuple[int, int, int]) -> np.ndarray:
    directions = np.zeros((3, 3))
    for column, (axis, sign) in enumerate(zip(order, signs, strict=True)):
        directions[axis, column] = sign
    return directions


def test_the_grid_runs_to_the_head_to_posterior_and_to_the_left() -> None:
    _, grid = canonical_grid(SHAPE, affine_of(upright()), 2.0)
    np.testing.assert_array_equal(grid[:3, 0], [0, 0, 2.0])
    np.testing.assert_array_equal(grid[:3, 1], [0, 2.0, 0])
    np.testing.assert_array_equal(grid[:3, 2], [2.0, 0, 0])


def test_the_grid_lies_in_the_middle_of_the_voxel_centres() -> None:
    # 13 x 3.0 = 39 mm, 59 x 0.7 = 41.3 mm, 49 x 0.9 = 44.1 mm: 20, 21 and 23 points 2 mm apart
    shape, grid = canonical_grid(SHAPE, affine_of(upright()), 2.0)
    assert shape == (20, 21, 23)
    left_over = np.array([44.1 - 44.0, 41.3 - 40.0, 39.0 - 38.0])
    np.testing.assert_allclose(grid[:3, 3], ORIGIN + left_over / 2, atol=1e-9)


@pytest.mark.parametrize(("order", "signs"), ORIENTATIONS)
def test_permuted_and_flipped_axes_give_the_same_grid(
    order: tuple[int, int, int], signs: tuple[int, int, int]
) -> None:
    """Extents 39, 41.3 and 44.1 mm wherever the axes point to."""
    shape, grid = canonical_grid(SHAPE, affine_of(aligned(order, signs)), 2.0)
    points = {0: 20, 1: 21, 2: 23}
    expected = {axis: points[column] for column, axis in enumerate(order)}
    assert shape == (expected[2], expected[1], expected[0])
    depth = depth_in_voxels(affine_of(aligned(order, signs)), grid, shape)
    assert depth.min() > 0


@pytest.mark.parametrize(("order", "signs"), ORIENTATIONS)
def test_a_constant_stays_constant_to_the_last_voxel(
    order: tuple[int, int, int], signs: tuple[int, int, int]
) -> None:
    affine = affine_of(aligned(order, signs))
    shape, grid = canonical_grid(SHAPE, affine, 2.0)
    values, in_scan = resample(np.full(SHAPE, 137, np.int16), affine, shape, grid, outside=AIR)
    assert in_scan.all()
    np.testing.assert_allclose(values, 137.0, atol=1e-3)


@pytest.mark.parametrize(("order", "signs"), ORIENTATIONS)
def test_a_ramp_along_a_coarse_axis_is_exact_whatever_the_order_and_sign_of_the_axes(
    order: tuple[int, int, int], signs: tuple[int, int, int]
) -> None:
    """All three axes are coarser than the grid: interpolated linearly, exact between the voxel centres."""
    affine = affine_of(aligned(order, signs))
    shape, grid = canonical_grid(SHAPE, affine, 0.7)
    values, _ = resample(sampled(affine), affine, shape, grid, outside=AIR)
    np.testing.assert_allclose(values, grid_field(grid, shape), atol=2e-3)


@pytest.mark.parametrize(("order", "signs"), ORIENTATIONS)
def test_a_ramp_along_fine_axes_is_moved_by_less_than_the_mean_of_whole_voxels_can(
    order: tuple[int, int, int], signs: tuple[int, int, int]
) -> None:
    """The mean over w of a staircase of step p is off by at most p**2 / (8 w): 0.031 mm for 0.7 mm voxels
    and 0.051 mm for 0.9 mm voxels on a 2 mm grid; the 3 mm axis is interpolated and exact.
    """
    affine = affine_of(aligned(order, signs))
    shape, grid = canonical_grid(SHAPE, affine, 2.0)
    values, _ = resample(sampled(affine), affine, shape, grid, outside=AIR)
    # a mean over 2 mm of 0.7 mm voxels reaches 1.93 voxels to either side
    inside = (depth_in_voxels(affine, grid, shape) >= [0.0, 2.0, 2.0]).all(axis=-1)
    assert np.count_nonzero(inside) > 0.6 * inside.size
    allowed = abs(SLOPE[order[1]]) * 0.7**2 / 16 + abs(SLOPE[order[2]]) * 0.9**2 / 16
    np.testing.assert_allclose(values[inside], grid_field(grid, shape)[inside], atol=allowed + 2e-3)


@pytest.mark.parametrize("fine_mm", [0.4, 0.5, 1.0])
def test_a_ramp_is_exact_where_the_grid_falls_on_voxel_centres(fine_mm: float) -> None:
    affine = affine_of(upright(), (2.0, fine_mm, 2.0))
    array = sampled(affine, (9, 61, 7))
    grid = affine_of(upright(), (2.0, 2.0, 2.0))
    grid[:3, 3] = np.add(ORIGIN, [0.0, 4.0, 0.0])
    values, _ = resample(array, affine, (9, 8, 7), grid, outside=AIR)
    np.testing.assert_allclose(values, grid_field(grid, (9, 8, 7)), atol=1e-3)


@pytest.mark.parametrize("axis", ["x", "y", "z"])
@pytest.mark.parametrize("degrees", [-30.0, -10.0, 10.0, 20.0, 30.0])
def test_a_ramp_stays_exact_inside_an_oblique_stack(degrees: float, axis: str) -> None:
    affine = affine_of(turned(degrees, axis))
    shape, grid = canonical_grid(SHAPE, affine, 2.0)
    values, in_scan = resample(sampled(affine), affine, shape, grid, outside=AIR)
    depth = depth_in_voxels(affine, grid, shape)
    # the filter that stands for the mean reaches three voxels in-plane
    inside = (depth >= [0.1, 4.0, 4.0]).all(axis=-1)
    assert np.count_nonzero(inside) > 0.2 * in_scan.sum()
    np.testing.assert_allclose(values[inside], grid_field(grid, shape)[inside], atol=5e-3)


@pytest.mark.parametrize("axis", ["x", "y", "z"])
@pytest.mark.parametrize("degrees", [10.0, 30.0])
def test_an_oblique_stack_is_in_scan_between_its_outermost_voxel_centres_and_nowhere_else(
    degrees: float, axis: str
) -> None:
    affine = affine_of(turned(degrees, axis))
    shape, grid = canonical_grid(SHAPE, affine, 2.0)
    values, in_scan = resample(np.full(SHAPE, 137, np.int16), affine, shape, grid, outside=AIR)
    depth = depth_in_voxels(affine, grid, shape).min(axis=-1)
    assert in_scan[depth > 1e-6].all()
    assert not in_scan[depth < -1e-6].any()
    assert np.count_nonzero(~in_scan) > 0  # the corners of the box round an oblique stack are empty
    np.testing.assert_array_equal(values[~in_scan], AIR)
    np.testing.assert_allclose(values[in_scan], 137.0, atol=1e-3)


def test_a_stack_turned_by_less_than_a_rounding_error_is_read_as_aligned() -> None:
    affine = affine_of(turned(0.02, "x"))  # sin = 3.5e-4; over 39 mm of slices it moves 0.014 mm
    shape, grid = canonical_grid(SHAPE, affine, 2.0)
    values, in_scan = resample(sampled(affine), affine, shape, grid, outside=AIR)
    assert in_scan.all()
    inside = (depth_in_voxels(affine, grid, shape) >= [0.0, 2.0, 2.0]).all(axis=-1)
    # at most half of 44 mm x 3.5e-4 off the line, times the steepest slope of 2 per mm
    np.testing.assert_allclose(values[inside], grid_field(grid, shape)[inside], atol=0.031)


@pytest.mark.parametrize("flip", [False, True])
def test_the_mean_of_fine_slices_keeps_the_integral_of_a_slab(*, flip: bool) -> None:
    """0.5 mm slices, a slab of 7 slices of 800 HU (3.5 mm): 2800 HU mm wherever it lies."""
    for first in range(10, 26):
        stack = np.zeros((48, 4, 4), np.int16)
        stack[first : first + 7] = 800
        directions = upright() * ([-1, 1, 1] if flip else [1, 1, 1])
        affine = affine_of(directions, (0.5, 1.3, 1.7))
        shape, grid = canonical_grid((48, 4, 4), affine, 2.0)
        values, _ = resample(stack, affine, shape, grid, outside=AIR)
        np.testing.assert_allclose(values.sum(axis=0) * 2.0, 2800.0, rtol=1e-5)


def test_a_fine_slab_is_averaged_over_exactly_one_voxel_of_the_grid() -> None:
    """Slices of 0.5 mm averaged to 2 mm: a single bright one counts a quarter in one voxel only."""
    stack = np.zeros((17, 3, 3), np.int16)
    stack[6] = 1000
    affine = affine_of(upright(), (0.5, 2.0, 2.0))
    # grid points at slices 0, 4, 8 ...; the voxel of slice 8 holds slices 6 (half) to 10 (half)
    shape, grid = canonical_grid((17, 3, 3), affine, 2.0)
    values, _ = resample(stack, affine, shape, grid, outside=AIR)
    np.testing.assert_allclose(values[:, 1, 1], [0, 125.0, 125.0, 0, 0], atol=1e-3)


def test_an_oblique_slab_of_fine_slices_keeps_its_integral() -> None:
    """Slices of 0.8 mm turned by 20 degrees, a slab of 15 (12 mm) of 600 HU. A column along the head axis
    crosses it over 12 / cos 20 = 12.77 mm; columns at all phases together hold 600 HU x 12.77 mm each.
    """
    affine = affine_of(turned(20.0, "x"), (0.8, 1.0, 1.1))
    stack = np.zeros((60, 50, 40), np.int16)
    stack[22:37] = 600
    shape, grid = canonical_grid(stack.shape, affine, 2.0)
    values, _ = resample(stack, affine, shape, grid, outside=0.0)
    _, middle_j, middle_i = to_index(grid, to_points(affine, np.array([[29.0, 24.5, 19.5]])))[0].round()
    columns = values[:, int(middle_j) - 6 : int(middle_j) + 7, int(middle_i)]
    crossed_mm = 12.0 / np.cos(np.radians(20.0))
    assert columns.sum(axis=0).mean() * 2.0 == pytest.approx(600.0 * crossed_mm, rel=3e-3)


def test_points_beyond_half_a_voxel_of_an_aligned_stack_are_outside() -> None:
    """k = 3 mm: grid points 1.4 mm beyond the outer slice centres are in the scan, 1.6 mm beyond are not."""
    affine = affine_of(upright())
    array = np.full(SHAPE, 55, np.int16)
    grid = np.eye(4)
    grid[:3, :3] = upright() * 1.0
    for height, is_in in ((39.0 + 1.4, True), (39.0 + 1.6, False), (-1.4, True), (-1.6, False)):
        grid[:3, 3] = np.add(ORIGIN, [9.0, 9.0, height])
        values, in_scan = resample(array, affine, (1, 2, 2), grid, outside=AIR)
        assert in_scan.all() == is_in
        assert in_scan.any() == is_in
        np.testing.assert_allclose(values, 55.0 if is_in else AIR, atol=1e-4)


def test_a_grid_wholly_outside_holds_only_the_outside_value() -> None:
    affine = affine_of(upright())
    grid = np.eye(4)
    grid[:3, :3] = upright() * 2.0
    grid[:3, 3] = np.add(ORIGIN, [500.0, 0.0, 0.0])
    values, in_scan = resample(np.full(SHAPE, 55, np.int16), affine, (3, 4, 5), grid, outside=AIR)
    assert not in_scan.any()
    np.testing.assert_array_equal(values, AIR)


def test_a_single_slice_has_a_grid_of_one_layer() -> None:
    affine = affine_of(upright())
    shape, grid = canonical_grid((1, 60, 50), affine, 2.0)
    values, in_scan = resample(np.full((1, 60, 50), 9, np.int16), affine, shape, grid, outside=AIR)
    assert shape[0] == 1
    assert in_scan.all()
    np.testing.assert_allclose(values, 9.0, atol=1e-4)


def test_the_array_is_left_as_it_was() -> None:
    affine = affine_of(upright())
    array = sampled(affine)
    array.setflags(write=False)
    shape, grid = canonical_grid(SHAPE, affine, 2.0)
    resample(array, affine, shape, grid, outside=AIR)
