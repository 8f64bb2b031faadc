"""Agreement of readers: presence of a fracture by case, grade by vertebra, a reader with himself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spondyl.study.protocol import Matching, Protocol
from spondyl.study.report.consensus import Answer, ReferenceCase, Verdict, pairs, same_vertebra
from spondyl.study.report.intervening import Presented, is_suitable
from spondyl.study.statistics import (
    Answer as Figure,
)
from spondyl.study.statistics import (
    BootstrapMethod,
    ReaderAgreement,
    Unit,
    Weighting,
    clustered_kappa,
    reader_agreement,
)

GRADES = 4  # Genant 0 to 3; 0: no fracture confirmed


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One comparison: what was compared, the table of answers, and the figures. clustered: over patients."""

    name: str
    what: str
    labels: tuple[str, ...]
    table: NDArray[np.int64]
    figures: ReaderAgreement
    clustered: Figure | None = None


def agreements(
    cases: Sequence[ReferenceCase], shown: Sequence[Presented], protocol: Protocol
) -> tuple[Agreement, ...]:
    """Every agreement that the records allow, in the order of the report."""
    blind = [case.blind[:2] for case in cases if len(case.blind) >= 2]
    marked = [case.first[:2] for case in cases if len(case.first) >= 2]
    again = [
        (one, other)
        for case in cases
        for one in case.blind
        for other in case.again
        if one.reader == other.reader
    ]
    suitable = [(is_suitable(x.first[0]), is_suitable(x.first[1])) for x in shown if len(x.first) >= 2]
    found = [
        _presence(
            "readers_presence",
            "first readers, before marks were shown: a fracture in the case",
            blind,
            protocol,
        ),
        _grades(
            "readers_grade_both_confirm",
            "first readers, before marks were shown: grade of the vertebrae that both call fractured",
            blind,
            protocol,
            least=1,
        ),
        _grades(
            "readers_grade",
            "first readers, in the end: grade of every vertebra judged (0: no fracture)",
            marked,
            protocol,
            least=0,
        ),
        _presence(
            "reader_again_presence",
            "the same reader, read again after the wash-out: a fracture in the case",
            again,
            protocol,
        ),
        _yes_no(
            "interventional_suitable",
            "interventional readers: suitable for augmentation",
            suitable,
            protocol,
            Unit.VERTEBRA,
        ),
    ]
    return tuple(x for x in found if x is not None)


def _presence(
    name: str, what: str, answers: Iterable[Sequence[Answer]], protocol: Protocol
) -> Agreement | None:
    """Cases that one of the two cannot judge are left out: "cannot say" is no category of presence."""
    verdicts = [(one.verdict, other.verdict) for one, other in answers]
    judged = [
        (one is Verdict.FRACTURE, other is Verdict.FRACTURE)
        for one, other in verdicts
        if Verdict.CANNOT_SAY not in {one, other}
    ]
    return _yes_no(name, what, judged, protocol, Unit.CASE)


def _yes_no(
    name: str, what: str, answers: Sequence[tuple[bool, bool]], protocol: Protocol, unit: Unit
) -> Agreement | None:
    if not answers:
        return None
    table = np.zeros((2, 2), dtype=np.int64)
    for one, other in answers:
        table[int(one), int(other)] += 1
    return Agreement(
        name=name,
        what=what,
        labels=("no", "yes"),
        table=table,
        figures=reader_agreement(name, table, unit=unit, confidence=protocol.analysis.confidence.value),
    )


def _grades(
    name: str, what: str, answers: Sequence[Sequence[Answer]], protocol: Protocol, *, least: int
) -> Agreement | None:
    """Grades by vertebra; least: the lowest grade of the table, 1 where both have to confirm."""
    per_case = np.array(
        [_grade_table(one, other, protocol.matching) for one, other in answers], dtype=np.int64
    ).reshape(-1, GRADES, GRADES)[:, least:, least:]
    per_case = per_case[per_case.sum(axis=(1, 2)) > 0]
    if not len(per_case):
        return None
    plan = protocol.analysis
    return Agreement(
        name=name,
        what=what,
        labels=tuple(str(grade) for grade in range(least, GRADES)),
        table=per_case.sum(axis=0),
        figures=reader_agreement(
            name, per_case.sum(axis=0), unit=Unit.VERTEBRA, confidence=plan.confidence.value
        ),
        clustered=clustered_kappa(
            f"{name}_kappa_quadratic_by_patient",
            per_case,
            seed=plan.bootstrap_seed.value,
            weighting=Weighting.QUADRATIC,
            resamples=plan.bootstrap_resamples.value,
            method=BootstrapMethod.PERCENTILE,
            confidence=plan.confidence.value,
        ),
    )


def _grade_table(one: Answer, other: Answer, matching: Matching) -> NDArray[np.int64]:
    """Counts of the pairs of grades; 0 where a reader confirms none where the other does, or both reject."""
    table = np.zeros((GRADES, GRADES), dtype=np.int64)
    matched, _ = pairs(one.fractures, other.fractures, matching)
    for left, right in matched:
        table[left.grade, right.grade] += 1
    paired = {id(x) for couple in matched for x in couple}
    for fracture in one.fractures:
        table[fracture.grade, 0] += id(fracture) not in paired
    for fracture in other.fractures:
        table[0, fracture.grade] += id(fracture) not in paired
    rejected = [x.place for x in other.rejections if x.place is not None]
    table[0, 0] = sum(
        x.place is not None and any(same_vertebra(x.place, place, matching) for place in rejected)
        for x in one.rejections
    )
    return table
