"""The figures of an evaluation, each with its interval; the patient is the unit that is drawn anew."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from spondyl.domain.grading import COUNTED_GRADE, Shape
from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float64Array
from spondyl.study.evaluation.comparing import CaseRow, VertebraRow
from spondyl.study.statistics import (
    NO_FRACTURE,
    Answer,
    CannotSay,
    Marks,
    Unit,
    Weighting,
    area_under_roc,
    bootstrap_totals,
    clustered_kappa,
    events_per_unit,
    proportion,
    ratio_of_totals,
    sensitivity_at_false_marks,
    vertebra_proportion,
)

SPACING_BANDS_MM = ((0.0, 1.25), (1.25, 3.0), (3.0, 5.0))  # the bands of the acceptance bars
OUTLINE_BANDS_MM = ((0.0, 1.5), (1.5, 3.0))
FALSE_MARKS_PER_CASE = (0.1, 0.25, 0.5, 1.0)
CALIBRATION_BOUNDS = (0.0, 0.05, 0.2, 0.5, 0.8, 1.0001)
THIN_SPACING_MM = 3.0
_THICK = math.inf  # a refused CT has no spacing
REGIONS: dict[str, tuple[Level, Level]] = {
    "T1-T4": (Level.T1, Level.T4),
    "T5-T10": (Level.T5, Level.T10),
    "T11-L1": (Level.T11, Level.L1),
    "L2-L6": (Level.L2, Level.L6),
}
_TWO_SD = 1.96
_GRADES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the report. measure: code word; text: what it says; unit: "%", "mm", "points" or ""."""

    measure: str
    text: str
    unit: str
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationBin:
    """Vertebrae whose P(grade >= 2) lies in low-high: how many, mean probability, share that is."""

    low: float
    high: float
    n: int
    mean_probability: float
    share: float


def figures(cases: Sequence[CaseRow], seed: int = 1) -> tuple[Figure, ...]:
    """All figures that the truth at hand allows, in the order of the report."""
    return (
        *_detection(cases),
        *_by_region(cases, seed),
        *_names(cases),
        *_outlines(cases, seed),
        *_heights(cases, seed),
        *_grades(cases, seed),
        *_fractures(cases, seed),
    )


def calibration(cases: Sequence[CaseRow]) -> tuple[CalibrationBin, ...]:
    """Stated probability against what was true, vertebra by vertebra."""
    rated = [
        (x.probability, float(x.true_grade >= COUNTED_GRADE))
        for x in _all(cases)
        if x.probability is not None and x.true_grade is not None
    ]
    values: Float64Array = np.array(rated).reshape(-1, 2)
    bins = []
    for low, high in pairwise(CALIBRATION_BOUNDS):
        inside = values[(values[:, 0] >= low) & (values[:, 0] < high)]
        if len(inside):
            mean, share = (float(x) for x in inside.mean(axis=0))
            bins.append(
                CalibrationBin(
                    low=low, high=min(high, 1.0), n=len(inside), mean_probability=mean, share=share
                )
            )
    return tuple(bins)


def _all(cases: Iterable[CaseRow]) -> list[VertebraRow]:
    return [x for case in cases for x in case.vertebrae]


def _wanted(case: CaseRow) -> list[VertebraRow]:
    """Those that must be found: fully in view, T1 to L6."""
    return [x for x in case.vertebrae if x.is_whole and x.level.is_graded]


def _share(measure: str, text: str, per_case: Iterable[tuple[int, int]], unit: str = "%") -> Figure:
    """A share of vertebrae; per case (events, vertebrae)."""
    counts = np.array(list(per_case), dtype=np.int64).reshape(-1, 2)
    return Figure(
        measure=measure, text=text, unit=unit, answer=vertebra_proportion(measure, counts[:, 0], counts[:, 1])
    )


