"""The same patient scanned, stored or cut otherwise gets the same heights and names, from files to finding.

The statistic: over the levels that both readings measured, the mean of the absolute differences of all
anterior, middle and posterior heights. Single heights may differ by more.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from spondyl.domain.finding import StudyFinding, VertebraFinding
from spondyl.domain.level import Level
from spondyl.domain.volume import CtVolume
from spondyl.synthetic import SyntheticCt, TrueVertebra, cropped, flipped, make_ct, resampled
from whole_reading import SAME_BODY_MM, change_between, moved, read_volume, shipped_reader, turn_about_middle

LARGEST_MEAN_CHANGE_MM = 0.3
SEED = 500_201  # training draws from 1,000,003 upwards
FIRST, LAST = Level.T11, Level.L1
WANTED = ("T11", "T12", "L1")
FEWEST_REAL = 3  # whole bodies that every view of the real patient shows


def made(rotation_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> SyntheticCt:
    return make_ct(SEED, 1.0, first=FIRST, last=LAST, rotation_deg=rotation_deg)


@lru_cache(maxsize=1)
def upright() -> SyntheticCt:
    return made()


@lru_cache(maxsize=1)
def reading() -> StudyFinding:
    return read_volume(upright().volume)


def assert_unchanged(second: StudyFinding, motion: np.ndarray | None = None) -> None:
    change = change_between(reading(), second, motion)
    assert not change.lost
    assert not change.renamed
    assert set(WANTED) <= set(change.levels)
    assert change.mean_mm <= LARGEST_MEAN_CHANGE_MM, f"{change.mean_mm:.2f} mm over {change.levels}"


@pytest.mark.slow
def test_a_vertebra_that_the_scan_cuts_is_never_measured_or_graded() -> None:
    """T11 to L1 are whole; the scan ends 30 mm above and below them, in or right behind their neighbours."""
    partial = [x for x in reading().vertebrae if x.in_view == "partial"]
    assert len(partial) >= 2
    for vertebra in partial:
        assert vertebra.genant_grade is None
        assert vertebra.heights_mm is None
        assert vertebra.not_measured == "CUT_BY_BORDER"
    for truth in upright().truth:
        if truth.is_cut:
            at_its_place = [x for x in reading().vertebrae if distance_mm(x, truth) < SAME_BODY_MM]
            assert all(x in partial for x in at_its_place)


def distance_mm(vertebra: VertebraFinding, truth: TrueVertebra) -> float:
    return float(np.linalg.norm(truth.centre_lps_mm - np.array(vertebra.centre_lps_mm)))


@pytest.mark.slow
@pytest.mark.parametrize("turn_deg", [(20.0, 0.0, 0.0), (0.0, -20.0, 20.0)], ids=["bowed", "aslant"])
def test_a_synthetic_patient_turned_on_the_table(turn_deg: tuple[float, float, float]) -> None:
    motion = np.eye(4)
    motion[:3, :3] = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix()
    assert_unchanged(read_volume(made(turn_deg).volume), motion)


@pytest.mark.slow
def test_slices_rows_and_columns_stored_in_another_direction() -> None:
    assert_unchanged(read_volume(flipped(upright().volume, (0, 1, 2))))


@pytest.mark.slow
def test_slices_and_pixels_of_another_size() -> None:
    assert_unchanged(read_volume(resampled(upright().volume, (1.3, 0.9, 0.9))))


def box_of(volume: CtVolume, low_mm: np.ndarray, high_mm: np.ndarray) -> CtVolume:
    """The part of an axial volume between two corners, LPS mm."""
    index = np.linalg.inv(volume.affine) @ np.column_stack([[*low_mm, 1.0], [*high_mm, 1.0]])
    ends = np.sort(np.rint(index[:3]), axis=1)
    first = np.clip(ends[:, 0], 0, None).astype(int)
    last = np.minimum(ends[:, 1] + 1, volume.hu.shape).astype(int)
    return cropped(volume, (first[0], first[1], first[2]), (last[0], last[1], last[2]))


@pytest.mark.slow
def test_a_crop_that_leaves_the_vertebrae_whole() -> None:
    """About 35 mm beside, 45 mm in front of, 40 mm behind the bodies; 12 mm above T11 and below L1."""
    volume = upright().volume
    inside = [x for x in upright().truth if x.level.value in WANTED]
    points = np.concatenate([x.surface_lps_mm for x in inside])
    low = points.min(axis=0) - np.array([35.0, 45.0, 12.0])
    high = points.max(axis=0) + np.array([35.0, 40.0, 12.0])
    assert_unchanged(read_volume(box_of(volume, low, high)))


@pytest.mark.slow
@pytest.mark.data
def test_a_real_patient_turned_flipped_resampled_and_cropped(real_data: Path) -> None:
    """A woman of 78, slices of 1 mm; T5 to T9 between two cut neighbours."""
    opened = shipped_reader().open(real_data / "ct" / "nsclcrg_R01-001.nii.gz")
    assert hasattr(opened, "volumes")
    whole = opened.volumes[0]
    low, high = np.array([-110.0, -180.0, -235.0]), np.array([95.0, 0.0, -75.0])
    volume = box_of(whole, low, high)
    first = read_volume(volume)
    turn = turn_about_middle(volume, (12.0, -10.0, 15.0))
    narrower = np.array([20.0, 15.0, 0.0])
    for name, changed, motion in (
        ("turned", moved(volume, turn), turn),
        ("flipped", flipped(volume, (0, 2)), None),
        ("resampled", resampled(volume, (1.25, 1.1, 1.1)), None),
        ("cropped", box_of(whole, low + narrower, high - narrower), None),
    ):
        change = change_between(first, read_volume(changed), motion)
        assert not change.lost, name
        assert not change.renamed, name
        assert len(change.levels) >= FEWEST_REAL, name
        assert change.mean_mm <= LARGEST_MEAN_CHANGE_MM, f"{name}: {change.mean_mm:.2f} mm"
