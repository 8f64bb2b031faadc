"""Report: files for people and for programs.

In: ``ReportInput`` (the finding and, per analysed series, volume, outlines and measurements).
Out: the paths written, ``finding.json`` last: ``segmentation*.nii.gz``, ``pictures/*.png``,
``vertebrae.csv``, ``report.html``, ``finding.json``. A refused study gets the last three.
``write_dicom`` writes the same as DICOM objects of the study that was read; ``read_report`` gives the
finding back out of such a report, ``texts_to_keep`` what of one may stay when it is de-identified.
``write_reading`` writes what a reading page shows: pictures without marks, and where everything lies.
Refuses: nothing. Raises ``ResultsNotWrittenError`` where the folder cannot take the files, ``ValueError``
where the finding breaks its own schema (a bug).
"""

from __future__ import annotations

from spondyl.stages.report.dicom.read_back import read_report, texts_to_keep
from spondyl.stages.report.dicom.settings import DicomSettings
from spondyl.stages.report.dicom.write import write_dicom
from spondyl.stages.report.reading import write_reading
from spondyl.stages.report.settings import Settings
from spondyl.stages.report.write import write_results

__all__ = [
    "DicomSettings",
    "Settings",
    "read_report",
    "texts_to_keep",
    "write_dicom",
    "write_reading",
    "write_results",
]
