"""The pictures of the spine and of one vertebra, on boxes whose place is known."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image

from spondyl.domain.finding import HeightTriple
from spondyl.domain.report import ReportInput
from spondyl.geometry.arrays import UInt8Array
from spondyl.stages.report import Settings
from spondyl.stages.report.placed import is_singled_out, place_vertebrae, vertebrae_to_show
from spondyl.stages.report.spine_picture import draw_spine
from spondyl.stages.report.vertebra_picture import draw_vertebra, expected_outline

BuildStudy = Callable[..., ReportInput]
LANDMARKS = np.array(
    [[0, -12, 10], [0, 0, 9], [0, 12, 10], [0, -12, -10], [0, 0, -9], [0, 12, -10]], dtype=np.float64
)


def _pixels(png: bytes) -> UInt8Array:
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))


def _is_orange(pixels: UInt8Array) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    red, green, blue = (pixels[..., channel].astype(int) for channel in range(3))
    return (red > 180) & (green > 100) & (green < 190) & (blue < 80)


def test_the_expected_outline_has_the_expected_heights_about_the_measured_middle() -> None:
    outline = expected_outline(LANDMARKS, HeightTriple(anterior=26.0, middle=18.0, posterior=20.0))
    assert outline.tolist() == [
        [0, -12, 13],
        [0, 0, 9],
        [0, 12, 10],
        [0, 12, -10],
        [0, 0, -9],
        [0, -12, -13],
        [0, -12, 13],
    ]


def test_the_endplate_lines_of_a_fracture_lie_on_its_endplates(build_study: BuildStudy) -> None:
    study, settings = build_study(), Settings()
    png = draw_spine(study.series[0].volume, place_vertebrae(study.finding, study.series[0]), settings)
    orange = _is_orange(_pixels(png))
    # The grade's box is wider than it is high and lies right of the panel: look left of it only.
    left_px, right_px = 84, 84 + int(81 * settings.spine_pixels_per_mm) - 10
    rows = np.nonzero(orange[:, left_px:right_px].sum(axis=1) > 40)[0]
    upper, lower = rows[rows < rows.mean()], rows[rows > rows.mean()]
    distance_mm = (lower.mean() - upper.mean()) / settings.spine_pixels_per_mm
    assert abs(distance_mm - 20.0) < 0.5
    middle_mm = (rows.mean() - 44) / settings.spine_pixels_per_mm
    top_of_scan_mm = -457.0 + 37 * 3.0
    assert abs((top_of_scan_mm - middle_mm) - (-400.0)) < 1.0


def test_a_long_spine_keeps_to_the_largest_height(build_study: BuildStudy) -> None:
    study = build_study()
    settings = Settings(spine_height_px=200)
    png = draw_spine(study.series[0].volume, place_vertebrae(study.finding, study.series[0]), settings)
    assert 200 <= _pixels(png).shape[0] <= 200 + 160  # and the margins above and below


def test_a_tile_shows_the_body_bright_in_the_middle_and_tissue_around(build_study: BuildStudy) -> None:
    study, settings = build_study(), Settings()
    placed = place_vertebrae(study.finding, study.series[0])[1]
    pixels = _pixels(draw_vertebra(study.series[0].volume, placed, settings))
    side = round(settings.tile_field_mm * settings.tile_pixels_per_mm)
    assert pixels.shape[1] == 2 * side + 12
    per_mm, row, column = settings.tile_pixels_per_mm, 50 + side // 2, side // 2
    body = pixels[row - 20 : row + 20, column + int(4 * per_mm) : column + int(6 * per_mm), 0]
    disc = pixels[row - int(14 * per_mm) : row - int(12.5 * per_mm), column - 40 : column + 40, 0]
    # 400 and 40 HU in a window from -300 to 900 HU
    assert abs(np.median(body) - 700 / 1200 * 255) < 3
    assert abs(np.median(disc) - 340 / 1200 * 255) < 3


def test_a_vertebra_without_points_has_a_tile_too(build_study: BuildStudy) -> None:
    study = build_study()
    cut = place_vertebrae(study.finding, study.series[0])[3]
    assert cut.landmarks_lps_mm is None
    assert _pixels(draw_vertebra(study.series[0].volume, cut, Settings())).size > 0


def test_the_limit_of_the_probability_is_included(build_study: BuildStudy) -> None:
    vertebra = build_study().finding.vertebrae[0]
    at, below = (
        vertebra.model_copy(update={"probability_grade_2_or_more": value}) for value in (0.2, 0.1999)
    )
    assert is_singled_out(at, 0.2)
    assert not is_singled_out(below, 0.2)


def test_a_doubtful_outline_is_shown_and_a_cut_vertebra_is_not(build_study: BuildStudy) -> None:
    cut = build_study().finding.vertebrae[3]
    doubtful = cut.model_copy(update={"not_measured": "DOUBTFUL_OUTLINE"})
    assert is_singled_out(doubtful, 0.2)
    assert not is_singled_out(cut, 0.2)


def test_without_a_suspicion_the_most_reduced_vertebra_is_shown(build_study: BuildStudy) -> None:
    finding = build_study(losses=(0.04, 0.02, 0.11)).finding
    assert [vertebra.level for vertebra in vertebrae_to_show(finding, 0.2)] == ["L2"]


def test_a_vertebra_that_the_finding_leaves_out_is_not_drawn(build_study: BuildStudy) -> None:
    study = build_study()
    finding = study.finding.model_copy(update={"vertebrae": study.finding.vertebrae[:2]})
    placed = place_vertebrae(finding, study.series[0])
    assert [vertebra.finding.level for vertebra in placed] == ["T12", "L1"]
