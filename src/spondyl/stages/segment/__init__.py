"""One outline per vertebra: the fine network on a small patch in the vertebra's own frame, twice.

In: CtVolume, SpineRegion and the refiner network. Out: VertebraMasks. Refuses: NO_SPINE_FOUND, where
no candidate has a body.
"""

from __future__ import annotations

import numpy as np

from spondyl.domain.network import Network
from spondyl.domain.refusal import Refusal, RefusalCode
from spondyl.domain.spine import SpineRegion
from spondyl.domain.vertebra import VertebraMasks
from spondyl.domain.volume import CtVolume
from spondyl.geometry.affine import to_index
from spondyl.stages.segment.follow import follow_spine
from spondyl.stages.segment.settings import Settings
from spondyl.stages.segment.vertebra import to_vertebra

__all__ = ["Settings", "segment"]


def segment(
    volume: CtVolume, region: SpineRegion, refiner: Network, settings: Settings
) -> VertebraMasks | Refusal:
    """Outline every body of the region, and those that the finder missed between and beyond them."""
    outlines = follow_spine(volume, region, refiner, settings)
    if not outlines:
        return Refusal(
            stage="segment",
            code=RefusalCode.NO_SPINE_FOUND,
            got=_what_was_seen(volume, region, settings),
            needed="a CT that holds whole vertebral bodies, which can be told from their surroundings.",
        )
    vertebrae = tuple(to_vertebra(outline, volume, settings) for outline in outlines)
    return VertebraMasks(vertebrae=vertebrae, series_id=volume.series_id)


def _what_was_seen(volume: CtVolume, region: SpineRegion, settings: Settings) -> str:
    centres = np.array([body.centre_lps_mm for body in region.bodies])
    index, last = to_index(volume.affine, centres), np.array(volume.hu.shape) - 1.0
    to_the_end_mm = np.minimum(index, last - index) * np.array(volume.spacing_mm)
    if to_the_end_mm.min(axis=1).max() < settings.border_body_mm:
        return "The spine runs along the end of the scan: no vertebral body is wholly in view."
    return "Places that look like vertebrae were found, but none has the outline of a body."
