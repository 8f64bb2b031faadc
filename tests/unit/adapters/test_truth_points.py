"""Six-point annotations: read as they are written, refused with the place of the fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spondyl.adapters.truth_error import TruthError
from spondyl.adapters.truth_points import POINT_NAMES, read_points
from spondyl.domain.grading import Shape
from spondyl.domain.level import Level

POINTS = {name: [0.0, float(n % 3), -20.0 * (n // 3)] for n, name in enumerate(POINT_NAMES)}


def written(tmp_path: Path, *vertebrae: dict[str, object]) -> Path:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"name": "a", "vertebrae": list(vertebrae)}))
    return path


def one(**changes: object) -> dict[str, object]:
    return {
        "level": "T8", "level_confidence": "sure", "center_mm": [0, 1, -10], "points_mm": POINTS, "genant": 0,
        "shape": "none", "partial": False, **changes,
    }  # fmt: skip


def test_heights_are_the_distances_of_the_pairs(tmp_path: Path) -> None:
    case = read_points(written(tmp_path, one(), one(level="T9", points_mm={}, genant=None, shape=None)))
    whole, centre_only = case.vertebrae
    assert whole.heights_mm == pytest.approx([20.0, 20.0, 20.0])
    assert whole.shape is Shape.NORMAL
    assert whole.is_whole
    assert centre_only.heights_mm is None
    assert not centre_only.is_whole
    assert list(case.points_by_level) == [Level.T8]
    assert case.is_positive is False  # the one that must be judged was graded 0


def test_names_that_are_a_guess_are_not_compared(tmp_path: Path) -> None:
    assert not read_points(written(tmp_path, one(level_confidence="plus_minus_1"))).levels_known


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"level": "T14"}, "vertebrae.0.level"),
        ({"genant": 4}, "vertebrae.0.genant"),
        ({"points_mm": {"sa": [0, 0, 0]}}, "T8 lacks the points sm, sp, ia, im, ip"),
        ({"center_mm": [0, 0]}, "center_mm"),
    ],
)
def test_a_fault_is_told_with_its_place(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(TruthError, match=message):
        read_points(written(tmp_path, one(**changes)))


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.write_text("no")
    with pytest.raises(TruthError, match=r"b\.json is no six-point annotation"):
        read_points(path)
    with pytest.raises(TruthError):
        read_points(tmp_path / "missing.json")
