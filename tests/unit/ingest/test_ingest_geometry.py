"""Odd but legal geometry: the affine and the order of slices come from positions alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import generate_uid

from spondyl.domain.refusal import RefusalCode
from spondyl.domain.series import IngestRefused
from spondyl.domain.volume import CtVolume
from spondyl.geometry.affine import to_points
from spondyl.stages.ingest import Settings, ingest
from spondyl.synthetic.dicom import make_series

Fixture = Any  # the callables of conftest.py


def same_place(first: CtVolume, second: CtVolume) -> None:
    """Assert that two volumes hold equal values at equal points, whatever way their axes run."""
    index = np.argwhere(np.ones(first.hu.shape, dtype=bool)).astype(np.float64)
    points = to_points(first.affine, index)
    inverse = np.linalg.inv(second.affine)
    other = points @ inverse[:3, :3].T + inverse[:3, 3]
    assert np.max(np.abs(other - np.rint(other))) < 1e-4
    where = np.rint(other).astype(int)
    assert np.array_equal(first.hu.ravel(), second.hu[tuple(where.T)])


def test_a_series_is_read_as_it_was_written(
    volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    result, got = read(save(series))
    assert np.array_equal(got.hu, volume.hu)
    assert np.allclose(got.affine, volume.affine, atol=1e-9)
    accepted = result.accepted[0]
    assert accepted.sop_instance_uids == tuple(dataset.SOPInstanceUID for dataset in series)
    assert accepted.study_instance_uid == series[0].StudyInstanceUID
    assert accepted.series_instance_uid == series[0].SeriesInstanceUID
    assert accepted.frame_of_reference_uid == series[0].FrameOfReferenceUID
    assert accepted.attributes["KVP"] == "120.0"
    assert "SYNTHETIC" not in str(accepted.attributes)
    summary = accepted.summary
    assert (summary.n_slices, summary.slice_spacing_mm, summary.pixel_spacing_mm) == (24, 2.5, (0.9, 0.7))
    assert summary.z_range_mm == pytest.approx((98.75, 158.75))  # 24 slices of 2.5 mm round 100 ... 157.5
    assert summary.repairs == ()


def test_neither_names_nor_instance_numbers_nor_thickness_matter(
    volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    order = np.random.default_rng(3).permutation(len(series))
    for number, dataset in enumerate(series):
        dataset.InstanceNumber = int(order[number])
        dataset.SliceThickness = 7
        dataset.SliceLocation = -number
    first, got = read(save([series[k] for k in order], "shuffled"))
    second, _ = read(save(series, "sorted"))
    assert np.array_equal(got.hu, volume.hu)
    assert np.allclose(got.affine, volume.affine)
    assert first.input_sha256 == second.input_sha256
    assert first.accepted[0].sop_instance_uids == second.accepted[0].sop_instance_uids


@pytest.mark.parametrize(
    ("k_axis", "j_axis", "i_axis"),
    [
        pytest.param((0, 0, -2.5), (0, 0.9, 0), (0.7, 0, 0), id="feet first"),
        pytest.param((0, 0, 2.5), (0, -0.9, 0), (-0.7, 0, 0), id="prone"),
        pytest.param((0, 0, 2.5), (0, -0.9, 0), (0.7, 0, 0), id="flipped rows"),
        pytest.param((0, 0, 2.5), (0, 0.9, 0), (-0.7, 0, 0), id="flipped columns"),
        pytest.param((0, 0, 2.5), (0.9, 0, 0), (0, 0.7, 0), id="transposed"),
        pytest.param((0, -1.5, 2.0), (0, 0.72, 0.54), (0.7, 0, 0), id="oblique by 36.87 degrees"),
        pytest.param((0.7, 0, 2.4), (0, 0.9, 0), (0.672, 0, -0.196), id="oblique sideways"),
    ],
)
def test_any_axial_orientation_keeps_every_voxel_in_its_place(
    k_axis: tuple, j_axis: tuple, i_axis: tuple, volume: CtVolume, read: Fixture, save: Fixture
) -> None:
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2], affine[:3, 3] = k_axis, j_axis, i_axis, (4.0, -60.0, 30.0)
    turned = replace(volume, affine=affine)
    _, got = read(save(make_series(turned)))
    same_place(turned, got)


@pytest.mark.parametrize("seed", range(5))
def test_positions_may_jitter_by_up_to_a_tenth_of_a_millimetre(
    seed: int, volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    jitter_mm = np.random.default_rng(seed).uniform(-0.099, 0.099, (24, 3))
    for dataset, shift in zip(series, jitter_mm, strict=True):
        position = np.array(dataset.ImagePositionPatient, dtype=float) + shift
        dataset.ImagePositionPatient = [f"{value:.6f}" for value in position]
        dataset.ImageOrientationPatient = [f"{value + 1e-6:.8f}" for value in (1, 0, 0, 0, 1, 0)]
    _, got = read(save(series))
    assert np.array_equal(got.hu, volume.hu)
    first, last = (got.affine @ [k, 0, 0, 1] - volume.affine @ [k, 0, 0, 1] for k in (0, 23))
    assert np.max(np.abs([first, last])) < 0.099


@pytest.mark.parametrize(("shift_mm", "is_read"), [(0.19, True), (0.21, False)])
def test_one_slice_may_stand_off_by_twice_the_jitter_since_the_others_may_too(
    shift_mm: float, is_read: bool, series: list[FileDataset], save: Fixture
) -> None:
    # the grid that lies 0.1 mm above all other slices is within 0.1 mm of the one that is 0.2 mm off
    series[12].ImagePositionPatient = ["-5", "3", f"{100 + 2.5 * 12 + shift_mm:.6f}"]
    result = ingest(save(series), Settings())
    assert isinstance(result, IngestRefused) is not is_read


def test_a_spacing_of_five_millimetres_is_accepted(volume: CtVolume, read: Fixture, save: Fixture) -> None:
    affine = volume.affine.copy()
    affine[2, 0] = 5.0
    result, _ = read(save(make_series(replace(volume, affine=affine))))
    assert result.accepted[0].summary.slice_spacing_mm == 5.0


def test_exact_duplicates_are_dropped_and_said(
    volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    folder = save(series)
    for number in (3, 9):
        (folder / f"copy{number}").write_bytes((folder / f"{number:03d}").read_bytes())
    series[14].SOPInstanceUID = generate_uid(entropy_srcs=["sent again with another identifier"])
    series[14].save_as(folder / "again")
    result, got = read(folder)
    assert np.array_equal(got.hu, volume.hu)
    assert result.accepted[0].summary.repairs == ("3 exact duplicate slice(s) dropped",)
    assert result.accepted[0].summary.n_slices == 24


def linear_series(shear: tuple[float, float], slice_mm: float = 2.5) -> list[FileDataset]:
    """Slices of the field HU = 3 x + 2 y - 1 z - 200, each shifted within its plane."""
    k, j, i = np.ogrid[:24, :200, :160]
    x, y, z = 0.7 * i + shear[0] * k, 0.9 * j + shear[1] * k, slice_mm * k
    hu = np.rint(3 * x + 2 * y - z - 200).astype(np.int16)
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, :3] = [[0, 0, 0.7], [0, 0.9, 0], [slice_mm, 0, 0]]
    datasets = make_series(CtVolume(hu=hu, affine=affine, series_id=""))
    for number, dataset in enumerate(datasets):
        position = (shear[0] * number, shear[1] * number, slice_mm * number)
        dataset.ImagePositionPatient = [f"{value:.8f}" for value in position]
    return datasets


@pytest.mark.parametrize("shear", [(0.0, 2.5 * np.tan(np.radians(20))), (0.0, -0.7), (0.3, 0.5), (-0.4, 0.0)])
def test_gantry_tilt_is_resampled_to_a_straight_grid(
    shear: tuple[float, float], read: Fixture, save: Fixture
) -> None:
    result, got = read(save(linear_series(shear)))
    repairs = result.accepted[0].summary.repairs
    angle = np.degrees(np.arctan(np.hypot(*shear) / 2.5))
    assert repairs == (f"gantry tilt of {angle:.2f} degrees resampled to a straight grid",)
    assert np.allclose(got.affine[:3, 0], (0, 0, 2.5), atol=1e-6)
    assert np.count_nonzero(got.hu > -1024) >= 24 * 199 * 159  # nothing was cut off
    # a linear field is reproduced by linear interpolation: at most one HU of rounding twice
    index = np.argwhere(got.hu > -600).astype(np.float64)
    x, y, z = to_points(got.affine, index).T
    expected = 3 * x + 2 * y - z - 200
    values = got.hu[tuple(index.astype(int).T)]
    rim = _is_at_rim(got.hu, index.astype(int))
    assert np.max(np.abs(values - expected)[~rim]) <= 1.0


def _is_at_rim(hu: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Whether a neighbour in the plane is outside the scan, so that the two were mixed."""
    padded = np.pad(hu, ((0, 0), (1, 1), (1, 1)), constant_values=-1024)
    k, j, i = index.T
    return np.any([padded[k, j + dj, i + di] == -1024 for dj in range(3) for di in range(3)], axis=0)


