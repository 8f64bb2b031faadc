"""The conformance test of a segmenter from outside: a synthetic CT of known vertebrae, and what must hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spondyl.adapters.label_maps import LabelMap
from spondyl.adapters.label_schemes import scheme_named, spine_of
from spondyl.adapters.segmenters import Segmenter, SegmenterError, grid_faults
from spondyl.domain.level import Level
from spondyl.domain.vertebra import LabelledSpine
from spondyl.synthetic import SyntheticCt, make_ct

SEED = 7
SPACING_MM = 2.0
FOUND_WITHIN_MM = 10.0  # ours: a body's centre, of a whole vertebra's mask split by geometry
_FOUND_SHARE = 0.8  # ours: of the whole vertebrae; a synthetic CT is not what the tool was trained on


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One thing that must hold, whether it does, and what was seen."""

    name: str
    is_held: bool
    seen: str


def check_segmenter(segmenter: Segmenter) -> tuple[Checked, ...]:
    """Run it on a synthetic CT from T10 to L4, twice, and judge the maps.

    A plug-in's own tests can assert that every ``is_held`` is true.
    """
    made = make_ct(SEED, SPACING_MM, first=Level.T10, last=Level.L4)
    try:
        first = segmenter.segment(made.volume)
        second = segmenter.segment(made.volume)
    except SegmenterError as error:
        return (Checked(name="runs", is_held=False, seen=str(error)),)
    return (Checked(name="runs", is_held=True, seen="two maps"), *_judged(segmenter, made, first, second))


def _judged(segmenter: Segmenter, made: SyntheticCt, first: LabelMap, second: LabelMap) -> Iterator[Checked]:
    faults = grid_faults(first, made.volume)
    yield Checked(
        name="lies on the CT's grid", is_held=not faults, seen=faults[0] if faults else "same shape and place"
    )
    same = first.labels.shape == second.labels.shape and bool(np.all(first.labels == second.labels))
    yield Checked(name="gives the same map twice", is_held=same, seen="same" if same else "different maps")
    if faults:
        return
    try:
        spine = spine_of(first, scheme_named(segmenter.scheme), series_id=made.volume.series_id)
    except ValueError as error:
        yield Checked(name=f"is of the scheme {segmenter.scheme}", is_held=False, seen=str(error))
        return
    levels = ", ".join(name.level for name in spine.names)
    yield Checked(name=f"is of the scheme {segmenter.scheme}", is_held=True, seen=levels)
    yield from _truth(spine, made)


def _truth(spine: LabelledSpine, made: SyntheticCt) -> Iterator[Checked]:
    whole = [x for x in made.truth if not x.is_cut and x.level is not Level.S1]
    centres = {
        name.level: vertebra.candidate.centre_lps_mm
        for name, vertebra in zip(spine.names, spine.masks.vertebrae, strict=True)
    }
    found = [
        x
        for x in whole
        if any(np.linalg.norm(x.centre_lps_mm - centre) < FOUND_WITHIN_MM for centre in centres.values())
    ]
    named = [
        x
        for x in found
        if x.level in centres and np.linalg.norm(x.centre_lps_mm - centres[x.level]) < FOUND_WITHIN_MM
    ]
    yield Checked(
        name="finds the vertebrae",
        is_held=len(found) >= _FOUND_SHARE * len(whole),
        seen=f"{len(found)} of {len(whole)}",
    )
    yield Checked(
        name="names them rightly", is_held=len(named) == len(found), seen=f"{len(named)} of {len(found)}"
    )
