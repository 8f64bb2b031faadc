"""Label maps of other tools become vertebrae: orientation, schemes, the split of body and arch."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from plain_spine import label_map_of, turn
from spondyl.adapters.label_maps import TOTALSEGMENTATOR, VERSE, LabelMap, labelled_spine, read_label_map
from spondyl.domain.level import Level
from spondyl.geometry.affine import to_points
from spondyl.synthetic.plain_body import PlainBody

L1 = PlainBody(anterior_mm=24.0, middle_mm=23.0, posterior_mm=25.0)
L2 = PlainBody(anterior_mm=26.0, middle_mm=24.0, posterior_mm=26.0)
CRUSHED = PlainBody(anterior_mm=9.0, middle_mm=8.0, posterior_mm=12.0)


def _two(spacing_mm: tuple[float, float, float], **options: bool) -> LabelMap:
    frame = turn(10.0, 0.0, 8.0)
    return label_map_of(
        [(20, L1, np.array([3.0, 5.0, 20.0])), (21, L2, np.array([3.0, 5.0, 20.0]) - 34.0 * frame[:, 2])],
        frame,
        spacing_mm,
        **options,
    )


def test_schemes_name_the_same_levels() -> None:
    assert VERSE[20] == TOTALSEGMENTATOR[31] == Level.L1
    assert VERSE[8] == TOTALSEGMENTATOR[43] == Level.T1
    assert VERSE[7] == TOTALSEGMENTATOR[44] == Level.C7
    assert VERSE[28] == Level.T13
    assert VERSE[25] == Level.L6
    assert 26 not in VERSE  # the sacrum is no vertebra to be measured
    assert 26 not in TOTALSEGMENTATOR


def test_a_nifti_in_any_orientation_gives_the_same_points_in_lps(tmp_path: Path) -> None:
    labels = np.zeros((4, 5, 6), dtype=np.uint8)
    labels[1, 2, 3] = 20
    ras = np.diag([2.0, 3.0, 4.0, 1.0])
    ras[:3, 3] = [10.0, 20.0, 30.0]
    image = nib.Nifti1Image(labels, ras)
    flipped = image.as_reoriented(np.array([[1, -1], [2, 1], [0, -1]]))
    for number, one in enumerate((image, flipped)):
        path = tmp_path / f"map{number}.nii.gz"
        nib.save(one, path)
        read = read_label_map(path)
        index = np.argwhere(read.labels == 20).astype(np.float64)
        # right 12, anterior 26 in RAS: both signs change in LPS
        assert to_points(read.affine, index)[0] == pytest.approx([-12.0, -26.0, 42.0])


def test_a_map_of_four_dimensions_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "four.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros((2, 3, 4, 5), dtype=np.uint8), np.eye(4)), path)
    with pytest.raises(ValueError, match="4 dimensions"):
        read_label_map(path)


def test_a_map_without_vertebrae_is_refused() -> None:
    with pytest.raises(ValueError, match="scheme"):
        labelled_spine(
            LabelMap(labels=np.zeros((5, 6, 7), dtype=np.int16), affine=np.eye(4)), VERSE, series_id="x"
        )


def test_vertebrae_come_head_to_foot_with_their_names_and_spacing() -> None:
    spine = labelled_spine(_two((2.0, 1.0, 1.0)), VERSE, series_id="map")
    assert [name.level for name in spine.names] == [Level.L1, Level.L2]
    assert spine.masks.series_id == "map"
    assert all(vertebra.patch.slice_spacing_mm == 2.0 for vertebra in spine.masks.vertebrae)
    assert not any(vertebra.cut_by_border for vertebra in spine.masks.vertebrae)


def test_the_arch_is_split_from_the_body() -> None:
    whole = labelled_spine(_two((1.0, 1.0, 1.0)), VERSE, series_id="whole").masks.vertebrae[0].patch
    alone = (
        labelled_spine(_two((1.0, 1.0, 1.0), with_posterior=False), VERSE, series_id="alone")
        .masks.vertebrae[0]
        .patch
    )
    assert whole.occupancy.sum() == pytest.approx(alone.occupancy.sum(), rel=0.04)
    assert whole.posterior.sum() > 2000.0  # mm³: pedicles, laminae and spinous process
    assert alone.posterior.sum() < 50.0


def test_bodies_told_apart_by_the_source_are_taken_as_they_are() -> None:
    label_map = _two((1.0, 1.0, 1.0))
    bodies = _two((1.0, 1.0, 1.0), with_posterior=False).labels > 0
    spine = labelled_spine(label_map, VERSE, series_id="both", body=bodies)
    volume = spine.masks.vertebrae[0].patch.occupancy.sum()
    assert volume == pytest.approx(
        float(np.count_nonzero(_two((1.0, 1.0, 1.0), with_posterior=False).labels == 20)), rel=0.02
    )


def test_a_crushed_body_is_found_although_its_pedicles_are_as_thick() -> None:
    centre = np.array([0.0, 0.0, 0.0])
    label_map = label_map_of(
        [(20, CRUSHED, centre), (21, L2, centre - [0, 0, 30.0])], np.eye(3), (1.0, 1.0, 1.0)
    )
    spine = labelled_spine(label_map, VERSE, series_id="x")
    assert np.linalg.norm(spine.masks.vertebrae[0].candidate.centre_lps_mm - centre) < 3.0


def test_a_body_that_the_map_cuts_is_marked() -> None:
    label_map = _two((1.0, 1.0, 1.0))
    slices = np.flatnonzero(np.any(label_map.labels == 20, axis=(1, 2)))
    cropped = LabelMap(labels=label_map.labels[: slices[-1] - 6], affine=label_map.affine)
    spine = labelled_spine(cropped, VERSE, series_id="cut")
    assert [vertebra.cut_by_border for vertebra in spine.masks.vertebrae] == [True, False]


def test_attenuation_needs_the_ct() -> None:
    label_map = _two((2.0, 1.5, 1.0))
    without = labelled_spine(label_map, VERSE, series_id="x").masks.vertebrae[0].patch
    assert not without.in_scan.any()
    hu = np.where(label_map.labels > 0, 150.0, -50.0).astype(np.float32)
    with_ct = labelled_spine(label_map, VERSE, series_id="x", hu=hu).masks.vertebrae[0].patch
    assert with_ct.in_scan.all()
    assert np.median(with_ct.hu[with_ct.occupancy > 0.99]) == pytest.approx(150.0)
