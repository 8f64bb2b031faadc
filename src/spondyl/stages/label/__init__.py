"""Names for the vertebrae: a decision over the whole spine, with its probability.

In: VertebraMasks. Out: LabelledSpine. Refuses: nothing; a doubtful name is marked as uncertain.
"""

from __future__ import annotations

from spondyl.domain.vertebra import LabelledSpine, VertebraMasks
from spondyl.stages.label.hypotheses import name_sequence
from spondyl.stages.label.settings import Settings

__all__ = ["Settings", "label"]


def label(masks: VertebraMasks, settings: Settings) -> LabelledSpine:
    """Name all vertebrae of one spine at once."""
    return LabelledSpine(masks=masks, names=name_sequence(masks.vertebrae, settings))
