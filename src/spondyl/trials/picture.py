"""Small sagittal pictures of one vertebra and its neighbours, side by side, with a caption on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from spondyl.domain.finding import NOT_FOR_DIAGNOSIS
from spondyl.domain.volume import HU_FLOOR, CtVolume
from spondyl.geometry.arrays import Float64Array, UInt8Array
from spondyl.geometry.resample import grid_points, sample

_UP_MM, _FRONT_MM, _BACK_MM = 48.0, 38.0, 42.0  # the vertebra, its neighbours and the canal
_PIXEL_MM = 0.25
_SLAB_MM = np.array([-2.0, 0.0, 2.0])  # a little averaging: one slice alone is noisy
_LOWEST_HU, _HIGHEST_HU = -200.0, 700.0  # bone window (centre 250, width 900)
_CAPTION_PIXELS = 34
_TILES_PER_ROW = 4
TRUE_COLOUR = (0, 220, 90)
READ_COLOUR = (255, 90, 60)
_WHITE = (255, 255, 255)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tile:
    """One picture. true_points_mm, read_points_mm: (n, 3) LPS mm, drawn green and red."""

    volume: CtVolume
    centre_lps_mm: Float64Array
    frame: Float64Array
    caption: tuple[str, ...]
    true_points_mm: Float64Array | None = None
    read_points_mm: Float64Array | None = None


Drawn: TypeAlias = Image.Image


def write_sheet(drawn: Sequence[Drawn], path: Path) -> None:
    """Write drawn tiles as one PNG, four in a row, with the notice below.

    Raises:
        ValueError: no tiles. OSError: the file cannot be written.
    """
    if not drawn:
        raise ValueError("a sheet needs at least one tile")
    width, height = drawn[0].size
    columns = min(_TILES_PER_ROW, len(drawn))
    n_rows = -(-len(drawn) // columns)
    sheet = Image.new("RGB", (columns * width, n_rows * height + 20))
    for number, picture in enumerate(drawn):
        sheet.paste(picture, (number % columns * width, number // columns * height))
    _write(ImageDraw.Draw(sheet), (6, n_rows * height + 3), NOT_FOR_DIAGNOSIS)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def draw(tile: Tile) -> Drawn:
    """Draw one tile; who keeps the picture need not keep the volume."""
    up = np.arange(_UP_MM, -_UP_MM, -_PIXEL_MM)
    back = np.arange(-_FRONT_MM, _BACK_MM, _PIXEL_MM)
    points = grid_points(tile.centre_lps_mm, tile.frame, _SLAB_MM, back, up)
    hu = sample(tile.volume.hu, tile.volume.affine, points, order=1, outside=HU_FLOOR).mean(axis=0).T
    image = Image.new("RGB", (len(back), len(up) + _CAPTION_PIXELS))
    image.paste(Image.fromarray(_grey(hu)).convert("RGB"), (0, _CAPTION_PIXELS))
    pen = ImageDraw.Draw(image)
    for cloud, colour in ((tile.true_points_mm, TRUE_COLOUR), (tile.read_points_mm, READ_COLOUR)):
        for point in np.zeros((0, 3)) if cloud is None else cloud:
            local = (point - tile.centre_lps_mm) @ tile.frame
            x, y = (local[1] + _FRONT_MM) / _PIXEL_MM, (_UP_MM - local[2]) / _PIXEL_MM + _CAPTION_PIXELS
            pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill=colour)
    for row, line in enumerate(tile.caption[:2]):
        _write(pen, (5, 2 + 16 * row), line)
    return image


def _grey(hu: Float64Array) -> UInt8Array:
    share = np.clip((hu - _LOWEST_HU) / (_HIGHEST_HU - _LOWEST_HU), 0.0, 1.0)
    return np.asarray(np.round(255 * share), dtype=np.uint8)


def _write(pen: ImageDraw.ImageDraw, place: tuple[float, float], words: str) -> None:
    pen.text(place, words, fill=_WHITE, font=ImageFont.load_default(size=12))
