"""From voxels to a number per level, and what may be said of the one that stands for the spine."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spondyl.domain.body_view import BodyView
from spondyl.domain.confounder import Confounder
from spondyl.domain.density import BoneDensity, LevelDensity, Phase
from spondyl.domain.grading import Graded, NotGraded
from spondyl.domain.level import Level
from spondyl.domain.volume import CtVolume
from spondyl.geometry.arrays import BoolArray
from spondyl.stages.density.aorta import aorta_hu
from spondyl.stages.density.settings import Settings

LEVELS = (Level.T11, Level.T12, Level.L1, Level.L2, Level.L3, Level.L4)
_ORDER = (Level.L1, Level.T12, Level.L2, Level.T11, Level.L3)  # which level stands for the spine (§3.1)
_MEDIAN_OVER_MEAN = 1.2533  # standard error of a median over that of a mean, normal values
_NOT_COMPARABLE = ("MONO", "VNC", "VIRTUAL", "IODINE")  # dual-energy images (§3.4)
_BAND_WORDS = {
    90.0: "at most 90 HU: lower fracture-free survival in one series of breast cancer (Park 2020)",
    110.0: "at most 110 HU: more than 90 % specific for osteoporosis by DXA (Pickhardt 2013)",
    135.0: "at most 135 HU: the balanced threshold for osteoporosis by DXA (Anderson, as summarised)",
    160.0: "at most 160 HU: 90 % sensitive for osteoporosis by DXA (Pickhardt 2013)",
    200.0: "between 160 and 200 HU: outside the published bands",
}
_ABOVE = "above 200 HU: negative predictive value of 99 % for osteoporosis by DXA (Pickhardt 2013)"


def read_bone(
    ct: CtVolume,
    attributes: Mapping[str, str],
    views: tuple[BodyView, ...],
    grades: Mapping[Level, Graded | NotGraded],
    confounders: tuple[Confounder, ...],
    settings: Settings,
) -> BoneDensity:
    """Read every level, then choose the one that stands for the spine."""
    barred = {x.level: x.kind for x in confounders if x.level is not None and x.bars_reference}
    seen = {view.level: view for view in views}
    levels = tuple(
        read_level(seen[level], grades.get(level), barred.get(level), settings)
        for level in LEVELS
        if level in seen
    )
    known = {one.level: one.attenuation_hu for one in levels if one.attenuation_hu is not None}
    representative = next((level for level in _ORDER if level in known), None)
    value = None if representative is None else known[representative]
    kvp = _number(attributes.get("KVP"))
    blood = aorta_hu(ct, views, settings)
    phase = phase_of(blood, attributes, settings)
    converted = _converted(value, kvp, attributes, settings)
    may_be_enhanced = phase not in {Phase.PLAIN}
    return BoneDensity(
        levels=levels,
        representative=representative,
        attenuation_hu=value,
        converted_hu=converted,
        low_hu=value - settings.contrast_hu if value is not None and may_be_enhanced else None,
        phase=phase,
        aorta_hu=blood,
        kvp=kvp,
        band=None if converted is None else band_of(converted, settings),
        remarks=_remarks(representative, phase, kvp, attributes, settings),
    )


def read_level(
    view: BodyView, grade: Graded | NotGraded | None, barred_by: str | None, settings: Settings
) -> LevelDensity:
    """Median HU of the front of the core at mid-height, or why there is none."""
    region = _region(view, settings)
    volume_ml = float(np.count_nonzero(region)) * view.voxel_ml
    left_out = _left_out(view, grade, barred_by, volume_ml, settings)
    if left_out is not None:
        return LevelDensity(
            level=view.level,
            attenuation_hu=None,
            noise_hu=None,
            standard_error_hu=None,
            volume_ml=volume_ml,
            left_out=left_out,
        )
    values = view.hu[region]
    sd = float(np.std(values))
    n_apart = max(1.0, volume_ml * 1000.0 / settings.correlation_mm3)
    return LevelDensity(
        level=view.level,
        attenuation_hu=float(np.median(values)),
        noise_hu=sd,
        standard_error_hu=_MEDIAN_OVER_MEAN * sd / float(np.sqrt(n_apart)),
        volume_ml=volume_ml,
        left_out=None,
    )


def _region(view: BodyView, settings: Settings) -> BoolArray:
    """Voxels of the trabecular core: away from cortex and endplates, before the vein."""
    inside = view.inside & view.in_scan & (view.depth_mm > settings.depth_mm)
    measured = view.measured
    if measured is None:
        return inside
    landmarks = view.local(measured.landmarks_lps_mm)
    front, back = landmarks[[0, 3], 1].mean(), landmarks[[2, 5], 1].mean()
    top, bottom = landmarks[:3, 2].min(), landmarks[3:, 2].max()
    middle = 0.5 * (top + bottom)
    # a slice as thick as this smears the endplates into the core
    room = 0.5 * (top - bottom) - settings.depth_spacings * view.spacing_mm
    half = min(0.5 * settings.height_share * (top - bottom), max(room, view.voxel_mm))
    inside &= np.abs(view.superior_mm - middle) <= half
    inside &= (view.posterior_mm - front) / (back - front) <= settings.anterior_share
    return inside


def _left_out(
    view: BodyView,
    grade: Graded | NotGraded | None,
    barred_by: str | None,
    volume_ml: float,
    settings: Settings,
) -> str | None:
    if view.vertebra.cut_by_border:
        return "partly outside the scan"
    if view.measured is None:
        return "not measured"
    if barred_by is not None:
        return barred_by.replace("_", " ")
    if isinstance(grade, Graded) and grade.grade > settings.largest_graded:
        return f"grade {grade.grade}"
    if volume_ml < settings.smallest_ml:
        return "too little bone"
    return None


def phase_of(blood_hu: float | None, attributes: Mapping[str, str], settings: Settings) -> Phase:
    """Phase from the blood first, from the header where no blood was found."""
    is_named = bool(attributes.get("ContrastBolusAgent", "").strip())
    if blood_hu is None:
        return Phase.ENHANCED if is_named else Phase.UNKNOWN
    if blood_hu > settings.arterial_hu:
        return Phase.ARTERIAL
    if blood_hu > settings.enhanced_hu:
        return Phase.VENOUS
    if blood_hu < settings.plain_hu:
        return Phase.PLAIN
    return Phase.ENHANCED if is_named else Phase.UNKNOWN


def band_of(hu: float, settings: Settings) -> str:
    """The published band of a value at 120 kVp, with its source."""
    for bound in settings.bands_hu:
        if hu <= bound:
            return _BAND_WORDS.get(bound, f"at most {bound:g} HU")
    return _ABOVE


def _converted(
    value: float | None, kvp: float | None, attributes: Mapping[str, str], settings: Settings
) -> float | None:
    """The value as at 120 kVp; None where no conversion is known."""
    if value is None or _is_spectral(attributes):
        return None
    factor = 1.0 if kvp is None else dict(settings.kvp_factors).get(kvp)
    return None if factor is None else value * factor


def _is_spectral(attributes: Mapping[str, str]) -> bool:
    text = f"{attributes.get('ImageType', '')} {attributes.get('SeriesDescription', '')}".upper()
    return any(word in text for word in _NOT_COMPARABLE)


def _remarks(
    representative: Level | None,
    phase: Phase,
    kvp: float | None,
    attributes: Mapping[str, str],
    settings: Settings,
) -> tuple[str, ...]:
    remarks = []
    if representative is None:
        return ("No level from T11 to L4 could be read.",)
    if representative != Level.L1:
        remarks.append(f"{representative} stands for L1; the published bands are those of L1.")
    if phase != Phase.PLAIN:
        remarks.append(
            f"Contrast may raise the number by about {settings.contrast_hu:.0f} HU or more; it "
            "is not taken off."
        )
    if kvp is None:
        remarks.append("The tube voltage is not known; 120 kVp is assumed for the band.")
    elif kvp not in dict(settings.kvp_factors):
        remarks.append(f"{kvp:g} kVp: no conversion to 120 kVp is published, so no band is given.")
    elif kvp != 120.0:
        remarks.append(f"Converted from {kvp:g} to 120 kVp by a factor for whole populations.")
    if _is_spectral(attributes):
        remarks.append("A dual-energy image: its numbers are not comparable, so no band is given.")
    remarks.append("Whole-core numbers ran about 21 HU above those of a region drawn by hand (Jang 2019).")
    return tuple(remarks)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
