"""What a reading page shows of a study: plain pictures, and apart from them where everything lies.

The pictures carry no mark of the software, so that the same files serve a reader who may see the marks and
one who may not. Pixel coordinates are (column, row) from a picture's upper left corner.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

Pixel = tuple[float, float]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class GreyWindow(_Frozen):
    """A grey window; ``name`` is part of each picture's file name."""

    name: str
    centre_hu: float
    width_hu: float


class PlainPicture(_Frozen):
    """Size of a picture, and its files by window and place: ``{stem}_{number}_{window}.png``.

    offsets_mm: one per number, how far that picture lies beside the middle (positive: to the patient's left
        for sagittal, to the back for coronal pictures); a single 0 where there is one only.
    """

    stem: str
    width_px: int
    height_px: int
    pixel_mm: float
    offsets_mm: tuple[float, ...]

    def file_name(self, number: int, window: GreyWindow) -> str:
        """Name of one file, in the folder of the reading pictures."""
        return f"{self.stem}_{number}_{window.name}.png"


class PlacedMarks(_Frozen):
    """One vertebra on the pictures.

    vertebra: its place in the finding's list.
    superior_px, inferior_px: endplates on the sagittal picture, anterior to posterior; empty where nothing
        was measured. tile_superior_px, tile_inferior_px, tile_expected_px: the same on the tile, and the
        closed outline with the expected heights.
    """

    vertebra: int
    level: str
    sagittal_px: Pixel
    coronal_px: Pixel
    superior_px: tuple[Pixel, ...]
    inferior_px: tuple[Pixel, ...]
    tile_superior_px: tuple[Pixel, ...]
    tile_inferior_px: tuple[Pixel, ...]
    tile_expected_px: tuple[Pixel, ...]
    tile: PlainPicture
    coronal_tile: PlainPicture


class SeriesPictures(_Frozen):
    """The pictures of one series. ct, masks: file names for a viewer of three planes, cut to the spine."""

    series_id: str
    sagittal: PlainPicture
    coronal: PlainPicture
    vertebrae: tuple[PlacedMarks, ...]
    ct: str
    masks: str


class ReadingPictures(_Frozen):
    """Everything of one study; written as reading.json. The first window is the one shown at first."""

    windows: tuple[GreyWindow, ...]
    series: tuple[SeriesPictures, ...]
