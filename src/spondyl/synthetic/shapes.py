"""What a torso is made of: tapered capsules, discs, and the trunk's outline. Lengths in mm, frame LPS."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from spondyl.geometry.arrays import Float64Array


class Tissue(IntEnum):
    """Classes of the rendered label map."""

    BACKGROUND = 0
    BODY = 1
    POSTERIOR = 2
    DISC = 3
    OTHER_BONE = 4
    SACRUM = 5
    RIB = 6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Capsule:
    """A tapered capsule, flattened along ``flat_axis`` by ``flatness`` (1 = round); bone or soft tissue."""

    a_mm: Float64Array
    b_mm: Float64Array
    radius_a_mm: float
    radius_b_mm: float
    tissue: Tissue
    core_hu: float
    shell_hu: float
    shell_mm: float
    flat_axis: Float64Array
    flatness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """Bone that grew over the side of a disc: its HU, angle from anterior, half spread, thickness."""

    hu: float
    angle_rad: float
    spread_rad: float
    thickness_mm: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Disc:
    """The space between two bodies: indices of the upper and lower body, and its HU."""

    upper: int
    lower: int
    hu: float
    vacuum: bool
    bridge: Bridge | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """Outline and background of the torso."""

    half_width_mm: float
    half_depth_mm: float
    centre_y_mm: float
    exponent: float
    fat_mm: float
    fat_hu: float
    muscle_hu: float
    region_hu: tuple[float, ...]
    region_scale_mm: float
    table_y_mm: float | None
