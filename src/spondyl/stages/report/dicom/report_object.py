"""SR: the finding as a measurement report (TID 1500), and the whole of it once more as JSON."""

from __future__ import annotations

from typing import Any

import highdicom
from pydicom.dataset import Dataset
from pydicom.uid import UID

from spondyl.stages.report.dicom import codes
from spondyl.stages.report.dicom.case_group import case_group
from spondyl.stages.report.dicom.measured_values import text
from spondyl.stages.report.dicom.result_set import MANUFACTURER, ResultSet
from spondyl.stages.report.dicom.settings import ReportClass
from spondyl.stages.report.dicom.vertebra_group import VertebraPlace, vertebra_group
from spondyl.stages.report.finding_json import pack_document, to_json

_KIND = "report"
_CLASSES = {
    ReportClass.COMPREHENSIVE_3D: highdicom.sr.Comprehensive3DSR,
    ReportClass.COMPREHENSIVE: highdicom.sr.ComprehensiveSR,
}


def report_uid(results: ResultSet) -> UID:
    """The report's SOP Instance UID."""
    return UID(str(_place(results)["sop_instance_uid"]))


def _place(results: ResultSet) -> dict[str, Any]:
    # an instance has one SOP class for ever
    return results.place(_KIND, 1, results.settings.report_class)


def make_report(
    results: ResultSet,
    places: tuple[VertebraPlace | None, ...],
    segmentations: tuple[Dataset, ...],
    predecessors: tuple[Dataset, ...],
) -> Dataset:
    """The structured report of one study.

    places: one per vertebra of the finding; a vertebra without a place (its series has no source) stands
    only in the JSON. predecessors: reports of this study that the new one replaces.
    """
    groups = [case_group(results)]
    for vertebra, place in zip(results.finding.vertebrae, places, strict=True):
        if place is not None:
            groups.append(vertebra_group(results, vertebra, place))
    content = highdicom.sr.MeasurementReport(
        observation_context=highdicom.sr.ObservationContext(observer_device_context=results.observer()),
        procedure_reported=codes.CT_PROCEDURE,
        imaging_measurements=groups,
        title=codes.REPORT_TITLE,
    )
    content[0].ContentSequence.extend(_carrier(results))
    report = _CLASSES[results.settings.report_class](
        evidence=[*(x for source in results.sources for x in source.instances()), *segmentations],
        content=content,
        is_complete=True,
        is_final=False,
        is_verified=False,
        coding_schemes=results.private_scheme(),
        previous_versions=list(predecessors) or None,
        **{**_place(results), "manufacturer": MANUFACTURER},
    )
    return results.finish(report)


def _carrier(results: ResultSet) -> list[Dataset]:
    """The whole finding as text, and its hash."""
    packed, digest = pack_document(to_json(results.finding))
    return [text(codes.FINDING_JSON, packed), text(codes.FINDING_SHA256, digest)]
