"""ROC by case and FROC by vertebra, over the cases that were read; each stands for those of its stratum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from spondyl.study.protocol import Analysis, Matching, Positive
from spondyl.study.report.consensus import Fracture, Place, Verdict, same_vertebra
from spondyl.study.report.data import (
    LEVELS,
    NO_GRADE,
    FloatArray,
    IntArray,
    StudyData,
    VertebraColumns,
)
from spondyl.study.report.layout import FigureRow, FigureTable, Picture, PlainTable
from spondyl.study.report.outcomes import Outcome
from spondyl.study.report.results import Results
from spondyl.study.report.svg import BLUE, INK, LINE, MUTED, drawing, line, polyline, text
from spondyl.study.statistics import (
    NO_FRACTURE,
    FrocCurve,
    Marks,
    RocCurve,
    area_under_roc,
    area_under_sampled_roc,
    froc_curve,
    roc_curve,
)

BoolArray: TypeAlias = NDArray[np.bool_]
_WIDTH, _SIDE, _LEFT, _TOP, _TICKS = 800.0, 300.0, 250.0, 22.0, 5
_MOST_MARKS_SHOWN = 2.0  # false marks per case at the right end of the figure
_FLAGGED = 0  # number of the stratum of the flagged cases


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadCases:
    """The cases with an answer of the readers. score, is_fractured, stratum, weight: shape (cases,).

    stratum: 0 for the flagged cases, then those of the sample. weight: how many cases each stands for.
    marks: the vertebrae that the software graded in them, by its probability of grade 2 or more.
    """

    score: FloatArray
    is_fractured: BoolArray
    stratum: IntArray
    weight: FloatArray
    marks: Marks

    @property
    def is_whole(self) -> bool:
        """Whether every case was read: each stands for itself."""
        return bool(np.all(self.weight == 1.0))


def read_cases(results: Results) -> ReadCases:
    """Flagged cases with a verdict, and the sample of the others as read."""
    members = {x.case_id: (_FLAGGED, 1.0) for x in results.flagged if x.outcome is not Outcome.OPEN}
    members |= {case: (number + 1, weight) for case, (number, weight) in results.negatives.members.items()}
    rows = [x for x in results.flow.analysed if x.case_id in members]
    references = [results.references[x.case_id] for x in rows]
    places = {x.case_id: place for place, x in enumerate(results.data.studies)}
    return ReadCases(
        score=np.array([x.score_probability or 0.0 for x in rows], dtype=np.float64),
        is_fractured=np.array([x.verdict is Verdict.FRACTURE for x in references], dtype=np.bool_),
        stratum=np.array([members[x.case_id][0] for x in rows], dtype=np.int64),
        weight=np.array([members[x.case_id][1] for x in rows], dtype=np.float64),
        marks=_marks(
            results.data,
            np.array([places[x.case_id] for x in rows], dtype=np.int64),
            [x.fractures for x in references],
        ),
    )


def _marks(data: StudyData, cases: IntArray, fractures: Sequence[tuple[Fracture, ...]]) -> Marks:
    """The graded vertebrae of some cases, matched with the fractures of each. cases: places in the table."""
    number = np.full(len(data.studies), -1)
    number[cases] = np.arange(len(cases))
    rows = np.flatnonzero(
        _is_candidate(data.vertebrae, data.protocol.positive) & (number[data.vertebrae.case] >= 0)
    )
    of_case = number[data.vertebrae.case[rows]]
    hits = [
        _hit(data.vertebrae, row, fractures[case], data.protocol.matching)
        for row, case in zip(rows.tolist(), of_case.tolist(), strict=True)
    ]
    return Marks(
        fractures_per_case=np.array([len(x) for x in fractures], dtype=np.int64),
        case=of_case,
        score=data.vertebrae.grade_probability[rows],
        fracture=np.array(hits, dtype=np.int64),
    )


def _is_candidate(vertebrae: VertebraColumns, rule: Positive) -> BoolArray:
    low, high = rule.first_level.value.order, rule.last_level.value.order
    is_inside: BoolArray = (vertebrae.level >= low) & (vertebrae.level <= high)
    is_inside &= vertebrae.grade != NO_GRADE
    return is_inside


def _hit(vertebrae: VertebraColumns, row: int, fractures: Sequence[Fracture], matching: Matching) -> int:
    if not fractures:
        return NO_FRACTURE
    level = LEVELS[int(vertebrae.level[row])]
    x, y, z = (float(value) for value in vertebrae.centre_lps_mm[row])
    place = Place(level=level, marked_level=level, centre_lps_mm=(x, y, z))
    found = (i for i, one in enumerate(fractures) if same_vertebra(place, one.place, matching))
    return next(found, NO_FRACTURE)


def areas(read: ReadCases, plan: Analysis) -> FigureTable:
    """The area under the ROC by case, by DeLong where all cases were read."""
    confidence = plan.confidence.value
    if read.is_whole:
        answer = area_under_roc("auc", read.score, read.is_fractured, confidence=confidence)
    else:
        answer = area_under_sampled_roc(
            "auc",
            read.score,
            read.is_fractured,
            read.stratum,
            read.weight,
            seed=plan.bootstrap_seed.value,
            resamples=plan.bootstrap_resamples.value,
            confidence=confidence,
        )
    return FigureTable(
        name="roc_area",
        title="Area under the ROC by case",
        columns=("score",),
        rows=(FigureRow(labels=("probability of grade 2 or more",), answer=answer, scale=1.0),),
        note="Truth: any fracture that counts by the protocol. n: cases read. Where not all were read each "
        "stands for the cases of its stratum; without any negative read the curve has no meaning.",
    )


def points(read: ReadCases) -> Iterator[PlainTable]:
    """The points of both curves as tables."""
    roc, froc = _curves(read)
    if roc is not None:
        yield PlainTable(
            name="roc",
            title="ROC by case",
            columns=("threshold", "sensitivity", "false_positive_fraction"),
            rows=tuple(
                zip(*_lists(roc.thresholds, roc.sensitivity, roc.false_positive_fraction), strict=True)
            ),
            shown=False,
        )
    if froc is not None:
        yield PlainTable(
            name="froc",
            title="FROC by vertebra",
            columns=("threshold", "sensitivity", "false_marks_per_case"),
            rows=tuple(
                zip(*_lists(froc.thresholds, froc.sensitivity, froc.false_marks_per_case), strict=True)
            ),
            shown=False,
        )


def pictures(read: ReadCases) -> Iterator[Picture]:
    """Both curves, where there is something to draw: a negative that was read, a fracture."""
    roc, froc = _curves(read)
    note = "" if read.is_whole else " Each case read stands for those of its stratum."
    if roc is not None:
        yield Picture(
            name="roc",
            title="ROC by case",
            svg=_plot(roc.false_positive_fraction, roc.sensitivity, 1.0, "1 - specificity", "sensitivity"),
            caption=f"{int(read.is_fractured.sum())} fractured of {len(read.score)} cases read, by the "
            f"software's probability of grade 2 or more.{note}",
        )
    if froc is not None:
        yield Picture(
            name="froc",
            title="FROC by vertebra",
            svg=_plot(
                froc.false_marks_per_case,
                froc.sensitivity,
                _MOST_MARKS_SHOWN,
                "false marks per case",
                "fractures marked",
            ),
            caption=f"{read.marks.fractures} fractures in {read.marks.cases} cases read; vertebrae between "
            f"the levels of the protocol, by their own probability.{note}",
        )


def _curves(read: ReadCases) -> tuple[RocCurve | None, FrocCurve | None]:
    """Both curves; none where no negative was read, or where nothing is fractured."""
    if not np.any(read.stratum != _FLAGGED):
        return None, None
    roc = roc_curve(read.score, read.is_fractured, read.weight)
    froc = froc_curve(read.marks, read.weight)
    return roc if isinstance(roc, RocCurve) else None, froc if isinstance(froc, FrocCurve) else None


def _lists(*columns: FloatArray) -> list[list[float | None]]:
    """Rounded for the file; the first threshold is infinite and left empty."""
    return [[None if np.isinf(x) else round(float(x), 6) for x in column] for column in columns]


def _plot(x: FloatArray, y: FloatArray, reach: float, across: str, upward: str) -> str:
    """A step curve in a square; x up to reach, y from 0 to 1."""
    right, base = _LEFT + _SIDE, _TOP + _SIDE
    parts = []
    for tick in range(_TICKS + 1):
        share = tick / _TICKS
        at_x, at_y = _LEFT + _SIDE * share, base - _SIDE * share
        parts += [
            line(at_x, _TOP, at_x, base, colour="#e4e7eb", width=1),
            line(_LEFT, at_y, right, at_y, colour="#e4e7eb", width=1),
            text(at_x, base + 16, f"{reach * share:g}", size=11, anchor="middle", colour=MUTED),
            text(_LEFT - 8, at_y + 4, f"{share:.1f}", size=11, anchor="end", colour=MUTED),
        ]
    shown = x <= reach
    steps = [
        (_LEFT + _SIDE * float(a) / reach, base - _SIDE * float(b))
        for a, b in zip(x[shown], y[shown], strict=True)
    ]
    if not np.all(shown):
        steps.append((right, steps[-1][1]))
    parts += [
        line(_LEFT, base, right, base, colour=LINE),
        line(_LEFT, _TOP, _LEFT, base, colour=LINE),
        polyline(steps, colour=BLUE),
        text(_LEFT + _SIDE / 2, base + 36, across, size=12, anchor="middle"),
        text(_LEFT, _TOP - 4, upward, size=12, anchor="start", colour=INK),
    ]
    return drawing(_WIDTH, base + 44, parts, alternative=f"{upward} against {across}; see the table")
