"""The spine of one series in one picture: sagittal and coronal, both following the vertebrae."""

from __future__ import annotations

import numpy as np

from spondyl.domain.finding import NOT_FOR_DIAGNOSIS
from spondyl.domain.volume import CtVolume
from spondyl.geometry.affine import to_points
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.report.canvas import Canvas
from spondyl.stages.report.colours import BLACK, DIM, WHITE
from spondyl.stages.report.panel import Panel, draw_body, draw_grey
from spondyl.stages.report.placed import PlacedVertebra
from spondyl.stages.report.reformat import LEFT, POSTERIOR, SUPERIOR, curved_picture
from spondyl.stages.report.settings import Settings
from spondyl.stages.report.wording import grade_words, level_words, style_of

# What is shown around the centres of the bodies, mm: in front of them the great vessels' edge, behind
# them the spinous processes, at the sides the heads of the ribs. Ours.
_ANTERIOR_MM, _POSTERIOR_MM, _SIDE_MM, _END_MM = 34.0, 58.0, 46.0, 34.0

_TOP_PX, _BOTTOM_PX, _LEVELS_PX, _GRADES_PX, _BETWEEN_PX = 44, 106, 84, 160, 26
_TEXT_PX, _SMALL_PX = 25, 20
_SCALE_BAR_MM = 50.0


def draw_spine(volume: CtVolume, vertebrae: tuple[PlacedVertebra, ...], settings: Settings) -> bytes:
    """PNG of the spine; ``vertebrae`` holds at least one, head to foot."""
    sagittal, coronal = _panels(volume, vertebrae, settings)
    height_px = sagittal.size_px[1] + _TOP_PX + _BOTTOM_PX
    canvas = Canvas(coronal.corner[0] + coronal.size_px[0] + _BETWEEN_PX, height_px)
    for panel in (sagittal, coronal):
        draw_grey(canvas, panel, volume, settings.slab_mm, settings)
        for vertebra in vertebrae:
            is_hatched = vertebra.finding.genant_grade is None
            draw_body(canvas, panel, vertebra, style_of(vertebra.finding).colour, is_hatched=is_hatched)
    for vertebra in vertebrae:
        _draw_endplates(canvas, sagittal, vertebra)
        _write_labels(canvas, sagittal, coronal, vertebra)
    _draw_marks(canvas, sagittal, "SAGITTAL", ("A", "P"))
    _draw_marks(canvas, coronal, "CORONAL", ("R", "L"))
    _draw_scale_bar(canvas, sagittal)
    _write_notice(canvas, sagittal.corner[0], height_px)
    return canvas.to_png()


def _panels(
    volume: CtVolume, vertebrae: tuple[PlacedVertebra, ...], settings: Settings
) -> tuple[Panel, Panel]:
    centres = np.stack([vertebra.centre_lps_mm for vertebra in vertebrae])
    frames = np.stack([vertebra.frame for vertebra in vertebrae])
    x, y, z = spine_boxes(volume, centres)
    pixels_per_mm = min(settings.spine_pixels_per_mm, settings.spine_height_px / (z[1] - z[0]))
    enlargement = pixels_per_mm * settings.sample_mm

    def panel(bent_axis: int, horizontal: tuple[float, float], left_px: int) -> Panel:
        picture = curved_picture(centres, frames, bent_axis, (horizontal, z), settings.sample_mm)
        return Panel(picture=picture, corner=(left_px, _TOP_PX), enlargement=enlargement)

    sagittal = panel(LEFT, y, _LEVELS_PX)
    return sagittal, panel(POSTERIOR, x, _LEVELS_PX + sagittal.size_px[0] + _GRADES_PX + _BETWEEN_PX)


def spine_boxes(
    volume: CtVolume, centres: Float64Array
) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
    """From and to of x, y and z in LPS mm: what is shown around (n, 3) centres, within the scan."""
    low, high = centres.min(axis=0), centres.max(axis=0)
    scan_low, scan_high = _extent(volume)
    z = (max(low[SUPERIOR] - _END_MM, scan_low[2]), min(high[SUPERIOR] + _END_MM, scan_high[2]))
    y = (
        max(low[POSTERIOR] - _ANTERIOR_MM, scan_low[1]),
        min(high[POSTERIOR] + _POSTERIOR_MM, scan_high[1]),
    )
    x = (max(low[LEFT] - _SIDE_MM, scan_low[0]), min(high[LEFT] + _SIDE_MM, scan_high[0]))
    return x, y, z


