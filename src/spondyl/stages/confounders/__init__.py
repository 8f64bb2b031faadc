"""Confounders: what looks like a fracture and is not, and what spoils the view, each with its evidence.

In: the CT, its bodies in their own frames, names, grades, signs, the scan's attributes.
Out: confounders of single levels and of the whole scan, each with measured value, threshold and effect.
Refuses: nothing; what cannot be looked for (too few neighbours, thick slices) is not claimed.
"""

from __future__ import annotations

from spondyl.domain.body_view import BodyView
from spondyl.domain.confounder import Confounder
from spondyl.domain.grading import Graded, NotGraded
from spondyl.domain.signs import Signs
from spondyl.domain.vertebra import LabelledSpine
from spondyl.domain.volume import CtVolume
from spondyl.stages.confounders.case import Case
from spondyl.stages.confounders.finders import FINDERS
from spondyl.stages.confounders.settings import Settings

__all__ = ["Settings", "find_confounders"]


def find_confounders(
    ct: CtVolume,
    spine: LabelledSpine,
    views: tuple[BodyView, ...],
    grades: tuple[Graded | NotGraded, ...],
    signs: tuple[Signs, ...],
    settings: Settings,
) -> tuple[Confounder, ...]:
    """Look for every confounder in one series."""
    case = Case.of(ct, spine, views, grades, signs, settings)
    return tuple(found for find in FINDERS for found in find(case))
