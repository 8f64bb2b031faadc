"""What the coarse network saw of ribs, sacrum and numbering, kept so that any place can be asked later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from spondyl.geometry.affine import to_points
from spondyl.geometry.arrays import Float32Array, Float64Array
from spondyl.geometry.resample import sample

UNKNOWN = 0.5  # evidence that speaks neither way
_IN_VIEW_SHARE = 0.7  # of the place of the sacrum must lie within the scan for "none" to count
_DISC_VOXELS = 5  # bodies nearer than twice this belong to one column: a disc, widened by a crushed neighbour
# where the sacrum lies if it is the next below
_SACRUM_SIDE_MM = np.arange(-12.0, 12.1, 4.0)
_SACRUM_BEHIND_MM = np.arange(-8.0, 20.1, 4.0)
_SACRUM_BELOW_MM = np.arange(-42.0, -25.9, 4.0)
_CORE_MM = np.arange(-6.0, 6.1, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """Evidence for the level of one place.

    sacrum_evidence: 0-1; where the place is out of view exactly 0, which says nothing.
    level_estimate: running number (C1 = 0); its sd is over the body.
    body_probability: mean probability of "body" there, 0-1: how far the running number can be trusted.
    """

    sacrum_evidence: float
    level_estimate: float
    level_estimate_sd: float
    body_probability: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoarseMaps:
    """Maps of the coarse network, (k, j, i) float32 each: probabilities of body, rib, sacrum; running number.

    affine: (4, 4) index (k, j, i) to LPS mm.
    """

    body: Float32Array
    rib: Float32Array
    sacrum: Float32Array
    level: Float32Array
    affine: Float64Array

    def __post_init__(self) -> None:
        shapes = {x.shape for x in (self.body, self.rib, self.sacrum, self.level)}
        if len(shapes) != 1 or self.body.ndim != 3:
            raise ValueError(f"the maps differ in shape: {shapes}")
        for array in (self.body, self.rib, self.sacrum, self.level, self.affine):
            array.setflags(write=False)

    def evidence_at(self, centre_lps_mm: Float64Array, frame: Float64Array) -> Evidence:
        """Evidence at a body of that centre (3,) and frame (3, 3), LPS mm."""
        core = (_CORE_MM, _CORE_MM, _CORE_MM)
        body = self._box(self.body, centre_lps_mm, frame, core)
        level = self._box(self.level, centre_lps_mm, frame, core)
        weight = body + 1e-6
        mean = float(np.sum(weight * level) / np.sum(weight))
        return Evidence(
            sacrum_evidence=self._sacrum_evidence(centre_lps_mm, frame),
            level_estimate=mean,
            level_estimate_sd=float(np.sqrt(np.sum(weight * (level - mean) ** 2) / np.sum(weight))),
            body_probability=float(np.clip(np.mean(body), 0.0, 1.0)),
        )

    def column_lps_mm(self, probability: float, step_mm: float) -> Float64Array:
        """(n, 3) middle of the column of bodies from head to foot, a point about every ``step_mm``.

        The largest row of parts above ``probability``, without the discs between; empty where there is none.
        """
        is_body = self.body > probability
        if not is_body.any():
            return np.zeros((0, 3))
        rows, _ = ndimage.label(ndimage.binary_dilation(is_body, iterations=_DISC_VOXELS))
        largest = int(np.argmax(np.bincount(rows[is_body])))
        index = np.argwhere(is_body & (rows == largest))
        points = to_points(self.affine, index.astype(np.float64))
        band = np.round(points[:, 2] / step_mm)
        middles = [points[band == number].mean(axis=0) for number in np.unique(band)[::-1]]
        return np.array(middles)

    def _sacrum_evidence(self, centre: Float64Array, frame: Float64Array) -> float:
        """Mean of the surer half of the place below; exactly 0 where none is seen and it is out of view."""
        offsets = (_SACRUM_SIDE_MM, _SACRUM_BEHIND_MM, _SACRUM_BELOW_MM)
        values = self._box(self.sacrum, centre, frame, offsets, outside=np.nan)
        seen = np.sort(values[np.isfinite(values)])
        signal = float(np.clip(np.mean(seen[len(seen) // 2 :]), 0.0, 1.0)) if len(seen) else 0.0
        is_in_view = len(seen) >= _IN_VIEW_SHARE * len(values)
        return signal if is_in_view or signal > UNKNOWN else 0.0

    def _box(
        self,
        array: Float32Array,
        centre: Float64Array,
        frame: Float64Array,
        offsets: tuple[Float64Array, Float64Array, Float64Array],
        outside: float = 0.0,
    ) -> Float64Array:
        """Values at the grid spanned by offsets along the frame's columns; ``outside`` beyond the scan."""
        grid = np.array(np.meshgrid(*offsets, indexing="ij")).reshape(3, -1).T
        return sample(array, self.affine, centre + grid @ frame.T, order=1, outside=outside)
