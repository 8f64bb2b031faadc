"""One vertebra from its patch to its numbers."""

from __future__ import annotations

import numpy as np

from spondyl.domain.level import Level
from spondyl.domain.measurement import Heights, Measured, NotMeasured
from spondyl.domain.refusal import NotMeasuredCode
from spondyl.domain.vertebra import Vertebra
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.measure.attenuation import core_attenuation
from spondyl.stages.measure.edges import move_towards_edges
from spondyl.stages.measure.frame import LocalFrame, find_frame
from spondyl.stages.measure.landmarks import SixPoints, place_six_points
from spondyl.stages.measure.outline import Outline, make_outline
from spondyl.stages.measure.settings import Settings
from spondyl.stages.measure.surfaces import Section, cut_section, cut_slab
from spondyl.stages.measure.uncertainty import points_sd_mm
from spondyl.stages.measure.windows import (
    endplate_depression,
    lateral_heights,
    lowest_height,
    window_heights,
)


def measure_vertebra(vertebra: Vertebra, level: Level, settings: Settings) -> Measured | NotMeasured:
    """Measure one vertebra, or say why it carries no heights."""
    refused = _refused_before_measuring(vertebra, level, settings)
    if refused is not None:
        return _not_measured(vertebra, level, *refused)
    try:
        return _measure_outline(vertebra, level, settings)
    except _DoubtfulOutlineError as doubt:
        text = f"{level} is not measured: {doubt}."
        return _not_measured(vertebra, level, NotMeasuredCode.DOUBTFUL_OUTLINE, text)


class _DoubtfulOutlineError(Exception):
    """The outline does not look like one vertebral body; the message says why."""


def _measure_outline(vertebra: Vertebra, level: Level, settings: Settings) -> Measured:
    outline, frame = _outline_and_frame(vertebra, settings)
    section = cut_section(outline, frame)
    if not section.is_seen:
        raise _DoubtfulOutlineError("the outline shows no walls at mid-height")
    half = max(settings.slab_half_mm, settings.slab_half_fraction * section.width_mm)
    wide_half = max(half, settings.wide_half_fraction * section.width_mm)
    wide = cut_slab(outline, frame, middle_x_mm=section.middle_x_mm, half_mm=wide_half)
    slab = wide.narrowed(section.middle_x_mm, half)
    points = place_six_points(slab, section, vertebra.patch.slice_spacing_mm, settings)
    windows = window_heights(slab, section, settings)
    if points is None or windows is None:
        raise _DoubtfulOutlineError("the mid-sagittal outline has gaps")
    heights_mm = points.points_mm[:3, 1] - points.points_mm[3:, 1]
    _refuse_absurd(heights_mm, section, settings)
    _refuse_reverse_wedge(heights_mm, level, settings)
    landmarks = move_towards_edges(_to_lps(frame, section, points), frame.axes, vertebra.patch, settings)
    sd = points_sd_mm(points, slab.softness_mm, vertebra.patch.slice_spacing_mm, settings)
    return Measured(
        level=level,
        heights=Heights.from_array(np.linalg.norm(landmarks[:3] - landmarks[3:], axis=1)),
        heights_sd=Heights.from_array(np.hypot(sd[:3], sd[3:])),
        window_heights=windows,
        landmarks_lps_mm=landmarks,
        frame=frame.axes,
        centre_lps_mm=outline.centroid_mm,
        depth_mm=section.depth_mm,
        width_mm=section.width_mm,
        lateral_heights_mm=lateral_heights(wide, section, settings),
        endplate_depression_mm=endplate_depression(slab, points),
        attenuation_hu=core_attenuation(vertebra.patch, outline, settings),
        lowest_height_mm=lowest_height(wide, section, settings),
        slice_spacing_mm=vertebra.patch.slice_spacing_mm,
    )


def _outline_and_frame(vertebra: Vertebra, settings: Settings) -> tuple[Outline, LocalFrame]:
    outline = make_outline(vertebra.patch)
    if outline is None or outline.main_part < settings.smallest_main_part:
        raise _DoubtfulOutlineError("the outline falls into several parts")
    frame = find_frame(outline, vertebra.patch, vertebra.candidate.frame, settings)
    if frame is None:
        raise _DoubtfulOutlineError("the outline shows no two endplates")
    if frame.endplate_angle_deg > settings.largest_endplate_angle_deg:
        raise _DoubtfulOutlineError(f"its endplates stand at {frame.endplate_angle_deg:.0f} degrees")
    return outline, frame


def _refused_before_measuring(
    vertebra: Vertebra, level: Level, settings: Settings
) -> tuple[NotMeasuredCode, str] | None:
    if not level.is_graded:
        return NotMeasuredCode.OUTSIDE_GRADED_LEVELS, f"{level} is not measured; T1 to L6 are."
    if vertebra.cut_by_border:
        return NotMeasuredCode.CUT_BY_BORDER, f"The scan ends within {level}."
    if vertebra.metal_fraction > settings.largest_metal_fraction:
        return NotMeasuredCode.METAL, f"Metal covers {vertebra.metal_fraction:.0%} of {level}."
    if vertebra.outline_quality < settings.smallest_outline_quality:
        text = f"The outline of {level} is not sure (quality {vertebra.outline_quality:.2f})."
        return NotMeasuredCode.DOUBTFUL_OUTLINE, text
    return None


def _not_measured(vertebra: Vertebra, level: Level, code: NotMeasuredCode, text: str) -> NotMeasured:
    return NotMeasured(level=level, code=code, text=text, centre_lps_mm=vertebra.candidate.centre_lps_mm)


def _refuse_absurd(heights_mm: Float64Array, section: Section, settings: Settings) -> None:
    """Raise where the size cannot be a vertebra's."""
    low, high = settings.height_range_mm
    if heights_mm.min() < low or heights_mm.max() > high:
        shown = ", ".join(f"{height:.1f}" for height in heights_mm)
        raise _DoubtfulOutlineError(f"heights of {shown} mm lie outside {low:g}-{high:g} mm")
    low, high = settings.depth_range_mm
    if not low <= section.depth_mm <= high:
        raise _DoubtfulOutlineError(f"a depth of {section.depth_mm:.1f} mm lies outside {low:g}-{high:g} mm")


def _refuse_reverse_wedge(heights_mm: Float64Array, level: Level, settings: Settings) -> None:
    """Raise where the body is taller in front than any vertebra of its level."""
    is_last = level in (Level.L5, Level.L6)
    limit = settings.largest_reverse_wedge_l5 if is_last else settings.largest_reverse_wedge
    ratio = float(heights_mm[0] / heights_mm[2])
    if ratio > limit:
        raise _DoubtfulOutlineError(
            f"in front it is {ratio:.2f} times as high as behind; {limit:g} is the most"
        )


def _to_lps(frame: LocalFrame, section: Section, points: SixPoints) -> Float64Array:
    left, posterior, superior = frame.axes.T
    origin = frame.centre_mm + section.middle_x_mm * left
    return np.asarray(origin + points.points_mm[:, :1] * posterior + points.points_mm[:, 1:] * superior)
