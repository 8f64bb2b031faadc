"""All that is looked for, in the order in which it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from spondyl.domain.confounder import Confounder
from spondyl.stages.confounders import (
    bridging,
    degenerative_wedge,
    disc,
    foreign,
    gas,
    haemangioma,
    hemivertebra,
    limbus,
    lytic,
    merged_split,
    motion,
    noise,
    numbering,
    outline_askew,
    outline_short,
    partial_view,
    scheuermann,
    schmorl,
    sclerotic,
    scoliosis,
    short_height,
    spondylodiscitis,
    thick_slices,
)
from spondyl.stages.confounders.case import Case

Finder = Callable[[Case], Iterator[Confounder]]
FINDERS: tuple[Finder, ...] = (
    sclerotic.find,
    lytic.find,
    haemangioma.find,
    foreign.find,
    gas.find,
    schmorl.find,
    scheuermann.find,
    limbus.find,
    degenerative_wedge.find,
    short_height.find,
    outline_short.find,
    outline_askew.find,
    hemivertebra.find,
    scoliosis.find,
    bridging.find,
    disc.find,
    spondylodiscitis.find,
    merged_split.find,
    numbering.find,
    partial_view.find,
    thick_slices.find,
    noise.find,
    motion.find,
)
