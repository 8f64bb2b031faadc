"""The label trap: 28 is T13 for VerSe and the sacrum for spine-segment."""

from __future__ import annotations

import numpy as np
import pytest

from plain_spine import label_map_of
from spondyl.adapters.label_maps import LabelMap
from spondyl.adapters.label_schemes import Scheme, scheme_named, spine_of
from spondyl.domain.level import Level
from spondyl.synthetic.plain_body import PlainBody

BODY = PlainBody(anterior_mm=24.0, middle_mm=23.0, posterior_mm=25.0)


def stacked(*numbers: int) -> LabelMap:
    """Bodies of these numbers from head to foot, 34 mm apart, upright, in 2 mm voxels."""
    upright = np.eye(3)
    bodies = [(number, BODY, np.array([0.0, 0.0, -34.0 * place])) for place, number in enumerate(numbers)]
    return label_map_of(bodies, upright, (2.0, 2.0, 2.0))


def levels(label_map: LabelMap, scheme: Scheme) -> list[Level]:
    return [name.level for name in spine_of(label_map, scheme, series_id="a").names]


def test_twenty_eight_between_t12_and_l1_is_t13() -> None:
    assert levels(stacked(19, 28, 20), Scheme.VERSE) == [Level.T12, Level.T13, Level.L1]


def test_twenty_eight_below_l5_is_no_t13_but_another_tool_s_sacrum() -> None:
    with pytest.raises(ValueError, match="28 for the sacrum has the scheme spine-segment"):
        spine_of(stacked(23, 24, 28), Scheme.VERSE, series_id="a")


def test_its_own_scheme_leaves_the_sacrum_out() -> None:
    assert levels(stacked(23, 24, 28), Scheme.SPINE_SEGMENT) == [Level.L4, Level.L5]


def test_totalsegmentator_counts_from_the_foot() -> None:
    assert levels(stacked(32, 31, 30), Scheme.TOTALSEGMENTATOR) == [Level.T12, Level.L1, Level.L2]


def test_totalsegmentator_s_numbers_read_as_verse_are_refused() -> None:
    with pytest.raises(ValueError, match="the map holds 30, 31, 32, which the scheme verse does not know"):
        spine_of(stacked(32, 31, 30), Scheme.VERSE, series_id="a")


def test_verse_numbers_read_as_totalsegmentator_s_hold_no_vertebra() -> None:
    with pytest.raises(ValueError, match="no vertebra of the label scheme"):
        spine_of(stacked(20, 21), Scheme.TOTALSEGMENTATOR, series_id="a")


def test_an_unknown_scheme_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="use one of verse, totalsegmentator, spine-segment"):
        scheme_named("bids")
