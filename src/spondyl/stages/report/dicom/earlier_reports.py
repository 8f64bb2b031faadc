"""Reports of an earlier version, which the new report names as its predecessors."""

from __future__ import annotations

from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID

from spondyl.stages.report.dicom.result_set import MANUFACTURER


def earlier_reports(paths: tuple[Path, ...], study_uid: str, own_uid: UID) -> tuple[Dataset, ...]:
    """Our reports of that study among the files, without the new one itself.

    Where the new one lies there already (a repeated run), those that it replaced then are kept.
    """
    earlier: dict[str, Dataset] = {}
    for path in paths:
        report = _read(path)
        if report is None or report.get("StudyInstanceUID") != study_uid:
            continue
        if report.SOPInstanceUID == own_uid:
            earlier |= {str(x.SOPInstanceUID): x for x in _predecessors(report)}
        else:
            earlier[str(report.SOPInstanceUID)] = report
    return tuple(earlier.values())


def _read(path: Path) -> Dataset | None:
    """One of our reports; None for anything else, for a result must not fail on what lies beside it."""
    try:
        dataset = pydicom.dcmread(path)
    except (OSError, InvalidDicomError):
        return None
    is_ours = dataset.get("Modality") == "SR" and dataset.get("Manufacturer") == MANUFACTURER
    return dataset if is_ours else None


def _predecessors(report: Dataset) -> list[Dataset]:
    found = []
    for study in report.get("PredecessorDocumentsSequence", ()):
        for series in study.ReferencedSeriesSequence:
            for item in series.ReferencedSOPSequence:
                one = Dataset()
                one.StudyInstanceUID = study.StudyInstanceUID
                one.SeriesInstanceUID = series.SeriesInstanceUID
                one.SOPClassUID = item.ReferencedSOPClassUID
                one.SOPInstanceUID = item.ReferencedSOPInstanceUID
                found.append(one)
    return found
