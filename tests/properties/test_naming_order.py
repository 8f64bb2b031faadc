"""Whatever the evidence, names are unique, in order from head to foot, and probabilities are such."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from made_spine import body, vertebra
from spondyl.domain.level import Level
from spondyl.domain.vertebra import Vertebra, VertebraMasks
from spondyl.stages.label import Settings, label

share = st.floats(0.0, 1.0)


@st.composite
def chains(draw: st.DrawFn, most: int = 34) -> VertebraMasks:
    """Bodies from head to foot with any evidence at all, 8 mm (as far as the doubles go) to 150 mm apart."""
    vertebrae: list[Vertebra] = []
    height = 0.0
    for _ in range(draw(st.integers(1, most))):
        candidate = body(
            (draw(st.floats(-20, 20)), draw(st.floats(-20, 20)), height),
            number=draw(st.floats(-40, 60)),
            number_sd=draw(st.floats(0.2, 6.0)),
            rib=draw(share),
            sacrum=draw(share),
        )
        vertebrae.append(vertebra(candidate, cut=draw(st.booleans())))
        height -= draw(st.one_of(st.floats(8.0, 45.0), st.floats(45.0, 150.0)))
    return VertebraMasks(vertebrae=tuple(vertebrae), series_id="made")


@settings(deadline=None, max_examples=150)
@given(masks=chains())
def test_names_are_unique_ordered_and_probable(masks: VertebraMasks) -> None:
    labelled = label(masks, Settings())
    assert len(labelled.names) == len(labelled.masks.vertebrae)
    orders = [name.level.order for name in labelled.names]
    assert all(upper < lower for upper, lower in itertools.pairwise(orders))
    assert all(0.0 < name.probability <= 1.0 for name in labelled.names)
    heights = [float(x.candidate.centre_lps_mm[2]) for x in labelled.masks.vertebrae]
    assert heights == sorted(heights, reverse=True)
    if len(masks.vertebrae) <= len(Level) - 1:
        assert labelled.masks is masks  # no vertebra is lost where there are names enough


@settings(deadline=None, max_examples=60)
@given(masks=chains(most=20))
def test_a_name_of_low_probability_is_never_passed_off_as_certain(masks: VertebraMasks) -> None:
    chosen = Settings()
    for name in label(masks, chosen).names:
        assert name.is_uncertain or name.probability >= chosen.certain_probability


@settings(deadline=None, max_examples=40)
@given(masks=chains(most=20))
def test_the_same_evidence_gives_the_same_names(masks: VertebraMasks) -> None:
    assert label(masks, Settings()).names == label(masks, Settings()).names
