"""What all objects of one set of results have in common."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import highdicom
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom.dataset import Dataset
from pydicom.uid import UID

from spondyl.domain.finding import Manifest, StudyFinding
from spondyl.stages.report.dicom import codes
from spondyl.stages.report.dicom.identity import Identity
from spondyl.stages.report.dicom.settings import DicomSettings
from spondyl.stages.report.dicom.source import Source

MANUFACTURER = "Spondyl"
MODEL = "Spondyl"
NOT_FOR_DIAGNOSIS_SHORT = "research use, not for diagnosis"
_DEVICE = "vertebral fracture finder"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResultSet:
    """What every object of one set of results is made with.

    sources: at least one, all of one study. written_at: local time; stands in the objects and in no UID.
    """

    finding: StudyFinding
    sources: tuple[Source, ...]
    identity: Identity
    settings: DicomSettings
    written_at: datetime

    @property
    def header(self) -> Dataset:
        """Patient and study."""
        return self.sources[0].header

    @property
    def manifest(self) -> Manifest:
        """What made the finding."""
        return self.finding.manifest

    def source(self, series_id: str) -> Source | None:
        """The source of one analysed series."""
        return next((source for source in self.sources if source.series_id == series_id), None)

    def frame_of_reference(self, source: Source) -> UID:
        """The source's frame of reference; one of our own where the source names none."""
        given = UID(str(source.header.get("FrameOfReferenceUID", "")))
        return given if given.is_valid else self.identity.uid("frame of reference", source.series_uid)

    def place(self, kind: str, series_offset: int, *words: str) -> dict[str, Any]:
        """The arguments of highdicom that say where an object stands and who made it."""
        return {
            "series_instance_uid": self.identity.uid("series", kind, *words),
            "series_number": self.settings.first_series_number + series_offset,
            "sop_instance_uid": self.identity.uid("instance", kind, *words),
            "instance_number": 1,
            "manufacturer": MANUFACTURER,
            "manufacturer_model_name": MODEL,
            "software_versions": self.manifest.spondyl_version,
            "device_serial_number": self.manifest.settings_sha256[:16] or "0",
            "series_description": f"Spondyl {kind} ({NOT_FOR_DIAGNOSIS_SHORT})",
        }

    def finish(self, dataset: Dataset) -> Dataset:
        """Times, body part and character set, alike in every object."""
        date, time = self.written_at.strftime("%Y%m%d"), self.written_at.strftime("%H%M%S")
        for keyword in ("InstanceCreationDate", "ContentDate", "SeriesDate", "DateOfSecondaryCapture"):
            if keyword in dataset or keyword == "SeriesDate":
                setattr(dataset, keyword, date)
        for keyword in ("InstanceCreationTime", "ContentTime", "SeriesTime", "TimeOfSecondaryCapture"):
            if keyword in dataset or keyword == "SeriesTime":
                setattr(dataset, keyword, time)
        for keyword in ("PresentationCreationDate", "PresentationCreationTime"):
            if keyword in dataset:
                setattr(dataset, keyword, date if keyword.endswith("Date") else time)
        dataset.SpecificCharacterSet = "ISO_IR 192"
        return dataset

    def algorithm_parameters(self) -> list[str]:
        """What besides name and version decides the result: weights, settings, engine."""
        manifest = self.manifest
        return [
            *(f"network {x.name} version {x.version} sha256 {x.sha256}" for x in manifest.networks),
            f"settings sha256 {manifest.settings_sha256}",
            f"engine {manifest.engine}, precision {manifest.precision}",
        ]

    def observer(self) -> highdicom.sr.ObserverContext:
        """The program as the device that observed."""
        return highdicom.sr.ObserverContext(
            observer_type=highdicom.sr.CodedConcept("121007", "DCM", "Device"),
            observer_identifying_attributes=highdicom.sr.DeviceObserverIdentifyingAttributes(
                uid=self.identity.uid("device"),
                name=f"{MODEL} {self.manifest.spondyl_version}",
                manufacturer_name=MANUFACTURER,
                model_name=f"{MODEL}, {_DEVICE}",
                serial_number=self.manifest.settings_sha256[:16] or "0",
            ),
        )

    def private_scheme(self) -> list[Dataset]:
        """The declaration of our coding scheme, for objects that use its codes."""
        scheme = CodingSchemeIdentificationItem(
            designator=codes.PRIVATE_SCHEME,
            name=codes.PRIVATE_SCHEME_NAME,
            version=codes.PRIVATE_SCHEME_VERSION,
            responsible_organization=codes.PRIVATE_SCHEME_OWNER,
        )
        return [scheme]


def mark_spine(dataset: Dataset) -> None:
    """Body part of an image object. With SPINE, Laterality has to be absent (PS3.3 C.7.3.1)."""
    dataset.BodyPartExamined = "SPINE"
    if "Laterality" in dataset:
        del dataset.Laterality
