"""One vertebral body as an implicit shape: side wall, two endplates, rim, and its exact truth.

Local frame: x to the left, y to posterior, z to superior; origin at the middle of the body.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float32Array, Float64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Dent:
    """A Gaussian depression of an endplate (Schmorl's node, broken endplate): place, widths, depth in mm."""

    x_mm: float
    y_mm: float
    width_x_mm: float
    width_y_mm: float
    depth_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Endplate:
    """Height of an endplate above (below) the middle plane: a sloped plane with a cup and dents."""

    anterior_mm: float
    posterior_mm: float
    cup_mm: float
    cup_y_mm: float
    cup_exponent: float
    lateral_slope: float
    uncus_mm: float
    dents: tuple[Dent, ...]

    def height(self, x: Float32Array, y: Float32Array, half_width: float, half_depth: float) -> Float32Array:
        """Distance of the endplate from the middle plane at (x, y), mm."""
        u = y / (2.0 * half_depth) + 0.5
        height = self.anterior_mm + (self.posterior_mm - self.anterior_mm) * u + self.lateral_slope * x
        r2 = (x / half_width) ** 2 + ((y - self.cup_y_mm) / half_depth) ** 2
        height = height - self.cup_mm * np.maximum(1.0 - r2 ** (0.5 * self.cup_exponent), 0.0)
        if self.uncus_mm:
            height = height + self.uncus_mm * (x / half_width) ** 4
        for dent in self.dents:
            distance = ((x - dent.x_mm) / dent.width_x_mm) ** 2 + ((y - dent.y_mm) / dent.width_y_mm) ** 2
            height = height - dent.depth_mm * np.exp(-distance)
        return np.asarray(height, dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BodyShape:
    """Geometry and bone of one body. Heights in mm; HU true values before the scanner."""

    level: Level
    centre_mm: Float64Array
    frame: Float64Array
    width_mm: float
    depth_mm: float
    waist_fraction: float
    front_exponent: float
    back_exponent: float
    widest_fraction: float
    back_concavity_mm: float
    rim_radius_mm: float
    osteophytes: tuple[
        tuple[float, float, float, float], ...
    ]  # angle rad, size mm, spread rad, +1 top / -1 bottom
    top: Endplate
    bottom: Endplate
    cortex_mm: float
    cortex_hu: float
    endplate_mm: float
    endplate_hu: float
    trabecular_hu: float
    texture_hu: float
    endplate_gain_hu: float
    band_hu: float
    lesion: tuple[float, float, float, float, float] | None  # x y z radius hu
    gas_cleft: bool
    loss_fraction: float
    shape: Shape
    normal_heights_mm: tuple[float, float, float]

    @property
    def reach_mm(self) -> float:
        """Radius of a sphere round the centre that holds the body."""
        half_height = max(self.top.anterior_mm, self.top.posterior_mm, 6.0) + 6.0
        return float(np.sqrt((self.width_mm / 2) ** 2 + (self.depth_mm / 2) ** 2 + half_height**2)) + 6.0

    def landmarks_local_mm(self) -> Float64Array:
        """(6, 3) six points in the local frame: superior anterior, middle, posterior; inferior likewise."""
        half_depth = self.depth_mm / 2
        y = np.array([-half_depth, 0.0, half_depth], dtype=np.float32)
        x = np.zeros(3, dtype=np.float32)
        top = self.top.height(x, y, self.width_mm / 2, half_depth)
        bottom = -self.bottom.height(x, y, self.width_mm / 2, half_depth)
        return np.stack([np.zeros(6), np.concatenate([y, y]), np.concatenate([top, bottom])], axis=1).astype(
            np.float64
        )

    def landmarks_lps_mm(self) -> Float64Array:
        """(6, 3) six points in LPS mm."""
        return np.asarray(self.landmarks_local_mm() @ self.frame.T + self.centre_mm)

    def heights_mm(self) -> Float64Array:
        """(3,) true anterior, middle, posterior height."""
        points = self.landmarks_local_mm()
        return np.asarray(np.linalg.norm(points[:3] - points[3:], axis=1))
