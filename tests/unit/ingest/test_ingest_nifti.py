"""NIfTI: every voxel keeps its place when RAS becomes LPS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from spondyl.geometry.affine import to_points

Fixture = Any  # the callables of conftest.py

AROUND = [(dj, di) for dj in range(3) for di in range(3)]
VALUES = ((137 * np.arange(7680) + 41) % 2000 - 1000).astype(np.int16).reshape(16, 20, 24)


def ras(degrees: float = 20.0) -> np.ndarray:
    """An oblique affine of 0.7, 0.9 and 2.5 mm."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([0.7, 0.9, 2.5])
    affine[:3, 3] = (-12.0, 34.0, 56.0)
    return affine


@pytest.mark.parametrize("name", ["ct.nii", "ct.nii.gz"])
@pytest.mark.parametrize("flip", [(1, 1, 1), (-1, 1, 1), (1, -1, 1), (-1, -1, 1), (1, 1, -1)])
def test_each_voxel_keeps_its_place(name: str, flip: tuple, read: Fixture, tmp_path: Path) -> None:
    affine = ras() @ np.diag([*flip, 1.0])
    nibabel.save(nibabel.Nifti1Image(VALUES, affine), tmp_path / name)
    result, got = read(tmp_path / name)
    assert got.hu.shape == (24, 20, 16)
    assert np.array_equal(got.hu, VALUES.transpose(2, 1, 0))
    where = np.array([[5.0, 7.0, 11.0]])  # k, j, i
    expected = affine[:3, :3] @ [11, 7, 5] + affine[:3, 3]
    # NIfTI keeps affines in 32 bits
    assert np.allclose(to_points(got.affine, where)[0], expected * [-1, -1, 1], atol=1e-4)
    summary = result.accepted[0].summary
    assert (summary.n_slices, summary.slice_spacing_mm) == (24, 2.5)
    assert summary.pixel_spacing_mm == pytest.approx((0.9, 0.7))
    assert result.accepted[0].sop_instance_uids == ()


def test_the_name_of_the_file_does_not_matter(read: Fixture, tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(VALUES, ras()), tmp_path / "ct.nii.gz")
    (tmp_path / "ct.nii.gz").rename(tmp_path / "scan")
    _, got = read(tmp_path / "scan")
    assert np.array_equal(got.hu, VALUES.transpose(2, 1, 0))


def test_nifti_2_and_big_endian_files_are_read(read: Fixture, tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti2Image(VALUES, ras()), tmp_path / "two.nii")
    header = nibabel.Nifti1Header(endianness=">")
    nibabel.save(nibabel.Nifti1Image(VALUES.astype(">i2"), ras(), header), tmp_path / "big.nii")
    for name in ("two.nii", "big.nii"):
        _, got = read(tmp_path / name)
        assert np.array_equal(got.hu, VALUES.transpose(2, 1, 0))


def test_slope_and_intercept_are_applied(read: Fixture, tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(((VALUES.astype(np.int32) + 1000) // 2).astype(np.uint16), ras())
    image.header.set_slope_inter(2.0, -1000.0)
    nibabel.save(image, tmp_path / "scaled.nii")
    content = bytearray((tmp_path / "scaled.nii").read_bytes())
    header = np.frombuffer(content, dtype=nibabel.nifti1.header_dtype, count=1)
    header["scl_slope"], header["scl_inter"] = 2.0, -1000.0
    stored = np.frombuffer(content, dtype="<u2", offset=352)
    stored[:] = ((VALUES.astype(np.int32) + 1000) // 2).ravel(order="F")
    (tmp_path / "scaled.nii").write_bytes(content)
    _, got = read(tmp_path / "scaled.nii")
    assert np.array_equal(got.hu, (VALUES - VALUES % 2).transpose(2, 1, 0))


def test_floating_point_values_are_rounded(read: Fixture, tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(VALUES + np.float32(0.4), ras()), tmp_path / "float.nii")
    _, got = read(tmp_path / "float.nii")
    assert np.array_equal(got.hu, VALUES.transpose(2, 1, 0))


def test_a_fourth_dimension_of_one_is_dropped_and_said(read: Fixture, tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(VALUES[..., None], ras()), tmp_path / "four.nii")
    result, got = read(tmp_path / "four.nii")
    assert got.hu.shape == (24, 20, 16)
    assert result.accepted[0].summary.repairs == ("fourth dimension of length 1 dropped",)


def test_sagittal_volumes_keep_their_axes(read: Fixture, tmp_path: Path) -> None:
    affine = np.array([[0, 0, 3.0, -30], [-0.9, 0, 0, 50], [0, 2.2, 0, 10], [0, 0, 0, 1]])  # P S R
    nibabel.save(nibabel.Nifti1Image(VALUES, affine), tmp_path / "sagittal.nii")
    result, got = read(tmp_path / "sagittal.nii")
    assert np.array_equal(got.hu, VALUES.transpose(2, 1, 0))
    assert np.allclose(got.affine[:3, 0], (-3.0, 0, 0))
    assert (result.stacks[0].n_slices, result.stacks[0].slice_spacing_mm) == (24, 3.0)
    assert result.stacks[0].z_range_mm == pytest.approx((8.9, 52.9))  # 20 steps of 2.2 mm round 10 ... 51.8


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_shear_a_converter_leaves_is_resampled(axis: int, read: Fixture, tmp_path: Path) -> None:
    # the field HU = 3 x + 2 y - z - 200 in LPS, sampled on a grid sheared by 15 degrees in y
    k, j, i = np.meshgrid(np.arange(24), np.arange(120), np.arange(90), indexing="ij")
    shear = 2.5 * np.tan(np.radians(15))
    x, y, z = 0.7 * i, 0.9 * j + shear * k, 2.5 * k
    hu = np.rint(3 * x + 2 * y - z - 200).astype(np.int16)
    affine = np.eye(4)
    affine[:3, :3] = [[-0.7, 0, 0], [0, -0.9, -shear], [0, 0, 2.5]]
    order = [(2, 0, 1), (0, 2, 1), (0, 1, 2)][axis]  # where the slices' axis stands in the file
    affine = affine[:, [*order, 3]]
    nibabel.save(nibabel.Nifti1Image(hu.transpose(2, 1, 0).transpose(order), affine), tmp_path / "tilt.nii")
    result, got = read(tmp_path / "tilt.nii")
    assert result.accepted[0].summary.repairs == (
        "gantry tilt of 15.00 degrees resampled to a straight grid",
    )
    outside = np.pad(got.hu == -1024, ((0, 0), (1, 1), (1, 1)), constant_values=True)
    rim = np.any(
        [outside[:, dj : dj + got.hu.shape[1], di : di + got.hu.shape[2]] for dj, di in AROUND], axis=0
    )
    index = np.argwhere((got.hu > -1024) & ~rim)  # at the rim, values are mixed with the outside
    assert len(index) > 0.9 * hu.size
    field = to_points(got.affine, index.astype(np.float64)) @ [3, 2, -1] - 200
    assert np.max(np.abs(got.hu[tuple(index.T)] - field)) <= 1.0
