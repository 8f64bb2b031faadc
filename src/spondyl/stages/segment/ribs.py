"""Which vertebrae carry a rib: paths from each body outwards through the coarse network's rib map.

A transverse process ends after 20 mm, a rib goes on; and one rib belongs to one vertebra, though its
neighbour above or below may point at it as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from spondyl.domain.coarse_maps import UNKNOWN, CoarseMaps
from spondyl.geometry.arrays import Float64Array
from spondyl.geometry.resample import sample
from spondyl.stages.segment.outline import Outline

_BESIDE_MM = np.arange(6.0, 43.0, 4.0)  # from the body's wall outwards
_BEHIND_MM = np.arange(0.0, 42.1, 3.0)
_ABOVE_MM = np.arange(-58.0, 28.1, 2.0)
_STARTS_MM = np.array([0.0, 4.0, 8.0, 12.0])  # height at which a rib leaves the body
_SLOPES = np.array([0.4, 0.2, 0.0, -0.2, -0.4, -0.6, -0.8, -1.0])  # rise per mm outwards
_SAME_RIB_MM = 9.0  # two paths nearer than this at their ends follow one rib
_IN_VIEW_REACH_MM = 30.0  # how far below the body a rib's first part goes
_IN_VIEW_SHARE = 0.7  # of a path must lie within the scan for "none" to count
_STRONGER_SIDE = 0.6  # one side is missed more often than made up


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Paths:
    """All paths of one body on one side: score 0-1 and end point of each; whether the place is in view."""

    scores: Float64Array
    ends_lps_mm: Float64Array
    is_in_view: bool


def rib_evidence(outlines: list[Outline], maps: CoarseMaps) -> list[float]:
    """For each body 0-1: how surely a rib leaves it; UNKNOWN where it would be out of view."""
    sides = [_one_side(outlines, maps, side) for side in (-1.0, 1.0)]
    return [_both_sides([x for x in pair if x is not None]) for pair in zip(*sides, strict=True)]


def _both_sides(seen: list[float]) -> float:
    """What the sides in view say together."""
    if not seen:
        return UNKNOWN
    return float(_STRONGER_SIDE * max(seen) + (1.0 - _STRONGER_SIDE) * min(seen))


def _one_side(outlines: list[Outline], maps: CoarseMaps, side: float) -> list[float | None]:
    """The surest body takes its rib first; the others keep only paths that end elsewhere.

    None where the place of a rib is out of view and none is seen.
    """
    paths = [_paths(outline, maps, side) for outline in outlines]
    evidence: list[float | None] = [None] * len(paths)
    open_bodies = set(range(len(paths)))
    taken: list[Float64Array] = []
    while open_bodies:
        free = {number: _free_scores(paths[number], taken) for number in open_bodies}
        number = max(sorted(free), key=lambda x: float(free[x].max()))
        best = int(np.argmax(free[number]))
        score = float(free[number][best])
        if paths[number].is_in_view or score > UNKNOWN:
            evidence[number] = score
        if score > UNKNOWN:
            taken.append(paths[number].ends_lps_mm[best])
        open_bodies.remove(number)
    return evidence


def _free_scores(paths: _Paths, taken: list[Float64Array]) -> Float64Array:
    if not taken:
        return paths.scores
    distances = np.linalg.norm(paths.ends_lps_mm[:, None] - np.array(taken)[None], axis=2)
    return np.where(distances.min(axis=1) < _SAME_RIB_MM, 0.0, paths.scores)


def _paths(outline: Outline, maps: CoarseMaps, side: float) -> _Paths:
    """Mean rib probability along straight paths in the body's frontal view, deepest over front and back."""
    beside = outline.half_width_mm + _BESIDE_MM
    grid = np.array(np.meshgrid(side * beside, _BEHIND_MM, _ABOVE_MM, indexing="ij"))
    points = outline.centre_lps_mm + np.moveaxis(grid, 0, -1) @ outline.frame.T
    values = sample(maps.rib, maps.affine, points, order=1, outside=np.nan)
    view = np.max(np.nan_to_num(values), axis=1)
    view = ndimage.maximum_filter1d(view, 3, axis=1)
    starts, slopes = (x.ravel() for x in np.meshgrid(_STARTS_MM, _SLOPES, indexing="ij"))
    heights = starts[:, None] + slopes[:, None] * _BESIDE_MM[None, :]
    index = np.round((heights - _ABOVE_MM[0]) / (_ABOVE_MM[1] - _ABOVE_MM[0])).astype(int)
    column = np.arange(len(_BESIDE_MM))[None, :]
    behind = np.argmax(np.nan_to_num(values[-1]), axis=0)[index[:, -1]]
    local = np.stack([np.full(len(starts), side * beside[-1]), _BEHIND_MM[behind], heights[:, -1]], axis=1)
    return _Paths(
        scores=view[column, index].mean(axis=1),
        ends_lps_mm=outline.centre_lps_mm + local @ outline.frame.T,
        is_in_view=bool(
            np.mean(np.isfinite(values[:, :, _ABOVE_MM >= -_IN_VIEW_REACH_MM])) >= _IN_VIEW_SHARE
        ),
    )
