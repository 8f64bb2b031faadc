"""Heights stay the same however the outline is turned, flipped, resampled or cropped.

Turning and resampling start from soft outlines (share of the voxel inside), which is what the measuring
takes: in a binary mask whose endplate lies along the grid the height itself is rounded to whole voxels.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from plain_spine import CENTRE_MM, label_map_of, patch_of, spine_of, turn, vertebra_of
from spondyl.adapters.label_maps import VERSE, LabelMap, labelled_spine
from spondyl.domain.level import Level
from spondyl.domain.measurement import Measured
from spondyl.domain.vertebra import BodyPatch, LabelledSpine
from spondyl.geometry.affine import to_points
from spondyl.geometry.arrays import Float64Array
from spondyl.geometry.resample import sample
from spondyl.stages.measure import Settings, measure
from spondyl.synthetic.plain_body import PlainBody, body_share

BODY = PlainBody(anterior_mm=22.0, middle_mm=21.0, posterior_mm=25.0, rim_radius_mm=1.0, waist_fraction=0.05)
LARGEST_CHANGE_MM = 0.3
POSE_DEG = (4.0, -3.0, 0.0)
CENTRE = np.array([5.3, -12.7, 40.2])
# no shrinking: one case takes a second, and the failing numbers say enough
FEW = settings(max_examples=8, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])


def _heights_of(spine: LabelledSpine) -> Float64Array:
    (result,) = measure(spine, Settings())
    assert isinstance(result, Measured)
    return result.heights.as_array()


def _heights(label_map: LabelMap) -> Float64Array:
    return _heights_of(labelled_spine(label_map, VERSE, series_id="x"))


def _soft_heights(patch: BodyPatch) -> Float64Array:
    return _heights_of(spine_of((Level.L1, vertebra_of(patch))))


@lru_cache(maxsize=1)
def _soft_reference() -> Float64Array:
    return _soft_heights(patch_of(BODY, POSE_DEG))


@lru_cache(maxsize=1)
def _upright() -> LabelMap:
    return label_map_of([(20, BODY, CENTRE)], turn(3.0, 2.0, 1.0), (1.0, 1.0, 1.0))


@lru_cache(maxsize=1)
def _heights_upright() -> Float64Array:
    return _heights(_upright())


@FEW
@given(pitch=st.floats(-20, 20), roll=st.floats(-20, 20), yaw=st.floats(-20, 20))
def test_rotation(pitch: float, roll: float, yaw: float) -> None:
    heights = _soft_heights(patch_of(BODY, (pitch, roll, yaw)))
    assert np.max(np.abs(heights - _soft_reference())) <= LARGEST_CHANGE_MM


@FEW
@given(axes=st.permutations([0, 1, 2]), flips=st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_order_and_direction_of_the_axes(axes: list[int], flips: tuple[bool, bool, bool]) -> None:
    original = _upright()
    labels, affine = original.labels, original.affine.copy()
    for axis, is_flipped in enumerate(flips):
        if is_flipped:
            labels = np.flip(labels, axis)
            affine[:3, 3] = affine[:3, 3] + affine[:3, axis] * (labels.shape[axis] - 1)
            affine[:3, axis] = -affine[:3, axis]
    affine[:, :3] = affine[:, :3][:, axes]
    heights = _heights(LabelMap(labels=np.ascontiguousarray(labels.transpose(axes)), affine=affine))
    assert np.max(np.abs(heights - _heights_upright())) <= 1e-3


@FEW
@given(k=st.floats(0.6, 1.5), j=st.floats(0.6, 1.2), i=st.floats(0.6, 1.2))
def test_resampling(k: float, j: float, i: float) -> None:
    upright = patch_of(BODY)
    shape = (int(56 / k), int(60 / j), int(64 / i))
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, i], [0, j, 0], [k, 0, 0]])
    affine[:3, 3] = CENTRE_MM - affine[:3, :3] @ (np.array(shape) / 2.0)
    share = body_share(BODY, shape, affine, CENTRE_MM, turn(*POSE_DEG))
    voxels = np.indices(upright.occupancy.shape).reshape(3, -1).T.astype(np.float64)
    points = to_points(upright.affine, voxels).reshape(*upright.occupancy.shape, 3)
    occupancy = sample(share, affine, points, order=1, outside=0.0).astype(np.float32)
    heights = _soft_heights(replace(upright, occupancy=occupancy))
    assert np.max(np.abs(heights - _soft_reference())) <= LARGEST_CHANGE_MM


@FEW
@given(margins=st.tuples(*[st.integers(2, 12)] * 6))
def test_crops_that_leave_the_vertebra_whole(margins: tuple[int, ...]) -> None:
    original = _upright()
    index = np.argwhere(original.labels > 0)
    low = np.maximum(index.min(axis=0) - margins[:3], 0)
    high = np.minimum(index.max(axis=0) + 1 + np.array(margins[3:]), original.labels.shape)
    affine = original.affine.copy()
    affine[:3, 3] = to_points(original.affine, low[None].astype(np.float64))[0]
    labels = original.labels[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    heights = _heights(LabelMap(labels=np.ascontiguousarray(labels), affine=affine))
    assert np.max(np.abs(heights - _heights_upright())) <= LARGEST_CHANGE_MM