def _extent(volume: CtVolume) -> tuple[Float64Array, Float64Array]:
    """Smallest and largest LPS coordinates of the scanned box."""
    last = np.array(volume.hu.shape, dtype=np.float64) - 1.0
    corners = np.array(np.meshgrid(*((0.0, n) for n in last), indexing="ij")).reshape(3, -1).T
    points = to_points(volume.affine, corners)
    return points.min(axis=0), points.max(axis=0)


def _draw_endplates(canvas: Canvas, panel: Panel, vertebra: PlacedVertebra) -> None:
    landmarks = vertebra.landmarks_lps_mm
    if landmarks is None:
        return
    style = style_of(vertebra.finding)
    # A light seam keeps the lines of a deformity visible on bone when the picture is printed in grey.
    seam = WHITE if (vertebra.finding.genant_grade or 0) >= 1 else BLACK
    points = panel.to_canvas(landmarks)
    for endplate in (points[:3], points[3:]):
        canvas.line(endplate, seam, style.line_px + 2.0)
        canvas.line(endplate, style.colour, style.line_px)


def _write_labels(canvas: Canvas, sagittal: Panel, coronal: Panel, vertebra: PlacedVertebra) -> None:
    """Level to the left of the sagittal panel, grade to the right, level again on the coronal body."""
    finding, style = vertebra.finding, style_of(vertebra.finding)
    column, row = (float(x) for x in sagittal.to_canvas(vertebra.centre_lps_mm[None])[0])
    left, right = float(sagittal.corner[0]), float(sagittal.corner[0] + sagittal.size_px[0])
    canvas.text((left - 12, row), level_words(finding), _TEXT_PX, WHITE, anchor="rm")
    canvas.line(np.array([[left - 7, row], [left + 7, row]]), DIM, 1.5)
    canvas.line(np.array([[right - 7, row], [right + 7, row]]), DIM, 1.5)
    words = grade_words(finding)
    if (finding.genant_grade or 0) >= 1:
        canvas.box((right + 11, row - 17), (_GRADES_PX - 22, 34), style.colour)
        canvas.text((right + 20, row), words, _TEXT_PX, BLACK, halo=None)
    else:
        size = _TEXT_PX if finding.genant_grade is not None else _SMALL_PX
        canvas.text((right + 14, row), words, size, style.colour)
    column, row = (float(x) for x in coronal.to_canvas(vertebra.centre_lps_mm[None])[0])
    canvas.text((column, row), level_words(finding), _SMALL_PX, WHITE, anchor="mm")


def _draw_marks(canvas: Canvas, panel: Panel, title: str, sides: tuple[str, str]) -> None:
    (left, top), (width, height) = panel.corner, panel.size_px
    middle = left + width / 2.0
    canvas.text((left, top / 2.0), title, _SMALL_PX, DIM)
    canvas.text((middle, top / 2.0), "H", _TEXT_PX, WHITE, anchor="mm")
    canvas.text((middle, top + height + 18), "F", _TEXT_PX, WHITE, anchor="mm")
    canvas.text((left + 10, top + 24), sides[0], _TEXT_PX, WHITE)
    canvas.text((left + width - 10, top + 24), sides[1], _TEXT_PX, WHITE, anchor="rm")


def _draw_scale_bar(canvas: Canvas, panel: Panel) -> None:
    """A bar with a tick each 10 mm below the sagittal panel."""
    (left, top), (_, height) = panel.corner, panel.size_px
    length = _SCALE_BAR_MM / panel.picture.pixel_mm * panel.enlargement
    row = float(top + height + 50)
    canvas.line(np.array([[left, row], [left + length, row]]), WHITE, 2.0)
    ticks = np.linspace(0.0, length, round(_SCALE_BAR_MM / 10.0) + 1)
    for tick in ticks:
        size = 7.0 if tick in (ticks[0], ticks[-1]) else 4.0
        canvas.line(np.array([[left + tick, row - size], [left + tick, row + size]]), WHITE, 2.0)
    canvas.text((left + length + 12, row), f"{_SCALE_BAR_MM:.0f} mm", _SMALL_PX, WHITE)


def _write_notice(canvas: Canvas, left_px: int, height_px: int) -> None:
    canvas.text((left_px, height_px - 20), NOT_FOR_DIAGNOSIS, _SMALL_PX - 2, DIM)
