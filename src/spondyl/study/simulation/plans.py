"""What every case of a simulated study is to be, in truth, to the software and in its report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from spondyl.study.mentions import Category
from spondyl.study.records import RejectionReason
from spondyl.study.simulation.design import Design

SEVERE = 3  # Genant grade
_DENIED_EVERY = 8  # ours: every eighth report of a sound patient says that there is no fracture
_ABSENT = frozenset({Category.N, Category.X})


class Kind(StrEnum):
    """What a case is, in truth and to the software."""

    TRUE = "flagged, fractured"
    FALSE = "flagged, sound"
    OTHER = "flagged for a sound vertebra, another is fractured"
    MISSED = "fractured, not flagged"
    SOUND = "neither"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a case is to be. said: the category of its report; cause: why it is a false positive."""

    kind: Kind
    said: Category
    worst_grade: int = 0
    cause: RejectionReason | None = None

    @property
    def is_absent(self) -> bool:
        """Whether the report says nothing of a fracture, or denies it."""
        return self.said in _ABSENT


def plans(design: Design, generator: np.random.Generator) -> list[Plan]:
    """One plan a case, in random order; their counts are those of the design."""
    made = [*_confirmed(design, generator), *_false(design), *_unflagged(design)]
    return [made[place] for place in generator.permutation(len(made)).tolist()]


def _confirmed(design: Design, generator: np.random.Generator) -> list[Plan]:
    """The confirmed cases: what their reports say, and their worst grades."""
    published, ours = design.published, design.ours
    said = [category for category, n in ours.categories.items() for _ in range(n)]
    said += [Category.N] * (published.confirmed - len(said))
    grades = {True: [SEVERE] * published.grade_3_not_reported, False: [SEVERE] * ours.grade_3_reported}
    made = []
    for place in generator.permutation(len(said)).tolist():
        is_absent = said[place] in _ABSENT
        mild = 1 if generator.random() < ours.confirmed_grade_1_fraction else 2
        grade = grades[is_absent].pop() if grades[is_absent] else mild
        made.append(Plan(kind=Kind.TRUE, said=said[place], worst_grade=grade))
    return made


def _false(design: Design) -> list[Plan]:
    causes = [cause for cause, n in design.ours.false_positive_causes.items() for _ in range(n)]
    return [
        Plan(
            kind=Kind.OTHER if place < design.ours.lenient_only else Kind.FALSE,
            said=Category.N,
            worst_grade=1 if place < design.ours.lenient_only else 0,
            cause=cause,
        )
        for place, cause in enumerate(causes)
    ]


def _unflagged(design: Design) -> list[Plan]:
    published, ours = design.published, design.ours
    made = [
        Plan(
            kind=Kind.MISSED,
            said=Category.R1 if place < ours.missed_and_reported else Category.N,
            worst_grade=2 if place % 2 else 1,
        )
        for place in range(ours.missed)
    ]
    sound = published.cases - published.flagged - ours.missed
    for place in range(sound):
        quiet = Category.X if place % _DENIED_EVERY == 0 else Category.N
        said = Category.R1 if place < ours.sound_and_reported else quiet
        made.append(Plan(kind=Kind.SOUND, said=said))
    return made
