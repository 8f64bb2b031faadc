"""Names from evidence made by hand: ribs on T, the sacrum below the last lumbar body, numbers, steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from made_spine import body, levels, pitch_mm, running_numbers, spine, vertebra
from spondyl.domain.level import STANDARD_LEVELS, Level
from spondyl.domain.vertebra import LabelledSpine, VertebraMasks
from spondyl.stages.label import Settings, label

SETTINGS = Settings()


def named(masks: VertebraMasks) -> list[Level]:
    return [name.level for name in label(masks, SETTINGS).names]


def all_certain(labelled: LabelledSpine) -> bool:
    return not any(name.is_uncertain for name in labelled.names)


def all_uncertain(labelled: LabelledSpine) -> bool:
    return all(name.is_uncertain for name in labelled.names)


def with_evidence(
    masks: VertebraMasks, place: int, *, rib: float | None = None, sacrum: float | None = None
) -> VertebraMasks:
    """The same spine, but for what is seen at one body."""
    vertebrae = list(masks.vertebrae)
    old = vertebrae[place].candidate
    changed = replace(
        old,
        rib_evidence=old.rib_evidence if rib is None else rib,
        sacrum_evidence=old.sacrum_evidence if sacrum is None else sacrum,
    )
    vertebrae[place] = replace(vertebrae[place], candidate=changed)
    return replace(masks, vertebrae=tuple(vertebrae))


def turned_about_left(masks: VertebraMasks, turn_deg: float) -> VertebraMasks:
    """The patient turned on the table: everything leans ``turn_deg`` further to the back."""
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    turn = np.array([[1.0, 0.0, 0.0], [0.0, c, s], [0.0, -s, c]])
    vertebrae = [
        replace(
            x,
            candidate=replace(
                x.candidate,
                centre_lps_mm=turn @ x.candidate.centre_lps_mm,
                frame=turn @ x.candidate.frame,
            ),
        )
        for x in masks.vertebrae
    ]
    return replace(masks, vertebrae=tuple(vertebrae))


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("T1", "L5"),
        ("C6", "L5"),
        ("T9", "L5"),
        ("T10", "L3"),
        ("C5", "T8"),
        ("C1", "S1"),
        ("T8", "S1"),
        ("L1", "L5"),
    ],
)
def test_an_ordinary_spine_with_an_anchor_is_named_right_and_certain(first: str, last: str) -> None:
    column = levels(first, last)
    labelled = label(spine(column), SETTINGS)
    assert [name.level for name in labelled.names] == column
    assert all_certain(labelled)
    assert all(name.probability > 0.9 for name in labelled.names)


@pytest.mark.parametrize("size", [0.85, 1.0, 1.15])
def test_the_size_of_the_patient_does_not_move_the_names(size: float) -> None:
    column = levels("T1", "L5")
    assert named(spine(column, size=size)) == column


@pytest.mark.parametrize("size", [0.85, 1.15])
def test_a_small_or_large_patient_without_an_anchor_is_not_shifted_by_the_steps(size: float) -> None:
    """Steps 15 % off the norm would fit other levels better, were the whole patient not that size."""
    column = levels("T3", "T10")
    assert named(spine(column, size=size, number_sd=1.8)) == column


# ------------------------------------------------------------------------------------------- anchors


@pytest.mark.parametrize("number_sd", [1.3, 0.5])
def test_a_thorax_without_an_anchor_is_named_by_its_numbers_and_marked_uncertain(number_sd: float) -> None:
    column = levels("T3", "T9")
    labelled = label(spine(column, number_sd=number_sd), SETTINGS)
    assert [name.level for name in labelled.names] == column
    assert all_uncertain(labelled)


@pytest.mark.parametrize("rib", [0.5, 0.2], ids=["not-seen-by-the-finder", "rib-missed"])
@pytest.mark.parametrize("place", [0, 3, 6])
def test_one_weak_rib_in_the_thorax_is_no_anchor(place: int, rib: float) -> None:
    """Names by sure numbers alone: ribs neither begin nor end between T3 and T9."""
    labelled = label(with_evidence(spine(levels("T3", "T9"), number_sd=0.4), place, rib=rib), SETTINGS)
    assert all_uncertain(labelled)


def test_something_like_a_sacrum_in_the_thorax_is_no_anchor() -> None:
    labelled = label(with_evidence(spine(levels("T3", "T9"), number_sd=0.4), 2, sacrum=0.6), SETTINGS)
    assert all_uncertain(labelled)


def test_a_sacrum_seen_beneath_a_body_that_the_border_cuts_is_no_anchor() -> None:
    column = levels("L2", "L5")
    labelled = label(spine(column, number_sd=0.4, cut=[Level.L5]), SETTINGS)
    assert all_uncertain(labelled)


def test_a_rib_whose_place_is_out_of_view_is_no_anchor() -> None:
    """C7 lies at the scan's end: whether it has a rib is unknown, so T1 need not be the first with one."""
    masks = with_evidence(spine(levels("C7", "T6"), number_sd=0.4, cut=[Level.C7]), 0, rib=0.5)
    assert all_uncertain(label(masks, SETTINGS))


