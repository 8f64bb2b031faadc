"""Attenuation: the right voxels, the right band, and the reason where there is none."""

from __future__ import annotations

import pytest

from painted_series import BODY, BONE_HU, ball, series
from spondyl.domain.density import Phase
from spondyl.domain.level import Level
from spondyl.stages.density import Settings, read_density
from spondyl.stages.density.reading import band_of, phase_of


def test_the_median_of_the_core_is_what_was_drawn() -> None:
    made = series()
    bone = read_density(made.ct, {"KVP": "120"}, made.views, made.grades, (), Settings())
    assert bone.representative == Level.L1
    assert [one.level for one in bone.levels] == [Level.T11, Level.T12, Level.L1, Level.L2, Level.L3]
    for one in bone.levels:
        # noise of 8 HU over some thousand voxels: a standard error well below 1 HU
        assert one.attenuation_hu == pytest.approx(BONE_HU, abs=1.5)
        assert one.noise_hu == pytest.approx(8.0, rel=0.2)
    assert bone.converted_hu == bone.attenuation_hu
    assert bone.band is not None
    assert bone.band.startswith("at most 160 HU")


@pytest.mark.parametrize(("kvp", "factor"), [("100", 0.93), ("140", 1.05), ("80", None)])
def test_the_voltage_is_converted_where_a_factor_is_published(kvp: str, factor: float | None) -> None:
    made = series()
    bone = read_density(made.ct, {"KVP": kvp}, made.views, made.grades, (), Settings())
    assert bone.attenuation_hu is not None
    if factor is None:
        assert bone.converted_hu is None
        assert bone.band is None
    else:
        assert bone.converted_hu == pytest.approx(factor * bone.attenuation_hu)


def test_a_level_with_a_lesion_gives_no_number_and_another_stands_for_it() -> None:
    made = series({Level.L1: ball((0.0, 0.0, 0.0), 6.0, 600.0)})
    bone = read_density(made.ct, {}, made.views, made.grades, made.confounders(), Settings())
    by_level = {one.level: one for one in bone.levels}
    assert by_level[Level.L1].attenuation_hu is None
    assert by_level[Level.L1].left_out == "sclerotic lesion"
    assert bone.representative == Level.T12


def test_a_broken_level_gives_no_number() -> None:
    from dataclasses import replace

    low = replace(BODY, anterior_mm=17.0, middle_mm=16.5, posterior_mm=17.5)
    made = series(bodies={Level.L1: low})
    bone = read_density(made.ct, {}, made.views, made.grades, (), Settings())
    assert {one.level: one.left_out for one in bone.levels}[Level.L1] in {"grade 2", "grade 3"}


@pytest.mark.parametrize(
    ("blood", "agent", "phase"),
    [
        (40.0, "", Phase.PLAIN),
        (40.0, "Iomeprol", Phase.PLAIN),  # named, but not yet in the blood
        (110.0, "", Phase.UNKNOWN),
        (110.0, "Iomeprol", Phase.ENHANCED),
        (160.0, "", Phase.VENOUS),
        (350.0, "", Phase.ARTERIAL),
        (None, "", Phase.UNKNOWN),
        (None, "Iomeprol", Phase.ENHANCED),
    ],
)
def test_the_phase_is_told_from_the_blood_first(blood: float | None, agent: str, phase: Phase) -> None:
    assert phase_of(blood, {"ContrastBolusAgent": agent}, Settings()) is phase


@pytest.mark.parametrize(
    ("hu", "words"),
    [
        (90.0, "at most 90"),
        (90.1, "at most 110"),
        (135.0, "at most 135"),
        (200.0, "between"),
        (201.0, "above"),
    ],
)
def test_the_upper_bound_belongs_to_the_band(hu: float, words: str) -> None:
    assert band_of(hu, Settings()).startswith(words)