def test_a_tilt_too_small_to_matter_is_left_alone(read: Fixture, save: Fixture) -> None:
    result, got = read(save(linear_series((0.0, 0.001))))
    assert result.accepted[0].summary.repairs == ()
    assert got.hu.shape == (24, 200, 160)
    assert got.affine[1, 0] == pytest.approx(0.0, abs=1e-9)
    assert got.affine[1, 3] == pytest.approx(0.0115)  # the mean of 0 ... 0.023 mm


def test_one_missing_slice_is_refused_by_default_and_says_where(
    series: list[FileDataset], save: Fixture
) -> None:
    del series[9]
    result = ingest(save(series), Settings())
    assert isinstance(result, IngestRefused)
    assert result.refusal.code == RefusalCode.MISSING_SLICES
    assert "1 slice(s) missing in 1 place(s), the first between 120.0 and 125.0 mm" in result.refusal.got


def test_one_missing_slice_is_put_in_where_allowed(read: Fixture, save: Fixture) -> None:
    series = linear_series((0.0, 0.0))
    uid = series[8].SOPInstanceUID
    del series[9]
    result, got = read(save(series), allow_one_missing=True)
    accepted = result.accepted[0]
    assert got.hu.shape == (24, 200, 160)
    assert got.spacing_mm[0] == pytest.approx(2.5)
    mean = (got.hu[8].astype(float) + got.hu[10]) / 2
    assert np.max(np.abs(got.hu[9] - mean)) <= 0.5
    assert accepted.sop_instance_uids[8:10] == (uid, "")
    assert accepted.summary.repairs == ("slice 9 was missing: mean of its neighbours put in",)


