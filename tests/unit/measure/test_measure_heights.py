"""Heights of bodies whose true heights are known to rounding."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from plain_spine import CENTRE_MM, patch_of, spine_of, turn, vertebra_of
from spondyl.domain.level import Level
from spondyl.domain.measurement import Measured
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.measure import Settings, measure
from spondyl.synthetic.plain_body import PlainBody

FLAT = PlainBody(anterior_mm=26.0, middle_mm=26.0, posterior_mm=26.0)
WEDGE = PlainBody(anterior_mm=19.0, middle_mm=22.5, posterior_mm=26.0)
SEVERE_WEDGE = PlainBody(anterior_mm=14.0, middle_mm=19.5, posterior_mm=25.0, top_share=0.9)
CRUSH = PlainBody(anterior_mm=10.0, middle_mm=10.5, posterior_mm=11.0)
SMALL = PlainBody(anterior_mm=16.0, middle_mm=16.5, posterior_mm=17.0, depth_mm=18.0, width_mm=27.0)
CUPPED = PlainBody(anterior_mm=25.0, middle_mm=22.0, posterior_mm=26.0)
BICONCAVE = PlainBody(anterior_mm=25.0, middle_mm=15.0, posterior_mm=26.0, top_share=0.7)


UPRIGHT = (0.0, 0.0, 0.0)


@lru_cache(maxsize=32)
def _measure(body: PlainBody, turned_deg: tuple[float, float, float] = UPRIGHT) -> Measured:
    vertebra = vertebra_of(patch_of(body, turned_deg))
    (result,) = measure(spine_of((Level.L1, vertebra)), Settings())
    assert isinstance(result, Measured)
    return result


PLANE_BODIES = (FLAT, WEDGE, SEVERE_WEDGE, CRUSH, SMALL)
POSES = (UPRIGHT, (14.0, -8.0, 10.0))


def _errors(body: PlainBody, turned_deg: tuple[float, float, float]) -> Float64Array:
    return _measure(body, turned_deg).heights.as_array() - body.heights_mm()


def test_plane_endplates_are_measured_to_a_tenth_of_a_voxel() -> None:
    errors = [_errors(body, pose) for body in PLANE_BODIES for pose in POSES]
    assert np.mean(np.abs(errors)) <= 0.1


@pytest.mark.parametrize("body", PLANE_BODIES)
@pytest.mark.parametrize("pose", POSES, ids=["upright", "tilted"])
def test_no_plane_endplate_is_off_by_more_than_a_fifth(
    body: PlainBody, pose: tuple[float, float, float]
) -> None:
    assert np.max(np.abs(_errors(body, pose))) <= 0.2


@pytest.mark.parametrize("body", [CUPPED, BICONCAVE])
def test_the_middle_of_a_cup_is_measured_on_the_contour(body: PlainBody) -> None:
    heights = _measure(body, (-12.0, 5.0, 8.0)).heights
    assert heights.middle_mm == pytest.approx(body.middle_mm, abs=0.2)
    # a cup that begins inside the window tips the extrapolated rim up by a part of a millimetre
    assert heights.anterior_mm == pytest.approx(body.anterior_mm, abs=1.0)
    assert heights.posterior_mm == pytest.approx(body.posterior_mm, abs=1.0)


def test_landmarks_lie_on_the_corners_and_half_way() -> None:
    frame = turn(15.0, 0.0, 0.0)
    result = _measure(WEDGE, (15.0, 0.0, 0.0))
    local = (result.landmarks_lps_mm - CENTRE_MM - np.array([0.3, -0.2, 0.4])) @ frame
    bottom, top = WEDGE.surfaces_mm(np.zeros(3), np.array([-15.0, 0.0, 15.0]))
    assert local[:, 0] == pytest.approx(np.zeros(6), abs=0.5)
    assert local[:, 1] == pytest.approx([-15.0, 0.0, 15.0] * 2, abs=0.7)
    assert local[:, 2] == pytest.approx(np.concatenate([top, bottom]), abs=0.3)


def test_a_lip_at_the_rim_is_left_out() -> None:
    lipped = PlainBody(anterior_mm=25.0, middle_mm=25.5, posterior_mm=26.0, lip_mm=5.0)
    result = _measure(lipped)
    assert result.heights.anterior_mm == pytest.approx(25.0, abs=0.8)
    assert result.landmarks_lps_mm[0, 1] == pytest.approx(CENTRE_MM[1] - 0.2 - 15.0, abs=1.0)


def test_rounded_rims_do_not_lower_the_corners() -> None:
    rounded = PlainBody(anterior_mm=25.0, middle_mm=25.5, posterior_mm=26.0, rim_radius_mm=2.0)
    errors = _measure(rounded).heights.as_array() - rounded.heights_mm()
    assert np.max(np.abs(errors)) <= 0.6


def test_the_frame_is_the_bodys_own() -> None:
    frame = turn(18.0, -10.0, 12.0)
    found = _measure(CUPPED, (18.0, -10.0, 12.0)).frame
    angles = np.degrees(np.arccos(np.clip(np.sum(found * frame, axis=0), -1.0, 1.0)))
    assert angles[2] <= 1.0  # the axis, from the endplates
    assert np.max(angles) <= 4.0  # the mid-sagittal plane, from the mirror


def test_size_is_measured_at_mid_height() -> None:
    waisted = PlainBody(anterior_mm=25.0, middle_mm=25.0, posterior_mm=25.0, waist_fraction=0.1)
    result = _measure(waisted)
    assert result.depth_mm == pytest.approx(0.9 * 30.0, abs=0.7)
    assert result.width_mm == pytest.approx(0.9 * 38.0, abs=1.2)


def test_depression_is_the_depth_of_the_cup() -> None:
    depressions = _measure(BICONCAVE).endplate_depression_mm
    # 25.5 at the rim, 15 in the middle: 10.5 mm, seven tenths of it above
    assert depressions == pytest.approx([7.35, 3.15], abs=0.8)


def test_windows_average_inside_the_rims() -> None:
    windows = _measure(WEDGE).window_heights
    # u 0.08-0.20, 0.45-0.55, 0.80-0.92 of 19 to 26 mm
    assert windows.as_array() == pytest.approx([19.98, 22.5, 25.02], abs=0.2)


def test_the_lowest_place_beside_the_midline_is_seen() -> None:
    result = _measure(CUPPED)
    assert result.lowest_height_mm == pytest.approx(22.0, abs=0.3)
    assert result.lateral_heights_mm == pytest.approx([result.lateral_heights_mm[0]] * 2, abs=0.3)


def test_thicker_slices_are_less_sure() -> None:
    thin, thick = (
        measure(spine_of((Level.L1, vertebra_of(patch_of(FLAT, slice_spacing_mm=spacing)))), Settings())[0]
        for spacing in (1.0, 5.0)
    )
    assert isinstance(thin, Measured)
    assert isinstance(thick, Measured)
    assert thick.heights_sd.anterior_mm > 1.3 * thin.heights_sd.anterior_mm
    assert thick.slice_spacing_mm == 5.0


def test_attenuation_is_the_median_of_the_core() -> None:
    assert _measure(FLAT).attenuation_hu == pytest.approx(140.0)
    assert _measure(CRUSH).attenuation_hu == pytest.approx(140.0)


def test_a_step_in_the_front_wall_is_not_taken_for_the_upper_endplate() -> None:
    """The upper front is cut away by 3 mm: there the outermost columns end on the step, half-way down."""
    body = PlainBody(anterior_mm=25.0, middle_mm=25.5, posterior_mm=26.0)
    patch = patch_of(body, UPRIGHT)
    occupancy = patch.occupancy.copy()
    front = int(np.flatnonzero((occupancy > 0.5).any(axis=(0, 2)))[0])
    occupancy[32 + 4 :, : front + 3, :] = 0.0
    (result,) = measure(spine_of((Level.L1, vertebra_of(replace(patch, occupancy=occupancy)))), Settings())
    assert isinstance(result, Measured)
    assert result.heights.anterior_mm == pytest.approx(25.0, abs=1.0)
