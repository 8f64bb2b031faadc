"""Bone that goes on beyond the outline of an endplate: the outline stops short, and no height is lost."""

from __future__ import annotations

import numpy as np

from spondyl.domain.body_view import BodyView, sample_hu
from spondyl.domain.grading import Graded
from spondyl.domain.measurement import Measured
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.confounders.settings import Settings

_STEP_MM = 0.5
_WINDOWS = ((0.08, 0.30), (0.35, 0.65), (0.70, 0.92))
_HALF_WIDTH = 0.25
_OUTSIDE_HU = -1000.0
_DISC_PERCENTILE = 25
_DISC_FROM_MM = 3.0


def corrected_loss(
    view: BodyView, measured: Measured, grade: Graded, settings: Settings
) -> tuple[float, float]:
    """Largest loss if the bone beyond the outline is counted, and how much there is of it, mm.

    Bone that does not end within reach belongs to a neighbour, a bridge or chalk: it is not counted.
    """
    beyond = _beyond(view, view.top_mm, 1.0, settings) + _beyond(view, view.bottom_mm, -1.0, settings)
    landmarks = view.local(measured.landmarks_lps_mm)
    front, back = landmarks[[0, 3], 1].mean(), landmarks[[2, 5], 1].mean()
    share = (view.along_mm - front) / (back - front)
    aside = np.abs(view.across_mm - landmarks[:, 0].mean()) <= _HALF_WIDTH * measured.width_mm
    added = np.zeros(3)
    for n, (low, high) in enumerate(_WINDOWS):
        columns = beyond[aside][:, (share >= low) & (share <= high)]
        seen = columns[np.isfinite(columns)]
        # half of the columns must show it: a spur is not an endplate
        added[n] = float(np.quantile(seen, 1.0 - settings.edge_extent)) if seen.size else 0.0
    heights = measured.window_heights.as_array() + added
    loss = float(np.max(1.0 - heights / grade.expected.as_array()))
    # by the same windows without the bone, so that only the bone makes the difference
    before = float(np.max(1.0 - measured.window_heights.as_array() / grade.expected.as_array()))
    return min(grade.loss_fraction, max(0.0, grade.loss_fraction - (before - loss))), float(np.max(added))


def _beyond(view: BodyView, surface_mm: Float64Array, sign: float, settings: Settings) -> Float64Array:
    """(a, b) length of bone beyond one endplate's outline; 0 where it is only blur, NaN outside the body."""
    out = np.arange(_STEP_MM, settings.edge_reach_mm + _STEP_MM, _STEP_MM)
    is_column = view.is_column
    x, y = np.meshgrid(view.across_mm, view.along_mm, indexing="ij")
    at = surface_mm[is_column][:, None] + sign * out
    local = np.stack(
        [np.repeat(x[is_column][:, None], len(out), 1), np.repeat(y[is_column][:, None], len(out), 1), at],
        axis=-1,
    )
    hu = sample_hu(view.vertebra.patch, local @ view.frame.T + view.centre_lps_mm, _OUTSIDE_HU)
    disc_hu = float(np.percentile(hu[:, out >= _DISC_FROM_MM], _DISC_PERCENTILE)) if hu.size else 0.0
    is_bone = hu > max(settings.edge_hu, disc_hu + settings.edge_over_disc_hu)
    ends = ~np.all(is_bone, axis=1)
    length = np.where(ends, np.argmin(is_bone, axis=1) * _STEP_MM, 0.0)
    blur = max(settings.edge_least_mm, settings.edge_spacings * view.spacing_mm)
    result = np.full(surface_mm.shape, np.nan)
    result[is_column] = np.where(length > blur, length - 0.5 * blur, 0.0)
    return result
