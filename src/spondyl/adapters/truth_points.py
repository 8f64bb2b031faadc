"""Six-point annotations: one JSON per CT with six endplate points, level, grade and shape per vertebra.

    {"name": "demo", "vertebrae": [{"level": "T1", "center_mm": [x, y, z], "partial": false,
      "points_mm": {"sa": [x, y, z], "sm": …, "sp": …, "ia": …, "im": …, "ip": …},
      "genant": 0, "shape": "none", "loss_fraction": 0.0}, …]}

All coordinates LPS mm. ``points_mm`` may be empty (centre only). ``level_confidence`` other than "sure"
on any vertebra means that the names are not compared.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spondyl.adapters.truth_error import TruthError
from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.study.evaluation.truth import KnownCase, KnownVertebra

POINT_NAMES = ("sa", "sm", "sp", "ia", "im", "ip")
_SURE = "sure"
_SHAPES = {"none": Shape.NORMAL, **{shape.value: shape for shape in Shape}}

Point = tuple[float, float, float]


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class _Annotated(_Loose):
    level: Level
    center_mm: Point
    points_mm: dict[Literal["sa", "sm", "sp", "ia", "im", "ip"], Point] = Field(default_factory=dict)
    genant: int | None = Field(default=None, ge=0, le=3)
    shape: str | None = None
    loss_fraction: float | None = Field(default=None, ge=0, lt=1)
    partial: bool = False
    level_confidence: str = _SURE


class _File(_Loose):
    name: str
    vertebrae: list[_Annotated]


def read_points(path: Path) -> KnownCase:
    """Read one annotation.

    Raises:
        TruthError: not such a file, or values that are not allowed.
    """
    try:
        annotation = _File.model_validate(json.loads(path.read_text(encoding="utf-8")))
        return KnownCase(
            name=annotation.name,
            vertebrae=tuple(_vertebra(one) for one in annotation.vertebrae),
            levels_known=all(one.level_confidence == _SURE for one in annotation.vertebrae),
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise TruthError(f"{path.name} is no six-point annotation: {place}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise TruthError(f"{path.name} is no six-point annotation: {error}") from error


def _vertebra(one: _Annotated) -> KnownVertebra:
    missing = [name for name in POINT_NAMES if name not in one.points_mm]
    if one.points_mm and missing:
        raise ValueError(f"{one.level} lacks the points {', '.join(missing)}; give all six or none")
    points = np.array([one.points_mm[name] for name in POINT_NAMES]) if one.points_mm else None  # type: ignore[index]
    return KnownVertebra(
        level=one.level,
        centre_lps_mm=np.array(one.center_mm),
        points_lps_mm=points,
        heights_mm=None if points is None else np.linalg.norm(points[:3] - points[3:], axis=1),
        grade=one.genant,
        shape=_SHAPES.get(one.shape or ""),
        loss_fraction=one.loss_fraction,
        is_whole=not one.partial and points is not None,
    )
