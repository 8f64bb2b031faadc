"""All the files of one result."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from spondyl.domain.report import AnalysedSeries, ReportInput, ResultsNotWrittenError
from spondyl.stages.report import Settings, write_results

BuildStudy = Callable[..., ReportInput]
BuildSeries = Callable[..., AnalysedSeries]


def _names(paths: tuple[Path, ...], out: Path) -> list[str]:
    return [str(path.relative_to(out)) for path in paths]


def test_a_study_gets_all_files_and_the_finding_last(build_study: BuildStudy, tmp_path: Path) -> None:
    written = write_results(build_study(), tmp_path, Settings())
    assert _names(written, tmp_path) == [
        "segmentation.nii.gz",
        "pictures/spine_0a1b2c-1.png",
        "pictures/vertebra_L1.png",
        "vertebrae.csv",
        "report.html",
        "finding.json",
    ]
    assert all(path.stat().st_size > 100 for path in written)
    assert (tmp_path / "report.html").stat().st_size < 3 * 10**6


def test_the_same_study_gives_the_same_bytes(build_study: BuildStudy, tmp_path: Path) -> None:
    first = write_results(build_study(), tmp_path / "first", Settings())
    second = write_results(build_study(), tmp_path / "second", Settings())
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_two_series_get_a_segmentation_each_and_tiles_that_tell_them_apart(
    build_study: BuildStudy, tmp_path: Path
) -> None:
    written = write_results(build_study(series_ids=("aa-1", "bb/2")), tmp_path, Settings())
    assert _names(written, tmp_path)[:6] == [
        "segmentation_aa-1.nii.gz",
        "segmentation_bb-2.nii.gz",
        "pictures/spine_aa-1.png",
        "pictures/spine_bb-2.png",
        "pictures/vertebra_L1_aa-1.png",
        "pictures/vertebra_L1_bb-2.png",
    ]


def test_a_refused_study_gets_finding_table_and_page(refused_study: ReportInput, tmp_path: Path) -> None:
    written = write_results(refused_study, tmp_path, Settings())
    assert _names(written, tmp_path) == ["vertebrae.csv", "report.html", "finding.json"]
    assert json.loads((tmp_path / "finding.json").read_bytes())["refusal"]["code"] == "TOO_FEW_SLICES"


def test_pictures_of_an_earlier_study_do_not_stay(
    build_study: BuildStudy, refused_study: ReportInput, tmp_path: Path
) -> None:
    write_results(build_study(), tmp_path, Settings())
    (tmp_path / "notes.txt").write_text("mine")
    write_results(refused_study, tmp_path, Settings())
    left = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["finding.json", "notes.txt", "report.html", "vertebrae.csv"]


def test_a_series_of_which_the_finding_names_no_vertebra_has_no_picture(
    build_study: BuildStudy, tmp_path: Path
) -> None:
    study = build_study()
    bare = replace(study, finding=study.finding.model_copy(update={"vertebrae": ()}))
    written = write_results(bare, tmp_path, Settings())
    assert _names(written, tmp_path)[0] == "segmentation.nii.gz"
    assert not any(path.suffix == ".png" for path in written)


def test_a_folder_that_cannot_be_made_is_told(build_study: BuildStudy, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ResultsNotWrittenError, match="cannot be written"):
        write_results(build_study(), tmp_path / "out", Settings())


def test_a_finding_about_a_series_that_is_not_given_is_refused(build_study: BuildStudy) -> None:
    with pytest.raises(ValueError, match="whose volume is not given"):
        ReportInput(finding=build_study().finding)


def test_outlines_of_another_series_are_refused(build_series: BuildSeries) -> None:
    with pytest.raises(ValueError, match="wrong images"):
        replace(build_series("aa-1"), volume=build_series("bb-2").volume)


def test_a_measurement_of_another_level_is_refused(build_series: BuildSeries) -> None:
    series = build_series()
    with pytest.raises(ValueError, match="measurement of L1 stands where T12 is named"):
        replace(series, measurements=(series.measurements[1], *series.measurements[1:]))
