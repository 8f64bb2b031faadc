"""Report: files for people and for programs.

In: ``ReportInput`` (the finding and, per analysed series, volume, outlines and measurements).
Out: the paths written, ``finding.json`` last: ``segmentation*.nii.gz``, ``pictures/*.png``,
``vertebrae.csv``, ``report.html``, ``finding.json``. A refused study gets the last three.
``write_reading`` writes what a reading page shows: pictures without marks, and where everything lies.
Refuses: nothing. Raises ``ResultsNotWrittenError`` where the folder cannot take the files, ``ValueError``
where the finding breaks its own schema (a bug).
"""

from __future__ import annotations

from spondyl.stages.report.reading import write_reading
from spondyl.stages.report.settings import Settings
from spondyl.stages.report.write import write_results

__all__ = ["Settings", "write_reading", "write_results"]
