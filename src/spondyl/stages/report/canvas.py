"""Drawing on a picture with smooth edges: lines, outlines, hatching, labels.

Lines are drawn enlarged and then reduced; text comes from the font that Pillow carries, which knows
plain ASCII and a few signs, so labels keep to those.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from io import BytesIO
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from spondyl.geometry.arrays import BoolArray, Float32Array, Float64Array, UInt8Array
from spondyl.stages.report.colours import BLACK, Colour, palette

Font: TypeAlias = ImageFont.FreeTypeFont

_ENLARGED = 3  # lines are drawn this much larger
_HATCH_PERIOD_PX, _HATCH_LINE_PX = 9, 2
_DASH_PX, _GAP_PX = 9.0, 6.0
_PNG_LEVEL = 6


@cache
def font(size_px: int) -> Font:
    """The font of all labels."""
    loaded = ImageFont.load_default(size=size_px)
    if not isinstance(loaded, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType; install Pillow from PyPI to draw labels")
    return loaded


class Canvas:
    """A picture being drawn; coordinates are (column, row) in pixels from the upper left corner."""

    def __init__(self, width_px: int, height_px: int, background: Colour = BLACK) -> None:
        self._image = Image.new("RGB", (width_px, height_px), background)
        self._lines = Image.new("RGBA", (width_px * _ENLARGED, height_px * _ENLARGED), (0, 0, 0, 0))
        self._pen = ImageDraw.Draw(self._lines)
        self._labels: list[tuple[tuple[float, float], str, int, Colour, str, Colour | None]] = []

    def grey(self, values: UInt8Array, corner: tuple[int, int], size_px: tuple[int, int]) -> None:
        """Place a grey picture, enlarged smoothly to (width, height) ``size_px``."""
        enlarged = Image.fromarray(values).resize(size_px, Image.Resampling.BICUBIC)
        self._image.paste(enlarged, corner)

    def tint(self, alpha: Float32Array, colour: Colour, corner: tuple[int, int]) -> None:
        """Lay a colour over the picture with an opacity of 0-1 per pixel."""
        mask = Image.fromarray((np.clip(alpha, 0.0, 1.0) * 255).astype(np.uint8))
        self._image.paste(colour, (corner[0], corner[1]), mask)

    def box(self, corner: tuple[float, float], size_px: tuple[float, float], colour: Colour) -> None:
        """A filled box with round corners."""
        (x, y), (width, height) = corner, size_px
        box = tuple(v * _ENLARGED for v in (x, y, x + width, y + height))
        self._pen.rounded_rectangle(box, radius=5 * _ENLARGED, fill=colour)

    def line(self, points: Float64Array, colour: Colour, width_px: float, *, dashed: bool = False) -> None:
        """A line through (n, 2) points with round ends and joints."""
        pieces: Sequence[Float64Array] = _dashes(points) if dashed else [points]
        for piece in pieces:
            enlarged = [(float(x), float(y)) for x, y in piece * _ENLARGED]
            width = max(1, round(width_px * _ENLARGED))
            self._pen.line(enlarged, fill=colour, width=width, joint="curve")
            if not dashed:
                for x, y in (enlarged[0], enlarged[-1]):
                    self._disc(x, y, width / 2.0, colour)

    def dot(self, point: Float64Array, colour: Colour, radius_px: float) -> None:
        """A round dot with a dark rim."""
        x, y = (float(v) * _ENLARGED for v in point)
        self._disc(x, y, (radius_px + 1.0) * _ENLARGED, BLACK)
        self._disc(x, y, radius_px * _ENLARGED, colour)

    def _disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        self._pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)

    def text(
        self,
        place: tuple[float, float],
        words: str,
        size_px: int,
        colour: Colour,
        *,
        anchor: str = "lm",
        halo: Colour | None = BLACK,
    ) -> None:
        """A label above all lines; ``anchor`` as in Pillow (first letter l, m, r; second a, m, s)."""
        self._labels.append((place, words, size_px, colour, anchor, halo))

    def to_png(self) -> bytes:
        """The finished picture."""
        lines = self._lines.reduce(_ENLARGED)
        self._image.paste(lines, (0, 0), lines)
        pen = ImageDraw.Draw(self._image)
        for place, words, size_px, colour, anchor, halo in self._labels:
            pen.text(
                place,
                words,
                fill=colour,
                font=font(size_px),
                anchor=anchor,
                stroke_width=0 if halo is None else 2,
                stroke_fill=halo,
            )
        stream = BytesIO()
        stored = self._image.quantize(palette=palette(), dither=Image.Dither.NONE)
        stored.save(stream, format="PNG", compress_level=_PNG_LEVEL)
        return stream.getvalue()


def _dashes(points: Float64Array) -> list[Float64Array]:
    """Cut a polyline into (m, 2) dashes; a dash may run over a corner."""
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    station = np.concatenate([[0.0], np.cumsum(lengths)])
    dashes = []
    for start in np.arange(0.0, station[-1], _DASH_PX + _GAP_PX):
        stop = min(start + _DASH_PX, station[-1])
        inner = station[(station > start) & (station < stop)]
        stops = np.concatenate([[start], inner, [stop]])
        dashes.append(np.stack([np.interp(stops, station, points[:, axis]) for axis in (0, 1)], axis=-1))
    return dashes


def enlarge(values: Float32Array, size_px: tuple[int, int]) -> Float32Array:
    """Enlarge a smooth (row, column) field to (width, height) ``size_px``."""
    return np.asarray(Image.fromarray(values).resize(size_px, Image.Resampling.BILINEAR), dtype=np.float32)


def outline(occupancy: Float32Array, width_px: float) -> Float32Array:
    """(row, column) opacity of the line on which the occupancy is one half, sub-pixel and smooth.

    The distance of a pixel from that line is (occupancy - 1/2) over the size of the gradient.
    """
    down, right = np.gradient(occupancy)
    steepness = np.hypot(down, right)
    edge = steepness > 1e-3
    distance_px = np.abs(occupancy - 0.5) / np.where(edge, steepness, 1.0)
    return np.where(edge, np.clip(width_px / 2.0 + 0.5 - distance_px, 0.0, 1.0), 0.0).astype(np.float32)


def hatching(inside: BoolArray) -> Float32Array:
    """(row, column) opacity of oblique lines within a region: reads in grey as in colour."""
    rows, columns = np.indices(inside.shape)
    return (inside & ((rows + columns) % _HATCH_PERIOD_PX < _HATCH_LINE_PX)).astype(np.float32)
