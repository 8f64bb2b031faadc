"""One vertebra with all that is known of it, brought together for the pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.domain.finding import LandmarkSet, StudyFinding, VertebraFinding
from spondyl.domain.measurement import LANDMARK_NAMES, Measured
from spondyl.domain.refusal import NotMeasuredCode
from spondyl.domain.report import AnalysedSeries
from spondyl.domain.vertebra import BodyPatch
from spondyl.geometry.arrays import Float64Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacedVertebra:
    """A vertebra of the finding with its outline and its place.

    centre_lps_mm: (3,); frame: (3, 3) columns left, posterior, superior, as measured, or as first found
    where nothing was measured.
    """

    finding: VertebraFinding
    patch: BodyPatch
    centre_lps_mm: Float64Array
    frame: Float64Array

    @property
    def landmarks_lps_mm(self) -> Float64Array | None:
        """(6, 3) in the order of LANDMARK_NAMES."""
        return None if self.finding.landmarks_lps_mm is None else as_array(self.finding.landmarks_lps_mm)


def as_array(landmarks: LandmarkSet) -> Float64Array:
    """(6, 3) in the order of LANDMARK_NAMES."""
    return np.array([getattr(landmarks, name) for name in LANDMARK_NAMES], dtype=np.float64)


def place_vertebrae(finding: StudyFinding, series: AnalysedSeries) -> tuple[PlacedVertebra, ...]:
    """The vertebrae of one series that stand in the finding, head to foot."""
    found = {
        vertebra.level: vertebra
        for vertebra in finding.vertebrae
        if vertebra.series_id == series.volume.series_id
    }
    placed = []
    for vertebra, measurement in zip(series.spine.masks.vertebrae, series.measurements, strict=True):
        if measurement.level in found:
            placed.append(
                PlacedVertebra(
                    finding=found[measurement.level],
                    patch=vertebra.patch,
                    centre_lps_mm=measurement.centre_lps_mm,
                    frame=measurement.frame
                    if isinstance(measurement, Measured)
                    else vertebra.candidate.frame,
                )
            )
    return tuple(placed)


def is_singled_out(vertebra: VertebraFinding, tile_probability: float) -> bool:
    """Whether a vertebra asks for a look: a fracture, perhaps one, a doubtful outline, or a lesion."""
    return (
        any(confounder.place_lps_mm is not None for confounder in vertebra.confounders)
        or (vertebra.genant_grade or 0) >= 1
        or (vertebra.probability_grade_2_or_more or 0.0) >= tile_probability
        or vertebra.not_measured == NotMeasuredCode.DOUBTFUL_OUTLINE
    )


def most_reduced(finding: StudyFinding) -> VertebraFinding | None:
    """The graded vertebra with the largest loss; the upper one of equals."""
    graded = [vertebra for vertebra in finding.vertebrae if vertebra.loss_fraction is not None]
    return max(graded, key=lambda vertebra: vertebra.loss_fraction or 0.0, default=None)


def vertebrae_to_show(finding: StudyFinding, tile_probability: float) -> tuple[VertebraFinding, ...]:
    """The vertebrae that get a tile: those singled out, or else the most reduced one."""
    singled_out = tuple(v for v in finding.vertebrae if is_singled_out(v, tile_probability))
    worst = most_reduced(finding)
    return singled_out or (() if worst is None else (worst,))
