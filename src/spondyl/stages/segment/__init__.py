"""One outline per vertebra: the fine network on a small patch in the vertebra's own frame, twice.

In: CtVolume, SpineRegion and the refiner network. Out: VertebraMasks. Refuses: NO_SPINE_FOUND, where
no candidate has a body.
"""

from __future__ import annotations

from spondyl.domain.network import Network
from spondyl.domain.refusal import Refusal, RefusalCode
from spondyl.domain.spine import SpineRegion
from spondyl.domain.vertebra import VertebraMasks
from spondyl.domain.volume import CtVolume
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
            got="Places that look like vertebrae were found, but none has the outline of a body.",
            needed="a CT on which vertebral bodies can be told from their surroundings.",
        )
    vertebrae = tuple(to_vertebra(outline, volume, settings) for outline in outlines)
    return VertebraMasks(vertebrae=vertebrae, series_id=volume.series_id)
