"""What a result repeats of its source, made fit to stand in a new object, and references to the slices."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID, CTImageStorage
from pydicom.valuerep import DS, validate_value

from spondyl.domain.series import SourceImages
from spondyl.domain.volume import CtVolume
from spondyl.geometry.arrays import Float64Array

_REQUIRED_UIDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
# kept even where their value breaks the standard: they are what ties the result to the patient
_VERBATIM = ("PatientID", "PatientName", "IssuerOfPatientID", "AccessionNumber")
_EMPTY_WHERE_ABSENT = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "PositionReferenceIndicator",
)
_SEXES = ("M", "F", "O")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One slice as another object refers to it: SOP class, instance, and frame of a multi-frame image."""

    sop_class_uid: str
    sop_instance_uid: str
    frame_number: int | None

    @property
    def frame_numbers(self) -> list[int] | None:
        """As highdicom takes it."""
        return None if self.frame_number is None else [self.frame_number]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """One source series: its header, fit to be repeated, and its slices."""

    header: Dataset
    images: SourceImages

    @property
    def series_id(self) -> str:
        """See ``StackSummary.series_id``."""
        return self.images.series_id

    @property
    def series_uid(self) -> str:
        """Series Instance UID."""
        return str(self.header.SeriesInstanceUID)

    @property
    def n_slices(self) -> int:
        """Number of slices, interpolated ones included."""
        return len(self.images.sop_instance_uids)

    def reference(self, k: int) -> Reference | None:
        """How to refer to slice ``k``; None for an interpolated slice."""
        uid = self.images.sop_instance_uids[k]
        if not uid:
            return None
        frames = self.images.frame_numbers
        return Reference(
            sop_class_uid=str(self.header.SOPClassUID),
            sop_instance_uid=uid,
            frame_number=frames[k] if frames else None,
        )

    def instances(self) -> list[Dataset]:
        """Every instance of the series once, as evidence of a document."""
        uids = dict.fromkeys(uid for uid in self.images.sop_instance_uids if uid)
        return [with_attributes(self.header, SOPInstanceUID=uid) for uid in uids]


def read_source(images: SourceImages) -> Source | None:
    """The source of a result; None where no object can stand in its study (a UID is missing or no UID)."""
    raw = Dataset.from_json(json.loads(images.header_json))
    if not all(UID(str(raw.get(keyword, ""))).is_valid for keyword in _REQUIRED_UIDS):
        return None
    header = Dataset()
    for element in raw:
        if element.keyword in _VERBATIM or _is_valid(element):
            header.add(element)
    header.PatientSex = header.get("PatientSex") if header.get("PatientSex") in _SEXES else ""
    for keyword in _EMPTY_WHERE_ABSENT:
        if header.get(keyword) is None:
            setattr(header, keyword, "")
    header.SpecificCharacterSet = "ISO_IR 192"
    return Source(header=header, images=images)


def _is_valid(element: DataElement) -> bool:
    """Whether every value keeps the rules of its value representation; sequences are taken as they are."""
    if element.VR == "SQ" or element.is_empty:
        return True
    values = element.value if element.VM > 1 else [element.value]
    try:
        for value in values:
            validate_value(element.VR, str(value), config.RAISE)
    except ValueError:
        return False
    return True


def with_attributes(dataset: Dataset, **attributes: object) -> Dataset:
    """A dataset with the same elements but for those given; the first one stays as it is."""
    changed = Dataset()
    changed.update(dataset)
    for keyword, value in attributes.items():
        tag = tag_for_keyword(keyword)
        assert tag is not None
        # a new element: setting an attribute would change the element that both datasets hold
        changed[tag] = DataElement(tag, dictionary_VR(tag), value)
    return changed


def slices_of(source: Source, volume: CtVolume, frame_of_reference_uid: str) -> list[Dataset]:
    """One single-frame dataset per slice of the volume, with the volume's geometry and no pixels.

    Every slice gets an instance of its own, also frames of a multi-frame image and interpolated slices:
    ``stand_in_uid`` names those, and what is built from them has to be put right afterwards.
    """
    orientation, spacing = orientation_of(volume), volume.spacing_mm
    common = with_attributes(
        source.header,
        SOPClassUID=CTImageStorage,
        FrameOfReferenceUID=frame_of_reference_uid,
        Rows=volume.hu.shape[1],
        Columns=volume.hu.shape[2],
        ImageOrientationPatient=numbers(orientation),
        PixelSpacing=numbers(spacing[1:]),
        SliceThickness=number(spacing[0]),
    )
    return [
        with_attributes(
            common,
            SOPInstanceUID=stand_in_uid(source, k),
            ImagePositionPatient=numbers(position_mm(volume, k)),
        )
        for k in range(source.n_slices)
    ]


def stand_in_uid(source: Source, k: int) -> str:
    """The instance of slice ``k`` in ``slices_of``: its own, or one made up for a frame or a gap."""
    uid = source.images.sop_instance_uids[k]
    return uid if uid and not source.images.frame_numbers else f"2.25.{k + 1}"


def orientation_of(volume: CtVolume) -> Float64Array:
    """(6,) directions of row and column (ImageOrientationPatient)."""
    spacing = volume.spacing_mm
    row, column = volume.affine[:3, 2] / spacing[2], volume.affine[:3, 1] / spacing[1]
    return np.concatenate([row, column])


def position_mm(volume: CtVolume, k: int) -> Float64Array:
    """(3,) centre of the first pixel of slice ``k`` (ImagePositionPatient)."""
    return np.asarray(volume.affine[:3, 3] + k * volume.affine[:3, 0])


def numbers(values: Iterable[float]) -> list[str]:
    """Decimal strings (DS) of several numbers."""
    return [number(value) for value in values]


def number(value: float) -> str:
    """A decimal string of at most 16 characters (PS3.5 6.2), as exact as it can be."""
    return str(DS(float(value), auto_format=True))
