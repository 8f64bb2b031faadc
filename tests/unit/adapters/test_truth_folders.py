"""The four layouts of CTs with truth, VerSe's centroids in any orientation, readers' grades."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from spondyl.adapters.label_schemes import Scheme
from spondyl.adapters.truth_error import TruthError
from spondyl.adapters.truth_folders import find_cases
from spondyl.adapters.truth_masks import read_grades, read_masks, read_verse_centroids
from spondyl.domain.level import Level


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_verse_s_layout_is_found_with_centroids_and_grades(tmp_path: Path) -> None:
    raw, derived = tmp_path / "rawdata" / "sub-v1", tmp_path / "derivatives" / "sub-v1"
    touch(
        raw / "sub-v1_ct.nii.gz",
        derived / "sub-v1_seg-vert_msk.nii.gz",
        derived / "sub-v1_seg-subreg_ctd.json",
    )
    (tmp_path / "grades.csv").write_text("subject,level,genant\nsub-v1,L1,3\nsub-v1,L2,0\n")
    (case,) = find_cases(tmp_path)
    assert case.name == "sub-v1"
    assert case.ct == raw / "sub-v1_ct.nii.gz"
    assert case.masks == derived / "sub-v1_seg-vert_msk.nii.gz"
    assert case.centroids == derived / "sub-v1_seg-subreg_ctd.json"
    assert case.grades == {Level.L1: 3, Level.L2: 0}


def test_the_older_verse_layout_is_found(tmp_path: Path) -> None:
    touch(tmp_path / "v4.nii.gz", tmp_path / "v4_seg.nii.gz", tmp_path / "v4_ctd.json")
    (case,) = find_cases(tmp_path)
    assert (case.name, case.scheme) == ("v4", Scheme.VERSE)
    assert case.centroids == tmp_path / "v4_ctd.json"


def test_totalsegmentator_s_data_set_and_six_points_are_found(tmp_path: Path) -> None:
    touch(tmp_path / "s1" / "ct.nii.gz", tmp_path / "s1" / "segmentations" / "vertebrae_L1.nii.gz")
    touch(tmp_path / "made" / "truth.json", tmp_path / "made" / "dicom" / "0.dcm")
    touch(tmp_path / "a.json", tmp_path / "a.nii.gz")
    assert [(x.name, x.points is not None) for x in find_cases(tmp_path)] == [
        ("a", True), ("made", True), ("s1", False)
    ]  # fmt: skip


def test_a_list_stands_over_what_is_found(tmp_path: Path) -> None:
    touch(tmp_path / "a.json", tmp_path / "a.nii.gz")
    row = {"name": "b", "ct": "x/b", "masks": "x/m.nii.gz", "scheme": "totalsegmentator", "grades": {"L1": 2}}
    (tmp_path / "cases.json").write_text(json.dumps([row]))
    (case,) = find_cases(tmp_path)
    assert case.ct == tmp_path / "x" / "b"
    assert case.scheme is Scheme.TOTALSEGMENTATOR
    assert case.grades == {Level.L1: 2}
    (tmp_path / "cases.json").write_text(json.dumps([{**row, "mask": "y"}]))
    with pytest.raises(TruthError, match="no list of cases"):
        find_cases(tmp_path)


def test_a_folder_without_truth_says_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(TruthError, match="VerSe's layout"):
        find_cases(tmp_path)


def image_of(tmp_path: Path, codes: tuple[str, str, str]) -> Path:
    """A CT of 20 × 30 × 40 voxels of 1, 2 and 3 mm in RAS, stored along these axes."""
    image = nibabel.Nifti1Image(np.zeros((20, 30, 40), np.int16), np.diag([1.0, 2.0, 3.0, 1.0]))
    turn = nibabel.orientations.ornt_transform(
        nibabel.orientations.io_orientation(image.affine), nibabel.orientations.axcodes2ornt(codes)
    )
    path = tmp_path / f"{''.join(codes)}.nii.gz"
    nibabel.save(image.as_reoriented(turn), path)
    return path


@pytest.mark.parametrize("codes", [("R", "A", "S"), ("L", "P", "S"), ("P", "I", "R")])
def test_a_centroid_lies_where_it_lies_however_the_image_is_stored(
    tmp_path: Path, codes: tuple[str, str, str]
) -> None:
    path = tmp_path / "v_ctd.json"
    # voxel (R 4, A 5, S 6) is RAS (4, 10, 18) mm; towards P, I, R it is (29 - 5, 39 - 6, 4)
    path.write_text(json.dumps([{"direction": ["P", "I", "R"]}, {"label": 20, "X": 24, "Y": 33, "Z": 4}]))
    centres = read_verse_centroids(path, image_of(tmp_path, codes))
    assert centres[Level.L1] == pytest.approx([-4.0, -10.0, 18.0])


def test_a_file_that_holds_no_centroids_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "v_ctd.json"
    path.write_text("[{}]")
    with pytest.raises(TruthError, match="no VerSe centroid file"):
        read_verse_centroids(path, image_of(tmp_path, ("R", "A", "S")))


def test_grades_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "grades.csv"
    path.write_text("subject,level,genant\na,L1,moderate\n")
    with pytest.raises(TruthError, match="columns subject, level, genant"):
        read_grades(path)


def test_a_map_without_vertebrae_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TruthError, match=r"RAS\.nii\.gz cannot be used"):
        read_masks(image_of(tmp_path, ("R", "A", "S")), Scheme.VERSE, "a")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TruthError, match="vertebrae_"):
        read_masks(tmp_path / "empty", Scheme.VERSE, "a")
