"""The edge that a reader sees: half-way between an endplate's peak and the disc beyond it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spondyl.domain.vertebra import BodyPatch
from spondyl.stages.measure.edges import edge_shift_mm, move_towards_edges
from spondyl.stages.measure.settings import Settings

PLACES = np.arange(-4.0, 4.01, 0.25)
SETTINGS = Settings()


def plate(peak_at_mm: float, disc_hu: float = 80.0) -> np.ndarray:
    """Marrow 150 HU, a peak of 320 HU, and a straight fall of 2 mm to the disc."""
    return np.interp(PLACES, [-4.0, peak_at_mm - 1.0, peak_at_mm, peak_at_mm + 2.0], [150, 150, 320, disc_hu])


@pytest.mark.parametrize("peak_at_mm", [-1.5, -0.75, 0.0, 0.5])
def test_the_edge_is_half_way_down_from_the_peak(peak_at_mm: float) -> None:
    # the fall is straight over 2 mm, so its middle lies 1 mm beyond the peak
    assert edge_shift_mm(plate(peak_at_mm), SETTINGS) == pytest.approx(peak_at_mm + 1.0, abs=0.01)


def test_an_edge_is_never_farther_than_the_readers_go() -> None:
    profile = np.interp(PLACES, [-4.0, 1.0, 1.5, 4.0], [150, 150, 320, 0])
    assert edge_shift_mm(profile, SETTINGS) == 2.0


@pytest.mark.parametrize("disc_hu", [300.0, 320.0])
def test_a_chalky_disc_shows_no_edge(disc_hu: float) -> None:
    assert edge_shift_mm(plate(0.0, disc_hu), SETTINGS) == 0.0


def test_outside_the_scan_no_edge_is_seen() -> None:
    profile = plate(0.0)
    profile[-3:] = np.nan
    assert edge_shift_mm(profile, SETTINGS) == 0.0


def slab_patch(top_mm: float, bottom_mm: float) -> BodyPatch:
    """A body between two flat plates: bright plates 1 mm thick whose outer faces lie at the given heights."""
    shape = (81, 61, 61)
    up = (np.arange(shape[0]) - 40) * 0.5
    plates = ((up <= top_mm) & (up > top_mm - 1)) | ((up >= bottom_mm) & (up < bottom_mm + 1))
    inside = (up < top_mm) & (up > bottom_mm)
    hu = np.where(plates, 400.0, np.where(inside, 150.0, 60.0)).astype(np.float32)
    cube = np.broadcast_to(hu[:, None, None], shape).copy()
    affine = np.array([[0, 0, 0.5, -15.0], [0, 0.5, 0, -15.0], [0.5, 0, 0, -20.0], [0, 0, 0, 1]])
    return BodyPatch(
        occupancy=np.zeros(shape, np.float32),
        posterior=np.zeros(shape, np.float32),
        hu=cube,
        in_scan=np.ones(shape, np.bool_),
        affine=affine,
        slice_spacing_mm=1.0,
    )


def test_each_point_goes_its_share_of_the_way_to_the_seen_edge() -> None:
    corners = [(-10.0, 8.0), (0.0, 8.0), (10.0, 8.0), (-10.0, -8.0), (0.0, -8.0), (10.0, -8.0)]
    landmarks = np.array([[0.0, y, z] for y, z in corners])
    patch = slab_patch(top_mm=9.0, bottom_mm=-9.5)
    moved = move_towards_edges(landmarks, np.eye(3), patch, SETTINGS)
    # the plates' last voxels lie at 9.0 and -9.5 mm; half-way to the next one, in the disc, is 0.25 mm on
    shares = np.array(SETTINGS.edge_share)
    np.testing.assert_allclose(moved[:3, 2], 8.0 + shares * 1.25, atol=0.02)
    np.testing.assert_allclose(moved[3:, 2], -8.0 - shares * 1.75, atol=0.02)
    np.testing.assert_allclose(moved[:, :2], landmarks[:, :2])
    still = move_towards_edges(landmarks, np.eye(3), patch, replace(SETTINGS, edge_share=(0.0, 0.0, 0.0)))
    np.testing.assert_array_equal(still, landmarks)