def _mean(measure: str, text: str, unit: str, per_case: list[list[float]], seed: int) -> Figure:
    totals: Float64Array = np.array([[float(np.sum(x)), float(len(x))] for x in per_case if x]).reshape(-1, 2)
    total, n = float(totals[:, 0].sum()), int(totals[:, 1].sum())
    answer = bootstrap_totals(measure, totals, ratio_of_totals, seed=seed, n=n or None)
    if isinstance(answer, CannotSay):  # the mean stands, only its interval does not
        answer = replace(answer, numerator=total, denominator=float(n), n=n)
    return Figure(measure=measure, text=text, unit=unit, answer=answer)


def _detection(cases: Sequence[CaseRow]) -> list[Figure]:
    thin = [c for c in cases if (c.slice_spacing_mm or _THICK) <= THIN_SPACING_MM]
    graded = [(sum(x.read_grade is not None for x in _wanted(c)), len(_wanted(c))) for c in cases]
    return [
        *_found("", "", cases),
        *(_found(f"_{THIN_SPACING_MM:g}mm", f", slices ≤ {THIN_SPACING_MM:g} mm", thin) if thin else ()),
        _share("graded", "whole vertebrae T1-L6 that carry a grade", graded),
    ]


def _found(suffix: str, where: str, cases: Sequence[CaseRow]) -> list[Figure]:
    found = [(sum(x.is_found for x in _wanted(c)), len(_wanted(c))) for c in cases]
    read = [(len(c.invented), sum(x.is_found for x in c.vertebrae) + len(c.invented)) for c in cases]
    return [
        _share(f"recall{suffix}", f"whole vertebrae T1-L6 found as separate bodies{where}", found),
        _share(f"invented{suffix}", f"bodies read where there is none, of all bodies read{where}", read),
    ]


def _by_region(cases: Sequence[CaseRow], seed: int) -> list[Figure]:
    """Where along the spine bodies are missed and heights err."""
    rows: list[Figure] = []
    for name, (first, last) in REGIONS.items():
        chosen = [
            [x for x in _wanted(c) if first.order <= x.level.order <= last.order]
            for c in cases
            if c.levels_known
        ]
        if not any(chosen):
            continue
        errors = [[abs(e) for x in one for e in x.height_errors_mm or ()] for one in chosen]
        found = [(sum(x.is_found for x in one), len(one)) for one in chosen]
        rows.append(_share(f"recall_{name}", f"found, {name}", found))
        if any(errors):
            rows.append(
                _mean(f"height_mae_{name}", f"heights: mean absolute error, {name}", "mm", errors, seed)
            )
    return rows


def _names(cases: Sequence[CaseRow]) -> list[Figure]:
    known = [c for c in cases if c.levels_known]
    judged = [c for c in known if c.is_every_level_right is not None]
    certain = [c for c in judged if not any(x.level_uncertain for x in c.named)]
    return [
        _share(
            "identification_rate",
            "nearest centre within 20 mm and rightly named (VerSe's rule)",
            [(sum(x.is_identified for x in c.vertebrae), len(c.vertebrae)) for c in known],
        ),
        _cases(
            "levels_all_right", "CTs with every level right", judged, lambda c: bool(c.is_every_level_right)
        ),
        _cases(
            "levels_all_right_certain",
            "the same, of CTs whose names are not marked uncertain",
            certain,
            lambda c: bool(c.is_every_level_right),
        ),
        _cases(
            "confidently_wrong",
            "CTs with a wrong name not marked uncertain",
            judged,
            lambda c: c.is_confidently_wrong,
        ),
    ]


def _cases(measure: str, text: str, cases: Sequence[CaseRow], is_event: Callable[[CaseRow], bool]) -> Figure:
    answer = proportion(measure, sum(is_event(c) for c in cases), len(cases))
    return Figure(measure=measure, text=text, unit="%", answer=answer)


