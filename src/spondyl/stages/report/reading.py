"""Pictures for a reading page: grey, without any mark, and a list of where everything lies on them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from spondyl.domain.reading_pictures import (
    GreyWindow,
    Pixel,
    PlacedMarks,
    PlainPicture,
    ReadingPictures,
    SeriesPictures,
)
from spondyl.domain.report import AnalysedSeries, ReportInput
from spondyl.domain.volume import CtVolume
from spondyl.geometry.affine import to_index
from spondyl.geometry.arrays import Float32Array, Float64Array
from spondyl.stages.report.files import write_all
from spondyl.stages.report.placed import PlacedVertebra, place_vertebrae
from spondyl.stages.report.reformat import (
    LEFT,
    POSTERIOR,
    SUPERIOR,
    Picture,
    curved_picture,
    flat_picture,
    sample_hu,
    to_grey,
)
from spondyl.stages.report.segmentation import compose_labels, to_nifti
from spondyl.stages.report.settings import Settings
from spondyl.stages.report.spine_picture import spine_boxes
from spondyl.stages.report.vertebra_picture import expected_outline

# The windows that a reader may choose; usual values for bone, soft tissue and a wide look. Ours.
WINDOWS = (
    GreyWindow(name="bone", centre_hu=300.0, width_hu=1200.0),
    GreyWindow(name="soft", centre_hu=60.0, width_hu=400.0),
    GreyWindow(name="wide", centre_hu=400.0, width_hu=2400.0),
)
# A reader moves through the bodies from side to side in these steps, as far as a body is wide. Ours.
_OFFSETS_MM = (-16.0, -12.0, -8.0, -4.0, 0.0, 4.0, 8.0, 12.0, 16.0)
_STEP_SLAB_MM = 3.0
_SAMPLE_MM = 0.5
_VIEWER_MARGIN_MM = 45.0  # around the centres of the bodies, for the viewer of three planes
_PNG_LEVEL = 4


def write_reading(bundle: ReportInput, out: Path, settings: Settings) -> tuple[Path, ...]:
    """Write the reading page's pictures of one study into ``out``, ``reading.json`` last.

    Raises:
        ResultsNotWrittenError: the folder cannot be written or the disk is full; nothing is left half
            written.
    """
    files: dict[Path, bytes] = {}
    described = []
    for number, series in enumerate(bundle.series):
        placed = place_vertebrae(bundle.finding, series)
        if placed:
            described.append(_series(bundle, series, placed, f"s{number}", out, files, settings))
    pictures = ReadingPictures(windows=WINDOWS, series=tuple(described))
    files[out / "reading.json"] = pictures.model_dump_json().encode()
    return write_all(files, replaced=[*out.glob("s*.png"), *out.glob("s*.nii.gz")])


def _series(
    bundle: ReportInput,
    series: AnalysedSeries,
    placed: tuple[PlacedVertebra, ...],
    stem: str,
    out: Path,
    files: dict[Path, bytes],
    settings: Settings,
) -> SeriesPictures:
    volume = series.volume
    centres = np.stack([vertebra.centre_lps_mm for vertebra in placed])
    frames = np.stack([vertebra.frame for vertebra in placed])
    x, y, z = spine_boxes(volume, centres)
    sagittal = curved_picture(centres, frames, LEFT, (y, z), _SAMPLE_MM)
    coronal = curved_picture(centres, frames, POSTERIOR, (x, z), _SAMPLE_MM)
    places = {id(vertebra): place for place, vertebra in enumerate(bundle.finding.vertebrae)}
    box = _box(volume, centres)
    files[out / f"{stem}_ct.nii.gz"] = to_nifti(volume.hu[box], _shifted_affine(volume, box))
    files[out / f"{stem}_masks.nii.gz"] = to_nifti(compose_labels(series)[box], _shifted_affine(volume, box))
    return SeriesPictures(
        series_id=volume.series_id,
        sagittal=_plain(volume, sagittal, f"{stem}_sagittal", _OFFSETS_MM, _STEP_SLAB_MM, out, files),
        coronal=_plain(volume, coronal, f"{stem}_coronal", (0.0,), settings.slab_mm, out, files),
        vertebrae=tuple(
            _marks(volume, one, places[id(one.finding)], sagittal, coronal, stem, out, files, settings)
            for one in placed
        ),
        ct=f"{stem}_ct.nii.gz",
        masks=f"{stem}_masks.nii.gz",
    )


def _marks(
    volume: CtVolume,
    vertebra: PlacedVertebra,
    place: int,
    sagittal: Picture,
    coronal: Picture,
    stem: str,
    out: Path,
    files: dict[Path, bytes],
    settings: Settings,
) -> PlacedMarks:
    flat = {axis: _flat(vertebra, axis, settings) for axis in (POSTERIOR, LEFT)}
    landmarks, expected = vertebra.landmarks_lps_mm, vertebra.finding.expected_heights_mm
    outline = None if landmarks is None or expected is None else expected_outline(landmarks, expected)
    return PlacedMarks(
        vertebra=place,
        level=vertebra.finding.level,
        sagittal_px=_pixels(sagittal, vertebra.centre_lps_mm[None])[0],
        coronal_px=_pixels(coronal, vertebra.centre_lps_mm[None])[0],
        superior_px=() if landmarks is None else _pixels(sagittal, landmarks[:3]),
        inferior_px=() if landmarks is None else _pixels(sagittal, landmarks[3:]),
        tile_superior_px=() if landmarks is None else _pixels(flat[POSTERIOR], landmarks[:3]),
        tile_inferior_px=() if landmarks is None else _pixels(flat[POSTERIOR], landmarks[3:]),
        tile_expected_px=() if outline is None else _pixels(flat[POSTERIOR], outline),
        tile=_plain(
            volume, flat[POSTERIOR], f"{stem}_v{place}_sagittal", (0.0,), settings.tile_slab_mm, out, files
        ),
        coronal_tile=_plain(
            volume, flat[LEFT], f"{stem}_v{place}_coronal", (0.0,), settings.tile_slab_mm, out, files
        ),
    )


def _flat(vertebra: PlacedVertebra, axis: int, settings: Settings) -> Picture:
    """A flat cut whose columns run along one axis of the vertebra's frame."""
    side_mm = settings.tile_field_mm
    return flat_picture(
        vertebra.centre_lps_mm,
        vertebra.frame[:, axis],
        -vertebra.frame[:, SUPERIOR],
        (side_mm, side_mm),
        settings.tile_sample_mm,
    )


