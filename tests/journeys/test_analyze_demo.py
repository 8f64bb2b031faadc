"""The demo's promise, kept on the real chest CT: the levels of the wheel's own label map, and no fracture.

The label map outlines whole vertebrae. A body is the thickest part of one, so its centre is taken as the
centroid of what lies deepest; that is within 5.4 mm of the centres annotated by eye at T1-L1.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from spondyl.adapters import demo_ct
from spondyl.domain.finding import State, StudyFinding, VertebraFinding
from spondyl.settings import load
from spondyl.wiring import Answer, Reader, open_reader

pytestmark = pytest.mark.slow

LEVELS = [*(f"T{number}" for number in range(1, 13)), "L1"]
CENTRE_LIMIT_MM = 8.0
DEEP = 0.6  # of the largest depth in the label: the body, without its posterior elements


@pytest.fixture(scope="module")
def study() -> Path:
    try:
        return demo_ct.fetch(demo_ct.cache_folder())
    except demo_ct.DemoCtUnavailableError as error:
        pytest.skip(f"the demo CT cannot be had: {error}")


@pytest.fixture(scope="module")
def reader() -> Reader:
    return open_reader(load())


@pytest.fixture(scope="module")
def answer(study: Path, reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> Answer:
    return reader.read(study, tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def reference(study: Path) -> dict[str, np.ndarray]:
    """Level -> (3,) centre of the body, LPS mm, from the label map."""
    return dict(body_centres(study.parent))


def body_centres(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    image = nib.Nifti1Image.from_filename(folder / demo_ct.LABEL_MAP.name)
    labels = np.asarray(image.dataobj).astype(np.uint8)
    boxes = ndimage.find_objects(labels)
    spacing_mm = np.linalg.norm(image.affine[:3, :3], axis=0)
    with (folder / demo_ct.STRUCTURES.name).open() as stream:
        numbers = {row["structure"]: int(row["id"]) for row in csv.DictReader(stream)}
    for level in LEVELS:
        number = numbers[f"vertebrae_{level}"]
        box = boxes[number - 1]
        depth_mm = ndimage.distance_transform_edt(np.pad(labels[box] == number, 1), sampling=spacing_mm)
        index = np.argwhere(depth_mm >= DEEP * depth_mm.max()).mean(axis=0) - 1 + [s.start for s in box]
        ras_mm = image.affine[:3, :3] @ index + image.affine[:3, 3]
        yield level, ras_mm * [-1, -1, 1]


def by_level(finding: StudyFinding) -> dict[str, VertebraFinding]:
    return {vertebra.level: vertebra for vertebra in finding.vertebrae}


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_is_found_where_the_label_map_has_it(
    answer: Answer, reference: dict[str, np.ndarray], level: str
) -> None:
    vertebra = by_level(answer.finding)[level]
    distance_mm = float(np.linalg.norm(np.array(vertebra.centre_lps_mm) - reference[level]))
    assert distance_mm <= CENTRE_LIMIT_MM


def test_no_body_is_invented_between_the_levels(answer: Answer) -> None:
    found = [vertebra.level for vertebra in answer.finding.vertebrae]
    first, last = found.index("T1"), found.index("L1")
    assert found[first : last + 1] == LEVELS


def test_this_patient_has_no_fracture_of_grade_two_or_more(answer: Answer) -> None:
    assert answer.finding.state is State.NO_FLAG
    assert [v.level for v in answer.finding.vertebrae if (v.genant_grade or 0) >= 2] == []


def test_every_file_is_there(answer: Answer) -> None:
    folder = next(path.parent for path in answer.files if path.name == "finding.json")
    for name in ("finding.json", "vertebrae.csv", "segmentation.nii.gz", "report.html"):
        assert (folder / name).stat().st_size > 0
    assert list((folder / "pictures").glob("*.png"))


def test_the_same_ct_read_twice_gives_the_same_finding_but_for_its_timings(
    study: Path, reader: Reader, tmp_path: Path
) -> None:
    """On the middle of the chest only: half of the slices, for half of the time."""
    image = nib.Nifti1Image.from_filename(study)
    cropped = tmp_path / "middle.nii.gz"
    image.slicer[:, :, 35:95].to_filename(cropped)
    findings = []
    for name in ("first", "second"):
        reader.read(cropped, tmp_path / name)
        finding = json.loads((tmp_path / name / "finding.json").read_text())
        assert finding["vertebrae"]
        assert finding["manifest"].pop("timings_s")
        findings.append(finding)
    assert findings[0] == findings[1]
