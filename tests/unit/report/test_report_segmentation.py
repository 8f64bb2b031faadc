"""segmentation.nii.gz: the right voxels, on the CT's grid, in the right place."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import nibabel
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from spondyl.domain.report import AnalysedSeries
from spondyl.domain.vertebra import BodyPatch
from spondyl.geometry.affine import patch_affine, to_points
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.report.segmentation import compose_labels, to_nifti

BuildSeries = Callable[..., AnalysedSeries]
HALF_MM = np.array([15.0, 12.0, 10.0])


def _voxel_centres(series: AnalysedSeries) -> Float64Array:
    shape = series.volume.hu.shape
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    return to_points(series.volume.affine, index.reshape(-1, 3).astype(np.float64))


def _with_patches(series: AnalysedSeries, patches: list[BodyPatch]) -> AnalysedSeries:
    vertebrae = tuple(
        replace(vertebra, patch=patch)
        for vertebra, patch in zip(series.spine.masks.vertebrae, patches, strict=True)
    )
    return replace(
        series, spine=replace(series.spine, masks=replace(series.spine.masks, vertebrae=vertebrae))
    )


def test_each_body_fills_exactly_the_voxels_inside_its_box(build_series: BuildSeries) -> None:
    series = build_series()
    labels = compose_labels(series).reshape(-1)
    points = _voxel_centres(series)
    expected = np.zeros(len(points), dtype=np.uint8)
    for vertebra, number in zip(series.spine.masks.vertebrae, (19, 20, 21, 22), strict=True):
        expected[np.all(np.abs(points - vertebra.candidate.centre_lps_mm) <= HALF_MM, axis=1)] = number
    assert np.count_nonzero(expected) > 20_000
    assert np.array_equal(labels, expected)


def test_a_turned_body_lies_where_its_affine_says(build_series: BuildSeries) -> None:
    series = build_series()
    frame = Rotation.from_euler("xyz", (17.0, -8.0, 25.0), degrees=True).as_matrix()
    patches = [vertebra.patch for vertebra in series.spine.masks.vertebrae]
    centre = series.spine.masks.vertebrae[1].candidate.centre_lps_mm
    turned = patch_affine(centre, frame, patches[1].occupancy.shape, 1.0)
    patches[1] = replace(patches[1], affine=turned)
    inside = compose_labels(_with_patches(series, patches)).reshape(-1) == 20
    local = (_voxel_centres(series) - centre) @ frame
    depth_mm = (HALF_MM - np.abs(local)).min(axis=1)
    assert inside[depth_mm > 0.5].all()
    assert not inside[depth_mm < -0.5].any()


@pytest.mark.parametrize(("weaker", "label"), [(0, 19), (2, 21)], ids=["weaker first", "weaker last"])
def test_a_voxel_that_two_bodies_claim_goes_to_the_surer_one(
    build_series: BuildSeries, weaker: int, label: int
) -> None:
    series = build_series()
    patches = [vertebra.patch for vertebra in series.spine.masks.vertebrae]
    weak = np.minimum(patches[1].occupancy, np.float32(0.6))
    patches[weaker] = replace(patches[weaker], affine=patches[1].affine, occupancy=weak)
    labels = compose_labels(_with_patches(series, patches))
    counts = np.bincount(labels.reshape(-1), minlength=30)
    assert counts[20] > 5_000
    assert counts[label] < 0.2 * counts[20]  # at most the rim, where both occupancies are below 0.6


def test_bodies_that_are_empty_or_outside_the_scan_leave_no_label(build_series: BuildSeries) -> None:
    series = build_series()
    patches = [vertebra.patch for vertebra in series.spine.masks.vertebrae]
    far = patches[0].affine.copy()
    far[:3, 3] += 500.0
    patches[0] = replace(patches[0], affine=far)
    patches[1] = replace(patches[1], occupancy=np.zeros_like(patches[1].occupancy))
    labels = compose_labels(_with_patches(series, patches))
    assert set(np.unique(labels)) == {0, 21, 22}


def test_no_body_at_all_gives_an_empty_label_map(build_series: BuildSeries) -> None:
    series = build_series()
    nothing = np.zeros_like(series.spine.masks.vertebrae[0].patch.occupancy)
    patches = [replace(v.patch, occupancy=nothing) for v in series.spine.masks.vertebrae]
    labels = compose_labels(_with_patches(series, patches))
    assert labels.shape == series.volume.hu.shape
    assert not labels.any()


def test_nifti_readers_find_the_bodies_at_their_ras_place(build_series: BuildSeries) -> None:
    series = build_series()
    content = to_nifti(compose_labels(series), series.volume.affine)
    image: Any = nibabel.Nifti1Image.from_bytes(gzip.decompress(content))
    voxels = np.asanyarray(image.dataobj)
    assert voxels.dtype == np.uint8
    assert voxels.shape == series.volume.hu.shape[::-1]
    assert np.allclose(image.header.get_zooms(), (0.8, 0.9, 3.0))
    assert image.header["sform_code"] == 1
    assert image.header["qform_code"] == 1
    assert np.allclose(image.get_qform(), image.get_sform(), atol=1e-4)
    assert b"not for diagnosis" in bytes(image.header["descrip"].tobytes())
    middle = image.affine @ [*np.argwhere(voxels == 20).mean(axis=0), 1.0]
    assert np.allclose(middle[:3], (-20.0, 50.0, -400.0), atol=1.5)  # half a slice


def test_the_same_labels_give_the_same_bytes(build_series: BuildSeries) -> None:
    series = build_series()
    labels = compose_labels(series)
    assert to_nifti(labels, series.volume.affine) == to_nifti(labels.copy(), series.volume.affine)
