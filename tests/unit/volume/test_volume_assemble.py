"""Stored values to Hounsfield units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spondyl.domain.series import AcceptedSeries, StackSummary
from spondyl.domain.volume import HU_FLOOR
from spondyl.stages.volume import assemble

SUMMARY = StackSummary(
    series_id="key-1",
    modality="CT",
    description="",
    n_slices=2,
    slice_spacing_mm=2.5,
    pixel_spacing_mm=(0.9, 0.7),
    kernel=None,
    z_range_mm=(0.0, 5.0),
    chosen=True,
    reason="CHOSEN",
    text="Read.",
    score=1.0,
)
AFFINE = np.array([[0, 0, 0.7, 1], [0, 0.9, 0, 2], [2.5, 0, 0, 3], [0, 0, 0, 1.0]])


def series(
    stored: Any, slope: list[float], intercept: list[float], padding: int | None = None
) -> AcceptedSeries:
    return AcceptedSeries(
        summary=SUMMARY,
        stored=stored,
        slope=np.array(slope),
        intercept=np.array(intercept),
        padding=padding,
        affine=AFFINE,
    )


def test_each_slice_is_scaled_by_its_own_slope_and_intercept() -> None:
    stored = np.array([[[0, 1000, 2001]], [[0, 1000, 2001]]], dtype=np.uint16)
    volume = assemble(series(stored, [1.0, 0.5], [-1024.0, -100.0]))
    # 2001 x 0.5 - 100 = 900.5 is rounded to the even neighbour
    assert volume.hu.tolist() == [[[-1024, -24, 977]], [[-100, 400, 900]]]
    assert volume.series_id == "key-1"
    assert np.array_equal(volume.affine, AFFINE)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.float32])
def test_a_whole_intercept_is_added_in_every_type(dtype: type) -> None:
    stored: np.ndarray = np.array([[[0, 20, 100]]], dtype=dtype)
    volume = assemble(series(stored, [1.0], [-30.0]))
    assert volume.hu.tolist() == [[[-30, -10, 70]]]


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [(np.int16, -32768, 32767), (np.uint16, 0, 65535), (np.int32, -(2**31), 2**31 - 1)],
)
@pytest.mark.parametrize("intercept", [-1024.0, 0.0, 1024.0, -8192.0, -70000.0, 70000.0, 0.5])
def test_extremes_are_clipped_and_never_wrap_round(
    dtype: type, low: int, high: int, intercept: float
) -> None:
    stored: np.ndarray = np.array([[[low, high]]], dtype=dtype)
    volume = assemble(series(stored, [1.0], [intercept]))
    expected = [min(max(np.rint(value + intercept), HU_FLOOR), 32767) for value in (low, high)]
    assert volume.hu.tolist() == [[expected]]


def test_padding_becomes_the_floor_and_only_padding() -> None:
    stored = np.array([[[-2000, 0, 63]]], dtype=np.int16)
    volume = assemble(series(stored, [1.0], [0.0], padding=63))
    assert volume.hu.tolist() == [[[HU_FLOOR, 0, HU_FLOOR]]]


def test_values_that_are_hounsfield_units_already_are_not_copied() -> None:
    stored = np.array([[[HU_FLOOR, 0, 3000]]], dtype=np.int16)
    assert np.shares_memory(assemble(series(stored, [1.0], [0.0])).hu, stored)


def test_values_below_the_floor_are_raised_in_a_copy() -> None:
    stored = np.array([[[-3024, 0, 3000]]], dtype=np.int16)
    volume = assemble(series(stored, [1.0], [0.0]))
    assert volume.hu.tolist() == [[[HU_FLOOR, 0, 3000]]]
    assert stored.min() == -3024
