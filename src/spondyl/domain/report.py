"""What the report stage takes: the finding, and per analysed series the volume, outlines and heights."""

from __future__ import annotations

from dataclasses import dataclass

from spondyl.domain.finding import StudyFinding
from spondyl.domain.measurement import Measured, NotMeasured
from spondyl.domain.series import SourceImages
from spondyl.domain.vertebra import LabelledSpine
from spondyl.domain.volume import CtVolume


class ResultsNotWrittenError(OSError):
    """The results could not be written (full disk, no permission, not a folder); earlier ones stand."""


class NotOurReportError(ValueError):
    """A file is not a structured report of ours, or not as it was written; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnalysedSeries:
    """One series that was analysed.

    measurements: one per vertebra of ``spine``, same order, head to foot.
    """

    volume: CtVolume
    spine: LabelledSpine
    measurements: tuple[Measured | NotMeasured, ...]

    def __post_init__(self) -> None:
        if len(self.measurements) != len(self.spine.names):
            raise ValueError(f"{len(self.measurements)} measurements for {len(self.spine.names)} vertebrae")
        if self.volume.series_id != self.spine.masks.series_id:
            raise ValueError(
                f"volume of series {self.volume.series_id}, spine of {self.spine.masks.series_id}: "
                "pictures would show the wrong images"
            )
        for name, measurement in zip(self.spine.names, self.measurements, strict=True):
            if name.level != measurement.level:
                raise ValueError(f"measurement of {measurement.level} stands where {name.level} is named")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReportInput:
    """Everything that is written for one study.

    series: the analysed series in the order of the finding; empty for a refused study.
    sources: what DICOM results refer to, per series that was accepted, or one instance of a refused study;
        empty where the input is not one DICOM study.
    """

    finding: StudyFinding
    series: tuple[AnalysedSeries, ...] = ()
    sources: tuple[SourceImages, ...] = ()

    def __post_init__(self) -> None:
        known = {series.volume.series_id for series in self.series}
        if len(known) != len(self.series):
            raise ValueError("two analysed series share one series_id; each needs its own")
        missing = {vertebra.series_id for vertebra in self.finding.vertebrae} - known
        if missing:
            raise ValueError(f"the finding names series {sorted(missing)} whose volume is not given")