def test_the_first_rib_anchors_t1_against_numbers_that_say_otherwise() -> None:
    column = levels("C5", "T8")
    for off in (-1.0, 1.0):
        numbers = running_numbers(column, first=STANDARD_LEVELS.index(Level.C5) + off)
        labelled = label(spine(column, numbers=numbers, number_sd=1.8), SETTINGS)
        assert [name.level for name in labelled.names] == column
        assert labelled.names[column.index(Level.T1)].level == Level.T1


def test_the_last_rib_anchors_t12() -> None:
    column = levels("T8", "L3")
    for off in (-1.0, 1.0):
        numbers = running_numbers(column, first=STANDARD_LEVELS.index(Level.T8) + off)
        assert named(spine(column, numbers=numbers, number_sd=1.8, sacrum_below=None)) == column


def test_the_sacrum_anchors_l5_where_no_rib_is_in_view() -> None:
    column = levels("L2", "L5")
    for off in (-1.0, 1.0):
        numbers = running_numbers(column, first=STANDARD_LEVELS.index(Level.L2) + off)
        labelled = label(spine(column, numbers=numbers, number_sd=2.5), SETTINGS)
        assert [name.level for name in labelled.names] == column


def test_without_ribs_or_sacrum_the_lumbar_spine_is_uncertain() -> None:
    assert all_uncertain(label(spine(levels("L1", "L4"), number_sd=0.3, sacrum_below=None), SETTINGS))


@pytest.mark.parametrize("turn_deg", [-7.0, 0.0, 7.0])
def test_the_bend_above_the_sacrum_names_the_lowest_bodies(turn_deg: float) -> None:
    """Numbers half-way between two names, no rib, no sacrum seen: only the curve tells L2-S1 from L1-L5."""
    column = levels("L2", "S1")
    numbers = running_numbers(column, first=STANDARD_LEVELS.index(Level.L2) - 0.5)
    masks = spine(column, numbers=numbers, sacrum_below=None)
    for place in range(len(column)):
        masks = with_evidence(masks, place, rib=0.5, sacrum=0.0)
    turned = turned_about_left(masks, turn_deg)
    assert named(turned) == column
    assert all_uncertain(label(turned, SETTINGS))


def test_where_the_centre_of_a_cut_body_lies_says_nothing() -> None:
    """T8 is cut: what is left of it has its centre 9 mm further down and 12 mm to the front."""
    masks = spine(levels("T8", "L5"), cut=[Level.T8])
    first = masks.vertebrae[0]
    centre = first.candidate.centre_lps_mm + np.array([0.0, -12.0, -9.0])
    moved = replace(first, candidate=replace(first.candidate, centre_lps_mm=centre))
    names = label(masks, SETTINGS).names
    assert label(replace(masks, vertebrae=(moved, *masks.vertebrae[1:])), SETTINGS).names == names


# ------------------------------------------------------------------------------------------- variants


