"""A DICOM source for the box study of the report tests, and what may differ between two writings."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

from spondyl.domain.finding import StudyFinding
from spondyl.domain.report import ReportInput
from spondyl.domain.series import SourceImages

STUDY_UID, SERIES_UID, FRAME_UID = "2.25.11", "2.25.12", "2.25.13"
CT_IMAGE, ENHANCED_CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1"
NAME = "Möller^Anna"
NOON = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


def slice_uid(k: int) -> str:
    """SOP Instance UID of slice k."""
    return f"2.25.{1000 + k}"


def header(**changed: object) -> str:
    """Header of the source as the ingest stage gives it; a keyword's value of None leaves it out."""
    values: dict[str, tuple[str, str, object]] = {
        "SOPClassUID": ("00080016", "UI", CT_IMAGE),
        "SOPInstanceUID": ("00080018", "UI", slice_uid(0)),
        "StudyDate": ("00080020", "DA", "20260102"),
        "StudyTime": ("00080030", "TM", "101500"),
        "AccessionNumber": ("00080050", "SH", "A-17"),
        "PatientName": ("00100010", "PN", {"Alphabetic": NAME}),
        "PatientID": ("00100020", "LO", "P-4711"),
        "PatientBirthDate": ("00100030", "DA", "19500203"),
        "PatientSex": ("00100040", "CS", "F"),
        "PatientAge": ("00101010", "AS", "076Y"),
        "StudyInstanceUID": ("0020000D", "UI", STUDY_UID),
        "SeriesInstanceUID": ("0020000E", "UI", SERIES_UID),
        "FrameOfReferenceUID": ("00200052", "UI", FRAME_UID),
        "StudyID": ("00200010", "SH", "S1"),
        "RescaleIntercept": ("00281052", "DS", -1024.0),
        "RescaleSlope": ("00281053", "DS", 1.0),
    }
    for keyword, value in changed.items():
        tag, vr, _ = values[keyword]
        values[keyword] = (tag, vr, value)
    return json.dumps(
        {tag: {"vr": vr, "Value": [value]} for tag, vr, value in values.values() if value is not None}
    )


def with_source(study: ReportInput, **changed: object) -> ReportInput:
    """The study, read from single-frame CT slices."""
    sources = tuple(
        SourceImages(
            series_id=one.volume.series_id,
            header_json=header(**changed),
            sop_instance_uids=tuple(slice_uid(k) for k in range(one.volume.hu.shape[0])),
        )
        for one in study.series
    )
    return replace(study, finding=_counted(study.finding), sources=sources)


def _counted(finding: StudyFinding) -> StudyFinding:
    """The finding with every grade counted as it stands."""
    vertebrae = tuple(x.model_copy(update={"counted_grade": x.genant_grade}) for x in finding.vertebrae)
    return finding.model_copy(update={"vertebrae": vertebrae})
