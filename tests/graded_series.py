"""Graded series made by hand, and the finding concluded from them."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from plain_spine import CENTRE_MM, measured, patch_of, spine_of, vertebra_of
from spondyl.domain.confounder import Confounder
from spondyl.domain.finding import GradedSeries, Manifest, StudyFinding
from spondyl.domain.grading import Graded, NotGraded, Shape
from spondyl.domain.level import STANDARD_LEVELS, Level
from spondyl.domain.measurement import Heights, Measured, NotMeasured
from spondyl.domain.refusal import NotMeasuredCode
from spondyl.domain.series import StackSummary
from spondyl.domain.vertebra import Vertebra
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.finding import Settings, conclude
from spondyl.synthetic.plain_body import PlainBody

T9_TO_L2 = STANDARD_LEVELS[STANDARD_LEVELS.index(Level.T9) : STANDARD_LEVELS.index(Level.L2) + 1]
MANIFEST = Manifest(
    spondyl_version="0",
    input_sha256="0",
    settings_sha256="0",
    networks=(),
    engine="none",
    precision="f32",
    packages={},
    python="3",
    machine="x",
    timings_s={},
)
STACK = StackSummary(
    series_id="a",
    modality="CT",
    description="chest",
    n_slices=120,
    slice_spacing_mm=1.0,
    pixel_spacing_mm=(0.7, 0.8),
    kernel="B30f",
    z_range_mm=(-300.0, 0.0),
    chosen=True,
    reason="CHOSEN",
    text="chosen",
    score=1.0,
)
HEIGHTS = Heights(anterior_mm=22.0, middle_mm=21.0, posterior_mm=24.0)


@lru_cache(maxsize=1)
def _patch_vertebra() -> Vertebra:
    return vertebra_of(patch_of(PlainBody(anterior_mm=22.0, middle_mm=21.0, posterior_mm=24.0)))


def graded_as(level: Level, grade: int = 0, probability: float = 0.01) -> Graded:
    """A grade with a loss that goes with it."""
    return Graded(
        level=level,
        expected=HEIGHTS,
        loss_fraction=(0.05, 0.22, 0.33, 0.50)[grade],
        loss_sd=0.05,
        grade=grade,
        shape=Shape.WEDGE if grade else Shape.NORMAL,
        probability_grade_2_or_more=probability,
        neighbours_used=(),
    )


def centre_of(level: Level) -> Float64Array:
    """Centres 30 mm apart."""
    return CENTRE_MM - np.array([0.0, 0.0, 30.0 * (level.order - Level.T9.order)])


def series_of(
    grades: dict[Level, Graded | NotGraded],
    *,
    series_id: str = "a",
    slice_spacing_mm: float = 1.0,
    shift_mm: float = 0.0,
    sure: bool = True,
) -> GradedSeries:
    """A series in which every vertebra has the given grade; what is CUT_BY_BORDER was not measured."""
    vertebrae: list[tuple[Level, Vertebra]] = []
    measurements: list[Measured | NotMeasured] = []
    for level, grade in grades.items():
        centre = centre_of(level) + np.array([0.0, 0.0, shift_mm])
        cut = isinstance(grade, NotGraded) and grade.code == NotMeasuredCode.CUT_BY_BORDER
        vertebrae.append((level, replace(_patch_vertebra(), cut_by_border=cut)))
        if cut:
            measurements.append(
                NotMeasured(level=level, code=NotMeasuredCode.CUT_BY_BORDER, text="cut", centre_lps_mm=centre)
            )
        else:
            measurements.append(measured(level, (22.0, 21.0, 24.0), centre_mm=centre))
    return GradedSeries(
        spine=spine_of(*vertebrae, series_id=series_id, sure=sure),
        measurements=tuple(measurements),
        grades=tuple(grades.values()),
        slice_spacing_mm=slice_spacing_mm,
    )


def normal_spine(**changed: Graded | NotGraded) -> dict[Level, Graded | NotGraded]:
    """T9 to L2 of grade 0, but for the named levels."""
    return {level: changed.get(level.value, graded_as(level)) for level in T9_TO_L2}


def finding_of(
    *graded: GradedSeries, confounders: tuple[Confounder, ...] = (), settings: Settings | None = None
) -> StudyFinding:
    """Conclude with the default settings."""
    return conclude(graded, (STACK,), confounders, MANIFEST, settings or Settings())


def codes(finding: StudyFinding) -> list[str]:
    """Codes of the reasons."""
    return [reason.code for reason in finding.reasons]
