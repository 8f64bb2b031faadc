"""A fracture is put into a CT by one command and found by another, with the shipped networks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from spondyl.adapters.ct_files import write_nifti
from spondyl.adapters.truth_points import POINT_NAMES, read_points
from spondyl.cli import app
from spondyl.domain.level import Level
from spondyl.synthetic import make_ct

pytestmark = pytest.mark.slow
NOTICE = "Not a medical device"
LEVEL, LOSS = "L1", 0.5


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture(scope="module")
def ct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic CT, and its true points beside it."""
    made = make_ct(11, 1.5, first=Level.T10, last=Level.L4)
    path = tmp_path_factory.mktemp("ct") / "whole.nii.gz"
    write_nifti(made.volume, path)
    vertebrae = [
        {
            "level": x.level.value,
            "center_mm": x.centre_lps_mm.tolist(),
            "points_mm": dict(zip(POINT_NAMES, x.landmarks_lps_mm.tolist(), strict=True)),
            "genant": 0,
            "shape": "none",
            "loss_fraction": 0.0,
        }
        for x in made.truth
        if not x.is_cut and x.level is not Level.S1
    ]
    path.with_name("points.json").write_text(json.dumps({"name": "whole", "vertebrae": vertebrae}))
    return path


@pytest.fixture(scope="module")
def inserted(ct: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("case")
    answer = run(
        "insert-fracture", str(ct), "--level", LEVEL, "--loss", str(LOSS), "--shape", "crush",
        "--out", str(out), "--points", str(ct.with_name("points.json")),
    )  # fmt: skip
    assert answer.exit_code == 0, answer.output
    assert NOTICE in answer.output
    return out


def test_the_files_tell_the_truth_of_the_insertion(inserted: Path, ct: Path) -> None:
    assert {x.name for x in inserted.iterdir()} == {"ct.nii.gz", "truth.json", "before-after.png"}
    truth = read_points(inserted / "truth.json")
    broken = next(x for x in truth.vertebrae if x.level is Level.L1)
    whole = next(x for x in read_points(ct.with_name("points.json")).vertebrae if x.level is Level.L1)
    assert broken.grade == 3
    assert broken.loss_fraction == pytest.approx(LOSS, abs=0.03)
    assert broken.heights_mm is not None
    assert whole.heights_mm is not None
    losses = 1 - broken.heights_mm / whole.heights_mm
    assert losses.max() == pytest.approx(LOSS, abs=0.03)
    assert truth.is_positive


def test_the_evaluation_finds_it(inserted: Path, tmp_path: Path) -> None:
    answer = run("evaluate", str(inserted), "--out", str(tmp_path))
    assert answer.exit_code == 0, answer.output
    assert NOTICE in answer.output
    document = json.loads((tmp_path / "evaluation.json").read_text())
    assert document["schema"] == "spondyl.evaluation/1"
    (case,) = document["cases"]
    row = next(x for x in case["vertebrae"] if x["level"] == LEVEL)
    assert row["is_found"]
    assert case["is_positive"] is True
    figures = {x["measure"]: x for x in document["figures"]}
    assert figures["recall"]["answer"]["denominator"] == len(case["vertebrae"])
    page = (tmp_path / "evaluation.md").read_text()
    assert NOTICE.lower() in page.lower()


def test_what_cannot_be_inserted_says_why(ct: Path, tmp_path: Path) -> None:
    points = str(ct.with_name("points.json"))
    normal = run(
        "insert-fracture",
        str(ct),
        "--level",
        "L1",
        "--loss",
        "0.3",
        "--shape",
        "normal",
        "--out",
        str(tmp_path),
    )
    assert normal.exit_code == 2
    absent = run(
        "insert-fracture",
        str(tmp_path),
        "--level",
        "L1",
        "--loss",
        "0.3",
        "--out",
        str(tmp_path),
        "--points",
        points,
    )
    assert absent.exit_code == 3
    assert "EMPTY_INPUT" in absent.output
    no_points = run(
        "insert-fracture",
        str(ct),
        "--level",
        "L1",
        "--loss",
        "0.3",
        "--out",
        str(tmp_path),
        "--points",
        str(ct),
    )
    assert no_points.exit_code == 2
    assert "no six-point annotation" in no_points.output


def test_a_folder_without_truth_or_ct_says_what_is_needed(tmp_path: Path) -> None:
    assert "VerSe's layout" in run("evaluate", str(tmp_path), "--out", str(tmp_path / "o")).output
    answer = run("site-test", str(tmp_path), "--out", str(tmp_path / "o"))
    assert answer.exit_code == 3
    assert "holds no CT" in answer.output
