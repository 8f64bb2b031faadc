"""Odd but legal pixel values: each becomes the Hounsfield units it means."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import FileDataset

from spondyl.domain.volume import HU_FLOOR, CtVolume

Fixture = Any  # the callables of conftest.py


def set_stored(dataset: FileDataset, stored: np.ndarray, **attributes: object) -> None:
    dataset.PixelData = stored.tobytes()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)


def test_signed_values_are_read(
    volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    for hu, dataset in zip(volume.hu, series, strict=True):
        set_stored(dataset, hu.astype("<i2"), PixelRepresentation=1, RescaleIntercept=0)
    result, got = read(save(series))
    assert result.accepted[0].stored.dtype == np.int16
    assert np.array_equal(got.hu, volume.hu)


def test_slices_may_differ_in_sign(
    volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    for hu, dataset in zip(volume.hu[::2], series[::2], strict=True):
        set_stored(dataset, hu.astype("<i2"), PixelRepresentation=1, RescaleIntercept=0)
    _, got = read(save(series))
    assert np.array_equal(got.hu, volume.hu)


@pytest.mark.parametrize("is_signed", [False, True])
def test_rubbish_in_the_unused_bits_is_ignored(
    is_signed: bool, volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    for k, (hu, dataset) in enumerate(zip(volume.hu, series, strict=True)):
        stored = hu.astype(np.int32) if is_signed else hu.astype(np.int32) + 1024
        rubbish = (stored & 0xFFF) | ((k % 16) << 12)  # an overlay, as old scanners do
        set_stored(
            dataset, rubbish.astype("<u2"), BitsStored=12, HighBit=11, PixelRepresentation=int(is_signed)
        )
        dataset.RescaleIntercept = 0 if is_signed else -1024
    _, got = read(save(series))
    assert np.array_equal(got.hu, volume.hu)


def test_each_slice_has_its_own_rescale(
    volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    # slope 0.5 ... : stored = (HU + 1024 + k) / slope must be whole, so HU is read back within half a step
    slopes = [0.5, 1.0, 2.0, 0.25]
    for k, (hu, dataset) in enumerate(zip(volume.hu, series, strict=True)):
        slope, intercept = slopes[k % 4], -1024 - k
        stored = np.rint((hu.astype(float) - intercept) / slope)
        set_stored(dataset, stored.astype("<u2"), RescaleSlope=slope, RescaleIntercept=intercept)
    _, got = read(save(series))
    difference = np.abs(got.hu.astype(int) - volume.hu)
    assert np.max(difference[[k for k in range(24) if slopes[k % 4] != 2.0]]) == 0
    assert np.max(difference) <= 1  # slope 2: odd values are not stored


def test_values_outside_the_scan_circle_become_the_floor(
    volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    for hu, dataset in zip(volume.hu, series, strict=True):
        stored = hu.astype("<i2")
        stored[:2] = -3024
        set_stored(dataset, stored, PixelRepresentation=1, RescaleIntercept=0)
    _, got = read(save(series))
    assert np.all(got.hu[:, :2] == HU_FLOOR)
    assert np.array_equal(got.hu[:, 2:], volume.hu[:, 2:])


@pytest.mark.parametrize("declared", [-2000, 63536])
def test_padding_becomes_the_floor_whichever_sign_it_is_written_with(
    declared: int, volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    for hu, dataset in zip(volume.hu, series, strict=True):
        stored = hu.astype("<i2")
        stored[:3] = -2000
        set_stored(dataset, stored, PixelRepresentation=1, RescaleIntercept=0)
        dataset.add_new("PixelPaddingValue", "SS" if declared < 0 else "US", declared)
    result, got = read(save(series))
    assert result.accepted[0].padding == -2000
    assert np.all(got.hu[:, :3] == HU_FLOOR)
    assert np.array_equal(got.hu[:, 3:], volume.hu[:, 3:])


def test_padding_above_the_tissues_becomes_the_floor_as_a_range(
    volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    for hu, dataset in zip(volume.hu, series, strict=True):
        stored = hu.astype(np.int32) + 1024
        stored[:2], stored[2:4] = 60000, 60007
        set_stored(dataset, stored.astype("<u2"))
        dataset.add_new("PixelPaddingValue", "US", 60000)
        dataset.add_new("PixelPaddingRangeLimit", "US", 60010)
    _, got = read(save(series))
    assert np.all(got.hu[:, :4] == HU_FLOOR)
    assert np.array_equal(got.hu[:, 4:], volume.hu[:, 4:])


def test_padding_may_differ_from_slice_to_slice(
    volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    for k, (hu, dataset) in enumerate(zip(volume.hu, series, strict=True)):
        stored = hu.astype(np.int32) + 1024
        stored[:2] = 60000 + k
        set_stored(dataset, stored.astype("<u2"))
        dataset.add_new("PixelPaddingValue", "US", 60000 + k)
    _, got = read(save(series))
    assert np.all(got.hu[:, :2] == HU_FLOOR)
    assert np.array_equal(got.hu[:, 2:], volume.hu[:, 2:])


def test_a_padding_value_that_means_tissue_punches_no_holes(
    volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    for hu, dataset in zip(volume.hu, series, strict=True):
        set_stored(dataset, hu.astype("<i2"), PixelRepresentation=1, RescaleIntercept=0)
        dataset.add_new("PixelPaddingValue", "SS", 0)
    result, got = read(save(series))
    assert np.array_equal(got.hu, volume.hu)
    assert np.any(volume.hu == 0)
    assert result.accepted[0].summary.repairs == ("padding value within the range of tissue not honoured",)


def test_monochrome1_changes_the_display_not_the_values(
    volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    for dataset in series:
        dataset.PhotometricInterpretation = "MONOCHROME1"
    result, got = read(save(series))
    assert np.array_equal(got.hu, volume.hu)
    assert result.accepted[0].summary.repairs == ()


@pytest.mark.parametrize("is_signed", [False, True])
def test_monochrome1_with_inverted_values_is_turned_round_and_said(
    is_signed: bool, series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    k, j, i = np.ogrid[:24, :20, :16]
    hu = ((37 * k + 11 * j + 5 * i) % 500 - 300).astype(np.int16)  # fat, soft tissue, bone
    for values, dataset in zip(hu, series, strict=True):
        stored = values.astype(np.int32) + 1024
        inverted = -1 - stored if is_signed else 4095 - stored
        set_stored(dataset, inverted.astype("<i2"), PhotometricInterpretation="MONOCHROME1")
        dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, int(is_signed)
    result, got = read(save(series))
    assert np.array_equal(got.hu, hu)
    assert result.accepted[0].summary.repairs == ("inverted grey values (MONOCHROME1) turned round",)
