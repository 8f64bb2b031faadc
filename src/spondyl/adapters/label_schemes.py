"""What the numbers of other tools' label maps mean, and checks that keep one from being taken for another.

The trap: spine-segment writes 28 for the sacrum, where VerSe means T13. Read by the wrong scheme, every CT
of that tool would hold a thirteenth thoracic vertebra below L5.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise

import numpy as np

from spondyl.adapters.label_maps import TOTALSEGMENTATOR, VERSE, LabelMap, labelled_spine
from spondyl.domain.level import Level
from spondyl.domain.vertebra import LabelledSpine
from spondyl.geometry.arrays import Float32Array

# VerSe and SPINEPS: 26 sacrum, 27 coccyx, 28 T13; SPINEPS adds discs (100 + n) and endplates (200 + n)
_VERSE_OTHERS = frozenset({26, 27, *range(100, 300)})
_SPINE_SEGMENT_OTHERS = frozenset({26, 27, 28})
_SPINE_SEGMENT: Mapping[int, Level] = {
    number: level for number, level in VERSE.items() if level is not Level.T13
}
# the task "total" numbers organs, the sacrum and S1 too: 1-117
_TOTAL_OTHERS = frozenset(range(1, 118)) - frozenset(TOTALSEGMENTATOR)


class Scheme(StrEnum):
    """A known label scheme."""

    VERSE = "verse"
    TOTALSEGMENTATOR = "totalsegmentator"
    SPINE_SEGMENT = "spine-segment"

    @property
    def levels(self) -> Mapping[int, Level]:
        """Label number to level."""
        return {
            Scheme.VERSE: VERSE,
            Scheme.TOTALSEGMENTATOR: TOTALSEGMENTATOR,
            Scheme.SPINE_SEGMENT: _SPINE_SEGMENT,
        }[self]

    @property
    def others(self) -> frozenset[int]:
        """Numbers that the scheme knows and that are no vertebra to be measured."""
        return {
            Scheme.VERSE: _VERSE_OTHERS,
            Scheme.TOTALSEGMENTATOR: _TOTAL_OTHERS,
            Scheme.SPINE_SEGMENT: _SPINE_SEGMENT_OTHERS,
        }[self]


def scheme_named(name: str) -> Scheme:
    """The scheme of that name.

    Raises:
        ValueError: there is none.
    """
    try:
        return Scheme(name)
    except ValueError:
        raise ValueError(f"label scheme {name!r} is not known; use one of {', '.join(Scheme)}") from None


def spine_of(
    label_map: LabelMap, scheme: Scheme, *, series_id: str, hu: Float32Array | None = None
) -> LabelledSpine:
    """Vertebrae of a label map, after checks that it is of the scheme.

    Raises:
        ValueError: a number that the scheme does not know, vertebrae out of order, or none at all.
    """
    strange = set(np.unique(label_map.labels).tolist()) - set(scheme.levels) - scheme.others - {0}
    if strange:
        numbers = ", ".join(str(x) for x in sorted(strange)[:5])
        raise ValueError(f"the map holds {numbers}, which the scheme {scheme} does not know; declare its own")
    spine = labelled_spine(label_map, scheme.levels, series_id=series_id, hu=hu)
    _check_order(spine, scheme)
    return spine


def _check_order(spine: LabelledSpine, scheme: Scheme) -> None:
    """Each vertebra must lie below the one before it: a wrong scheme shows here."""
    placed = [
        (name.level, float(vertebra.candidate.centre_lps_mm[2]))
        for name, vertebra in zip(spine.names, spine.masks.vertebrae, strict=True)
    ]
    for (upper, z_upper), (lower, z_lower) in pairwise(placed):
        if z_lower >= z_upper:
            hint = (
                "; a map that writes 28 for the sacrum has the scheme spine-segment"
                if Level.T13 in (upper, lower)
                else ""
            )
            raise ValueError(
                f"{lower} lies above {upper} by the scheme {scheme}{hint}; declare the map's own"
            )
