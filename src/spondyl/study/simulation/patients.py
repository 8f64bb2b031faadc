"""Patients with their true fractures, and what the software says of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.domain.finding import State
from spondyl.domain.grading import Shape
from spondyl.domain.level import STANDARD_LEVELS, Level
from spondyl.study.records import Nature
from spondyl.study.simulation.design import Design
from spondyl.study.simulation.plans import SEVERE, Kind, Plan
from spondyl.study.tables import Sex, StudyRow, VertebraRow, View

SEEN = tuple(x for x in STANDARD_LEVELS if x.is_graded)  # T1 to L5: a scan from the neck to the pelvis
# ours: shares of one, two, three fractures; 1.5 a patient (SpringerPlus 2016;5:450)
_NUMBERS, _NUMBER_SHARES = (1, 2, 3), (0.62, 0.27, 0.11)
_SHAPES = (Shape.WEDGE, Shape.BICONCAVE, Shape.CRUSH)
_SHAPE_SHARES = (0.20, 0.66, 0.14)  # the same source, cancer patients
_NATURES = (Nature.OSTEOPOROTIC, Nature.INDETERMINATE, Nature.NEOPLASTIC, Nature.MIXED)
_NATURE_SHARES = (0.62, 0.22, 0.10, 0.06)
_LOSS_OF_GRADE = {0: (0.0, 0.14), 1: (0.20, 0.245), 2: (0.255, 0.395), 3: (0.405, 0.70)}
_SPACINGS_MM, _SPACING_SHARES = (0.625, 1.0, 1.25, 2.0), (0.2, 0.45, 0.25, 0.1)
_KERNELS = ("Br40", "Br59", "STANDARD")
_TOP_HEIGHT_MM, _STEP_MM = 16.0, 0.72  # ours: posterior height of T1 and its growth by level
_DISTANCE_FACTOR = 1.28  # of the centres of neighbours, in heights: a disc lies between them
_PROBABILITY_OF_GRADE = {0: (0.0, 0.06), 1: (0.08, 0.45), 2: (0.55, 0.96), 3: (0.9, 0.999)}  # ours
_YOUNGEST_YEARS, _OLDEST_YEARS = 18.0, 95.0
_FURTHER_MARKED = 0.9  # ours: of a patient's further fractures of grade 2 or more
_FALSE_MODERATE = 0.85  # ours: of false marks, the others are called grade 3
_SOUND_GRADE_1 = 0.02  # ours: of sound vertebrae
_NEIGHBOURS = 2  # levels; a report or a reader may name the vertebra one beside


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueFracture:
    """A fracture that is there."""

    level: Level
    grade: int
    shape: Shape
    nature: Nature


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A case with its truth, the software's marks by level with their grade, and its rows."""

    plan: Plan
    fractures: tuple[TrueFracture, ...]
    marks: dict[Level, int]
    study: StudyRow
    vertebrae: tuple[VertebraRow, ...]

    @property
    def case_id(self) -> str:
        """As in the tables."""
        return self.study.case_id

    def centre(self, level: Level) -> tuple[float, float, float]:
        """Of the vertebra, LPS mm."""
        row = self.vertebrae[SEEN.index(level)]
        return row.centre_x_lps_mm, row.centre_y_lps_mm, row.centre_z_lps_mm


def make_patient(number: int, plan: Plan, design: Design, generator: np.random.Generator) -> Patient:
    """A patient as the plan wants."""
    case_id = f"case-{number:04d}"
    fractures = _fractures(plan, design, generator)
    marks = _marks(plan, fractures, design, generator)
    sex = Sex.FEMALE if generator.random() < design.ours.women_fraction else Sex.MALE
    vertebrae = _vertebrae(case_id, sex, fractures, marks, generator)
    older = design.ours.fractured_older_years if fractures else 0.0
    age = generator.normal(design.ours.age_mean_years + older, design.ours.age_sd_years)
    study = StudyRow(
        case_id=case_id,
        patient_id=f"patient-{number:04d}",
        state=State.FLAG if marks else State.NO_FLAG,
        score_probability=max(x.probability_grade_2_or_more or 0.0 for x in vertebrae),
        reasons="GRADE_2_OR_MORE" if marks else "NO_GRADE_2_OR_MORE",
        vertebrae=len(vertebrae),
        vertebrae_graded=len(vertebrae),
        highest_grade=max(x.genant_grade or 0 for x in vertebrae),
        age_years=round(float(np.clip(age, _YOUNGEST_YEARS, _OLDEST_YEARS)), 1),
        sex=sex,
        site="simulated cancer centre",
        slice_spacing_mm=float(generator.choice(_SPACINGS_MM, p=_SPACING_SHARES)),
        pixel_spacing_mm=0.78,
        kernel=str(generator.choice(_KERNELS)),
        spondyl_version="simulated",
        engine="simulated",
    )
    return Patient(plan=plan, fractures=fractures, marks=marks, vertebrae=vertebrae, study=study)


