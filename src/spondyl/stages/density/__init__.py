"""Density: bodies, grades and confounders → trabecular attenuation T11 to L4, never a diagnosis.

In: the CT and its attributes by DICOM keyword, the bodies in their own frames, their grades, confounders.
Out: HU per level with its error, contrast phase, conversion to 120 kVp, and the published band.
Refuses: single levels (broken, with a lesion, cemented, cut, not measured), with the reason in words.
"""

from __future__ import annotations

from collections.abc import Mapping

from spondyl.domain.body_view import BodyView
from spondyl.domain.confounder import Confounder
from spondyl.domain.density import BoneDensity
from spondyl.domain.grading import Graded, NotGraded
from spondyl.domain.volume import CtVolume
from spondyl.stages.density.reading import read_bone
from spondyl.stages.density.settings import Settings

__all__ = ["Settings", "read_density"]


def read_density(
    ct: CtVolume,
    attributes: Mapping[str, str],
    views: tuple[BodyView, ...],
    grades: tuple[Graded | NotGraded, ...],
    confounders: tuple[Confounder, ...],
    settings: Settings,
) -> BoneDensity:
    """Read the attenuation of one series."""
    return read_bone(ct, attributes, views, {x.level: x for x in grades}, confounders, settings)
