"""Vertebrae that carry no heights say why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plain_spine import patch_of, spine_of, vertebra_of
from spondyl.domain.level import Level
from spondyl.domain.measurement import Measured, NotMeasured
from spondyl.domain.refusal import NotMeasuredCode
from spondyl.domain.vertebra import BodyPatch, Vertebra
from spondyl.stages.measure import Settings, measure
from spondyl.synthetic.plain_body import PlainBody

BODY = PlainBody(anterior_mm=24.0, middle_mm=23.0, posterior_mm=25.0)


@pytest.fixture(scope="module")
def patch() -> BodyPatch:
    return patch_of(BODY)


def _code(vertebra: Vertebra, level: Level = Level.L2) -> NotMeasuredCode | None:
    (result,) = measure(spine_of((level, vertebra)), Settings())
    if isinstance(result, Measured):
        return None
    assert isinstance(result, NotMeasured)
    assert level in result.text
    return result.code


def test_a_whole_clean_vertebra_is_measured(patch: BodyPatch) -> None:
    assert _code(vertebra_of(patch)) is None


def test_a_vertebra_cut_by_the_scan_is_never_measured(patch: BodyPatch) -> None:
    assert _code(vertebra_of(patch, cut=True)) == NotMeasuredCode.CUT_BY_BORDER


@pytest.mark.parametrize("level", [Level.C7, Level.S1])
def test_neck_and_sacrum_are_outside(patch: BodyPatch, level: Level) -> None:
    assert _code(vertebra_of(patch), level) == NotMeasuredCode.OUTSIDE_GRADED_LEVELS


@pytest.mark.parametrize(("share", "code"), [(0.03, None), (0.031, NotMeasuredCode.METAL)])
def test_metal_above_the_limit_hides_the_body(
    patch: BodyPatch, share: float, code: NotMeasuredCode | None
) -> None:
    assert _code(vertebra_of(patch, metal_fraction=share)) == code


@pytest.mark.parametrize(("quality", "code"), [(0.3, None), (0.29, NotMeasuredCode.DOUBTFUL_OUTLINE)])
def test_an_unsure_outline_is_doubtful(
    patch: BodyPatch, quality: float, code: NotMeasuredCode | None
) -> None:
    assert _code(vertebra_of(patch, quality=quality)) == code


def _with_occupancy(
    patch: BodyPatch, occupancy: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> Vertebra:
    return vertebra_of(replace(patch, occupancy=occupancy))


def test_an_outline_in_two_halves_is_doubtful(patch: BodyPatch) -> None:
    occupancy = patch.occupancy.copy()
    occupancy[:, :, 32:36] = 0.0
    assert _code(_with_occupancy(patch, occupancy)) == NotMeasuredCode.DOUBTFUL_OUTLINE


def test_an_empty_outline_is_doubtful(patch: BodyPatch) -> None:
    empty = np.zeros_like(patch.occupancy)
    assert _code(_with_occupancy(patch, empty)) == NotMeasuredCode.DOUBTFUL_OUTLINE


def test_two_merged_vertebrae_are_doubtful(patch: BodyPatch) -> None:
    occupancy = patch.occupancy.copy()
    occupancy[2:58, 20:44, 18:50] = 1.0  # 56 mm high
    assert _code(_with_occupancy(patch, occupancy)) == NotMeasuredCode.DOUBTFUL_OUTLINE


def test_a_small_speck_beside_the_body_is_ignored(patch: BodyPatch) -> None:
    occupancy = patch.occupancy.copy()
    occupancy[2:5, 2:5, 2:5] = 1.0
    assert _code(_with_occupancy(patch, occupancy)) is None


def test_a_hole_in_the_body_is_filled(patch: BodyPatch) -> None:
    occupancy = patch.occupancy.copy()
    occupancy[28:33, 30:35, 32:37] = 0.0
    (result,) = measure(spine_of((Level.L2, _with_occupancy(patch, occupancy))), Settings())
    assert isinstance(result, Measured)
    assert result.heights.middle_mm == pytest.approx(23.0, abs=0.3)


def test_attenuation_needs_scanned_voxels(patch: BodyPatch) -> None:
    unscanned = replace(patch, in_scan=np.zeros_like(patch.in_scan))
    (result,) = measure(spine_of((Level.L2, vertebra_of(unscanned))), Settings())
    assert isinstance(result, Measured)
    assert result.attenuation_hu is None


REVERSED = PlainBody(anterior_mm=28.0, middle_mm=24.0, posterior_mm=20.0)  # 1.4 times as high in front


@pytest.mark.parametrize(
    ("level", "code"), [(Level.L4, NotMeasuredCode.DOUBTFUL_OUTLINE), (Level.L5, None), (Level.L6, None)]
)
def test_a_body_much_taller_in_front_is_doubtful_above_l5(level: Level, code: NotMeasuredCode | None) -> None:
    assert _code(vertebra_of(patch_of(REVERSED)), level) == code
