"""SINS: the points that CT can tell, for a vertebra that holds a lesion (clinical-methods §4.3; S73, S74)."""

from __future__ import annotations

from spondyl.domain.confounder import Confounder, Kind
from spondyl.domain.finding import SinsFinding
from spondyl.domain.level import Level
from spondyl.domain.signs import Signs
from spondyl.stages.finding.merging import Seen

_LESION_POINTS = {Kind.LYTIC_LESION: 2, Kind.MIXED_LESION: 1, Kind.SCLEROTIC_LESION: 0}
_JUNCTIONAL = {
    Level.C1, Level.C2, Level.C7, Level.T1, Level.T2, Level.T11, Level.T12, Level.T13, Level.L1, Level.L5,
    Level.L6, Level.S1,
}  # fmt: skip
_MOBILE = {Level.C3, Level.C4, Level.C5, Level.C6, Level.L2, Level.L3, Level.L4}
_MOST_PAIN = 3
_TRANSLATION_MM = 3.0  # ours (§4.3)
_KYPHOSIS_DEG = 20.0  # ours: a bend over three vertebrae that no healthy spine has
_HALF_COLLAPSED = 0.50  # SINS
_COLLAPSED = 0.20  # Genant's grade 1 is the least that is called a collapse
_MOSTLY_TUMOUR_ML = 0.5  # of the body's volume by its heights, SINS
_DESTROYED = 0.5  # of a pedicle (§2)


def instability_score(signs: Signs, seen: Seen, confounders: tuple[Confounder, ...]) -> SinsFinding | None:
    """The points of one vertebra; None where no lesion was seen: the score is for tumours only."""
    lesions = [x for x in confounders if x.kind in set(_LESION_POINTS)]
    if not lesions:
        return None
    points = {
        "location": 3 if signs.level in _JUNCTIONAL else 2 if signs.level in _MOBILE else 1,
        "lesion": max(_LESION_POINTS[Kind(x.kind)] for x in lesions),
        "alignment": _alignment(signs),
        "collapse": _collapse(seen, lesions),
        "posterolateral": sum(x < _DESTROYED for x in signs.pedicle_bone_fractions or ()),
    }
    if points["posterolateral"] == 2:
        points["posterolateral"] = 3
    low = sum(points.values())
    return SinsFinding(**points, low=low, high=low + _MOST_PAIN)


def _alignment(signs: Signs) -> int:
    if abs(signs.translation_mm or 0.0) > _TRANSLATION_MM:
        return 4
    return 2 if (signs.kyphosis_deg or 0.0) > _KYPHOSIS_DEG else 0


def _collapse(seen: Seen, lesions: list[Confounder]) -> int:
    loss = seen.grade.loss_fraction or 0.0
    if loss > _HALF_COLLAPSED:
        return 3
    if loss >= _COLLAPSED:
        return 2
    heights = getattr(seen.measurement, "heights", None)
    if heights is None:
        return 0
    body_ml = heights.middle_mm * seen.measurement.depth_mm * seen.measurement.width_mm / 1000.0  # type: ignore[union-attr]
    return 1 if sum(x.value for x in lesions) > _MOSTLY_TUMOUR_ML * body_ml else 0
