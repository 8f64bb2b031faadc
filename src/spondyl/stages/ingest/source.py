"""What a DICOM result must repeat of its source: patient, study and series, as the DICOM JSON model."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from spondyl.domain.series import SourceImages
from spondyl.stages.ingest.files import InputFile
from spondyl.stages.ingest.headers import SliceHeader, read_dataset
from spondyl.stages.ingest.refused import PARSE_ERRORS
from spondyl.stages.ingest.settings import Settings

REPEATED_ATTRIBUTES = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "IssuerOfAccessionNumberSequence",
    "Modality",
    "ReferringPhysicianName",
    "StudyDescription",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "Manufacturer",
    "ManufacturerModelName",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "StudyID",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
)
"""Attributes of patient, study, series and equipment. Anything else of a source stays where it is."""
_RESCALE_TAGS = ("00281053", "00281052")  # RescaleSlope, RescaleIntercept


def source_of(
    slices: Sequence[SliceHeader], series_id: str, files: Sequence[InputFile], settings: Settings
) -> SourceImages:
    """Where the slices of one stack stand in their study.

    A damaged attribute is left out: what a result needs of it, the report stage decides.
    """
    first = slices[0]
    dataset = read_dataset(files[first.file].read(), settings, with_pixels=False)
    document = _repeated(dataset)
    for tag, value in zip(_RESCALE_TAGS, (first.slope, first.intercept), strict=True):
        if value is not None:  # of a multi-frame image they stand in the frame, so they are taken as read
            document[tag] = {"vr": "DS", "Value": [value]}
    is_multiframe = "PerFrameFunctionalGroupsSequence" in dataset
    return SourceImages(
        series_id=series_id,
        header_json=json.dumps(document, sort_keys=True),
        sop_instance_uids=tuple(header.sop_uid for header in slices),
        frame_numbers=tuple(header.frame + 1 for header in slices) if is_multiframe else (),
    )


def _repeated(dataset: Dataset) -> dict[str, object]:
    document: dict[str, object] = {}
    for keyword in REPEATED_ATTRIBUTES:
        tag = tag_for_keyword(keyword)
        assert tag is not None
        try:
            if tag in dataset:
                document[f"{tag:08X}"] = dataset[tag].to_json_dict(None, bulk_data_threshold=0)
        except PARSE_ERRORS:
            continue
    return document
