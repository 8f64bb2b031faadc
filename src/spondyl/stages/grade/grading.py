"""From the heights of a whole spine to one grade per vertebra."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from spondyl.domain.grading import Graded, NotGraded, Shape
from spondyl.domain.level import Level
from spondyl.domain.measurement import Heights, Measured, NotMeasured
from spondyl.domain.refusal import NotMeasuredCode
from spondyl.geometry.arrays import BoolArray
from spondyl.stages.grade.losses import Losses, grade_of, lose, shape_of
from spondyl.stages.grade.reference import Reference, Spine, refer, tabulate
from spondyl.stages.grade.settings import Settings

_ROUNDS = 6


def grade_spine(
    measurements: tuple[Measured | NotMeasured, ...], settings: Settings, no_reference: frozenset[Level]
) -> tuple[Graded | NotGraded, ...]:
    """One grade, or reason for none, per measurement and in their order."""
    measured = [one for one in measurements if isinstance(one, Measured)]
    graded: dict[str, Graded | NotGraded] = {}
    if measured:
        spine = tabulate(measured)
        is_reference = _unsuspicious(spine, no_reference, settings)
        for index, one in enumerate(measured):
            graded[one.level] = _grade(one, spine, index, is_reference, settings)
    return tuple(
        graded[one.level]
        if isinstance(one, Measured)
        else NotGraded(level=one.level, code=one.code, text=one.text)
        for one in measurements
    )


def _unsuspicious(spine: Spine, no_reference: frozenset[Level], settings: Settings) -> BoolArray:
    """Which vertebrae may serve as reference: those that lost little, judged without those that lost much."""
    may_serve = np.array([level not in no_reference for level in spine.levels], dtype=np.bool_)
    if np.count_nonzero(may_serve) <= settings.fewest_references:
        may_serve[:] = True  # a doubtful reference is better than no grade
    is_reference = may_serve.copy()
    for _ in range(_ROUNDS):
        largest = np.array(
            [_loss_against(spine, index, is_reference, settings) for index in range(len(spine.levels))]
        )
        updated = may_serve & (largest < settings.suspicious_loss)
        if np.array_equal(updated, is_reference):
            break
        is_reference = updated
    return is_reference


def _loss_against(spine: Spine, index: int, is_reference: BoolArray, settings: Settings) -> float:
    reference = refer(spine, index, is_reference, settings)
    return 0.0 if reference is None else lose(spine.heights_mm[index], reference, settings).largest


def _grade(
    one: Measured, spine: Spine, index: int, is_reference: BoolArray, settings: Settings
) -> Graded | NotGraded:
    reference = refer(spine, index, is_reference, settings)
    if reference is None:
        text = f"No two other vertebrae to compare {one.level} with."
        return NotGraded(level=one.level, code=NotMeasuredCode.NO_REFERENCE, text=text)
    losses = lose(spine.heights_mm[index], reference, settings)
    is_thick = one.slice_spacing_mm > settings.largest_graded_mm + settings.spacing_tolerance_mm
    sd = _loss_sd(one, losses, reference, settings, is_thick=is_thick)
    probability = float(ndtr((np.max(losses.columns) - settings.grade_2) / sd))
    expected = Heights.from_array(reference.expected_mm[:3])
    if is_thick and losses.largest - sd <= settings.grade_3:
        text = (
            f"Slices of {one.slice_spacing_mm:.1f} mm are too thick to grade {one.level}; "
            f"up to {settings.largest_graded_mm:g} mm are graded, beyond it only a certain severe loss."
        )
        return NotGraded(
            level=one.level,
            code=NotMeasuredCode.SLICES_TOO_THICK,
            text=text,
            expected=expected,
            loss_fraction=losses.largest,
            loss_sd=sd,
            probability_grade_2_or_more=probability,
            neighbours_used=reference.neighbours,
        )
    grade = grade_of(losses.largest, settings)
    return Graded(
        level=one.level,
        expected=expected,
        loss_fraction=losses.largest,
        loss_sd=sd,
        grade=grade,
        shape=shape_of(losses, settings) if grade else Shape.NORMAL,
        probability_grade_2_or_more=probability,
        neighbours_used=reference.neighbours,
    )


def _loss_sd(
    one: Measured, losses: Losses, reference: Reference, settings: Settings, *, is_thick: bool
) -> float:
    """One standard deviation of the leading loss: measurement, anatomy, scatter of the neighbours."""
    column = losses.leading
    measuring = one.heights_sd.as_array()[column] / reference.expected_mm[column]
    remaining = 1.0 - losses.largest
    expected = np.hypot(settings.anatomy_sd[column], reference.spread[column])
    thick = settings.thick_sd if is_thick else 0.0
    return float(np.sqrt(measuring**2 + (remaining * expected) ** 2 + thick**2))
