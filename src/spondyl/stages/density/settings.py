"""Every threshold of this room, with its source: a section of clinical-methods.md, or "ours"."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where attenuation is measured, and what is said of it.

    Place (§3.1; ours: a volume version of the published region)
        depth_mm: under the surface. depth_spacings: and in slice spacings along the axis. height_share:
            central part of the height. anterior_share: of the depth. smallest_ml: less bone gives no number.
        correlation_mm3: volume over which noise is one and the same, for the error (ours).
        largest_graded: levels of a higher grade give no number; 0 for unbroken ones only (§3.1).
    Phase (§3.3)
        enhanced_hu: aorta above it. arterial_hu: above it the phase is arterial (ours). plain_hu: below it
            no contrast is in the blood whatever the header says (ours). vessel_radius_mm, vessel_sd: a round
            place as even as that counts as blood (ours). least_levels: at so many levels (ours).
    Conversion (§3.4) kvp_factors: to 120 kVp; other voltages are not converted.
    contrast_hu: what contrast may add (§3.3: portal venous 26).
    bands_hu: upper bounds (§3.2).
    """

    depth_mm: float = 4.0
    depth_spacings: float = 1.0
    height_share: float = 0.5
    anterior_share: float = 0.67
    smallest_ml: float = 0.4
    correlation_mm3: float = 8.0
    largest_graded: int = 0

    enhanced_hu: float = 130.0
    arterial_hu: float = 220.0
    plain_hu: float = 90.0
    vessel_radius_mm: float = 7.0
    vessel_sd: float = 0.2
    least_levels: int = 2

    kvp_factors: tuple[tuple[float, float], ...] = ((100.0, 0.93), (120.0, 1.0), (140.0, 1.05))
    contrast_hu: float = 26.0
    bands_hu: tuple[float, ...] = (90.0, 110.0, 135.0, 160.0, 200.0)
