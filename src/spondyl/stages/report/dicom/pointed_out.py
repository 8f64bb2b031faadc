"""Which vertebrae and which slices of them the visible objects show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.domain.finding import StudyFinding, VertebraFinding
from spondyl.domain.report import AnalysedSeries
from spondyl.geometry.affine import to_index
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.report.dicom.source import Source
from spondyl.stages.report.placed import as_array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PointedOut:
    """One vertebra that asks for a look, in its series.

    slices: indices of the slices through its upper endplate, its middle and its lower endplate.
    """

    vertebra: VertebraFinding
    source: Source
    series: AnalysedSeries
    slices: tuple[int, ...]

    @property
    def middle(self) -> int:
        """The slice through its middle."""
        return nearest_slice(self.series, np.array(self.vertebra.centre_lps_mm))


def asks_for_a_look(vertebra: VertebraFinding, probability: float) -> bool:
    """Whether a vertebra is fractured (grade 1 or more) or perhaps (a fracture of that probability)."""
    return (vertebra.genant_grade or 0) >= 1 or (vertebra.probability_grade_2_or_more or 0.0) >= probability


def point_out(
    finding: StudyFinding,
    sources: tuple[Source, ...],
    series: tuple[AnalysedSeries, ...],
    probability: float,
    most: int,
) -> tuple[PointedOut, ...]:
    """The vertebrae that ask for a look, the likeliest ``most`` of them, head to foot."""
    asking = [vertebra for vertebra in finding.vertebrae if asks_for_a_look(vertebra, probability)]
    likeliest = sorted(asking, key=lambda x: -(x.probability_grade_2_or_more or 0.0))[:most]
    found = []
    for vertebra in finding.vertebrae:
        source = next((x for x in sources if x.series_id == vertebra.series_id), None)
        shown = next((x for x in series if x.volume.series_id == vertebra.series_id), None)
        if vertebra in likeliest and source is not None and shown is not None:
            found.append(
                PointedOut(
                    vertebra=vertebra, source=source, series=shown, slices=_slices_of(vertebra, shown, source)
                )
            )
    return tuple(found)


def nearest_slice(series: AnalysedSeries, point_lps_mm: Float64Array) -> int:
    """Index of the slice nearest to a point."""
    k = round(float(to_index(series.volume.affine, point_lps_mm[None])[0, 0]))
    last = int(series.volume.hu.shape[0]) - 1
    return min(max(k, 0), last)


def _slices_of(vertebra: VertebraFinding, series: AnalysedSeries, source: Source) -> tuple[int, ...]:
    points = [np.array(vertebra.centre_lps_mm)]
    if vertebra.landmarks_lps_mm is not None:
        landmarks = as_array(vertebra.landmarks_lps_mm)
        points += [landmarks[1], landmarks[4]]  # the middles of both endplates
    slices = {nearest_slice(series, point) for point in points}
    return tuple(k for k in sorted(slices) if source.reference(k) is not None)
