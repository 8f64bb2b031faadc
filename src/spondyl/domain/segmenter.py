"""A segmenter from outside that takes the place of our networks: what is asked of it, how it is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from spondyl.domain.refusal import Refusal
from spondyl.domain.vertebra import LabelledSpine
from spondyl.domain.volume import CtVolume

OutsideSegmenter: TypeAlias = Callable[[CtVolume], LabelledSpine | Refusal]
"""From a CT to named vertebrae on their patches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmenterSettings:
    """Which segmenter from outside is used; none while both name and command are empty.

    name: of an installed plug-in (``spondyl segmenters`` lists them).
    command: program and arguments of one that runs as a process of its own; ``{input}`` stands for the CT
        (NIfTI), ``{output}`` for the label map, ``{folder}`` for an empty folder that holds both.
    output: the label map's name in that folder; may be a pattern such as ``**/*_seg-vert_msk.nii.gz``.
    scheme: what its numbers mean: ``verse``, ``totalsegmentator`` or ``spine-segment``.
    timeout_s: after so long the process is stopped and the study fails.
    """

    name: str = ""
    command: tuple[str, ...] = ()
    output: str = "labels.nii.gz"
    scheme: str = "verse"
    timeout_s: float = 3600.0

    def __post_init__(self) -> None:
        if self.name and self.command:
            raise ValueError("give the name of a plug-in or a command, not both")
        if self.timeout_s <= 0:
            raise ValueError(f"timeout_s is {self.timeout_s}; more than 0 is needed")

    @property
    def is_used(self) -> bool:
        """Whether a segmenter from outside takes the place of our networks."""
        return bool(self.name or self.command)
