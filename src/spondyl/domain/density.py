"""Attenuation of trabecular bone by level: numbers and the published bands, never a diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from spondyl.domain.level import Level


class Phase(StrEnum):
    """Contrast phase as far as the scan tells it."""

    PLAIN = "plain"
    ARTERIAL = "arterial"
    VENOUS = "venous"
    ENHANCED = "enhanced"  # contrast was given, the phase is not known
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelDensity:
    """Trabecular attenuation of one level, or why there is none.

    attenuation_hu: as scanned. noise_hu: standard deviation of the voxels. standard_error_hu: of the number.
    left_out: why the level gives no number, in words; None where it does.
    """

    level: Level
    attenuation_hu: float | None
    noise_hu: float | None
    standard_error_hu: float | None
    volume_ml: float
    left_out: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoneDensity:
    """Attenuation of one scan.

    levels: T11 to L4 as far as they are in view. representative: L1 or the nearest level that stands for it.
    attenuation_hu: of that level, as scanned; converted_hu: as it would read at 120 kVp, where that is known.
    low_hu: what it may be without contrast. band: the published band of ``converted_hu`` with its source.
    aorta_hu, kvp: what phase and conversion were told from; None where not known.
    """

    levels: tuple[LevelDensity, ...]
    representative: Level | None
    attenuation_hu: float | None
    converted_hu: float | None
    low_hu: float | None
    phase: Phase
    aorta_hu: float | None
    kvp: float | None
    band: str | None
    remarks: tuple[str, ...]
