"""Signs of plain bodies: what can be derived by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from painted_series import BODY, ball, series
from spondyl.domain.level import Level
from spondyl.domain.signs import EndplateEvidence, Signs


def of(signs: tuple[Signs, ...], level: Level) -> Signs:
    return next(one for one in signs if one.level == level)


def test_a_plain_body_shows_nothing() -> None:
    signs = of(series().signs, Level.L1)
    assert signs.evidence == ()
    assert signs.cleft_ml == 0.0
    assert signs.cortex_gap_mm2 == pytest.approx(0.0, abs=3.0)
    assert signs.retropulsion_mm == pytest.approx(0.0, abs=1.0)  # all walls stand in one line
    assert signs.translation_mm == pytest.approx(0.0, abs=0.5)
    # posterior 26, anterior 25, depth 30; only the posterior points go towards the seen edge, by 0.3 mm each:
    # 2 atan(0.8 / 30) = 3.05°
    assert signs.own_wedge_deg == pytest.approx(3.05, abs=0.5)
    assert not signs.is_plana


def test_gas_is_a_cleft_of_its_volume() -> None:
    signs = of(series({Level.L1: ball((0.0, 0.0, 0.0), 5.0, -700.0)}).signs, Level.L1)
    assert EndplateEvidence.GAS_CLEFT in signs.evidence
    assert signs.cleft_ml == pytest.approx(4 / 3 * np.pi * 5.0**3 / 1000, rel=0.25)


def test_a_hole_in_the_wall_is_measured() -> None:
    # a ball of 9 mm round the left wall cuts a disc of about π 9² = 254 mm² out of it, less where it is round
    signs = of(series({Level.L1: ball((19.0, 0.0, 0.0), 9.0, 30.0)}).signs, Level.L1)
    assert 80.0 < signs.cortex_gap_mm2 < 320.0


def test_a_sunken_endplate_is_evidence() -> None:
    deep = replace(BODY, middle_mm=15.0)
    signs = of(series(bodies={Level.L1: deep}).signs, Level.L1)
    assert {EndplateEvidence.DEPRESSED_SUPERIOR, EndplateEvidence.DEPRESSED_INFERIOR} <= set(signs.evidence)
    # rims at 25.5, middle at 15: 10.5 mm, half of it at each endplate
    assert signs.depression_mm[0] == pytest.approx(5.25, abs=1.0)


def test_a_neighbour_of_a_broken_body_knows_it() -> None:
    low = replace(BODY, anterior_mm=17.0, middle_mm=16.5, posterior_mm=17.5)
    signs = series(bodies={Level.L1: low}).signs
    assert of(signs, Level.L2).adjacent_fractures == 1
    assert of(signs, Level.L1).adjacent_fractures == 0
