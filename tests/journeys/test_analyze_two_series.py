"""One study of two series: a spine, and further up a trunk without one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from spondyl.domain.finding import StudyFinding
from spondyl.domain.level import Level
from spondyl.domain.volume import CtVolume
from spondyl.settings import load
from spondyl.synthetic import make_ct
from spondyl.synthetic.dicom import make_series, write_series
from spondyl.wiring import Answer, Reader, open_reader

pytestmark = pytest.mark.slow

N_TRUNK_SLICES = 40


def trunk_without_spine(above: CtVolume) -> CtVolume:
    """Air, and tissue that is enhanced more and more to one side, 50 mm above another volume."""
    _, n_rows, n_columns = above.hu.shape
    hu = np.random.default_rng(1).normal(40, 12, (N_TRUNK_SLICES, n_rows, n_columns))
    hu += np.linspace(0, 160, n_columns)
    hu[:, :40] = -1000
    affine = above.affine.copy()
    affine[:3, 3] += above.affine[:3, 0] * above.hu.shape[0] + np.array([0.0, 0.0, 50.0])
    return CtVolume(hu=hu.astype(np.int16), affine=affine, series_id="trunk")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    made = make_ct(5, 3.0, first=Level.T8, last=Level.L3).volume
    write_series(made, folder / "spine", seed=5)
    (folder / "trunk").mkdir()
    study_uid = make_series(made, seed=5)[0].StudyInstanceUID
    for number, dataset in enumerate(make_series(trunk_without_spine(made), seed=6)):
        dataset.StudyInstanceUID = study_uid
        dataset.PatientID = ""
        dataset.save_as(folder / "trunk" / f"{number}.dcm", enforce_file_format=True)
    return folder


@pytest.fixture(scope="module")
def reader() -> Reader:
    return open_reader(load())


@pytest.fixture(scope="module")
def answer(study: Path, reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> Answer:
    return reader.read(study, tmp_path_factory.mktemp("results"))


@pytest.fixture
def finding(answer: Answer) -> StudyFinding:
    return answer.finding


def test_a_series_without_spine_does_not_refuse_the_study(finding: StudyFinding) -> None:
    assert finding.refusal is None
    assert len(finding.vertebrae) >= 5


def test_the_refused_series_is_listed_with_its_code_and_the_other_as_read(finding: StudyFinding) -> None:
    (trunk,) = [x for x in finding.series if x.n_slices == N_TRUNK_SLICES]
    (spine,) = [x for x in finding.series if x.n_slices != N_TRUNK_SLICES]
    assert (trunk.chosen, trunk.reason) == (False, "NO_SPINE_FOUND")
    assert spine.chosen


def test_every_vertebra_names_the_series_that_was_read(finding: StudyFinding) -> None:
    (read,) = [x.series_id for x in finding.series if x.chosen]
    assert {vertebra.series_id for vertebra in finding.vertebrae} == {read}


def test_the_times_of_both_series_are_added_up(answer: Answer) -> None:
    assert set(answer.timings_s) == {
        "ingest", "volume", "localise", "segment", "label", "measure", "grade", "signs", "confounders",
        "density", "finding", "report",
    }  # fmt: skip
    assert "report" not in answer.finding.manifest.timings_s


def test_the_same_study_read_again_gives_the_same_finding(
    answer: Answer, study: Path, reader: Reader, tmp_path: Path
) -> None:
    reader.read(study, tmp_path)
    first = next(path for path in answer.files if path.name == "finding.json")
    findings = [json.loads(path.read_text()) for path in (first, tmp_path / "finding.json")]
    for one in findings:
        assert one["manifest"].pop("timings_s")
    assert findings[0] == findings[1]
