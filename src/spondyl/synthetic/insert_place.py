"""Where a fracture goes in a real CT: from the six points of a vertebra and of its two neighbours."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float64Array
from spondyl.geometry.planes import frame_from
from spondyl.synthetic.anatomy import NORMS
from spondyl.synthetic.insert import BodyPlace

# ours: the warp ends this far before a neighbour's endplate, so that smoothing does not carry it across
_KEPT_FROM_NEIGHBOUR_MM = 1.2
_NARROWEST_GAP_MM = 1.5  # ours: discs that touch still need somewhere to give
_WIDEST_GAP_MM = 14.0  # ours: a wider one holds a vertebra without points, which must stay untouched
_GAP_WITHOUT_NEIGHBOUR_MM = 3.0  # ours: thinner than any normal disc below T4 (anatomy-and-norms §4.7)
_WIDTH_OVER_DEPTH = 1.25  # where a level has no norm (T13, L6)


def place_among(
    level: Level, points_lps_mm: Mapping[Level, Float64Array], width_mm: float | None = None
) -> BodyPlace:
    """The place of one vertebra among its neighbours.

    points_lps_mm: per level the six points, (6, 3) in the order of LANDMARK_NAMES; the neighbours are the
        next levels in it, above and below, where they are near enough.
    width_mm: left-right width of the body; without it the level's ratio of width to depth is taken.

    Raises:
        ValueError: the level has no six points, or they do not form a body.
    """
    if level not in points_lps_mm:
        present = ", ".join(sorted((x.value for x in points_lps_mm), key=lambda x: Level(x).order))
        raise ValueError(f"{level} has no six points; choose one of {present or 'none'}")
    points = points_lps_mm[level]
    frame = frame_of(points)
    depth_mm = 0.5 * float(np.linalg.norm(points[2] - points[0]) + np.linalg.norm(points[5] - points[3]))
    norm = NORMS.get(level)
    ratio = _WIDTH_OVER_DEPTH if norm is None else norm.width_mm / norm.depth_mm
    ordered = sorted(points_lps_mm, key=lambda x: x.order)
    position = ordered.index(level)
    above = points_lps_mm[ordered[position - 1]] if position > 0 else None
    below = points_lps_mm[ordered[position + 1]] if position + 1 < len(ordered) else None
    return BodyPlace(
        landmarks_lps_mm=points,
        frame=frame,
        width_mm=depth_mm * ratio if width_mm is None else width_mm,
        gap_above_mm=_gap(points[:3], None if above is None else above[3:], frame[:, 2]),
        gap_below_mm=_gap(points[3:], None if below is None else below[:3], -frame[:, 2]),
    )


def frame_of(points_lps_mm: Float64Array) -> Float64Array:
    """(3, 3) columns left, posterior, superior of a body, from its six points (6, 3).

    Raises:
        ValueError: the upper points do not lie above the lower ones, or front and back coincide.
    """
    superior = points_lps_mm[:3].mean(axis=0) - points_lps_mm[3:].mean(axis=0)
    posterior = points_lps_mm[[2, 5]].mean(axis=0) - points_lps_mm[[0, 3]].mean(axis=0)
    if np.linalg.norm(superior) < 1.0 or np.linalg.norm(posterior) < 1.0:
        raise ValueError("the six points do not form a body; give points at least a millimetre apart")
    return frame_from(superior, posterior)


def _gap(own: Float64Array, neighbour: Float64Array | None, outwards: Float64Array) -> Float64Array:
    """(3,) space beyond an endplate's points that the warp may use, mm."""
    if neighbour is None:
        return np.full(3, _GAP_WITHOUT_NEIGHBOUR_MM)
    free = (neighbour - own) @ outwards
    if free.mean() > _WIDEST_GAP_MM:
        return np.full(3, _GAP_WITHOUT_NEIGHBOUR_MM)
    return np.maximum(free - _KEPT_FROM_NEIGHBOUR_MM, _NARROWEST_GAP_MM)
