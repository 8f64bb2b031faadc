"""The measurement group of the whole case (TID 1501): state, reasons, score."""

from __future__ import annotations

from collections.abc import Iterable

import highdicom

from spondyl.domain.finding import State, StudyFinding
from spondyl.stages.report.dicom import codes
from spondyl.stages.report.dicom.answers import case_presence, confounder_answers, confounder_sentences
from spondyl.stages.report.dicom.measured_values import Group, answer, measure, text, with_texts
from spondyl.stages.report.dicom.result_set import MODEL, ResultSet
from spondyl.stages.report.dicom.vertebra_group import algorithm

_SUMMARIES = {
    State.FLAG: codes.SUMMARY_WITH_FINDINGS,
    State.NO_FLAG: codes.SUMMARY_WITHOUT_FINDINGS,
    State.NOT_EVALUABLE: codes.SUMMARY_FAILED,
}
CASE = "case"


def case_group(results: ResultSet) -> Group:
    """What is said of the study as a whole; of a refused study it is the only group."""
    finding = results.finding
    group = highdicom.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=highdicom.sr.TrackingIdentifier(
            uid=results.identity.tracking_uid(CASE, CASE), identifier=f"{MODEL} {CASE}"
        ),
        finding_type=codes.COMPRESSION_FRACTURE,
        finding_sites=[highdicom.sr.FindingSite(codes.VERTEBRAL_COLUMN)],
        algorithm_id=algorithm(results),
        measurements=list(_measurements(finding)),
        qualitative_evaluations=list(_answers(results)),
    )
    remarks = finding.bone_density.remarks if finding.bone_density else ()
    comments = [*confounder_sentences(finding.confounders), *remarks, finding.notice]
    with_texts(group, [text(codes.CONCLUSION, reason.text) for reason in finding.reasons])
    with_texts(group, [text(codes.COMMENT, comment) for comment in comments])
    return group


def _measurements(finding: StudyFinding) -> Iterable[highdicom.sr.Measurement]:
    if finding.score is not None:
        yield measure(codes.CASE_SCORE, finding.score, codes.NO_UNITS)
    if finding.bone_density is not None and finding.bone_density.attenuation_hu is not None:
        yield measure(codes.BONE_ATTENUATION, finding.bone_density.attenuation_hu, codes.HOUNSFIELD)


def _answers(results: ResultSet) -> Iterable[highdicom.sr.QualitativeEvaluation]:
    finding = results.finding
    yield answer(codes.CASE_STATE, codes.private_word(finding.state))
    yield answer(codes.SUMMARY, _SUMMARIES[finding.state])
    yield answer(codes.FRACTURE_PRESENCE, case_presence(finding))
    for reason in finding.reasons:
        yield answer(codes.REASON, codes.private_word(reason.code))
    yield from confounder_answers(finding.confounders)
