"""Which DICOM objects are written. None of this changes a finding or a UID of another object."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReportClass(StrEnum):
    """The SOP class of the structured report."""

    COMPREHENSIVE_3D = "comprehensive-3d"
    COMPREHENSIVE = "comprehensive"


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomSettings:
    """Settings of the DICOM results; all values are ours.

    report_class: ``comprehensive-3d`` holds the measured points in space; ``comprehensive`` leaves them out
        and is taken by more archives.
    presentation_states: also write the measured lines as a presentation state of the source slices.
    fhir: also write fhir.json, a FHIR R4 bundle of the same content.
    largest_plain_segmentation_mb: a segmentation whose pixels are larger than this is written deflated, a
        twentieth of the size; 0 deflates always, a large number never.
    most_tiles: at most so many vertebrae get a picture of their own, the likeliest fractures first.
    first_series_number: number of the segmentation's series; the other kinds follow.
    """

    report_class: ReportClass = ReportClass.COMPREHENSIVE_3D
    presentation_states: bool = False
    fhir: bool = False
    largest_plain_segmentation_mb: float = 4.0
    most_tiles: int = 6
    first_series_number: int = 9800
