"""Names for the vertebrae: a decision over the whole spine, with its probability.

In: VertebraMasks. Out: LabelledSpine. Refuses: nothing; a doubtful name is marked as uncertain. Of more
bodies than a spine has, the worst outlines are left out and no name is certain.
"""

from __future__ import annotations

from dataclasses import replace

from spondyl.domain.vertebra import LabelledSpine, VertebraMasks
from spondyl.stages.label.hypotheses import name_sequence, without_excess
from spondyl.stages.label.settings import Settings

__all__ = ["Settings", "label"]


def label(masks: VertebraMasks, settings: Settings) -> LabelledSpine:
    """Name all vertebrae of one spine at once."""
    kept = without_excess(masks.vertebrae)
    if len(kept) == len(masks.vertebrae):
        return LabelledSpine(masks=masks, names=name_sequence(kept, settings))
    names = name_sequence(kept, settings, is_doubtful=True)
    return LabelledSpine(masks=replace(masks, vertebrae=kept), names=names)