def test_eleven_pairs_of_ribs_are_named_without_a_twelfth() -> None:
    column = levels("C6", "L5", without=["T12"])
    numbers = [float(STANDARD_LEVELS.index(level)) for level in column]
    labelled = label(spine(column, numbers=numbers, number_sd=0.7), SETTINGS)
    assert [name.level for name in labelled.names] == column
    assert Level.T12 not in column
    assert all_certain(labelled)


def test_thirteen_pairs_of_ribs_are_named_t13() -> None:
    column = levels("C6", "L5", extra=["T13"])
    numbers = [18.5 if level == Level.T13 else float(STANDARD_LEVELS.index(level)) for level in column]
    assert named(spine(column, numbers=numbers, number_sd=0.5)) == column


@pytest.mark.parametrize("first", ["C6", "T8"])
@pytest.mark.parametrize("number_sd", [1.3, 0.5])
def test_six_lumbar_bodies_above_the_sacrum_are_named_l6(first: str, number_sd: float) -> None:
    column = levels(first, "L6", extra=["L6"])
    numbers = [23.5 if level == Level.L6 else float(STANDARD_LEVELS.index(level)) for level in column]
    assert named(spine(column, numbers=numbers, number_sd=number_sd, sacrum_below="L6")) == column


def test_six_lumbar_bodies_and_an_outlined_s1_are_named_l6_and_s1() -> None:
    column = levels("C6", "S1", extra=["L6"])
    numbers = [23.5 if level == Level.L6 else float(STANDARD_LEVELS.index(level)) for level in column]
    assert named(spine(column, numbers=numbers, sacrum_below="L6")) == column


def test_an_outlined_s1_of_an_ordinary_spine_is_not_taken_for_l6() -> None:
    column = levels("T8", "S1")
    assert named(spine(column)) == column


def test_four_lumbar_bodies_above_the_sacrum_are_named_to_l4() -> None:
    column = levels("C6", "L4", without=["L5"])
    labelled = label(spine(column, sacrum_below="L4"), SETTINGS)
    assert [name.level for name in labelled.names] == column


@pytest.mark.parametrize("missing", [{"without": ["T12"]}, {"extra": ["T13"]}])
def test_a_variant_that_the_finder_did_not_foresee_is_at_least_marked_uncertain(
    missing: dict[str, list[str]],
) -> None:
    """Running numbers of the shipped spread that go on by one: the variant may go unseen, not unmarked."""
    column = levels("C6", "L5", **missing)
    labelled = label(spine(column), SETTINGS)
    wrong = [n for n, level in zip(labelled.names, column, strict=True) if n.level != level]
    assert all(name.is_uncertain for name in wrong)


# ------------------------------------------------------------------------- bodies missed, cut or too many


@pytest.mark.parametrize("missed", ["T2", "T3", "T7", "T11", "T12", "L1", "L2", "L4"])
def test_names_below_a_missed_body_stay_right(missed: str) -> None:
    column = levels("T1", "L5")
    masks = spine(column, missed=[Level(missed)])
    assert named(masks) == [level for level in column if level != missed]


def test_names_below_two_missed_neighbours_stay_right() -> None:
    column = levels("T1", "L5")
    masks = spine(column, missed=[Level.T7, Level.T8])
    assert named(masks) == [level for level in column if level not in {Level.T7, Level.T8}]


def test_names_stay_right_where_two_separate_bodies_are_missed() -> None:
    column = levels("C6", "L5")
    masks = spine(column, missed=[Level.T4, Level.L1])
    assert named(masks) == [level for level in column if level not in {Level.T4, Level.L1}]


@pytest.mark.parametrize("seed", range(25))
def test_noise_in_the_running_numbers_does_not_move_anchored_names(seed: int) -> None:
    """Noise of 1 per body, as large as the shipped spread allows for."""
    column = levels("T1", "L5")
    noise = np.random.default_rng(seed).normal(0.0, 1.0, len(column))
    assert named(spine(column, numbers=list(np.add(running_numbers(column), noise)))) == column


def test_one_number_far_off_counts_no_more_than_a_doubtful_one() -> None:
    column = levels("T3", "T9")
    numbers = running_numbers(column)
    numbers[3] = 0.0
    assert named(spine(column, numbers=numbers, number_sd=0.5)) == column


