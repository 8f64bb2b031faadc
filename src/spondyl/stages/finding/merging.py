"""One list of vertebrae out of several stacks of slices: each vertebra once, where it was seen best."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spondyl.domain.finding import GradedSeries
from spondyl.domain.grading import Graded, NotGraded
from spondyl.domain.measurement import Measured, NotMeasured
from spondyl.domain.vertebra import LevelName, Vertebra
from spondyl.stages.finding.settings import Settings

_SAME_NEIGHBOURHOOD = 2  # names further apart than this are never one vertebra, wherever they stand


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """One vertebra as one stack shows it; ``names_disagree`` where another stack names it differently."""

    name: LevelName
    vertebra: Vertebra
    measurement: Measured | NotMeasured
    grade: Graded | NotGraded
    series_id: str
    slice_spacing_mm: float
    names_disagree: bool = False

    @property
    def is_read(self) -> bool:
        """Whether it was read for fracture."""
        return isinstance(self.grade, Graded) or self.grade.is_read

    @property
    def rank(self) -> tuple[bool, bool, bool, bool, float, float]:
        """Better views compare greater: whole, graded, read, measured, thinner slices, surer name."""
        return (
            not self.vertebra.cut_by_border,
            isinstance(self.grade, Graded),
            self.is_read,
            isinstance(self.measurement, Measured),
            -self.slice_spacing_mm,
            self.name.probability,
        )


def merge(graded: tuple[GradedSeries, ...], settings: Settings) -> tuple[Seen, ...]:
    """All vertebrae of a study, head to foot, the better view of each."""
    everything = [seen for series in graded for seen in _seen_in(series)]
    kept: list[Seen] = []
    for candidate in sorted(everything, key=lambda seen: seen.rank, reverse=True):  # stable: first stack wins
        twin = next((i for i, other in enumerate(kept) if _is_twin(candidate, other, settings)), None)
        if twin is None:
            kept.append(candidate)
        elif _disagree(candidate, kept[twin], settings):
            kept[twin] = replace(kept[twin], names_disagree=True)
    return tuple(sorted(kept, key=lambda seen: seen.name.level.order))


def _seen_in(series: GradedSeries) -> list[Seen]:
    rows = zip(
        series.spine.names, series.spine.masks.vertebrae, series.measurements, series.grades, strict=True
    )
    return [
        Seen(
            name=name,
            vertebra=vertebra,
            measurement=measurement,
            grade=grade,
            series_id=series.spine.masks.series_id,
            slice_spacing_mm=series.slice_spacing_mm,
        )
        for name, vertebra, measurement, grade in rows
    ]


def _distance_mm(one: Seen, other: Seen) -> float:
    return float(np.linalg.norm(one.measurement.centre_lps_mm - other.measurement.centre_lps_mm))


def _is_twin(candidate: Seen, other: Seen, settings: Settings) -> bool:
    if candidate.name.level == other.name.level:
        return True
    steps = abs(candidate.name.level.order - other.name.level.order)
    is_other_stack = candidate.series_id != other.series_id
    near = steps <= _SAME_NEIGHBOURHOOD and _distance_mm(candidate, other) < settings.same_vertebra_mm
    return is_other_stack and near


def _disagree(candidate: Seen, other: Seen, settings: Settings) -> bool:
    if candidate.name.level != other.name.level:
        return True
    return _distance_mm(candidate, other) > settings.same_name_mm
