"""Whatever the stack and the frame, a patch of a linear field is that field."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from spondyl.geometry.affine import patch_affine, to_index, to_points
from spondyl.geometry.canonical import canonical_grid, extract_patch, resample

PER_VOXEL = np.array([5, -4, 3])
SHAPE = (13, 17, 19)
AIR = -1024.0

angles = st.tuples(*[st.floats(-180, 180)] * 3)
spacings = st.tuples(*[st.floats(0.4, 5.0)] * 3)


def stack(angle: tuple[float, ...], spacing: tuple[float, ...]) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angle, degrees=True).as_matrix() * np.array(spacing)
    affine[:3, 3] = [31.0, -7.0, 555.0]
    return affine


def linear() -> np.ndarray:
    return np.tensordot(PER_VOXEL, np.indices(SHAPE), 1).astype(np.int16)


@settings(deadline=None, max_examples=80)
@given(
    stack_angle=angles,
    patch_angle=angles,
    spacing=spacings,
    at=st.tuples(*[st.floats(-0.2, 1.2)] * 3),
)
def test_a_patch_is_exact_where_it_is_in_the_scan_and_outside_where_it_is_not(
    stack_angle: tuple[float, ...],
    patch_angle: tuple[float, ...],
    spacing: tuple[float, ...],
    at: tuple[float, ...],
) -> None:
    affine, shape = stack(stack_angle, spacing), (6, 7, 8)
    centre = to_points(affine, np.array([at]) * (np.array(SHAPE) - 1))[0]
    patch = patch_affine(
        centre, Rotation.from_euler("xyz", patch_angle, degrees=True).as_matrix(), shape, 1.0
    )
    values, in_scan = extract_patch(linear(), affine, shape, patch, outside=AIR)
    index = to_index(affine, to_points(patch, np.indices(shape).reshape(3, -1).T.astype(float)))
    index = index.reshape(*shape, 3)
    depth = np.minimum(index, np.array(SHAPE) - 1 - index).min(axis=-1)
    assert in_scan[depth > 1e-3].all()
    assert not in_scan[depth < -0.011].any()
    exact = depth > 1e-3
    np.testing.assert_allclose(values[exact], (index @ PER_VOXEL)[exact], atol=2e-3)
    np.testing.assert_array_equal(values[~in_scan], AIR)


@settings(deadline=None, max_examples=60)
@given(angle=angles, spacing=spacings, value=st.integers(-1000, 3000), spacing_mm=st.sampled_from([2.0, 3.0]))
def test_a_constant_stays_constant_on_any_grid(
    angle: tuple[float, ...], spacing: tuple[float, ...], value: int, spacing_mm: float
) -> None:
    affine = stack(angle, spacing)
    shape, grid = canonical_grid(SHAPE, affine, spacing_mm)
    values, in_scan = resample(np.full(SHAPE, value, np.int16), affine, shape, grid, outside=AIR)
    np.testing.assert_allclose(values[in_scan], value, atol=1e-2)
    np.testing.assert_array_equal(values[~in_scan], AIR)


@settings(deadline=None, max_examples=60)
@given(angle=angles, spacing=spacings, spacing_mm=st.sampled_from([1.0, 2.0]))
def test_the_grid_holds_the_stack_and_reaches_at_most_one_step_less(
    angle: tuple[float, ...], spacing: tuple[float, ...], spacing_mm: float
) -> None:
    affine = stack(angle, spacing)
    shape, grid = canonical_grid(SHAPE, affine, spacing_mm)
    corners = to_points(affine, np.argwhere(np.ones((2, 2, 2))) * (np.array(SHAPE) - 1.0))
    ends = to_points(grid, np.array([[0.0, 0.0, 0.0], np.array(shape) - 1.0]))
    short = np.stack([ends[0] - corners.min(axis=0), corners.max(axis=0) - ends[1]])
    assert short.min() > -1e-6
    assert short.max() <= spacing_mm / 2 + 1e-6
