"""Degenerative and physiological wedging: mild, without a broken endplate, and not alone (§2, §1.3)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spondyl.domain.body_view import BodyView
from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.domain.grading import Shape
from spondyl.domain.measurement import Measured
from spondyl.stages.confounders.case import Case
from spondyl.stages.confounders.disc import disc_heights_mm
from spondyl.stages.confounders.surfaces import front_and_back

_LEAST_LIP_ML = 0.05
_NEAR = 2
_FEWEST_ALIKE = 2


def find(case: Case) -> Iterator[Confounder]:
    """Wedges of grade 1 for which something else accounts."""
    settings = case.settings
    discs = disc_heights_mm(case)
    usual_mm = float(np.median(list(discs.values()))) if discs else 0.0
    for view, measured in case.measured():
        grade, losses = case.graded(view.level), case.losses(view, measured)
        if grade is None or losses is None or grade.grade < 1 or grade.shape != Shape.WEDGE:
            continue
        low, high = settings.wedge_loss
        if not low <= grade.loss_fraction < high:
            continue
        beside = [discs[x] for x in discs if view.level in x]
        has_lip = lip_ml(view, measured, settings.osteophyte_mm) >= _LEAST_LIP_ML
        is_narrow = any(height < settings.narrow_disc * usual_mm for height in beside)
        n_alike = _n_alike(case, view)
        seen = {
            "no broken endplate": not case.signs[view.level].evidence,
            "a lip in front": has_lip,
            "a narrow disc": is_narrow,
            f"{n_alike} neighbours alike": n_alike >= _FEWEST_ALIKE,
        }
        told = [words for words, is_there in seen.items() if is_there]
        if len(told) < settings.wedge_signs:
            continue
        kind = Kind.DEGENERATIVE_WEDGE if has_lip or is_narrow else Kind.PHYSIOLOGICAL_WEDGE
        yield Confounder(
            kind=kind,
            level=view.level,
            value=float(len(told)),
            threshold=float(settings.wedge_signs),
            unit="signs",
            effect=Effect.DOWNGRADE,
            text=f"A mild wedge ({grade.loss_fraction:.0%}, grade {grade.grade}) with {', '.join(told)}.",
        )


def lip_ml(view: BodyView, measured: Measured, beyond_mm: float) -> float:
    """Volume of the body that stands before its front wall by more than so much."""
    front, _ = front_and_back(view, measured)
    lip = view.inside & (view.posterior_mm < front - beyond_mm)
    return float(np.count_nonzero(lip)) * view.voxel_ml


def _n_alike(case: Case, view: BodyView) -> int:
    """How many of the near bodies are wedged as well."""
    alike = 0
    for other, measured in case.measured():
        is_near = 0 < abs(other.level.order - view.level.order) <= _NEAR
        losses = case.losses(other, measured) if is_near else None
        alike += losses is not None and bool(losses[0] >= case.settings.alike_loss)
    return alike
