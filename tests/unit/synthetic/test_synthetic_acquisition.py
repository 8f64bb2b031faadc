from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spondyl.synthetic.acquisition import CLEAN, Protocol, acquire, acquire_slices, draw_protocol

SHAPE = (40, 36, 44)
QUIET = replace(CLEAN, noise_hu=0.0)
THICK = replace(QUIET, slice_thickness_mm=3.0, slice_spacing_mm=3.0)
SHARP = replace(QUIET, sharpness=1.5, psf_sigma_mm=0.3)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def crossing(profile: np.ndarray, level: float) -> float:
    """Where a rising profile first crosses a level, in samples."""
    n = int(np.argmax(profile >= level))
    return float(n - 1 + (level - profile[n - 1]) / (profile[n] - profile[n - 1]))


@pytest.mark.parametrize("protocol", [QUIET, THICK, SHARP], ids=["thin", "thick", "sharp"])
def test_the_mean_is_kept(protocol: Protocol) -> None:
    hu = rng(1).normal(100.0, 200.0, SHAPE).astype(np.float32)
    hu[:6], hu[-6:], hu[:, :6], hu[:, -6:], hu[:, :, :6], hu[:, :, -6:] = (100.0,) * 6
    out = acquire(hu, 1.0, replace(protocol, slice_spacing_mm=1.0), rng())
    assert out.mean() == pytest.approx(hu.mean(), abs=1.0)
    flat = acquire(np.full(SHAPE, 130.0, np.float32), 1.0, protocol, rng())
    np.testing.assert_allclose(flat, 130.0, atol=0.01)


@pytest.mark.parametrize("noise_hu", [5.0, 40.0])
@pytest.mark.parametrize("length_mm", [0.5, 1.6])
def test_the_noise_is_what_was_asked(noise_hu: float, length_mm: float) -> None:
    protocol = replace(CLEAN, noise_hu=noise_hu, noise_length_mm=length_mm)
    out = acquire(np.zeros(SHAPE, np.float32), 1.0, protocol, rng())
    assert out.std() == pytest.approx(noise_hu, rel=0.1)
    assert abs(out.mean()) < 0.1 * noise_hu
    slices = acquire_slices(np.zeros((9, 61, 72), np.float32), 0.7, protocol, rng())
    assert slices.std() == pytest.approx(noise_hu, rel=0.1)


def test_varied_noise_has_the_asked_level_over_all_but_not_everywhere() -> None:
    protocol = replace(CLEAN, noise_hu=20.0, noise_variation=0.7)
    spreads = []
    for seed in range(4):
        out = acquire(np.zeros(SHAPE, np.float32), 1.0, protocol, rng(seed))
        assert out.std() == pytest.approx(20.0, rel=0.1)
        parts = [out[k : k + 20, j : j + 18].std() for k in (0, 20) for j in (0, 18)]
        spreads.append(max(parts) / min(parts))
    assert max(spreads) > 1.3


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_edge_stays_where_it_is_in_thin_slices(axis: int) -> None:
    hu = np.zeros(SHAPE, np.float32)
    np.moveaxis(hu, axis, 0)[20:] = 1000.0
    out = acquire(hu, 1.0, QUIET, rng())
    profile = np.moveaxis(out, axis, 0)[:, 15, 15]
    assert crossing(profile, 500.0) == pytest.approx(19.5, abs=0.02)


@pytest.mark.parametrize("tilt", [0.0, 0.15])
def test_an_edge_stays_where_it_is_in_thick_slices_on_average(tilt: float) -> None:
    # interpolation between slices moves an edge by parts of a slice, but to no side more than the other
    hu = np.zeros(SHAPE, np.float32)
    hu[20:] = 1000.0
    normal = np.array([np.cos(tilt), np.sin(tilt), 0.0])
    places = []
    for seed in range(24):
        out = acquire(hu, 1.0, THICK, rng(seed), normal)
        places.append(crossing(out[:, 18, 22], 500.0))
    assert np.mean(places) == pytest.approx(19.5, abs=0.15)
    assert np.max(np.abs(np.array(places) - 19.5)) < 1.0


def test_a_thick_slice_blurs_across_itself_only() -> None:
    across, within = (np.zeros(SHAPE, np.float32) for _ in range(2))
    across[20:], within[:, 20:] = 1000.0, 1000.0
    blurred = replace(THICK, slice_spacing_mm=1.0)
    widths = []
    for hu, axis in ((across, 0), (within, 1)):
        profile = np.moveaxis(acquire(hu, 1.0, blurred, rng()), axis, 0)[:, 15, 15]
        widths.append(crossing(profile, 900.0) - crossing(profile, 100.0))
    assert widths[0] > widths[1] + 1.0


def test_whole_slices_keep_their_edges_and_their_mean() -> None:
    slices = np.zeros((3, 50, 60), np.float32)
    slices[:, :, 30:] = 1000.0
    out = acquire_slices(slices, 0.8, QUIET, rng())
    assert crossing(out[1, 25], 500.0) == pytest.approx(29.5, abs=0.02)
    assert out.mean() == pytest.approx(500.0, abs=2.0)


def test_a_sharp_kernel_overshoots_an_edge() -> None:
    hu = np.zeros(SHAPE, np.float32)
    hu[:, :, 22:] = 1000.0
    assert acquire(hu, 1.0, SHARP, rng()).max() > 1050.0
    soft = replace(QUIET, psf_sigma_mm=0.8)  # below that the grid's own frequency limit rings by a percent
    assert acquire(hu, 1.0, soft, rng()).max() < 1001.0


def test_scale_and_offset_move_the_mean() -> None:
    out = acquire(np.full(SHAPE, 200.0, np.float32), 1.0, replace(QUIET, hu_scale=1.1, hu_offset=-7.0), rng())
    np.testing.assert_allclose(out, 213.0, atol=0.05)


def test_nothing_lies_below_the_lowest_value() -> None:
    out = acquire(np.full(SHAPE, -1000.0, np.float32), 1.0, replace(CLEAN, noise_hu=60.0), rng())
    assert out.min() >= -1024.0


def test_shading_and_streaks_change_the_picture_and_the_seed_fixes_all() -> None:
    protocol = replace(CLEAN, shading_hu=20.0, streak_hu=30.0)
    hu = np.zeros(SHAPE, np.float32)
    first, again, other = (acquire(hu, 1.0, protocol, rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 20.0
    assert first.std() > 20.0


def test_drawn_protocols_stay_within_what_scanners_do() -> None:
    drawn = [draw_protocol(rng(seed)) for seed in range(300)]
    assert all(0.6 <= x.slice_thickness_mm <= 5.2 for x in drawn)
    assert all(x.slice_spacing_mm <= x.slice_thickness_mm for x in drawn)
    assert all(0.88 <= x.hu_scale <= 1.12 for x in drawn)
    sharp = np.mean([x.sharpness > 0 for x in drawn])
    assert 0.25 < sharp < 0.45