def test_two_missing_slices_are_refused_even_where_one_is_allowed(
    series: list[FileDataset], save: Fixture
) -> None:
    del series[9:11]
    result = ingest(save(series), Settings(allow_one_missing=True))
    assert isinstance(result, IngestRefused)
    assert result.refusal.code == RefusalCode.MISSING_SLICES


def test_a_localizer_within_the_series_does_not_move_a_slice(
    volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    scout = make_series(volume)[0]
    scout.SOPInstanceUID = generate_uid(entropy_srcs=["scout"])
    scout.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    scout.ImagePositionPatient = [0, -20, 131]
    result, got = read(save([*series, scout]))
    assert np.array_equal(got.hu, volume.hu)
    assert np.allclose(got.affine, volume.affine)
    assert [(stack.reason, stack.n_slices) for stack in result.stacks] == [("CHOSEN", 24), ("NOT_AXIAL", 1)]


@pytest.mark.parametrize("step_between", [1.5, 2.5, 4.0])
def test_a_stack_whose_spacing_changes_once_is_split(
    step_between: float, read: Fixture, save: Fixture
) -> None:
    # 44 slices of 1.5 mm, then 20 of 2.5 mm; the step between the runs may be either's or its own
    heights = [1.5 * n for n in range(44)]
    heights += [heights[-1] + step_between + 2.5 * n for n in range(20)]
    k, j, i = np.ogrid[:64, :20, :16]
    hu = ((137 * k + 41 * j + 13 * i) % 2000 - 1000).astype(np.int16)
    datasets = make_series(CtVolume(hu=hu, affine=np.diag([1.0, 0.9, 0.7, 1.0])[[2, 1, 0, 3]], series_id=""))
    for dataset, height in zip(datasets, heights, strict=True):
        dataset.ImagePositionPatient = [0, 0, height]
    result, got = read(save(datasets))
    assert len(result.stacks) == 2
    assert result.accepted[0].summary.slice_spacing_mm == 1.5
    assert result.accepted[0].summary.repairs == ("split from a stack whose slice spacing changes once",)
    n_first = got.hu.shape[0]
    assert n_first in {44, 45}
    assert np.array_equal(got.hu, hu[:n_first])
    assert sum(stack.n_slices for stack in result.stacks) == 64


def test_the_key_of_a_series_holds_no_identifier(
    series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    result, _ = read(save(series))
    assert result.stacks[0].series_id.endswith("-1")
    assert series[0].SeriesInstanceUID not in result.stacks[0].series_id