@pytest.mark.parametrize("sacrum", [0.02, 0.5, 0.95])
@pytest.mark.parametrize("first", ["T9", "L1"])
def test_below_a_body_that_the_border_cuts_nothing_is_known(first: str, sacrum: float) -> None:
    """L4 is cut: what the finder sees below it, beyond the scan, must not make it L5."""
    column = levels(first, "L4")
    masks = spine(column, cut=[Level.L4], sacrum_below=None)
    assert named(with_evidence(masks, len(column) - 1, sacrum=sacrum)) == column


def test_where_the_sacrum_is_out_of_view_the_last_body_can_be_l5_all_the_same() -> None:
    """The scan ends right below L5: 0 says that the sacrum's place was not seen."""
    column = levels("L1", "L5")
    masks = spine(column, sacrum_below=None)
    assert named(with_evidence(masks, 4, sacrum=0.0)) == column
    assert all_uncertain(label(with_evidence(masks, 4, sacrum=0.0), SETTINGS))


def test_a_cut_vertebra_at_either_end_is_named_like_the_others() -> None:
    column = levels("T1", "L5")
    assert named(spine(column, cut=[Level.T1, Level.L5])) == column


@pytest.mark.parametrize("number", range(27, 33))
def test_more_bodies_than_a_spine_has_are_named_as_far_as_there_are_names(number: int) -> None:
    """Doubles and false bodies: the worst outlines go, whatever stays has a name of its own, none certain."""
    vertebrae = [
        replace(
            vertebra(body((0.0, 0.0, -20.0 * place), number=float(place))),
            outline_quality=0.3 if place in {5, 11} else 0.9,
        )
        for place in range(number)
    ]
    labelled = label(VertebraMasks(vertebrae=tuple(vertebrae), series_id="made"), SETTINGS)
    dropped = {place for place, one in enumerate(vertebrae) if one not in labelled.masks.vertebrae}
    assert len(labelled.names) == len(STANDARD_LEVELS) + 1  # C1 to S1, with T13 or L6
    assert len(dropped) == number - len(labelled.names)
    assert dropped <= {5, 11} or dropped >= {5, 11}
    assert all_uncertain(labelled)


@pytest.mark.parametrize("gap_mm", [120.0, 220.0, 500.0])
def test_a_gap_too_long_for_a_spine_is_not_believed_and_no_name_is_certain(gap_mm: float) -> None:
    """C1 to L5 with one step that would hide more bodies than there are."""
    column = levels("C1", "L5")
    masks = spine(column)
    vertebrae = []
    for place, old in enumerate(masks.vertebrae):
        centre = old.candidate.centre_lps_mm - np.array([0.0, 0.0, gap_mm if place > 11 else 0.0])
        vertebrae.append(replace(old, candidate=replace(old.candidate, centre_lps_mm=centre)))
    labelled = label(replace(masks, vertebrae=tuple(vertebrae)), SETTINGS)
    assert len(labelled.names) == len(column)
    assert all_uncertain(labelled)


# -------------------------------------------------------------------------------------- probabilities


def single_probabilities(number: float, settings: Settings) -> dict[Level, float]:
    """Of one body without ribs or sacrum: prior of the anatomies that have the level, times its number's."""
    columns: list[tuple[Sequence[Level], float]] = [
        ([x for x in STANDARD_LEVELS if x != Level.T12], settings.eleven_thoracic_prior),
        ([x for x in Level if x != Level.L6], settings.thirteen_thoracic_prior),
        ([x for x in STANDARD_LEVELS if x != Level.L5], settings.four_lumbar_prior),
        ([x for x in Level if x != Level.T13], settings.six_lumbar_prior),
    ]
    columns.append((STANDARD_LEVELS, 1.0 - sum(prior for _, prior in columns)))
    places = {Level.T13: 18.5, Level.L6: 23.5}
    weights: dict[Level, float] = {}
    for column, prior in columns:
        for level in column:
            off = number - places.get(level, STANDARD_LEVELS.index(level) if level in STANDARD_LEVELS else 0)
            weight = prior * np.exp(-0.5 * off**2 / (settings.number_bias_sd**2 + 1.3**2))
            weights[level] = weights.get(level, 0.0) + weight
    total = sum(weights.values())
    return {level: weight / total for level, weight in weights.items()}


