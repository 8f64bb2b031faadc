"""Plans of insertions, the report's tables, pictures, and the resumed site test: without any network."""

from __future__ import annotations

import json
import runpy
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graded_series import MANIFEST
from made_insertion import READING, normal_ct
from plain_spine import patch_of
from spondyl.domain.finding import State
from spondyl.domain.grading import Shape
from spondyl.domain.volume import CtVolume
from spondyl.study.evaluation.insertions import NormalReading
from spondyl.synthetic.plain_body import PlainBody
from spondyl.trials.insertion import LOSS_RANGE, TrialError, plan
from spondyl.trials.insertion_text import insertion_table, read_trial, trial_document
from spondyl.trials.overlap import overlap
from spondyl.trials.picture import Tile, draw, write_sheet
from spondyl.trials.site_test import cts_in

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "write_validation_report.py"


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    cts = [normal_ct("a"), normal_ct("b")]
    assert plan(cts, 30, 1) == plan(cts, 30, 1)
    assert plan(cts, 30, 1) != plan(cts, 30, 2)


def test_losses_shapes_and_places_are_spread_evenly() -> None:
    planned = plan([normal_ct("a"), normal_ct("b")], 60, 1)
    losses = sorted(x.loss_fraction for x in planned)
    step = (LOSS_RANGE[1] - LOSS_RANGE[0]) / 60
    assert losses == pytest.approx([LOSS_RANGE[0] + (n + 0.5) * step for n in range(60)], abs=1e-4)
    assert Counter(x.shape for x in planned) == {Shape.WEDGE: 20, Shape.BICONCAVE: 20, Shape.CRUSH: 20}
    # three candidates in each of two CTs: each place ten times
    assert set(Counter((x.ct, x.level) for x in planned).values()) == {10}


def test_the_trial_comes_back_out_of_its_document(tmp_path: Path) -> None:
    normal = NormalReading(ct="a", slice_spacing_mm=1.0, is_flagged=False, n_graded=9, false_levels=("T9",))
    path = tmp_path / "site-test.json"
    path.write_text(json.dumps(trial_document(MANIFEST, [READING], [normal], [])))
    assert read_trial(path) == ([READING], [normal])
    path.write_text("{}")
    with pytest.raises(ValueError, match=r"is no spondyl\.site-test/1"):
        read_trial(path)


def test_the_table_counts_seen_and_missed() -> None:
    missed = replace(READING, ct="b", state=State.NO_FLAG, read_grade=0, read_loss_fraction=0.1)
    unread = replace(READING, ct="c", read_grade=None, refused="NOT_FOUND", is_asked_for=True)
    table = insertion_table([READING, missed, unread]).splitlines()
    line = next(x for x in table if x.startswith("| all "))
    assert line.startswith("| all | 3 | 2 | 1 | 66.7%")


def test_ct_folders_are_every_folder_zip_and_nifti(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    for name in ("b.nii.gz", "c.zip", "notes.txt", ".hidden.nii"):
        (tmp_path / name).touch()
    assert [x.name for x in cts_in(tmp_path)] == ["b.nii.gz", "c.zip", "study"]
    with pytest.raises(TrialError, match="holds no CT"):
        cts_in(tmp_path / "study")
    with pytest.raises(TrialError, match="is needed"):
        cts_in(tmp_path / "absent")


def test_a_body_overlaps_itself_wholly_and_a_taller_one_less() -> None:
    body = PlainBody(anterior_mm=24.0, middle_mm=24.0, posterior_mm=24.0)
    taller = PlainBody(anterior_mm=28.0, middle_mm=28.0, posterior_mm=28.0)
    same = overlap(patch_of(body), patch_of(body))
    assert same is not None
    assert (same.dice, same.surface_mm) == (1.0, 0.0)
    other = overlap(patch_of(body), patch_of(taller))
    assert other is not None
    assert other.dice == pytest.approx(2 * 24 / (24 + 28), abs=0.02)  # the same outline seen from above
    assert 0.5 < other.surface_mm < 2.0  # 2 mm at both endplates, 0 at the walls


def test_an_empty_outline_has_no_overlap() -> None:
    body = patch_of(PlainBody(anterior_mm=24.0, middle_mm=24.0, posterior_mm=24.0))
    empty = replace(body, occupancy=np.zeros_like(body.occupancy))
    assert overlap(body, empty) is None


def test_a_sheet_of_tiles_is_a_png_with_all_of_them(tmp_path: Path) -> None:
    volume = CtVolume(hu=np.full((40, 40, 40), 100, np.int16), affine=np.eye(4), series_id="a")
    tile = Tile(
        volume=volume,
        centre_lps_mm=np.array([20.0, 20.0, 20.0]),
        frame=np.eye(3),
        caption=("T8", "missed"),
        true_points_mm=np.array([[20.0, 20.0, 20.0]]),
    )
    drawn = draw(tile)
    write_sheet([drawn] * 5, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width == 4 * drawn.width
        assert sheet.height == 2 * drawn.height + 20
    green = np.asarray(drawn)[:, :, 1].astype(int) - np.asarray(drawn)[:, :, 0]
    assert green.max() > 100
    with pytest.raises(ValueError, match="at least one tile"):
        write_sheet([], tmp_path / "none.png")


# ------------------------------------------------------------------------------- the validation report
def test_a_bar_says_met_missed_or_not_measured() -> None:
    bars = {bar.measure: bar for bar in runpy.run_path(str(SCRIPT))["BARS"]}
    assert bars["recall"].line(0.97).endswith("| ≥ 96 % | 97 % | met |")
    assert bars["recall"].line(0.95).endswith("| 95 % | **missed** |")
    assert bars["dice"].line(None).endswith("| not measured | – |")
    assert bars["height_mae_3mm"].line(1.31).endswith("| ≤ 1.3 mm | 1.31 mm | **missed** |")


def test_the_card_s_figures_are_replaced_and_nothing_else() -> None:
    with_figures = runpy.run_path(str(SCRIPT))["with_figures"]
    card = "# Card\n\n## Known weak points\n\n- one\n"
    once = with_figures(card, "first")
    twice = with_figures(once, "second")
    assert "first" in once
    assert "first" not in twice
    assert twice.count("## Figures") == 1
    assert twice.endswith("## Known weak points\n\n- one\n")
    with pytest.raises(ValueError, match="neither"):
        with_figures("# Card", "x")
