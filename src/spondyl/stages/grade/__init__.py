"""Grade: Measured → Graded or NotGraded, one per measurement, same order.

In: heights of the vertebrae of one spine, head to foot.
Out: expected heights from level norms and neighbours, height loss with its uncertainty, Genant grade,
    shape, probability of grade 2 or more.
Refuses: single vertebrae, with NO_REFERENCE or SLICES_TOO_THICK, or the code they were not measured for.
"""

from __future__ import annotations

from spondyl.domain.grading import Graded, NotGraded
from spondyl.domain.level import Level
from spondyl.domain.measurement import Measured, NotMeasured
from spondyl.stages.grade.grading import grade_spine
from spondyl.stages.grade.settings import Settings

__all__ = ["Settings", "grade"]


def grade(
    measurements: tuple[Measured | NotMeasured, ...],
    settings: Settings,
    no_reference: frozenset[Level] = frozenset(),
) -> tuple[Graded | NotGraded, ...]:
    """Grade every vertebra of a spine against its neighbours and the norms of its level.

    ``no_reference``: levels that are graded but that nobody is held against, where enough others are left.
    """
    return grade_spine(measurements, settings, no_reference)