@pytest.mark.parametrize("number", [8.0, 12.2, 15.9])
def test_the_probability_of_a_lone_body_is_its_share_of_all_levels(number: float) -> None:
    """Probabilities of all levels sum to one, each anatomy counted by how often it occurs."""
    lone = vertebra(body((0.0, 0.0, 0.0), number=number, rib=0.5, sacrum=0.0))
    name = label(VertebraMasks(vertebrae=(lone,), series_id="made"), SETTINGS).names[0]
    expected = single_probabilities(number, replace(SETTINGS))
    assert sum(expected.values()) == pytest.approx(1.0)
    assert name.level == max(expected, key=lambda level: expected[level]) == STANDARD_LEVELS[round(number)]
    # an S1 that is outlined as a body is rarer than the others: at most its whole share is another's
    assert name.probability == pytest.approx(expected[name.level], rel=0.01)
    assert name.is_uncertain


def test_two_numberings_that_fit_alike_share_the_probability() -> None:
    """Numbers half-way between two levels, ribs throughout, equal steps: at most one half for each."""
    vertebrae = [
        vertebra(body((0.0, 0.0, -22.0 * place), number=11.5 + place, number_sd=0.3, rib=0.95))
        for place in range(4)
    ]
    numbers_only = replace(SETTINGS, curve_weight=0.0, number_bias_sd=0.8)
    names = label(VertebraMasks(vertebrae=tuple(vertebrae), series_id="made"), numbers_only).names
    # a common offset of 0.5, or else of 1.5, against its spread of 0.8: the two nearest share nearly all
    assert names[0].level in {Level.T5, Level.T6}
    assert 0.4 < names[0].probability < 0.5
    assert all(name.is_uncertain for name in names)


def test_a_lone_vertebra_is_named_and_uncertain() -> None:
    labelled = label(spine([Level.T8]), SETTINGS)
    assert [name.level for name in labelled.names] == [Level.T8]
    assert all_uncertain(labelled)


def test_a_lone_last_lumbar_body_above_the_sacrum_is_l5() -> None:
    assert named(spine([Level.L5], number_sd=1.3)) == [Level.L5]


def test_two_bodies_with_a_whole_one_between_them_are_not_named_with_certainty() -> None:
    """67 mm between two centres: a body is missing, and nothing tells where the gap is."""
    masks = spine(levels("T12", "L2"), missed=[Level.L1])
    gap = masks.vertebrae[0].candidate.centre_lps_mm - masks.vertebrae[1].candidate.centre_lps_mm
    assert np.linalg.norm(gap) == pytest.approx(pitch_mm(Level.T12) + pitch_mm(Level.L1), abs=0.1)
    assert all_uncertain(label(masks, SETTINGS))


def test_the_masks_are_passed_on_as_they_came() -> None:
    masks = spine(levels("T1", "L5"))
    assert label(masks, SETTINGS).masks is masks


def test_a_body_missed_in_a_step_of_one_and_a_half_does_not_shift_the_names_between_two_anchors() -> None:
    """T6 is crushed and was missed: its step is too short for two, but ribs are seen to begin and to end."""
    masks = spine(levels(Level.C6, Level.L2))
    place = levels(Level.C6, Level.L2).index(Level.T6)
    vertebrae = list(masks.vertebrae)
    shift = np.array([0.0, 0.0, 0.5 * pitch_mm(Level.T6)])  # what lies below comes up by half a step
    below = [
        replace(x, candidate=replace(x.candidate, centre_lps_mm=x.candidate.centre_lps_mm + shift))
        for x in vertebrae[place + 1 :]
    ]
    found = replace(masks, vertebrae=tuple(vertebrae[:place] + below))
    assert named(found) == [x for x in levels(Level.C6, Level.L2) if x != Level.T6]
