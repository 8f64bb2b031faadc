"""The measurement group of one vertebra (TID 1411 with a segment, TID 1501 without one)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import highdicom

from spondyl.domain.finding import VertebraFinding
from spondyl.domain.level import Level
from spondyl.stages.report.dicom import codes
from spondyl.stages.report.dicom.answers import confounder_answers, confounder_sentences, presence
from spondyl.stages.report.dicom.measured_values import (
    Group,
    add_lines,
    answer,
    measurements_of,
    signs_of,
    text,
    with_texts,
)
from spondyl.stages.report.dicom.result_set import MODEL, ResultSet
from spondyl.stages.report.dicom.segmentation_object import Segment, tracking_identifier
from spondyl.stages.report.dicom.settings import ReportClass
from spondyl.stages.report.dicom.source import Reference, Source


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VertebraPlace:
    """Where one vertebra is: its source series, its segment (if it has one), the slices that show it."""

    source: Source
    segment: Segment | None
    slices: tuple[int, ...]

    def references(self) -> list[Reference]:
        """The slices that show it, without interpolated ones."""
        found = (self.source.reference(k) for k in self.slices)
        return [reference for reference in found if reference is not None]


def vertebra_group(results: ResultSet, vertebra: VertebraFinding, place: VertebraPlace) -> Group:
    """Everything that is said of one vertebra."""
    level = Level(vertebra.level)
    common: dict[str, Any] = {
        "tracking_identifier": highdicom.sr.TrackingIdentifier(
            uid=results.identity.tracking_uid(place.source.series_uid, vertebra.level),
            identifier=tracking_identifier(vertebra),
        ),
        "finding_type": codes.COMPRESSION_FRACTURE,
        "finding_sites": [
            highdicom.sr.FindingSite(codes.site_code(level, is_uncertain=vertebra.level_uncertain))
        ],
        "algorithm_id": algorithm(results),
        "measurements": [*measurements_of(vertebra), *signs_of(vertebra.signs)],
        "qualitative_evaluations": list(_answers(vertebra)),
    }
    group = _with_place(common, place)
    if vertebra.landmarks_lps_mm and results.settings.report_class is ReportClass.COMPREHENSIVE_3D:
        add_lines(group, vertebra.landmarks_lps_mm, results.frame_of_reference(place.source))
    with_texts(group, (text(codes.COMMENT, sentence) for sentence in _sentences(vertebra)))
    return group


def algorithm(results: ResultSet) -> highdicom.sr.AlgorithmIdentification:
    """Name, version and everything else that decides the result (TID 4019)."""
    return highdicom.sr.AlgorithmIdentification(
        name=MODEL,
        version=results.manifest.spondyl_version,
        parameters=results.algorithm_parameters(),
        family=codes.ARTIFICIAL_INTELLIGENCE,
    )


def _with_place(common: dict[str, Any], place: VertebraPlace) -> Group:
    references = place.references()
    if place.segment is None:
        shown = [
            highdicom.sr.SourceImageForMeasurementGroup(
                r.sop_class_uid, r.sop_instance_uid, referenced_frame_numbers=r.frame_numbers
            )
            for r in references
        ]
        return highdicom.sr.MeasurementsAndQualitativeEvaluations(**common, source_images=shown)
    images = [
        highdicom.sr.SourceImageForSegmentation(
            r.sop_class_uid, r.sop_instance_uid, referenced_frame_numbers=r.frame_numbers
        )
        for r in references
    ]
    segment = highdicom.sr.ReferencedSegment(
        sop_class_uid=place.segment.sop_class_uid,
        sop_instance_uid=place.segment.sop_instance_uid,
        segment_number=place.segment.number,
        source_images=images,
    )
    return highdicom.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        **common, referenced_segment=segment
    )


def _answers(vertebra: VertebraFinding) -> Iterable[highdicom.sr.QualitativeEvaluation]:
    level, grade = Level(vertebra.level), vertebra.genant_grade
    yield answer(codes.FRACTURE_PRESENCE, presence(vertebra))
    if grade is not None:
        yield answer(codes.GENANT_SCALE, codes.GENANT_GRADES[grade])
    if vertebra.counted_grade is not None:
        yield answer(codes.COUNTED_GRADE, codes.GENANT_GRADES[vertebra.counted_grade])
    if grade in codes.SEVERITIES:
        yield answer(codes.SEVERITY, codes.SEVERITIES[grade])
    if vertebra.shape is not None:
        yield answer(codes.SHAPE, codes.private_word(vertebra.shape))
    evaluated = (
        codes.EVALUATED if vertebra.not_measured is None else codes.private_word(vertebra.not_measured)
    )
    yield answer(codes.EVALUATION, evaluated)
    yield answer(codes.VIEW, codes.private_word(vertebra.in_view))
    certainty = codes.LEVEL_UNCERTAIN if vertebra.level_uncertain else codes.LEVEL_CERTAIN
    yield answer(codes.LEVEL_CERTAINTY, certainty)
    if codes.site_code(level, is_uncertain=vertebra.level_uncertain) == codes.VERTEBRA:
        yield answer(codes.PRESUMED_LEVEL, codes.level_code(level))
    for evidence in vertebra.signs.evidence if vertebra.signs else ():
        yield answer(codes.SIGN, codes.private_word(evidence))
    yield from confounder_answers(vertebra.confounders)


def _sentences(vertebra: VertebraFinding) -> Iterable[str]:
    if vertebra.not_measured_text:
        yield vertebra.not_measured_text
    if vertebra.neighbours_used:
        yield f"Reference heights from the level norms and {', '.join(vertebra.neighbours_used)}."
    if vertebra.counted_text:
        yield vertebra.counted_text
    yield from confounder_sentences(vertebra.confounders)
