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
class Outline:
    """Extent of a body as its endplates see it, mm: half its width, and its wall in the midline."""

    half_width_mm: float
    front_y_mm: float
    back_y_mm: float

    @property
    def middle_y_mm(self) -> float:
        """Half-way between the front and the back wall in the midline."""
        return 0.5 * (self.front_y_mm + self.back_y_mm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endplate:
    """Height of an endplate above (below) the middle plane: a sloped plane with a cup and dents.

    anterior_mm, middle_mm, posterior_mm: height in the midline at the front wall, half-way, at the back wall.
    cup_y_mm: where the cup is deepest. cup_exponent: the cup falls as 1 - r^exponent from there to the rim.
    rim_fraction: outer part of the radius that the cup leaves level (ring apophysis, 3-7 mm wide;
    anatomy-and-norms §4.8).
    """

    anterior_mm: float
    middle_mm: float
    posterior_mm: float
    cup_y_mm: float
    cup_exponent: float
    rim_fraction: float
    lateral_slope: float
    uncus_mm: float
    dents: tuple[Dent, ...]

    def height(self, x: Float32Array, y: Float32Array, outline: Outline) -> Float32Array:
        """Distance of the endplate from the middle plane at (x, y), mm."""
        slope = (self.posterior_mm - self.anterior_mm) / (outline.back_y_mm - outline.front_y_mm)
        height = (y - outline.front_y_mm) * slope + self.anterior_mm + self.lateral_slope * x
        height = height - self._cup(x, y, outline)
        if self.uncus_mm:
            outwards2 = (x / outline.half_width_mm) ** 2
            height = height + self.uncus_mm * outwards2 * outwards2
        for dent in self.dents:
            distance = ((x - dent.x_mm) / dent.width_x_mm) ** 2 + ((y - dent.y_mm) / dent.width_y_mm) ** 2
            height = height - dent.depth_mm * np.exp(-distance)
        return np.asarray(height, dtype=np.float32)

    def _cup(self, x: Float32Array, y: Float32Array, outline: Outline) -> Float32Array:
        """Depth of the cup: nothing at the rim, and in the middle what the middle height asks for."""
        inner = 1.0 - self.rim_fraction
        front = inner * (self.cup_y_mm - outline.front_y_mm)
        back = inner * (outline.back_y_mm - self.cup_y_mm)
        from_apex = y - self.cup_y_mm
        r2 = (x / (inner * outline.half_width_mm)) ** 2 + (
            from_apex / np.where(from_apex < 0, front, back)
        ) ** 2
        # by logarithm: numpy's power of 32-bit floats takes ten times as long
        fall = np.exp(np.float32(0.5 * self.cup_exponent) * np.log(np.maximum(r2, np.float32(1e-8))))
        missing = 0.5 * (self.anterior_mm + self.posterior_mm) - self.middle_mm
        off = outline.middle_y_mm - self.cup_y_mm
        share = 1.0 - abs(off / (front if off < 0 else back)) ** self.cup_exponent
        return np.asarray(np.maximum(1.0 - fall, 0.0) * (missing / share), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Osteophyte:
    """A bump near a rim: angle from anterior (left positive), size, spread, and which endplate."""

    angle_rad: float
    size_mm: float
    spread_rad: float
    is_top: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesion:
    """A ball of other density in the body: centre in the local frame, radius, HU."""

    x_mm: float
    y_mm: float
    z_mm: float
    radius_mm: float
    hu: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BodyShape:
    """Geometry and bone of one body. Heights in mm; HU true values before the scanner.

    waist_fraction: how much narrower the body is at mid-height. taper_fraction: how much shallower its lower
    end is than its upper (the sacrum's first segment). widest_fraction: how far behind its middle the body
    is widest, in half depths. vein_mm: radius of the basivertebral vein's foramen, 0 for none.
    loss_fraction, shape: the fracture as it came out; normal_heights_mm: before it.
    """

    level: Level
    centre_mm: Float64Array
    frame: Float64Array
    width_mm: float
    depth_mm: float
    waist_fraction: float
    taper_fraction: float
    front_exponent: float
    back_exponent: float
    widest_fraction: float
    back_concavity_mm: float
    rim_radius_mm: float
    osteophytes: tuple[Osteophyte, ...]
    top: Endplate
    bottom: Endplate
    cortex_mm: float
    cortex_hu: float
    endplate_mm: float
    endplate_hu: float
    trabecular_hu: float
    texture_hu: float
    dense_zone_hu: float
    dense_zone_mm: float
    band_hu: float
    vein_mm: float
    lesion: Lesion | None
    gas_cleft: bool
    loss_fraction: float
    shape: Shape
    normal_heights_mm: tuple[float, float, float]

    @property
    def outline(self) -> Outline:
        """Extent of the body as its endplates see it."""
        half_depth = self.depth_mm / 2
        return Outline(
            half_width_mm=self.width_mm / 2,
            front_y_mm=-half_depth,
            back_y_mm=half_depth - self.back_concavity_mm,
        )

    @property
    def half_extents_mm(self) -> Float64Array:
        """(3,) half sides of a box in the local frame, round the centre, that holds the body."""
        bump = max((x.size_mm for x in self.osteophytes), default=0.0)
        plates = (self.top, self.bottom)
        height = max(max(x.anterior_mm, x.middle_mm, x.posterior_mm) + abs(x.uncus_mm) for x in plates)
        tilt = max(abs(x.lateral_slope) for x in plates) * self.width_mm
        side = max(-self.waist_fraction, 0.0)
        return np.array(
            [
                self.width_mm / 2 * (1 + side) + bump + 1.0,
                self.depth_mm / 2 * (1 + side) + bump + 1.0,
                height + tilt + 3.0,
            ]
        )

    def landmarks_local_mm(self) -> Float64Array:
        """(6, 3) six points in the local frame: superior anterior, middle, posterior; inferior likewise.

        In the midline, at the front wall, half-way, and at the back wall; corners as if not rounded.
        """
        outline = self.outline
        y = np.array([outline.front_y_mm, outline.middle_y_mm, outline.back_y_mm], dtype=np.float32)
        x = np.zeros(3, dtype=np.float32)
        heights = np.concatenate([self.top.height(x, y, outline), -self.bottom.height(x, y, outline)])
        return np.stack([np.zeros(6), np.concatenate([y, y]), heights], axis=1).astype(np.float64)

    def landmarks_lps_mm(self) -> Float64Array:
        """(6, 3) six points in LPS mm."""
        return np.asarray(self.landmarks_local_mm() @ self.frame.T + self.centre_mm)

    def heights_mm(self) -> Float64Array:
        """(3,) true anterior, middle, posterior height."""
        points = self.landmarks_local_mm()
        return np.asarray(np.linalg.norm(points[:3] - points[3:], axis=1))
