"""One vertebra enlarged: flat mid-sagittal and mid-coronal cuts, six points, outline, expected outline."""

from __future__ import annotations

import numpy as np

from spondyl.domain.finding import NOT_FOR_DIAGNOSIS, HeightTriple
from spondyl.domain.volume import CtVolume
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.report.canvas import Canvas
from spondyl.stages.report.colours import DIM, EXPECTED, MEASURED, POINT, WHITE
from spondyl.stages.report.panel import Panel, draw_body, draw_grey
from spondyl.stages.report.placed import PlacedVertebra
from spondyl.stages.report.reformat import LEFT, POSTERIOR, SUPERIOR, flat_picture
from spondyl.stages.report.settings import Settings
from spondyl.stages.report.wording import grade_words, level_words, style_of

_HEADER_PX, _FOOTER_PX, _BETWEEN_PX = 50, 74, 12
_TEXT_PX, _SMALL_PX = 26, 19
_SCALE_BAR_MM = 10.0
_RING_PX = 34.0


def draw_vertebra(volume: CtVolume, vertebra: PlacedVertebra, settings: Settings) -> bytes:
    """PNG of one vertebra in its own frame: sagittal on the left, coronal on the right."""
    sagittal, coronal = (_panel(vertebra, axis, settings) for axis in (POSTERIOR, LEFT))
    side_px = sagittal.size_px[0]
    canvas = Canvas(2 * side_px + _BETWEEN_PX, side_px + _HEADER_PX + _FOOTER_PX)
    is_hatched = vertebra.finding.heights_mm is None
    for panel, title, sides in ((sagittal, "SAGITTAL", "AP"), (coronal, "CORONAL", "RL")):
        draw_grey(canvas, panel, volume, settings.tile_slab_mm, settings)
        draw_body(canvas, panel, vertebra, MEASURED, is_hatched=is_hatched)
        _write_sides(canvas, panel, title, sides)
        _draw_places(canvas, panel, vertebra)
    _draw_points(canvas, sagittal, vertebra)
    _write_header(canvas, vertebra)
    _write_footer(canvas, side_px, settings.tile_pixels_per_mm)
    return canvas.to_png()


def _panel(vertebra: PlacedVertebra, axis: int, settings: Settings) -> Panel:
    """A flat cut whose columns run along one axis of the vertebra's frame."""
    enlargement = settings.tile_pixels_per_mm * settings.tile_sample_mm
    picture = flat_picture(
        vertebra.centre_lps_mm,
        vertebra.frame[:, axis],
        -vertebra.frame[:, SUPERIOR],
        (settings.tile_field_mm, settings.tile_field_mm),
        settings.tile_sample_mm,
    )
    side_px = round(picture.shape[1] * enlargement)
    left_px = 0 if axis == POSTERIOR else side_px + _BETWEEN_PX
    return Panel(picture=picture, corner=(left_px, _HEADER_PX), enlargement=enlargement)


def _draw_places(canvas: Canvas, panel: Panel, vertebra: PlacedVertebra) -> None:
    """A ring where a confounder was seen, and its kind."""
    for confounder in vertebra.finding.confounders:
        if confounder.place_lps_mm is None:
            continue
        point = panel.to_canvas(np.array([confounder.place_lps_mm]))[0]
        angles = np.linspace(0.0, 2.0 * np.pi, 40)
        ring = point + _RING_PX * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        canvas.line(ring, EXPECTED, 2.0)
        words = confounder.kind.replace("_", " ")
        canvas.text(
            (float(point[0]), float(point[1]) - _RING_PX - 12.0), words, _SMALL_PX, WHITE, anchor="mm"
        )


