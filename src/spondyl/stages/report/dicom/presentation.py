"""GSPS: the measured points and lines on the source slices, one presentation state per source series."""

from __future__ import annotations

import highdicom
import numpy as np
from highdicom.pr import GraphicAnnotation, GraphicLayer, GraphicObject, TextObject
from pydicom.dataset import Dataset

from spondyl.geometry.affine import to_index
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.report.dicom.pointed_out import PointedOut, nearest_slice
from spondyl.stages.report.dicom.result_set import MODEL, NOT_FOR_DIAGNOSIS_SHORT, ResultSet, mark_spine
from spondyl.stages.report.dicom.source import Source, with_attributes
from spondyl.stages.report.placed import as_array
from spondyl.stages.report.settings import Settings
from spondyl.stages.report.wording import grade_words, level_words

_KIND = "presentation state"
_LAYER = "SPONDYL"
_TEXT_BESIDE_PX = 12.0
_NOTICE_AT_PX = (8.0, 16.0)


def make_presentation_states(
    results: ResultSet, shown: tuple[PointedOut, ...], settings: Settings
) -> dict[str, Dataset]:
    """One presentation state per source series that holds a vertebra asking for a look, by series."""
    states = {}
    for series_id in dict.fromkeys(one.source.series_id for one in shown):
        of_series = tuple(one for one in shown if one.source.series_id == series_id)
        states[series_id] = _state(results, of_series, settings)
    return states


def _state(results: ResultSet, shown: tuple[PointedOut, ...], settings: Settings) -> Dataset:
    source, volume = shown[0].source, shown[0].series.volume
    rows, columns = volume.hu.shape[1:]
    layer = GraphicLayer(layer_name=_LAYER, order=1, description=NOT_FOR_DIAGNOSIS_SHORT)
    drawn: dict[int, list[GraphicObject | TextObject]] = {}
    for one in shown:
        for k, item in _drawing(one):
            drawn.setdefault(k, []).append(item)
    images = {str(x.SOPInstanceUID): _as_grey_image(x, rows, columns) for x in source.instances()}
    annotations, referenced = [], {}
    for k, items in sorted(drawn.items()):
        reference = source.reference(k)
        if reference is None:
            continue
        image = images[reference.sop_instance_uid]
        referenced[reference.sop_instance_uid] = image
        if reference.frame_number is not None:
            image.NumberOfFrames = source.n_slices
        annotations.append(
            GraphicAnnotation(
                referenced_images=[image],
                referenced_frame_number=reference.frame_number,
                graphic_layer=layer,
                graphic_objects=[item for item in items if isinstance(item, GraphicObject)],
                text_objects=[*(x for x in items if isinstance(x, TextObject)), _notice()],
            )
        )
    state = highdicom.pr.GrayscaleSoftcopyPresentationState(
        referenced_images=list(referenced.values()),
        content_label="SPONDYL",
        content_description=f"Measured points ({NOT_FOR_DIAGNOSIS_SHORT})",
        graphic_annotations=annotations,
        graphic_layers=[layer],
        modality_lut_transformation=_modality_lut(source),
        voi_lut_transformations=[
            highdicom.pr.SoftcopyVOILUTTransformation(
                window_center=settings.window_centre_hu, window_width=settings.window_width_hu
            )
        ],
        **results.place(_KIND, 4, source.series_id, str(results.settings.most_tiles)),
    )
    mark_spine(state)
    return results.finish(state)


def _modality_lut(source: Source) -> highdicom.ModalityLUTTransformation:
    """Stored values to Hounsfield units, as of the first slice; ingest accepts none without them."""
    return highdicom.ModalityLUTTransformation(
        rescale_intercept=float(source.header.get("RescaleIntercept", 0.0)),
        rescale_slope=float(source.header.get("RescaleSlope", 1.0)),
        rescale_type="HU",
    )


def _as_grey_image(instance: Dataset, rows: int, columns: int) -> Dataset:
    """What highdicom asks of an image that a grey presentation state refers to."""
    return with_attributes(
        instance, Rows=rows, Columns=columns, SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2"
    )


def _notice() -> TextObject:
    return TextObject(
        text_value=f"{MODEL}: {NOT_FOR_DIAGNOSIS_SHORT}",
        units="PIXEL",
        anchor_point=_NOTICE_AT_PX,
        anchor_point_visible=False,
    )


def _drawing(one: PointedOut) -> list[tuple[int, GraphicObject | TextObject]]:
    """Lines and words with the slice that each belongs to: endplates, and the middle of the body."""
    drawing: list[tuple[int, GraphicObject | TextObject]] = []
    centre = np.array(one.vertebra.centre_lps_mm)
    if one.vertebra.landmarks_lps_mm is not None:
        landmarks = as_array(one.vertebra.landmarks_lps_mm)
        upper, lower = landmarks[:3], landmarks[3:]
        for points in (upper, (upper + lower) / 2.0, lower):
            k = nearest_slice(one.series, points[1])
            drawing.append((k, _polyline(_pixels(one, points))))
    place = _pixels(one, centre[None])[0]
    words = TextObject(
        text_value=f"{level_words(one.vertebra)} {grade_words(one.vertebra)}",
        units="PIXEL",
        anchor_point=(float(place[0]) + _TEXT_BESIDE_PX, float(place[1])),
        anchor_point_visible=False,
    )
    return [*drawing, (one.middle, words)]


def _polyline(pixels: Float64Array) -> GraphicObject:
    return GraphicObject(graphic_type="POLYLINE", graphic_data=pixels, units="PIXEL")


def _pixels(one: PointedOut, points_lps_mm: Float64Array) -> Float64Array:
    """(n, 2) column and row; the corner of the first pixel is (0, 0), so its centre is (0.5, 0.5)."""
    index = to_index(one.series.volume.affine, points_lps_mm)
    rows, columns = one.series.volume.hu.shape[1:]
    return np.clip(index[:, [2, 1]] + 0.5, 0.0, [columns, rows])
