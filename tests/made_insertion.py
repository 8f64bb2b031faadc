"""A surveyed CT and a reading of an inserted fracture, made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from graded_series import MANIFEST
from spondyl.domain.finding import Reason, State, StudyFinding
from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.study.evaluation.insertions import InsertionReading
from spondyl.trials.insertion import NormalCt

READING = InsertionReading(
    ct="a",
    level=Level.T8,
    shape=Shape.WEDGE,
    loss_fraction=0.40,
    state=State.FLAG,
    read_level="T8",
    read_grade=2,
    read_shape="wedge",
    read_loss_fraction=0.35,
    probability=0.9,
    refused=None,
    is_asked_for=False,
    others_flagged=(),
    baseline_loss_fraction=0.0,
)


def normal_ct(name: str) -> NormalCt:
    """A CT with three places for a fracture."""
    levels = (Level.T8, Level.T9, Level.T10)
    return NormalCt(
        name=name,
        path=Path(name),
        series_id=name,
        slice_spacing_mm=1.0,
        points_lps_mm={level: np.zeros((6, 3)) for level in levels},
        widths_mm={},
        candidates=levels,
        finding=StudyFinding(
            state=State.NO_FLAG,
            reasons=(Reason(code="X", text="x"),),
            score=0.0,
            vertebrae=(),
            series=(),
            refusal=None,
            manifest=MANIFEST,
        ),
    )
