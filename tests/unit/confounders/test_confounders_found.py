"""Each confounder is seen where it is, and not where it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from painted_series import BODY, LEVELS, Paint, ball, quiet_ct, series
from plain_spine import candidate, turn
from spondyl.domain.confounder import Effect, Kind
from spondyl.domain.level import Level
from spondyl.domain.vertebra import LevelName

MIDDLE = Level.L1


def striped(local: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Fat with upright bars 2 mm wide, 4 mm apart."""
    bars = (np.mod(local[..., 0], 4.0) < 2.0) & (np.mod(local[..., 1], 4.0) < 2.0)
    inside = np.linalg.norm(local, axis=-1) < 13.0
    return np.where(inside, np.where(bars, 160.0, -80.0), before)


def test_nothing_is_seen_in_a_plain_spine() -> None:
    assert series().confounders() == ()


@pytest.mark.parametrize(
    ("paint", "kind"),
    [
        (ball((0.0, 0.0, 0.0), 6.0, 500.0), Kind.SCLEROTIC_LESION),
        (ball((0.0, 0.0, 0.0), 6.0, 1000.0), Kind.BONE_ISLAND),
        (ball((0.0, 0.0, 0.0), 6.0, 1900.0), Kind.CEMENT),
        (ball((0.0, 0.0, 0.0), 6.0, 3000.0), Kind.METAL),
        (ball((0.0, 0.0, 0.0), 4.0, -700.0), Kind.GAS),
        (striped, Kind.HAEMANGIOMA),
    ],
)
def test_a_painted_body_is_told_and_no_other(paint: Paint, kind: Kind) -> None:
    made = series({MIDDLE: paint})
    assert made.kinds_at(MIDDLE) == {kind.value}
    for level in set(LEVELS) - {MIDDLE}:
        assert made.kinds_at(level) == set()


def test_the_volume_of_a_lesion_is_that_of_its_ball() -> None:
    # 4/3 π 6³ = 905 mm³; the mean over 3 mm takes the rim off at 300 HU, which lies half-way to 140 HU
    found = series({MIDDLE: ball((0.0, 0.0, 0.0), 6.0, 500.0)}).confounders()[0]
    assert found.unit == "ml"
    assert found.value == pytest.approx(0.905, rel=0.15)
    assert found.value > found.threshold == 0.3
    assert found.effect is Effect.FLAG
    assert found.bars_reference
    assert found.place_lps_mm is not None


def test_a_ball_too_small_to_be_a_lesion_is_none() -> None:
    # 4/3 π 3³ = 0.11 ml, below 0.3 ml
    assert series({MIDDLE: ball((0.0, 0.0, 0.0), 3.0, 600.0)}).confounders() == ()


def test_a_hole_within_a_whole_cortex_is_no_lytic_lesion() -> None:
    assert series({MIDDLE: ball((0.0, 0.0, 0.0), 7.0, 40.0)}).kinds_at(MIDDLE) == set()


def test_a_hole_through_the_cortex_is_a_lytic_lesion() -> None:
    assert Kind.LYTIC_LESION in series({MIDDLE: ball((15.0, -3.0, 0.0), 10.0, 40.0)}).kinds_at(MIDDLE)


def test_a_cut_vertebra_is_named() -> None:
    made = series(cut=frozenset({Level.T11}))
    assert made.kinds_at(Level.T11) == {Kind.PARTIAL_VIEW}


def test_thick_slices_are_told_with_their_spacing() -> None:
    found = [x for x in series(spacing_mm=2.5).confounders() if x.kind == Kind.THICK_SLICES]
    assert [(x.level, x.value, x.threshold) for x in found] == [(None, 2.5, 1.5)]


def test_noise_is_measured_and_told() -> None:
    found = {x.kind: x for x in series(ct=quiet_ct(1.0, 60.0)).confounders()}
    assert found[Kind.NOISE].value == pytest.approx(60.0, rel=0.1)