def _outlines(cases: Sequence[CaseRow], seed: int) -> list[Figure]:
    rows = _outline_group("", "", cases, seed)
    for low, high in OUTLINE_BANDS_MM:
        members = [c for c in cases if c.slice_spacing_mm is not None and low < c.slice_spacing_mm <= high]
        rows += _outline_group(f"_{high:g}mm", f", slices {low:g}-{high:g} mm", members, seed)
    return rows


def _outline_group(suffix: str, where: str, cases: Sequence[CaseRow], seed: int) -> list[Figure]:
    drawn = [[x.overlap for x in c.vertebrae if x.overlap is not None and x.is_whole] for c in cases]
    if not any(drawn):
        return []
    dice = [[x.dice for x in one] for one in drawn]
    away = [[x.surface_mm for x in one] for one in drawn]
    return [
        _mean(f"dice{suffix}", f"Dice of the bodies{where}", "", dice, seed),
        _mean(f"surface{suffix}", f"mean distance of the bodies' surfaces{where}", "mm", away, seed),
    ]


def _heights(cases: Sequence[CaseRow], seed: int) -> list[Figure]:
    rows = _height_group("", "", cases, seed)
    for low, high in SPACING_BANDS_MM:
        members = [c for c in cases if c.slice_spacing_mm is not None and low < c.slice_spacing_mm <= high]
        if any(x.height_errors_mm for x in _all(members)):
            rows += _height_group(f"_{high:g}mm", f", slices {low:g}-{high:g} mm", members, seed)
    return rows


def _height_group(suffix: str, where: str, cases: Sequence[CaseRow], seed: int) -> list[Figure]:
    errors = [[e for x in c.vertebrae if x.height_errors_mm for e in x.height_errors_mm] for c in cases]
    if not any(errors):
        return []
    large = float(np.quantile(np.abs([e for one in errors for e in one]), 0.95))
    ratios = [
        [
            abs(e) <= _TWO_SD * sd
            for x in c.vertebrae
            if x.height_errors_mm and x.height_sd_mm
            for e, sd in zip(x.height_errors_mm, x.height_sd_mm, strict=True)
        ]
        for c in cases
    ]
    return [
        _mean(f"height_mae{suffix}", f"heights: mean absolute error{where}; 95 % below {large:.2f} mm", "mm",
              [[abs(e) for e in one] for one in errors], seed),
        _mean(f"height_bias{suffix}", f"heights: mean error (read - true){where}", "mm", errors, seed),
        _share(f"height_coverage{suffix}", f"heights within 1.96 stated standard deviations{where}",
               [(sum(one), len(one)) for one in ratios]),
    ]  # fmt: skip


def _grades(cases: Sequence[CaseRow], seed: int) -> list[Figure]:
    both = [
        [
            (x.true_grade, x.read_grade)
            for x in c.vertebrae
            if x.true_grade is not None and x.read_grade is not None
        ]
        for c in cases
    ]
    rows: list[Figure] = []
    tables = np.zeros((len(cases), _GRADES, _GRADES), dtype=np.int64)
    for number, pairs in enumerate(both):
        for true, read in pairs:
            tables[number, true, read] += 1
    tables = tables[tables.sum(axis=(1, 2)) > 0]
    if len(tables):
        answer = clustered_kappa("genant_kappa", tables, seed=seed, weighting=Weighting.QUADRATIC)
        rows.append(
            Figure(
                measure="genant_kappa", text="Genant grade, κ with quadratic weights", unit="", answer=answer
            )
        )
    shaped = [
        [
            x.true_shape == x.read_shape
            for x in c.vertebrae
            if x.true_shape not in (None, Shape.NORMAL.value) and (x.read_grade or 0) > 0
        ]
        for c in cases
    ]
    if any(shaped):
        rows.append(
            _share(
                "shape_right", "shape right, of deformed vertebrae called", [(sum(x), len(x)) for x in shaped]
            )
        )
    losses = [
        [
            x.read_loss_fraction - x.true_loss_fraction
            for x in c.vertebrae
            if x.read_loss_fraction is not None and x.true_loss_fraction is not None
        ]
        for c in cases
    ]
    if any(losses):
        points = [[100.0 * e for e in one] for one in losses]
        rows += [
            _mean(
                "loss_mae", "loss: mean absolute error", "points", [[abs(e) for e in x] for x in points], seed
            ),
            _mean("loss_bias", "loss: mean error (read - true)", "points", points, seed),
        ]
    return rows


