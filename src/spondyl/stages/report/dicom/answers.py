"""Answers that the report of a vertebra, that of the case and the FHIR bundle share."""

from __future__ import annotations

from collections.abc import Iterable

import highdicom
from pydicom.sr.coding import Code

from spondyl.domain.finding import ConfounderFinding, State, StudyFinding, VertebraFinding
from spondyl.stages.report.dicom import codes
from spondyl.stages.report.dicom.measured_values import answer


def presence(vertebra: VertebraFinding) -> Code:
    """Whether there is a compression fracture: from Genant grade 1 on, RadElement's 20 % of loss.

    Without a grade, or where a confounder rejects it, nobody can say.
    """
    if vertebra.genant_grade is None or vertebra.counted_grade is None:
        return codes.INDETERMINATE
    return codes.PRESENT if vertebra.counted_grade else codes.ABSENT


def case_presence(finding: StudyFinding) -> Code:
    """Whether the study shows a compression fracture, as far as its vertebrae could be graded."""
    found = {presence(vertebra) for vertebra in finding.vertebrae}
    if finding.state is not State.NOT_EVALUABLE and codes.PRESENT in found:
        return codes.PRESENT
    # flagged without a fracture: a vertebra could not be read
    is_open = finding.state is not State.NO_FLAG or found <= {codes.INDETERMINATE}
    return codes.INDETERMINATE if is_open else codes.ABSENT


def confounder_answers(
    confounders: tuple[ConfounderFinding, ...],
) -> Iterable[highdicom.sr.QualitativeEvaluation]:
    """Kind and effect of each confounder."""
    for confounder in confounders:
        yield answer(codes.CONFOUNDER, codes.private_word(confounder.kind))
        yield answer(codes.CONFOUNDER_EFFECT, codes.private_word(confounder.effect))


def confounder_sentences(confounders: tuple[ConfounderFinding, ...]) -> Iterable[str]:
    """Evidence of each confounder against its threshold."""
    for one in confounders:
        evidence = f"{one.value:g} {one.unit} (threshold {one.threshold:g})"
        yield f"{one.kind}: {evidence}, effect {one.effect}. {one.text}"
