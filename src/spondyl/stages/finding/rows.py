"""One row of the finding per vertebra."""

from __future__ import annotations

from typing import Literal

from spondyl.domain.confounder import Confounder
from spondyl.domain.finding import (
    ConfounderFinding,
    DensityFinding,
    GradedSeries,
    HeightTriple,
    LandmarkSet,
    LevelDensityFinding,
    Point,
    SignsFinding,
    VertebraFinding,
)
from spondyl.domain.grading import Graded
from spondyl.domain.measurement import LANDMARK_NAMES, Heights, Measured
from spondyl.domain.signs import Signs
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.finding.concluding import Judged
from spondyl.stages.finding.instability import instability_score
from spondyl.stages.finding.merging import Seen

_GRADES: tuple[Literal[0, 1, 2, 3], ...] = (0, 1, 2, 3)


def vertebra_row(judged: Judged, signs: Signs | None) -> VertebraFinding:
    """Put everything known of one vertebra into the contract's words."""
    seen = judged.seen
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
        confounders=tuple(confounder_row(one) for one in judged.confounders),
        counted_grade=None if judged.counted_grade is None else _GRADES[judged.counted_grade],
        counted_text=judged.counted_text,
        signs=None if signs is None else signs_row(signs, seen, judged.confounders),
    )


def confounder_row(confounder: Confounder) -> ConfounderFinding:
    """One confounder in the contract's words."""
    return ConfounderFinding(
        kind=str(confounder.kind),
        value=confounder.value,
        threshold=confounder.threshold,
        unit=confounder.unit,
        effect=confounder.effect.value,
        text=confounder.text,
        excludes_from_references=confounder.bars_reference,
        place_lps_mm=confounder.place_lps_mm,
    )


def density_row(graded: tuple[GradedSeries, ...]) -> DensityFinding | None:
    """The attenuation of the study: of the series that reads the most levels, the first of equals."""
    read = [(one, one.density) for one in graded if one.density is not None and one.density.levels]
    if not read:
        return None
    best, density = max(
        read, key=lambda pair: sum(level.attenuation_hu is not None for level in pair[1].levels)
    )
    return DensityFinding(
        series_id=best.spine.masks.series_id,
        representative=density.representative,
        attenuation_hu=density.attenuation_hu,
        converted_hu=density.converted_hu,
        low_hu=density.low_hu,
        phase=density.phase.value,
        aorta_hu=density.aorta_hu,
        kvp=density.kvp,
        band=density.band,
        remarks=density.remarks,
        levels=tuple(
            LevelDensityFinding(
                level=level.level.value,
                attenuation_hu=level.attenuation_hu,
                noise_hu=level.noise_hu,
                standard_error_hu=level.standard_error_hu,
                volume_ml=level.volume_ml,
                left_out=level.left_out,
            )
            for level in density.levels
        ),
    )


def signs_row(signs: Signs, seen: Seen, confounders: tuple[Confounder, ...]) -> SignsFinding:
    """The signs of one vertebra in the contract's words, with its instability score if it holds a lesion."""
    pedicles = signs.pedicle_bone_fractions
    return SignsFinding(
        evidence=tuple(one.value for one in signs.evidence),
        superior_depression_mm=signs.depression_mm[0],
        inferior_depression_mm=signs.depression_mm[1],
        retropulsion_mm=signs.retropulsion_mm,
        translation_mm=signs.translation_mm,
        canal_mm=signs.canal_mm,
        canal_narrowing_fraction=signs.canal_narrowing_fraction,
        right_pedicle_fraction=None if pedicles is None else pedicles[0],
        left_pedicle_fraction=None if pedicles is None else pedicles[1],
        cortex_gap_mm2=signs.cortex_gap_mm2,
        cleft_ml=signs.cleft_ml,
        compaction_hu=signs.compaction_hu,
        kyphosis_deg=signs.kyphosis_deg,
        own_wedge_deg=signs.own_wedge_deg,
        adjacent_fractures=signs.adjacent_fractures,
        is_plana=signs.is_plana,
        sins=instability_score(signs, seen, confounders),
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