def _fractures(plan: Plan, design: Design, generator: np.random.Generator) -> tuple[TrueFracture, ...]:
    """The worst of the plan's grade, the others not above it."""
    if not plan.worst_grade:
        return ()
    only_one = plan.kind is Kind.OTHER or (plan.worst_grade == SEVERE and plan.is_absent)
    number = 1 if only_one else int(generator.choice(_NUMBERS, p=_NUMBER_SHARES))
    names, shares = list(design.ours.levels), np.array(list(design.ours.levels.values()))
    levels = _apart(
        generator.choice(len(names), size=len(names), replace=False, p=shares / shares.sum()).tolist()
    )
    grades = [
        plan.worst_grade,
        *generator.integers(1, min(plan.worst_grade, 2) + 1, size=number - 1).tolist(),
    ]
    return tuple(
        TrueFracture(
            level=names[place],
            grade=grade,
            shape=_SHAPES[int(generator.choice(len(_SHAPES), p=_SHAPE_SHARES))],
            nature=_NATURES[int(generator.choice(len(_NATURES), p=_NATURE_SHARES))],
        )
        for place, grade in zip(levels, grades, strict=False)
    )


def _apart(places: list[int]) -> list[int]:
    """Those far enough from every earlier one: a neighbour could stand for it in report and reading."""
    kept: list[int] = []
    for place in places:
        if all(abs(place - other) > _NEIGHBOURS for other in kept):
            kept.append(place)
    return kept


def _marks(
    plan: Plan, fractures: tuple[TrueFracture, ...], design: Design, generator: np.random.Generator
) -> dict[Level, int]:
    """The vertebrae that the software calls fractured, with its grade: 2 or 3."""
    if plan.kind in {Kind.MISSED, Kind.SOUND}:
        return {}
    marks: dict[Level, int] = {}
    if plan.kind is Kind.TRUE:
        for place, fracture in enumerate(fractures):
            if place == 0 or (fracture.grade > 1 and generator.random() < _FURTHER_MARKED):
                marks[fracture.level] = max(2, fracture.grade)
        return marks
    taken = {x.level.order for x in fractures}
    free = [x for x in design.ours.levels if all(abs(x.order - y) > _NEIGHBOURS for y in taken)]
    marks[free[int(generator.integers(len(free)))]] = 2 if generator.random() < _FALSE_MODERATE else SEVERE
    return marks


def _vertebrae(
    case_id: str,
    sex: Sex,
    fractures: tuple[TrueFracture, ...],
    marks: dict[Level, int],
    generator: np.random.Generator,
) -> tuple[VertebraRow, ...]:
    true = {x.level: x for x in fractures}
    scale = float(generator.normal(1.0 if sex is Sex.MALE else 0.92, 0.04))
    rows, z = [], 0.0
    for place, level in enumerate(SEEN):
        height = (_TOP_HEIGHT_MM + _STEP_MM * place) * scale
        z -= height * _DISTANCE_FACTOR
        # what was not marked is graded 1 at most: else the case would be flagged
        grade = marks.get(level, min(true[level].grade, 1) if level in true else _sound_grade(generator))
        shape = true[level].shape if level in true else Shape.WEDGE
        rows.append(_row(case_id, level, grade, height, shape if grade else Shape.NORMAL, z, generator))
    return tuple(rows)


def _sound_grade(generator: np.random.Generator) -> int:
    return int(generator.random() < _SOUND_GRADE_1)


def _row(
    case_id: str,
    level: Level,
    grade: int,
    height_mm: float,
    shape: Shape,
    z_mm: float,
    generator: np.random.Generator,
) -> VertebraRow:
    loss = float(generator.uniform(*_LOSS_OF_GRADE[grade]))
    probability = float(generator.uniform(*_PROBABILITY_OF_GRADE[grade]))
    kept = height_mm * (1.0 - loss)
    anterior = kept if shape in {Shape.WEDGE, Shape.CRUSH} else height_mm
    posterior = kept if shape is Shape.CRUSH else height_mm
    return VertebraRow(
        case_id=case_id,
        series_id="1",
        level=level,
        label=level.verse_label,
        level_probability=round(float(generator.uniform(0.9, 1.0)), 3),
        level_uncertain=False,
        in_view=View.FULL,
        centre_x_lps_mm=round(float(generator.normal(0.0, 3.0)), 1),
        centre_y_lps_mm=round(float(generator.normal(40.0, 5.0)), 1),
        centre_z_lps_mm=round(z_mm, 1),
        anterior_height_mm=round(anterior, 1),
        middle_height_mm=round(kept, 1),
        posterior_height_mm=round(posterior, 1),
        expected_anterior_height_mm=round(height_mm, 1),
        expected_middle_height_mm=round(height_mm, 1),
        expected_posterior_height_mm=round(height_mm, 1),
        loss_fraction=round(loss, 3),
        genant_grade=grade,
        shape=shape,
        probability_grade_2_or_more=round(probability, 3),
    )
