"""All signs of one spine, body by body, and against the neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy import ndimage

from spondyl.domain.body_view import BodyView
from spondyl.domain.grading import Graded, NotGraded
from spondyl.domain.level import Level
from spondyl.domain.measurement import Measured
from spondyl.domain.signs import EndplateEvidence, Signs
from spondyl.domain.volume import HU_FLOOR, CtVolume
from spondyl.geometry.arrays import Float64Array
from spondyl.geometry.resample import sample
from spondyl.stages.signs.endplates import compaction_hu, depressions
from spondyl.stages.signs.settings import Settings
from spondyl.stages.signs.walls import cortex_gap_mm2, has_cortical_step, wall_contours

_FEWEST_RAYS = 4
_GAS_DEPTH_MM = 2.0
_GAS_VOXELS = 2
_NEIGHBOUR_STEPS = 1
_FEWEST_PEDICLES = 4
_WALL_INSET = 0.08


def read_all(
    ct: CtVolume,
    views: tuple[BodyView, ...],
    grades: Mapping[Level, Graded | NotGraded],
    settings: Settings,
) -> tuple[Signs, ...]:
    """Signs of every measured body."""
    pairs = [(view, one) for view in views if (one := view.measured) is not None]
    own = [_own_signs(ct, view, one, settings) for view, one in pairs]
    pedicles = [_pedicle_areas_mm2(ct, view, one, settings) for view, one in pairs]
    return tuple(
        replace(
            _against_neighbours(n, pairs, own, grades, settings),
            pedicle_bone_fractions=_pedicle_fractions(n, pedicles),
        )
        for n in range(len(own))
    )


def _own_signs(ct: CtVolume, view: BodyView, measured: Measured, settings: Settings) -> Signs:
    depths, is_depressed = depressions(view, measured, settings)
    band_hu, is_band = compaction_hu(view, measured, settings)
    cleft_ml = _gas_ml(view, settings)
    found = (
        (EndplateEvidence.DEPRESSED_SUPERIOR, is_depressed[0]),
        (EndplateEvidence.DEPRESSED_INFERIOR, is_depressed[1]),
        (EndplateEvidence.CORTICAL_STEP, has_cortical_step(view, measured, settings)),
        (EndplateEvidence.COMPACTION_BAND, is_band),
        (EndplateEvidence.GAS_CLEFT, cleft_ml >= settings.smallest_gas_ml),
    )
    heights = measured.heights
    wedge = np.degrees(2 * np.arctan2(0.5 * (heights.posterior_mm - heights.anterior_mm), measured.depth_mm))
    return Signs(
        level=view.level,
        evidence=tuple(kind for kind, is_there in found if is_there),
        depression_mm=depths,
        retropulsion_mm=None,
        translation_mm=None,
        canal_mm=_canal_mm(ct, view, measured, settings),
        canal_narrowing_fraction=None,
        pedicle_bone_fractions=None,
        cortex_gap_mm2=cortex_gap_mm2(view, measured, settings),
        cleft_ml=cleft_ml,
        compaction_hu=band_hu,
        kyphosis_deg=None,
        own_wedge_deg=float(wedge),
        adjacent_fractures=0,
        is_plana=False,
    )


def _gas_ml(view: BodyView, settings: Settings) -> float:
    """Volume of the largest pocket of gas inside the body."""
    steady = ndimage.uniform_filter(view.hu, _GAS_VOXELS)  # noise in fat is no gas
    gas = view.inside & view.in_scan & (view.depth_mm > _GAS_DEPTH_MM) & (steady < settings.gas_hu)
    if not np.any(gas):
        return 0.0
    parts, _ = ndimage.label(gas, np.ones((3, 3, 3)))
    return float(np.max(np.bincount(parts.ravel())[1:])) * view.voxel_ml


def _canal_mm(ct: CtVolume, view: BodyView, measured: Measured, settings: Settings) -> float | None:
    """Depth of the canal in the midline: from the back wall to the lamina, where one is met."""
    back = view.local(measured.landmarks_lps_mm)[[2, 5], 1].mean()
    behind = np.arange(4.0, settings.canal_reach_mm, 0.75)
    across = np.array([-settings.canal_half_mm, -2.0, 0.0, 2.0, settings.canal_half_mm])
    up = np.arange(-10.0, 10.1, 2.5)
    hu = _sample_ct(ct, view, across, up, back + behind)
    is_bone = hu > settings.lamina_hu
    first = np.argmax(is_bone, axis=2)
    met = np.any(is_bone, axis=2) & (first > 0)
    if np.count_nonzero(met) < _FEWEST_RAYS:
        return None
    return float(np.median(behind[first[met]]))


def _sample_ct(
    ct: CtVolume, view: BodyView, across: Float64Array, up: Float64Array, along: Float64Array
) -> Float64Array:
    """(across, up, along) HU of the CT in the body's frame."""
    local = np.stack(np.meshgrid(across, up, along, indexing="ij"), axis=-1)[..., [0, 2, 1]]
    points = local @ view.frame.T + view.centre_lps_mm
    return sample(ct.hu, ct.affine, points, order=1, outside=float(HU_FLOOR))


