"""Signs: bodies with heights and grades → Signs per measured vertebra, for whoever may treat it.

In: the bodies in their own frames, their grades in the same order, the CT they were cut from.
Out: posterior wall, canal, pedicles, cortex, gas, compaction, kyphosis, evidence of a broken endplate.
Refuses: nothing; what is not measured has no signs, and what cannot be seen is None.
"""

from __future__ import annotations

from spondyl.domain.body_view import BodyView
from spondyl.domain.grading import Graded, NotGraded
from spondyl.domain.signs import Signs
from spondyl.domain.volume import CtVolume
from spondyl.stages.signs.reading import read_all
from spondyl.stages.signs.settings import Settings

__all__ = ["Settings", "read_signs"]


def read_signs(
    ct: CtVolume,
    views: tuple[BodyView, ...],
    grades: tuple[Graded | NotGraded, ...],
    settings: Settings,
) -> tuple[Signs, ...]:
    """Read the signs of every measured body, head to foot."""
    return read_all(ct, views, {grade.level: grade for grade in grades}, settings)
