"""One row of the finding per vertebra."""

from __future__ import annotations

from typing import Literal

from spondyl.domain.confounder import Confounder
from spondyl.domain.finding import (
    ConfounderFinding,
    HeightTriple,
    LandmarkSet,
    Point,
    VertebraFinding,
)
from spondyl.domain.grading import Graded
from spondyl.domain.measurement import LANDMARK_NAMES, Heights, Measured
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.finding.merging import Seen

_GRADES: tuple[Literal[0, 1, 2, 3], ...] = (0, 1, 2, 3)


def vertebra_row(seen: Seen, confounders: tuple[Confounder, ...]) -> VertebraFinding:
    """Put everything known of one vertebra into the contract's words."""
    measured = seen.measurement if isinstance(seen.measurement, Measured) else None
    graded = seen.grade if isinstance(seen.grade, Graded) else None
    reason = None if isinstance(seen.grade, Graded) else seen.grade
    return VertebraFinding(
        level=seen.name.level.value,
        level_probability=seen.name.probability,
        level_uncertain=seen.name.is_uncertain or seen.names_disagree,
        in_view="partial" if seen.vertebra.cut_by_border else "full",
        series_id=seen.series_id,
        label=seen.name.level.verse_label,
        centre_lps_mm=_point(seen.measurement.centre_lps_mm),
        heights_mm=_triple(measured.heights) if measured else None,
        height_sd_mm=_triple(measured.heights_sd) if measured else None,
        window_heights_mm=_triple(measured.window_heights) if measured else None,
        expected_heights_mm=_triple(seen.grade.expected) if seen.grade.expected else None,
        landmarks_lps_mm=_landmarks(measured.landmarks_lps_mm) if measured else None,
        depth_mm=measured.depth_mm if measured else None,
        loss_fraction=seen.grade.loss_fraction,
        loss_sd=seen.grade.loss_sd,
        genant_grade=_GRADES[graded.grade] if graded else None,
        shape=graded.shape.value if graded else None,
        probability_grade_2_or_more=seen.grade.probability_grade_2_or_more,
        attenuation_hu=measured.attenuation_hu if measured else None,
        neighbours_used=tuple(level.value for level in seen.grade.neighbours_used),
        not_measured=reason.code.value if reason else None,
        not_measured_text=reason.text if reason else None,
        confounders=tuple(_confounder_row(one) for one in confounders),
    )


def _confounder_row(confounder: Confounder) -> ConfounderFinding:
    return ConfounderFinding(
        kind=confounder.kind,
        value=confounder.value,
        threshold=confounder.threshold,
        unit=confounder.unit,
        effect=confounder.effect.value,
        text=confounder.text,
    )


def _triple(heights: Heights) -> HeightTriple:
    return HeightTriple(
        anterior=heights.anterior_mm, middle=heights.middle_mm, posterior=heights.posterior_mm
    )


def _point(point_mm: Float64Array) -> Point:
    x, y, z = (float(value) for value in point_mm)
    return x, y, z


def _landmarks(points_mm: Float64Array) -> LandmarkSet:
    return LandmarkSet(**{name: _point(point) for name, point in zip(LANDMARK_NAMES, points_mm, strict=True)})
