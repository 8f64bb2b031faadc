"""Measure: LabelledSpine → Measured or NotMeasured, one per vertebra, head to foot.

In: vertebrae on their own 1 mm patches, the body's surface at occupancy 0.5.
Out: three heights by the readers' six-point definition with their uncertainty, window heights, frame,
    depth, width, endplate depressions, trabecular attenuation. Lengths in mm, points in LPS.
Refuses: single vertebrae, with CUT_BY_BORDER, OUTSIDE_GRADED_LEVELS, METAL or DOUBTFUL_OUTLINE.
"""

from __future__ import annotations

from spondyl.domain.measurement import Measured, NotMeasured
from spondyl.domain.vertebra import LabelledSpine
from spondyl.stages.measure.measuring import measure_vertebra
from spondyl.stages.measure.settings import Settings

__all__ = ["Settings", "measure"]


def measure(spine: LabelledSpine, settings: Settings) -> tuple[Measured | NotMeasured, ...]:
    """Measure each vertebra of a spine in its own frame."""
    pairs = zip(spine.masks.vertebrae, spine.names, strict=True)
    return tuple(measure_vertebra(vertebra, name.level, settings) for vertebra, name in pairs)
