"""Where the spine runs: the coarse network over the whole volume, then the most plausible chain of bodies.

In: CtVolume and the finder network. Out: SpineRegion. Refuses: NO_SPINE_FOUND.
"""

from __future__ import annotations

from spondyl.domain.coarse_maps import CoarseMaps
from spondyl.domain.network import Network
from spondyl.domain.refusal import Refusal, RefusalCode
from spondyl.domain.spine import SpineRegion
from spondyl.domain.volume import CtVolume
from spondyl.stages.localise.candidates import find_candidates, middle_of_column
from spondyl.stages.localise.chain import best_chain
from spondyl.stages.localise.settings import Settings
from spondyl.stages.localise.sweep import sweep

__all__ = ["Settings", "localise"]


def localise(volume: CtVolume, finder: Network, settings: Settings) -> SpineRegion | Refusal:
    """Find the vertebral bodies of one volume, head to foot."""
    maps = sweep(volume, finder, settings)
    coarse = CoarseMaps(
        body=maps.body, rib=maps.rib, sacrum=maps.sacrum, level=maps.level, affine=maps.affine
    )
    bodies = best_chain(find_candidates(maps, coarse, settings), settings) or middle_of_column(
        coarse, settings
    )
    if not bodies:
        return Refusal(
            stage="localise",
            code=RefusalCode.NO_SPINE_FOUND,
            got="No vertebral body was found in this series.",
            needed="an axial CT of chest, abdomen or pelvis with the spine in its field of view.",
        )
    return SpineRegion(bodies=tuple(bodies), maps=coarse)
