"""Reformats: every pixel shows the place that it claims to show."""

from __future__ import annotations

import numpy as np
import pytest

from spondyl.domain.volume import CtVolume
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.report.reformat import (
    LEFT,
    POSTERIOR,
    curved_picture,
    flat_picture,
    sample_hu,
    to_grey,
)

AFFINE = np.array([[0, 0, 2.0, -40.0], [0, 3.0, 0, -60.0], [4.0, 0, 0, -100.0], [0, 0, 0, 1.0]])


def _ramp(weights: tuple[float, float, float]) -> CtVolume:
    """A volume whose HU is a linear function of the LPS place, so that interpolation is exact."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in (51, 41, 41)), indexing="ij")
    x, y, z = -40.0 + 2.0 * i, -60.0 + 3.0 * j, -100.0 + 4.0 * k
    hu = weights[0] * x + weights[1] * y + weights[2] * z
    return CtVolume(hu=hu.astype(np.int16), affine=AFFINE.copy(), series_id="ramp")


def _frame(tilt_degrees: float) -> Float64Array:
    """A frame turned about the posterior axis: the vertebra leans to the side."""
    c, s = np.cos(np.radians(tilt_degrees)), np.sin(np.radians(tilt_degrees))
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def test_columns_run_along_right_and_rows_along_down() -> None:
    picture = flat_picture(
        np.array([4.0, 6.0, 8.0]), np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, -1.0]), (6.0, 10.0), 2.0
    )
    assert picture.shape == (3, 5)
    assert picture.points_lps_mm[0, 0].tolist() == [4.0, 2.0, 10.0]
    assert picture.points_lps_mm[2, 4].tolist() == [4.0, 10.0, 6.0]
    assert picture.to_pixels(np.array([[99.0, 2.0, 10.0]])).tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("weights", [(3, 0, 0), (0, 3, 0), (0, 0, 3)], ids=["x", "y", "z"])
def test_a_cut_shows_the_values_at_its_points(weights: tuple[float, float, float]) -> None:
    picture = flat_picture(
        np.array([2.0, 5.0, -7.0]), np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, -1.0]), (30.0, 40.0), 0.7
    )
    shown = sample_hu(_ramp(weights), picture, slab_mm=4.0)
    assert np.allclose(shown, picture.points_lps_mm @ np.array(weights), atol=1e-2)


def test_outside_the_scan_there_is_air() -> None:
    picture = flat_picture(
        np.array([500.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, -1.0]), (4.0, 4.0), 1.0
    )
    assert np.all(sample_hu(_ramp((1, 0, 0)), picture, slab_mm=2.0) == -1024)


def test_a_sagittal_picture_passes_through_every_centre() -> None:
    centres = np.array([[0.0, 0.0, 60.0], [9.0, 4.0, 30.0], [-5.0, 8.0, 0.0]])
    frames = np.stack([np.eye(3)] * 3)
    picture = curved_picture(centres, frames, LEFT, ((-20.0, 30.0), (-20.0, 80.0)), 1.0)
    assert picture.shape == (100, 50)
    for centre in centres:
        column, row = picture.to_pixels(centre[None])[0]
        shown = picture.points_lps_mm[int(row), int(column)]
        assert np.abs(shown[0] - centre[0]) < 0.2  # a neighbour 30 mm away still pulls a little
        assert np.all(np.abs(shown[1:] - centre[1:]) <= 0.5)


def test_a_coronal_picture_bends_front_to_back() -> None:
    centres = np.array([[0.0, -10.0, 60.0], [0.0, 12.0, 20.0]])
    picture = curved_picture(centres, np.stack([np.eye(3)] * 2), POSTERIOR, ((-30.0, 30.0), (0.0, 80.0)), 1.0)
    assert np.allclose(picture.points_lps_mm[20, :, 1], -10.0, atol=0.2)
    assert np.allclose(picture.points_lps_mm[60, :, 1], 12.0, atol=0.2)


def test_a_leaning_vertebra_is_cut_through_its_own_plane() -> None:
    centre, frame = np.array([[3.0, 0.0, 0.0]]), _frame(20.0)
    picture = curved_picture(centre, frame[None], LEFT, ((-20.0, 20.0), (-15.0, 15.0)), 1.0)
    off_plane_mm = (picture.points_lps_mm - centre[0]) @ frame[:, 0]
    assert np.max(np.abs(off_plane_mm)) < 1e-9
    ten_above = picture.points_lps_mm[4, 0]  # row 4 is centred on z = 10.5
    assert ten_above[0] == pytest.approx(3.0 + 10.5 * np.tan(np.radians(20.0)))


@pytest.mark.parametrize("tilt_degrees", [89.99, 90.0, 120.0])
def test_a_vertebra_that_lies_on_its_side_still_gives_a_picture(tilt_degrees: float) -> None:
    picture = curved_picture(
        np.zeros((1, 3)), _frame(tilt_degrees)[None], LEFT, ((-20.0, 20.0), (-15.0, 15.0)), 1.0
    )
    assert np.max(np.abs(picture.points_lps_mm)) < 60.0


def test_the_window_maps_its_ends_to_black_and_white() -> None:
    grey = to_grey(np.array([-301.0, -300.0, 300.0, 900.0, 901.0], dtype=np.float32), 300.0, 1200.0)
    assert grey.tolist() == [0, 0, 128, 255, 255]