def _fractures(cases: Sequence[CaseRow], seed: int) -> list[Figure]:
    rows: list[Figure] = []
    healthy = [c for c in cases if c.is_positive is False]
    broken = [c for c in cases if c.is_positive]
    if broken:
        rows.append(_cases("case_sensitivity", "CTs with a fracture of grade ≥ 2 that are flagged", broken,
                           lambda c: c.state == "FLAG"))  # fmt: skip
        rows.append(
            _share(
                "vertebra_sensitivity",
                "fractures of grade ≥ 2 read as grade ≥ 2",
                [
                    (
                        sum((x.read_grade or 0) >= COUNTED_GRADE for x in _broken(c)),
                        len(_broken(c)),
                    )
                    for c in broken
                ],
            )
        )
    if healthy:
        rows.append(_cases("case_false_alarm", "CTs without fracture that are flagged", healthy,
                           lambda c: c.state == "FLAG"))  # fmt: skip
        grades = [x.read_grade or 0 for c in healthy for x in c.vertebrae]
        grades += [x.read_grade or 0 for c in healthy for x in c.invented]
        false = sum(grade >= COUNTED_GRADE for grade in grades)
        answer = events_per_unit("false_per_ct", false, len(healthy), unit=Unit.CASE)
        rows.append(Figure(measure="false_per_ct", text="false grade ≥ 2 vertebrae per CT without fracture",
                           unit="", answer=answer))  # fmt: skip
    return rows + _curves(cases, seed)


def _broken(case: CaseRow) -> list[VertebraRow]:
    return [x for x in case.vertebrae if (x.true_grade or 0) >= COUNTED_GRADE]


def _curves(cases: Sequence[CaseRow], seed: int) -> list[Figure]:
    """FROC of vertebrae, ROC of cases; a case without score (refused) counts as not suspected."""
    judged = [c for c in cases if c.is_positive is not None]
    if not any(c.is_positive for c in judged):
        return []
    marks = _marks(judged)
    rows = [
        Figure(
            measure=f"froc_{rate:g}",
            text=f"fractures marked at {rate:g} false marks per CT at most",
            unit="%",
            answer=sensitivity_at_false_marks(f"froc_{rate:g}", marks, (rate,), seed=seed),
        )
        for rate in FALSE_MARKS_PER_CASE
    ]
    scores = np.array([0.0 if c.score is None else c.score for c in judged])
    area = area_under_roc("case_auc", scores, np.array([bool(c.is_positive) for c in judged]))
    return [
        *rows,
        Figure(measure="case_auc", text="CTs: area under the ROC curve (DeLong)", unit="", answer=area),
    ]


def _marks(cases: Sequence[CaseRow]) -> Marks:
    case, score, fracture = [], [], []
    for number, one in enumerate(cases):
        broken = _broken(one)
        for x in one.vertebrae:
            if x.probability is not None and x.true_grade is not None:
                case.append(number)
                score.append(x.probability)
                fracture.append(broken.index(x) if x in broken else NO_FRACTURE)
        for invented in one.invented:
            if invented.probability is not None:
                case.append(number)
                score.append(invented.probability)
                fracture.append(NO_FRACTURE)
    return Marks(
        fractures_per_case=np.array([len(_broken(c)) for c in cases], dtype=np.int64),
        case=np.array(case, dtype=np.int64),
        score=np.array(score, dtype=np.float64),
        fracture=np.array(fracture, dtype=np.int64),
    )