def test_a_body_that_was_not_found_leaves_a_gap() -> None:
    made = series()
    without = [n for n, level in enumerate(LEVELS) if level != Level.L2]
    fewer = replace(
        made,
        spine=replace(
            made.spine,
            masks=replace(made.spine.masks, vertebrae=tuple(made.spine.masks.vertebrae[n] for n in without)),
            names=tuple(made.spine.names[n] for n in without),
        ),
        views=tuple(made.views[n] for n in without),
        signs=tuple(made.signs[n] for n in without),
        grades=tuple(made.grades[n] for n in without),
    )
    assert Kind.NUMBERING_DOUBT not in made.kinds_at(None)
    assert Kind.NUMBERING_DOUBT in fewer.kinds_at(None)


def test_an_unsure_name_is_a_doubt_about_the_numbers() -> None:
    made = series()
    names = (LevelName(level=LEVELS[0], probability=0.5, is_uncertain=True), *made.spine.names[1:])
    assert Kind.NUMBERING_DOUBT in replace(made, spine=replace(made.spine, names=names)).kinds_at(None)


@pytest.mark.parametrize(("level", "rib"), [(Level.T12, 0.05), (Level.L1, 0.95)])
def test_ribs_that_end_elsewhere_are_told(level: Level, rib: float) -> None:
    made = series()
    vertebrae = tuple(
        replace(vertebra, candidate=replace(candidate(vertebra.candidate.centre_lps_mm), rib_evidence=rib))
        if name == level
        else vertebra
        for vertebra, name in zip(made.spine.masks.vertebrae, LEVELS, strict=True)
    )
    masks = replace(made.spine.masks, vertebrae=vertebrae)
    assert replace(made, spine=replace(made.spine, masks=masks)).kinds_at(level) == {Kind.TRANSITIONAL}


def test_tilted_ends_are_a_scoliosis_of_that_angle() -> None:
    made = series()
    tilts = (8.0, 8.0, 0.0, -8.0, -8.0)  # upper end 8°, lower end -8°: 16° between them
    views = tuple(
        replace(view, frame=view.frame @ turn(roll_deg=tilt), measurement=_rolled(view, tilt))  # type: ignore[arg-type]
        for view, tilt in zip(made.views, tilts, strict=True)
    )
    found = {x.kind: x for x in replace(made, views=views).confounders() if x.level is None}
    assert found[Kind.SCOLIOSIS].value == pytest.approx(16.0, abs=1.5)


def _rolled(view: object, tilt: float) -> object:
    measured = view.measured  # type: ignore[attr-defined]
    return replace(measured, frame=measured.frame @ turn(roll_deg=tilt))


def test_an_outline_aslant_in_its_row_is_rejected() -> None:
    made = series()
    views = tuple(
        replace(view, measurement=_rolled(view, 60.0)) if view.level == MIDDLE else view  # type: ignore[arg-type]
        for view in made.views
    )
    found = [x for x in replace(made, views=views).confounders() if x.kind == Kind.OUTLINE_ASKEW]
    assert [(x.level, x.effect) for x in found] == [(MIDDLE, Effect.REJECT)]
    assert found[0].value == pytest.approx(60.0, abs=2.0)


def test_bone_beyond_a_short_outline_takes_the_grade_with_it() -> None:
    # the body is 26 mm high in the picture, its outline 17 mm: 9 mm of dense bone lie beyond it
    low = replace(BODY, anterior_mm=17.0, middle_mm=16.5, posterior_mm=17.5)

    def dense(local: np.ndarray, before: np.ndarray) -> np.ndarray:
        inside = (np.hypot(local[..., 0] / 18.0, local[..., 1] / 14.0) < 1.0) & (np.abs(local[..., 2]) < 12.5)
        return np.where(inside, 480.0, before)

    made = series({MIDDLE: dense}, {MIDDLE: low})
    grade = made.grades[LEVELS.index(MIDDLE)]
    assert getattr(grade, "grade", 0) >= 2
    changing = [x for x in made.confounders() if x.level == MIDDLE and x.effect is Effect.REJECT]
    assert changing
    assert f"grade {grade.grade}" in changing[0].text  # type: ignore[union-attr]


def test_a_low_body_without_bone_beyond_it_keeps_its_grade() -> None:
    low = replace(BODY, anterior_mm=17.0, middle_mm=16.5, posterior_mm=17.5)
    made = series(bodies={MIDDLE: low})
    effects = {x.effect for x in made.confounders() if x.level == MIDDLE}
    assert effects <= {Effect.FLAG}
