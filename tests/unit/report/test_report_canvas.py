"""Lines, outlines and labels where they belong."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from spondyl.geometry.arrays import UInt8Array
from spondyl.stages.report.canvas import Canvas, hatching, outline
from spondyl.stages.report.colours import (
    BLACK,
    EXPECTED,
    GRADES,
    MEASURED,
    NO_GRADE,
    POINT,
    WHITE,
    Colour,
)

_STORED_WITHIN = 4  # of 255: the palette holds 160 greys, and Pillow looks colours up in cells of four


def _pixels(canvas: Canvas) -> UInt8Array:
    return np.asarray(Image.open(BytesIO(canvas.to_png())).convert("RGB"))


def _disc(radius_px: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    rows, columns = np.indices((101, 101)) - 50
    return np.clip(0.5 + (radius_px - np.hypot(rows, columns)) / 6.0, 0, 1).astype(np.float32)


def test_the_outline_lies_on_one_half_and_has_its_width() -> None:
    alpha = outline(_disc(30.0), 2.0)
    rows, columns = np.nonzero(alpha > 0)
    radius = np.hypot(rows - 50, columns - 50)
    assert radius.min() > 28.0
    assert radius.max() < 32.0
    assert alpha.sum() == pytest.approx(2 * np.pi * 30.0 * 2.0, rel=0.03)  # circumference times width


def test_a_field_without_an_edge_has_no_outline() -> None:
    assert not outline(np.full((9, 9), 0.5, dtype=np.float32), 2.0).any()


def test_hatching_stays_inside_and_leaves_most_of_the_picture_free() -> None:
    inside = np.zeros((40, 50), dtype=np.bool_)
    inside[10:30, 10:40] = True
    alpha = hatching(inside)
    assert not alpha[~inside].any()
    assert 0.1 < alpha[inside].mean() < 0.5


def test_a_line_covers_its_pixels() -> None:
    canvas = Canvas(40, 20)
    canvas.line(np.array([[5.0, 10.0], [35.0, 10.0]]), POINT, 4.0)
    shown = _pixels(canvas)[..., 0]
    assert np.all(shown[9:11, 6:34] >= 255 - _STORED_WITHIN)
    assert not shown[:6].any()
    assert not shown[14:].any()


def test_a_dashed_line_is_on_for_nine_of_fifteen_pixels() -> None:
    canvas = Canvas(320, 9)
    canvas.line(np.array([[10.0, 4.5], [310.0, 4.5]]), (255, 255, 255), 3.0, dashed=True)
    row = _pixels(canvas)[4, 10:310, 0]
    assert (row > 127).mean() == pytest.approx(9.0 / 15.0, abs=0.05)
    assert np.all(row[2:7] >= 255 - _STORED_WITHIN)
    assert not row[11:14].any()


def test_text_is_drawn_within_its_line() -> None:
    canvas = Canvas(120, 60)
    canvas.text((10.0, 30.0), "T12?", 24, (255, 255, 255))
    rows, columns = np.nonzero(_pixels(canvas)[..., 0] > 127)
    assert 10 <= columns.min() < 16
    assert columns.max() < 80
    assert 16 < rows.min() < 30 < rows.max() < 44


def test_a_grey_picture_keeps_its_values_and_its_place() -> None:
    canvas = Canvas(20, 20)
    canvas.grey(np.full((4, 3), 77, dtype=np.uint8), (5, 6), (6, 8))
    pixels = _pixels(canvas).copy()
    assert np.all(np.abs(pixels[6:14, 5:11].astype(int) - 77) <= _STORED_WITHIN)
    pixels[6:14, 5:11] = 0
    assert not pixels.any()


@pytest.mark.parametrize("colour", [*GRADES, MEASURED, EXPECTED, POINT, NO_GRADE, WHITE, BLACK])
def test_a_stored_picture_keeps_every_colour_that_we_draw_with(colour: Colour) -> None:
    canvas = Canvas(30, 30)
    canvas.box((2.0, 2.0), (26.0, 26.0), colour)
    assert np.abs(_pixels(canvas)[15, 15].astype(int) - colour).max() <= _STORED_WITHIN
