"""A picture placed on a canvas, enlarged from its samples, with the bodies' outlines on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.domain.volume import CtVolume
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.report.canvas import Canvas, enlarge, hatching, outline
from spondyl.stages.report.colours import Colour
from spondyl.stages.report.placed import PlacedVertebra
from spondyl.stages.report.reformat import Picture, sample_hu, sample_patch, to_grey
from spondyl.stages.report.settings import Settings

_BODY_REACH_MM = 40.0  # no body reaches farther than this from its centre


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """One reformat on the canvas: upper left corner, and how much larger it is than its samples."""

    picture: Picture
    corner: tuple[int, int]
    enlargement: float

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height on the canvas."""
        return _enlarged(self.picture, self.enlargement)

    def to_canvas(self, points_lps_mm: Float64Array) -> Float64Array:
        """Map (n, 3) points to (n, 2) column and row on the canvas."""
        pixels = self.picture.to_pixels(points_lps_mm)
        return pixels * self.enlargement + np.array(self.corner, dtype=np.float64)


def draw_grey(canvas: Canvas, panel: Panel, volume: CtVolume, slab_mm: float, settings: Settings) -> None:
    """The CT itself, averaged over the slab, in the settings' window."""
    hu = sample_hu(volume, panel.picture, slab_mm)
    values = to_grey(hu, settings.window_centre_hu, settings.window_width_hu)
    canvas.grey(values, panel.corner, panel.size_px)


def draw_body(
    canvas: Canvas, panel: Panel, vertebra: PlacedVertebra, colour: Colour, *, is_hatched: bool
) -> None:
    """The line on which the body's occupancy is one half; hatched inside where it is to be doubted."""
    part, corner = _near(panel, vertebra.centre_lps_mm)
    if min(part.shape) < 2:
        return
    occupancy = enlarge(
        sample_patch(vertebra.patch.occupancy, vertebra.patch.affine, part),
        _enlarged(part, panel.enlargement),
    )
    if is_hatched:
        canvas.tint(0.5 * hatching(occupancy >= 0.5), colour, corner)
    canvas.tint(0.8 * outline(occupancy, 1.8), colour, corner)


def _enlarged(picture: Picture, enlargement: float) -> tuple[int, int]:
    rows, columns = picture.shape
    return round(columns * enlargement), round(rows * enlargement)


def _near(panel: Panel, centre_lps_mm: Float64Array) -> tuple[Picture, tuple[int, int]]:
    """The part of a picture around one body, and its upper left corner on the canvas."""
    picture = panel.picture
    column, row = picture.to_pixels(centre_lps_mm[None])[0]
    reach = _BODY_REACH_MM / picture.pixel_mm
    rows, columns = picture.shape
    top, bottom = max(0, int(row - reach)), min(rows, int(row + reach) + 1)
    left, right = max(0, int(column - reach)), min(columns, int(column + reach) + 1)
    part = Picture(
        points_lps_mm=picture.points_lps_mm[top:bottom, left:right],
        across=picture.across,
        origin_lps_mm=picture.origin_lps_mm + (left * picture.right + top * picture.down) * picture.pixel_mm,
        right=picture.right,
        down=picture.down,
        pixel_mm=picture.pixel_mm,
    )
    corner = (
        panel.corner[0] + round(left * panel.enlargement),
        panel.corner[1] + round(top * panel.enlargement),
    )
    return part, corner
