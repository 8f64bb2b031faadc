"""An outline that stops short of the bone: the height that is missing is there in the picture."""

from __future__ import annotations

from collections.abc import Iterator

from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.domain.grading import Graded
from spondyl.stages.confounders.case import Case
from spondyl.stages.confounders.edges import corrected_loss

_GRADE_2, _GRADE_1 = 0.25, 0.20  # Genant's bounds (§1.4)


def find(case: Case) -> Iterator[Confounder]:
    """Deformed bodies whose bone goes on beyond the outline so far that the grade falls."""
    for view, measured in case.measured():
        grade = case.graded(view.level)
        if grade is None or grade.grade < 1:
            continue
        loss, added_mm = corrected_loss(view, measured, grade, case.settings)
        effect = effect_of(loss, grade)
        if effect is None:
            continue
        text = (
            f"Bone goes on {added_mm:.1f} mm beyond the outline; with it the loss of "
            f"{grade.loss_fraction:.0%} "
            f"(grade {grade.grade}) is {loss:.0%}."
        )
        yield Confounder(
            kind=Kind.OUTLINE_SHORT,
            level=view.level,
            value=added_mm,
            threshold=case.settings.edge_least_mm,
            unit="mm",
            effect=effect,
            text=text,
            excludes_from_references=True,
        )


def effect_of(loss: float, grade: Graded) -> Effect | None:
    """What is left of a grade when the loss is smaller than it seemed; None where nothing changes."""
    if grade.grade >= 1 and loss < _GRADE_1:
        return Effect.REJECT
    if grade.grade == 2 and loss < _GRADE_2:
        return Effect.DOWNGRADE
    return None
