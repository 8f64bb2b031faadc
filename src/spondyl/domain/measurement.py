"""Heights of one vertebra in millimetres with their uncertainty, or the reason why there are none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.domain.level import Level
from spondyl.domain.refusal import NotMeasuredCode
from spondyl.geometry.arrays import Float64Array

LANDMARK_NAMES: tuple[str, ...] = (
    "superior_anterior",
    "superior_middle",
    "superior_posterior",
    "inferior_anterior",
    "inferior_middle",
    "inferior_posterior",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heights:
    """Anterior, middle and posterior height, or an uncertainty of them, in mm."""

    anterior_mm: float
    middle_mm: float
    posterior_mm: float

    def __post_init__(self) -> None:
        for value in (self.anterior_mm, self.middle_mm, self.posterior_mm):
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"heights {self} must be positive and finite")

    def as_array(self) -> Float64Array:
        """(3,) anterior, middle, posterior."""
        return np.array([self.anterior_mm, self.middle_mm, self.posterior_mm])

    @classmethod
    def from_array(cls, values_mm: Float64Array) -> Heights:
        """Build from (3,) anterior, middle, posterior."""
        anterior, middle, posterior = (float(x) for x in values_mm)
        return cls(anterior_mm=anterior, middle_mm=middle, posterior_mm=posterior)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """What was measured on one vertebra.

    heights: by the readers' six-point definition, distances of the landmark pairs.
    heights_sd: one standard deviation of each.
    window_heights: robust averages over windows of the endplates (clinical-methods §1.1), the second
        criterion of a grade.
    landmarks_lps_mm: (6, 3), order of LANDMARK_NAMES.
    frame: (3, 3) columns left, posterior, superior of the vertebra, LPS.
    centre_lps_mm: (3,) centroid of the body.
    depth_mm, width_mm: antero-posterior depth at mid-height, and left-right width there.
    lateral_heights_mm: (2,) left and right parasagittal height.
    endplate_depression_mm: (2,) deepest point of superior and inferior endplate below its rims.
    attenuation_hu: median of the trabecular core, None where too few voxels lie in it.
    lowest_height_mm: least local height (a patch of about 3 mm) of the body's central part, so that a
        fracture beside the midline is seen; None where it was not measured.
    slice_spacing_mm: slice spacing of the CT that was measured; decides how far a grade may go.
    """

    level: Level
    heights: Heights
    heights_sd: Heights
    window_heights: Heights
    landmarks_lps_mm: Float64Array
    frame: Float64Array
    centre_lps_mm: Float64Array
    depth_mm: float
    width_mm: float
    lateral_heights_mm: Float64Array
    endplate_depression_mm: Float64Array
    attenuation_hu: float | None
    lowest_height_mm: float | None = None
    slice_spacing_mm: float = 1.0

    def __post_init__(self) -> None:
        if self.landmarks_lps_mm.shape != (6, 3):
            raise ValueError(f"landmarks are {self.landmarks_lps_mm.shape}; (6, 3) is needed")
        distances = np.linalg.norm(self.landmarks_lps_mm[:3] - self.landmarks_lps_mm[3:], axis=1)
        if np.max(np.abs(distances - self.heights.as_array())) > 1e-6:
            raise ValueError("heights must be the distances of the landmark pairs")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NotMeasured:
    """A vertebra that carries no heights, with its code and a sentence."""

    level: Level
    code: NotMeasuredCode
    text: str
    centre_lps_mm: Float64Array
