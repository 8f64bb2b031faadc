"""``spondyl compare`` and ``spondyl drift`` on findings that lie in files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_finding import finding, vertebra
from typer.testing import CliRunner

from spondyl.cli import app
from spondyl.cli.exit_codes import ExitCode
from spondyl.domain.finding import HeightTriple

LEVELS = ("T11", "T12", "L1", "L2", "L3")


def write(folder: Path, lost_mm: float = 0.0) -> Path:
    """Five vertebrae of growing size, L1 lower in front by so much."""
    rows = []
    for n, level in enumerate(LEVELS):
        front = 22.0 + n - (lost_mm if level == "L1" else 0.0)
        heights = HeightTriple(anterior=front, middle=22.0 + n - 0.7 * (22.0 + n - front), posterior=24.0 + n)
        rows.append(
            vertebra(
                level,
                centre_lps_mm=(0.0, 0.0, -30.0 * n - n * n),
                heights_mm=heights,
                window_heights_mm=heights,
                depth_mm=28.0 + 1.5 * n,
            )
        )
    folder.mkdir(parents=True)
    path = folder / "finding.json"
    path.write_text(finding(vertebrae=tuple(rows)).model_dump_json(), encoding="utf-8")
    return path


def test_a_new_fracture_is_told_and_written(tmp_path: Path) -> None:
    current, prior = write(tmp_path / "now", 8.0), write(tmp_path / "then")
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["compare", str(current), str(prior.parent), "--out", str(out)])
    assert result.exit_code == ExitCode.ANSWERED, result.output
    assert "New: L1." in result.output
    assert "Not a medical device" in result.output
    document = json.loads((out / "comparison.json").read_text(encoding="utf-8"))
    assert [x["status"] for x in document["changes"]] == ["stable", "stable", "new", "stable", "stable"]
    page = (out / "comparison.html").read_text(encoding="utf-8")
    assert page.count("Not a medical device") == 2


def test_a_file_that_is_no_finding_is_named(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"schema": "x"}', encoding="utf-8")
    prior = write(tmp_path / "then")
    result = CliRunner().invoke(app, ["compare", str(tmp_path / "other.json"), str(prior)])
    assert result.exit_code == ExitCode.USAGE
    assert "other.json is not a finding" in result.output


@pytest.mark.parametrize(("batch", "code"), [("5", ExitCode.ANSWERED), ("6", ExitCode.USAGE)])
def test_drift_reads_a_folder_of_findings(tmp_path: Path, batch: str, code: ExitCode) -> None:
    for n in range(10):
        write(tmp_path / f"{n:02d}")
    result = CliRunner().invoke(app, ["drift", str(tmp_path), "--batch", batch, "--baseline", "1"])
    assert result.exit_code == code, result.output
    assert ("No signal" in result.output) == (code == ExitCode.ANSWERED)
