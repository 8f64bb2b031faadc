"""From the case table to flagged and not flagged cases: the first half of the flow diagram."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spondyl.domain.finding import State
from spondyl.study.protocol import NotEvaluable, Positive, Protocol
from spondyl.study.report.consensus import Place
from spondyl.study.report.data import LEVELS, StudyData, VertebraColumns
from spondyl.study.tables import StudyRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A vertebra that the software called fractured, by the rule of the protocol."""

    place: Place
    grade: int
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Which cases enter and what the software said of them.

    in_table: cases given. excluded: how many by reason, in the order in which they were taken out.
    not_evaluable: cases without an answer; counted as not flagged too where the protocol says so.
    analysed: the cases of the figures, in the order of the table. marks: of each flagged case.
    differing: cases whose flag by the protocol is not the software's own state.
    """

    in_table: int
    excluded: Mapping[str, int]
    not_evaluable: tuple[StudyRow, ...]
    analysed: tuple[StudyRow, ...]
    marks: Mapping[str, tuple[Mark, ...]]
    differing: tuple[str, ...]

    @property
    def flagged(self) -> tuple[StudyRow, ...]:
        """Analysed cases with a flag."""
        return tuple(x for x in self.analysed if x.case_id in self.marks)

    @property
    def unflagged(self) -> tuple[StudyRow, ...]:
        """Analysed cases without one."""
        return tuple(x for x in self.analysed if x.case_id not in self.marks)


def follow(data: StudyData) -> Flow:
    """Take out whom the protocol leaves out, and flag the others by its rule."""
    eligible, excluded = _eligible(data.studies, data.protocol)
    not_evaluable = tuple(x for x in eligible if x.state is State.NOT_EVALUABLE)
    answered = tuple(x for x in eligible if x.state is not State.NOT_EVALUABLE)
    count_all = data.protocol.population.not_evaluable.value is NotEvaluable.AS_NOT_FLAGGED
    all_marks = _marks_by_case(data.vertebrae, data.studies, data.protocol.positive)
    marks = {x.case_id: all_marks[x.case_id] for x in answered if x.case_id in all_marks}
    return Flow(
        in_table=len(data.studies),
        excluded=excluded,
        not_evaluable=not_evaluable,
        analysed=tuple(eligible) if count_all else answered,
        marks=marks,
        differing=tuple(x.case_id for x in answered if (x.state is State.FLAG) is not (x.case_id in marks)),
    )


def _eligible(studies: Sequence[StudyRow], protocol: Protocol) -> tuple[list[StudyRow], dict[str, int]]:
    """The cases that the protocol lets in, and how many were left out by reason."""
    minimum = protocol.population.minimum_age_years.value
    first_only = protocol.population.scans_per_patient.value == "first"
    excluded: Counter[str] = Counter({f"younger than {minimum} years": 0, "age not known": 0})
    if first_only:
        excluded["later scan of the same patient"] = 0
    kept: list[StudyRow] = []
    seen: set[str] = set()
    for study in studies:
        if study.age_years is None and minimum > 0:
            excluded["age not known"] += 1
        elif study.age_years is not None and study.age_years < minimum:
            excluded[f"younger than {minimum} years"] += 1
        elif first_only and study.patient_id in seen:
            excluded["later scan of the same patient"] += 1
        else:
            seen.add(study.patient_id)
            kept.append(study)
    return kept, dict(excluded)


def _marks_by_case(
    vertebrae: VertebraColumns, studies: Sequence[StudyRow], rule: Positive
) -> dict[str, tuple[Mark, ...]]:
    first, last = rule.first_level.value.order, rule.last_level.value.order
    is_mark = (
        (vertebrae.grade >= rule.minimum_grade.value)
        & (vertebrae.grade_probability >= rule.minimum_probability.value)
        & (vertebrae.level >= first)
        & (vertebrae.level <= last)
    )
    found: dict[str, list[Mark]] = {}
    for row in np.flatnonzero(is_mark).tolist():
        found.setdefault(studies[int(vertebrae.case[row])].case_id, []).append(_mark(vertebrae, row))
    return {case: tuple(marks) for case, marks in found.items() if len(marks) >= rule.minimum_vertebrae.value}


def _mark(vertebrae: VertebraColumns, row: int) -> Mark:
    level = LEVELS[int(vertebrae.level[row])]
    x, y, z = (float(value) for value in vertebrae.centre_lps_mm[row])
    return Mark(
        place=Place(level=level, marked_level=level, centre_lps_mm=(x, y, z)),
        grade=int(vertebrae.grade[row]),
        probability=float(vertebrae.grade_probability[row]),
    )