def _draw_points(canvas: Canvas, panel: Panel, vertebra: PlacedVertebra) -> None:
    landmarks = vertebra.landmarks_lps_mm
    if landmarks is None:
        return
    if vertebra.finding.expected_heights_mm is not None:
        expected = expected_outline(landmarks, vertebra.finding.expected_heights_mm)
        canvas.line(panel.to_canvas(expected), EXPECTED, 2.5, dashed=True)
    points = panel.to_canvas(landmarks)
    for superior, inferior in zip(points[:3], points[3:], strict=True):
        canvas.line(np.stack([superior, inferior]), POINT, 1.0)
    for point in points:
        canvas.dot(point, POINT, 4.0)
    if vertebra.finding.heights_mm is not None:
        heights = vertebra.finding.heights_mm
        values = (heights.anterior, heights.middle, heights.posterior)
        for (column, row), height_mm in zip((points[:3] + points[3:]) / 2.0, values, strict=True):
            canvas.text((float(column), float(row)), f"{height_mm:.1f}", _SMALL_PX, WHITE, anchor="mm")


def expected_outline(landmarks_lps_mm: Float64Array, expected: HeightTriple) -> Float64Array:
    """(7, 3) closed outline with the expected heights, from landmarks in the order of LANDMARK_NAMES.

    Each expected height stands on its own measured line, half above and half below the middle of it: the
    picture shows how much is missing, not where it was lost.
    """
    superior, inferior = landmarks_lps_mm[:3], landmarks_lps_mm[3:]
    line = superior - inferior
    direction = line / np.linalg.norm(line, axis=1, keepdims=True)
    lengths = np.array([expected.anterior, expected.middle, expected.posterior])[:, None]
    middle, half = (superior + inferior) / 2.0, direction * lengths / 2.0
    upper, lower = middle + half, middle - half
    return np.concatenate([upper, lower[::-1], upper[:1]])


def _write_sides(canvas: Canvas, panel: Panel, title: str, sides: str) -> None:
    (left, top), (width, _) = panel.corner, panel.size_px
    row = top + 20.0
    canvas.text((left + 10, row), sides[0], _TEXT_PX, WHITE)
    canvas.text((left + width - 10, row), sides[1], _TEXT_PX, WHITE, anchor="rm")
    canvas.text((left + width / 2.0, row), title, _SMALL_PX, WHITE, anchor="mm")


def _write_header(canvas: Canvas, vertebra: PlacedVertebra) -> None:
    finding, style = vertebra.finding, style_of(vertebra.finding)
    row = _HEADER_PX / 2.0
    canvas.text((12, row), level_words(finding), _TEXT_PX + 6, WHITE)
    words = grade_words(finding)
    if finding.shape not in (None, "normal"):
        words = f"{words} · {finding.shape}"
    if finding.probability_grade_2_or_more is not None:
        words = f"{words} · P(grade 2 or more) {finding.probability_grade_2_or_more:.2f}"
    canvas.text((100, row), words, _TEXT_PX - 3, style.colour)


def _write_footer(canvas: Canvas, side_px: int, pixels_per_mm: float) -> None:
    row = _HEADER_PX + side_px + 20.0
    canvas.line(np.array([[12.0, row], [44.0, row]]), MEASURED, 2.5)
    canvas.text((52, row), "outline found", _SMALL_PX, DIM)
    canvas.line(np.array([[200.0, row], [244.0, row]]), EXPECTED, 2.5, dashed=True)
    canvas.text((252, row), "expected heights", _SMALL_PX, DIM)
    canvas.dot(np.array([432.0, row]), POINT, 4.0)
    canvas.text((444, row), "six points, heights in mm", _SMALL_PX, DIM)
    right, length = 2.0 * side_px + _BETWEEN_PX - 90.0, _SCALE_BAR_MM * pixels_per_mm
    canvas.line(np.array([[right - length, row], [right, row]]), WHITE, 2.5)
    canvas.text((right + 10, row), f"{_SCALE_BAR_MM:.0f} mm", _SMALL_PX, WHITE)
    canvas.text((12, row + 32), NOT_FOR_DIAGNOSIS, _SMALL_PX - 1, DIM)
