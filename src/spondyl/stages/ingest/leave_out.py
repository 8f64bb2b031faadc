"""Which images are not slices to read, by their header alone, and why."""

from __future__ import annotations

import math
from enum import StrEnum

import numpy as np
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
)

from spondyl.domain.refusal import RefusalCode
from spondyl.stages.ingest.headers import PixelLayout, SliceHeader
from spondyl.stages.ingest.settings import Settings
from spondyl.stages.ingest.syntaxes import DECODERS

_CT_CLASSES = {CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage}
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_REFORMAT_WORDS = ("MPR", "REFORMAT", "CURVED")
_PROJECTION_WORDS = ("MIP", "MINIP", "PROJECTION", "VRT", "RENDER", "3D")
_HOUNSFIELD_TYPES = {"", "HU", "HU_MOD", "US"}  # US: "unspecified"; the values themselves are checked


class LeftOut(StrEnum):
    """Why images are left out without being a fault of the input."""

    NOT_AN_IMAGE = "NOT_AN_IMAGE"
    SECONDARY_CAPTURE = "SECONDARY_CAPTURE"
    LOCALIZER = "LOCALIZER"
    REFORMAT = "REFORMAT"
    PROJECTION = "PROJECTION"
    NOT_HOUNSFIELD = "NOT_HOUNSFIELD"
    NOT_AXIAL = "NOT_AXIAL"


LEFT_OUT_TEXT = {
    LeftOut.NOT_AN_IMAGE: "Report, dose record or other object without pixels.",
    LeftOut.SECONDARY_CAPTURE: "Secondary capture: a screenshot, not a measurement.",
    LeftOut.LOCALIZER: "Localizer (scout image).",
    LeftOut.REFORMAT: "Reformat computed from other slices.",
    LeftOut.PROJECTION: "Projection or rendering: its values are not those of single slices.",
    LeftOut.NOT_HOUNSFIELD: "Parametric map: its values are not Hounsfield units.",
    LeftOut.NOT_AXIAL: "Sagittal or coronal images, or a localizer within the series.",
}


def reason_to_leave_out(header: SliceHeader, settings: Settings) -> LeftOut | RefusalCode | None:
    """Why a slice cannot be part of a stack to read, or None where nothing speaks against it."""
    if header.layout is None and header.sop_class not in _CT_CLASSES:
        return LeftOut.NOT_AN_IMAGE
    if header.sop_class.startswith(_SECONDARY_CAPTURE):
        return LeftOut.SECONDARY_CAPTURE
    if not _is_ct(header):
        return RefusalCode.NOT_CT
    return _reason_by_type(header) or _fault(header, settings)


def _is_ct(header: SliceHeader) -> bool:
    layout = header.layout
    is_grey = layout is None or (
        layout.samples == 1 and layout.photometric in {"MONOCHROME1", "MONOCHROME2", ""}
    )
    return header.modality == "CT" and header.sop_class in _CT_CLASSES and is_grey


def _reason_by_type(header: SliceHeader) -> LeftOut | None:
    # crlm_1006 of the real data is DERIVED\SECONDARY\PROCESSED and yet plain slices: only words that
    # name another kind of image count.
    words = [word.upper() for word in header.image_type]
    if any("LOCALIZER" in word or "SCOUT" in word for word in words):
        return LeftOut.LOCALIZER
    parts = {part for word in words[2:] for part in word.replace("_", " ").split()}
    if any(word in parts for word in _PROJECTION_WORDS) or "PROJECTION IMAGE" in words:
        return LeftOut.PROJECTION
    if any(part.startswith(_REFORMAT_WORDS) for part in parts):
        return LeftOut.REFORMAT
    if header.rescale_type.upper() not in _HOUNSFIELD_TYPES:
        return LeftOut.NOT_HOUNSFIELD
    return None


def missing_attributes(header: SliceHeader) -> list[str]:
    """DICOM keywords that are needed to place and scale a slice, and are absent or not readable."""
    needed = {
        "Rows, Columns, BitsAllocated, BitsStored or PixelRepresentation": header.layout,
        "SeriesInstanceUID": header.series_uid or None,
        "StudyInstanceUID": header.study_uid or None,
        "SOPInstanceUID": header.sop_uid or None,
        "ImagePositionPatient": header.position_mm,
        "ImageOrientationPatient": header.orientation,
        "PixelSpacing": header.pixel_spacing_mm,
        "RescaleSlope": header.slope,
        "RescaleIntercept": header.intercept,
    }
    return [keyword for keyword, value in needed.items() if value is None]


def _fault(header: SliceHeader, settings: Settings) -> RefusalCode | None:
    if missing_attributes(header):
        return RefusalCode.MISSING_ATTRIBUTE
    layout = header.layout
    assert layout is not None  # else it is among the missing attributes
    return _layout_fault(layout, settings) or _geometry_fault(header, settings) or _value_fault(header)


def _layout_fault(layout: PixelLayout, settings: Settings) -> RefusalCode | None:
    if layout.syntax not in DECODERS or not _is_usual_layout(layout):
        return RefusalCode.UNSUPPORTED_SYNTAX
    if max(layout.rows, layout.columns) > settings.max_matrix:
        return RefusalCode.TOO_LARGE
    if min(layout.rows, layout.columns) < 1:
        return RefusalCode.IMPLAUSIBLE_GEOMETRY
    return None


def _is_usual_layout(layout: PixelLayout) -> bool:
    return (
        layout.bits_allocated in {8, 16}
        and 1 <= layout.bits_stored <= layout.bits_allocated
        and layout.high_bit == layout.bits_stored - 1
    )


def _geometry_fault(header: SliceHeader, settings: Settings) -> RefusalCode | None:
    position = np.array(header.position_mm, dtype=np.float64)
    vectors = np.array(header.orientation, dtype=np.float64).reshape(2, 3)
    spacing = np.array(header.pixel_spacing_mm, dtype=np.float64)
    if not all(np.all(np.isfinite(values)) for values in (position, vectors, spacing)):
        return RefusalCode.IMPLAUSIBLE_GEOMETRY
    is_orthonormal = np.max(np.abs(vectors @ vectors.T - np.eye(2))) <= settings.orthonormal_tolerance
    is_plausible = np.all((settings.min_pixel_mm <= spacing) & (spacing <= settings.max_pixel_mm))
    return None if is_orthonormal and is_plausible else RefusalCode.IMPLAUSIBLE_GEOMETRY


def _value_fault(header: SliceHeader) -> RefusalCode | None:
    slope, intercept = header.slope, header.intercept
    assert slope is not None
    assert intercept is not None
    if math.isfinite(slope) and math.isfinite(intercept) and slope > 0:
        return None
    return RefusalCode.IMPLAUSIBLE_VALUES
