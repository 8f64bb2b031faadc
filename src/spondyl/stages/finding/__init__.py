"""Finding: graded series → StudyFinding, the one answer for a study.

In: every series read to its grades, the summaries of all stacks seen, confounders, the manifest.
Out: FLAG, NO_FLAG or NOT_EVALUABLE with reasons, a score, one row per vertebra seen.
Refuses: nothing; too few vertebrae are NOT_EVALUABLE, and ``refused`` turns a Refusal into the same.
"""

from __future__ import annotations

from spondyl.domain.confounder import Confounder
from spondyl.domain.finding import (
    GradedSeries,
    Manifest,
    Reason,
    RefusalFinding,
    SeriesFinding,
    State,
    StudyFinding,
)
from spondyl.domain.refusal import Refusal
from spondyl.domain.series import StackSummary
from spondyl.domain.signs import Signs
from spondyl.stages.finding.concluding import Judged, confounders_of_study, judge
from spondyl.stages.finding.merging import merge
from spondyl.stages.finding.rows import confounder_row, density_row, vertebra_row
from spondyl.stages.finding.settings import Settings

__all__ = ["Settings", "conclude", "refused"]


def conclude(
    graded: tuple[GradedSeries, ...],
    series: tuple[StackSummary, ...],
    confounders: tuple[Confounder, ...],
    manifest: Manifest,
    settings: Settings,
) -> StudyFinding:
    """Conclude from all series of one study; a vertebra seen twice counts once, where it was seen best.

    ``confounders`` are those of the study that no series carries itself.
    """
    by_series = {one.spine.masks.series_id: one for one in graded}
    judged = tuple(
        Judged(
            seen=seen,
            confounders=tuple(
                x
                for x in (*confounders, *by_series[seen.series_id].confounders)
                if x.level == seen.name.level
            ),
        )
        for seen in merge(graded, settings)
    )
    of_study = confounders_of_study((*confounders, *(x for one in graded for x in one.confounders)))
    state, score, reasons = judge(judged, of_study, settings)
    return StudyFinding(
        state=state,
        reasons=reasons,
        score=score,
        vertebrae=tuple(vertebra_row(one, _signs_of(one, by_series[one.seen.series_id])) for one in judged),
        confounders=tuple(confounder_row(one) for one in of_study),
        bone_density=density_row(graded),
        series=tuple(_series_row(stack) for stack in series),
        refusal=None,
        manifest=manifest,
    )


def refused(refusal: Refusal, stacks: tuple[StackSummary, ...], manifest: Manifest) -> StudyFinding:
    """A study that was not analysed: NOT_EVALUABLE with the refusal as its reason."""
    return StudyFinding(
        state=State.NOT_EVALUABLE,
        reasons=(Reason(code=refusal.code.value, text=refusal.text),),
        score=None,
        vertebrae=(),
        series=tuple(_series_row(stack) for stack in stacks),
        refusal=RefusalFinding(
            stage=refusal.stage, code=refusal.code.value, got=refusal.got, needed=refusal.needed
        ),
        manifest=manifest,
    )


def _signs_of(judged: Judged, series: GradedSeries) -> Signs | None:
    level = judged.seen.name.level
    return next((signs for signs in series.signs if signs.level == level), None)


def _series_row(stack: StackSummary) -> SeriesFinding:
    return SeriesFinding(
        series_id=stack.series_id,
        modality=stack.modality,
        description=stack.description,
        n_slices=stack.n_slices,
        slice_spacing_mm=stack.slice_spacing_mm,
        pixel_spacing_mm=stack.pixel_spacing_mm,
        kernel=stack.kernel,
        z_range_mm=stack.z_range_mm,
        chosen=stack.chosen,
        reason=stack.reason,
        text=stack.text,
        score=stack.score,
        repairs=stack.repairs,
    )