def _plain(
    volume: CtVolume,
    picture: Picture,
    stem: str,
    offsets_mm: tuple[float, ...],
    slab_mm: float,
    out: Path,
    files: dict[Path, bytes],
) -> PlainPicture:
    """Add one picture per offset and window to the files; gives what describes them."""
    rows, columns = picture.shape
    plain = PlainPicture(
        stem=stem, width_px=columns, height_px=rows, pixel_mm=picture.pixel_mm, offsets_mm=offsets_mm
    )
    for number, offset_mm in enumerate(offsets_mm):
        hu = sample_hu(volume, picture.moved(offset_mm), slab_mm)
        for window in WINDOWS:
            files[out / plain.file_name(number, window)] = _png(hu, window)
    return plain


def _png(hu: Float32Array, window: GreyWindow) -> bytes:
    stream = BytesIO()
    grey = Image.fromarray(to_grey(hu, window.centre_hu, window.width_hu))
    grey.save(stream, "PNG", compress_level=_PNG_LEVEL)
    return stream.getvalue()


def _pixels(picture: Picture, points_lps_mm: Float64Array) -> tuple[Pixel, ...]:
    return tuple((round(float(x), 2), round(float(y), 2)) for x, y in picture.to_pixels(points_lps_mm))


def _box(volume: CtVolume, centres: Float64Array) -> tuple[slice, slice, slice]:
    """The part of the volume around the spine, as slices of (k, j, i)."""
    index = to_index(volume.affine, centres)
    margin = _VIEWER_MARGIN_MM / np.array(volume.spacing_mm)
    low = np.maximum(np.floor(index.min(axis=0) - margin), 0).astype(int)
    high = np.minimum(np.ceil(index.max(axis=0) + margin) + 1, volume.hu.shape).astype(int)
    k, j, i = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return k, j, i


def _shifted_affine(volume: CtVolume, box: tuple[slice, slice, slice]) -> Float64Array:
    affine = volume.affine.copy()
    affine[:3, 3] += volume.affine[:3, :3] @ np.array([part.start for part in box], dtype=np.float64)
    return affine