def _pedicle_areas_mm2(
    ct: CtVolume, view: BodyView, measured: Measured, settings: Settings
) -> tuple[float, float]:
    """(right, left) area of bone in coronal cuts just behind the wall, hollows filled."""
    back = view.local(measured.landmarks_lps_mm)[[2, 5], 1].mean()
    inner, outer = (share * measured.width_mm for share in settings.pedicle_across)
    low, high = (share * 0.5 * measured.heights.posterior_mm for share in settings.pedicle_up)
    behind = np.arange(settings.pedicle_behind_mm[0], settings.pedicle_behind_mm[1] + 0.1, 1.5)
    aside = np.arange(inner, outer, 1.0)
    up = np.arange(low, high, 1.0)
    areas = []
    for side in (-1.0, 1.0):
        hu = _sample_ct(ct, view, side * aside, up, back + behind)
        cuts = [ndimage.binary_fill_holes(cut > settings.pedicle_hu) for cut in np.moveaxis(hu, 2, 0)]
        areas.append(float(np.mean([np.count_nonzero(cut) for cut in cuts])))
    return areas[0], areas[1]


def _pedicle_fractions(n: int, areas: list[tuple[float, float]]) -> tuple[float, float] | None:
    """(right, left) bone of each pedicle against the median of those near it, at most 1."""
    near = [area for pair in areas[max(0, n - 2) : n + 3] for area in pair]
    if len(near) < _FEWEST_PEDICLES or np.median(near) <= 0:
        return None
    right, left = (min(1.0, area / float(np.median(near))) for area in areas[n])
    return right, left


def _against_neighbours(
    n: int,
    pairs: list[tuple[BodyView, Measured]],
    own: list[Signs],
    grades: Mapping[Level, Graded | NotGraded],
    settings: Settings,
) -> Signs:
    """A body's own signs with what only the vertebrae above and below can tell."""
    upper, lower = _neighbour(pairs, n, -1), _neighbour(pairs, n, 1)
    near = [grades.get(pairs[m][0].level) for m in (upper, lower) if m is not None]
    grade = grades.get(own[n].level)
    return replace(
        own[n],
        retropulsion_mm=_retropulsion_mm(n, upper, lower, pairs, settings),
        translation_mm=None if lower is None else _translation_mm(pairs[n], pairs[lower]),
        canal_narrowing_fraction=_narrowing(n, upper, lower, own),
        kyphosis_deg=_kyphosis_deg(upper, lower, pairs),
        adjacent_fractures=sum(
            isinstance(one, Graded) and one.grade >= settings.adjacent_grade for one in near
        ),
        is_plana=isinstance(grade, Graded) and grade.loss_fraction >= settings.plana_loss,
    )


def _neighbour(pairs: list[tuple[BodyView, Measured]], n: int, step: int) -> int | None:
    """Index of the vertebra next to this one, None where it was not measured."""
    m = n + step
    if not 0 <= m < len(pairs):
        return None
    gap = np.linalg.norm(pairs[m][1].centre_lps_mm - pairs[n][1].centre_lps_mm)
    reach = 0.75 * (pairs[m][1].heights.posterior_mm + pairs[n][1].heights.posterior_mm) + 10.0
    return m if gap < reach else None


def _retropulsion_mm(
    n: int,
    upper: int | None,
    lower: int | None,
    pairs: list[tuple[BodyView, Measured]],
    settings: Settings,
) -> float | None:
    """How far the back wall reaches behind the line between its neighbours' nearest corners."""
    if upper is None or lower is None:
        return None
    view, measured = pairs[n]
    above = view.local(pairs[upper][1].landmarks_lps_mm[5:6])[0]
    below = view.local(pairs[lower][1].landmarks_lps_mm[2:3])[0]
    up, _, back = wall_contours(view, settings.wall_half_mm)
    landmarks = view.local(measured.landmarks_lps_mm)
    low, high = landmarks[5, 2], landmarks[2, 2]
    inset = _WALL_INSET * (high - low)
    used = np.isfinite(back) & (up > low + inset) & (up < high - inset)
    if not np.any(used):
        return None
    share = (up[used] - below[2]) / (above[2] - below[2])
    line = below[1] + share * (above[1] - below[1])
    return float(np.max(back[used] - line))


def _translation_mm(upper: tuple[BodyView, Measured], lower: tuple[BodyView, Measured]) -> float:
    """How far the lower back corner of a vertebra stands behind the upper back corner of the next."""
    axis = upper[1].frame[:, 1] + lower[1].frame[:, 1]
    axis = axis / np.linalg.norm(axis)
    step = upper[1].landmarks_lps_mm[5] - lower[1].landmarks_lps_mm[2]
    return float(step @ axis)


def _narrowing(n: int, upper: int | None, lower: int | None, own: list[Signs]) -> float | None:
    depths = [own[m].canal_mm for m in (upper, lower) if m is not None]
    known = [depth for depth in depths if depth is not None]
    here = own[n].canal_mm
    if here is None or not known:
        return None
    return max(0.0, 1.0 - here / float(np.mean(known)))


def _kyphosis_deg(
    upper: int | None, lower: int | None, pairs: list[tuple[BodyView, Measured]]
) -> float | None:
    """Angle between the endplates above and below, in the plane that both share."""
    if upper is None or lower is None:
        return None
    left = pairs[upper][1].frame[:, 0] + pairs[lower][1].frame[:, 0]
    left = left / np.linalg.norm(left)
    above = pairs[upper][1].landmarks_lps_mm
    below = pairs[lower][1].landmarks_lps_mm
    first, last = above[2] - above[0], below[5] - below[3]
    first, last = first - (first @ left) * left, last - (last @ left) * left
    sine = float(np.cross(last, first) @ left)  # forward bends turn the lower endplate about the right axis
    return float(np.degrees(np.arctan2(sine, float(first @ last))))
