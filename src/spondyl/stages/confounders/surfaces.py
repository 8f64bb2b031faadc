"""Endplates against a smooth surface: where they are pitted, and how rough they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.domain.body_view import BodyView
from spondyl.domain.measurement import Measured
from spondyl.geometry.arrays import BoolArray, Float64Array
from spondyl.geometry.planes import fit_robust

_WITHIN = 0.82  # of the outline's radius: the rims round off
_LEAST_HEIGHT = 0.5  # of the usual column
_NOISE_MM = 0.3
_FEWEST = 40
_SIDE_ACROSS = (0.12, 0.36)  # of the width, from the midline
_SIDE_ALONG = (0.25, 0.75)  # of the depth
_FEWEST_AT_SIDE = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pitting:
    """One endplate. depth_mm: (a, b) under the smooth surface, NaN outside; rough_mm: robust scatter."""

    depth_mm: Float64Array
    rough_mm: float


def front_and_back(view: BodyView, measured: Measured) -> tuple[float, float]:
    """Posterior coordinate of the front and the back wall, mm."""
    landmarks = view.local(measured.landmarks_lps_mm)
    return float(landmarks[[0, 3], 1].mean()), float(landmarks[[2, 5], 1].mean())


def inner_columns(view: BodyView, measured: Measured) -> BoolArray:
    """(a, b) columns well inside the outline."""
    front, back = front_and_back(view, measured)
    middle = float(view.local(measured.landmarks_lps_mm)[:, 0].mean())
    x, y = np.meshgrid(view.across_mm - middle, view.along_mm, indexing="ij")
    radius = np.hypot(2.0 * x / measured.width_mm, (2.0 * y - front - back) / (back - front))
    inner = view.is_column & (radius < _WITHIN)
    # behind, the wall is hollow: a column that only grazes the body has no endplates
    height = view.top_mm - view.bottom_mm
    usual = float(np.median(height[inner])) if np.any(inner) else 0.0
    return np.asarray(inner & (height > _LEAST_HEIGHT * usual))


def pitting(view: BodyView, measured: Measured, surface_mm: Float64Array) -> Pitting | None:
    """Depth of an endplate, given upwards from the body, under a robust quadratic surface."""
    inner = inner_columns(view, measured)
    if np.count_nonzero(inner) < _FEWEST:
        return None
    x, y = np.meshgrid(view.across_mm, view.along_mm, indexing="ij")
    at_x, at_y = x[inner] / 10.0, y[inner] / 10.0
    design = np.column_stack([np.ones_like(at_x), at_x, at_y, at_x**2, at_x * at_y, at_y**2])
    fit = fit_robust(design, surface_mm[inner], scale_floor=_NOISE_MM)
    depth = np.full(surface_mm.shape, np.nan)
    depth[inner] = design @ fit.coefficients - surface_mm[inner]
    return Pitting(depth_mm=depth, rough_mm=float(np.std(depth[inner])))


def side_heights_mm(view: BodyView, measured: Measured) -> tuple[float, float] | None:
    """Height of the left and the right half of a body, over so much of each that no pit decides it."""
    front, back = front_and_back(view, measured)
    middle = float(view.local(measured.landmarks_lps_mm)[:, 0].mean())
    aside = (view.across_mm - middle) / measured.width_mm
    share = (view.along_mm - front) / (back - front)
    along = (share >= _SIDE_ALONG[0]) & (share <= _SIDE_ALONG[1])
    heights = view.top_mm - view.bottom_mm
    sides = []
    for sign in (1.0, -1.0):
        across = (sign * aside >= _SIDE_ACROSS[0]) & (sign * aside <= _SIDE_ACROSS[1])
        seen = heights[across][:, along]
        seen = seen[np.isfinite(seen)]
        if seen.size < _FEWEST_AT_SIDE:
            return None
        sides.append(float(np.median(seen)))
    return sides[0], sides[1]


def side_wedge_deg(view: BodyView, measured: Measured) -> float:
    """Angle between the endplates in the coronal plane, positive where the left side is lower; 0 unseen."""
    sides = side_heights_mm(view, measured)
    if sides is None:
        return 0.0
    left, right = sides
    between = (_SIDE_ACROSS[0] + _SIDE_ACROSS[1]) * measured.width_mm
    return float(np.degrees(np.arctan2(right - left, between)))
