"""StudyData: everything that a study report is made from, already read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from spondyl.domain.level import Level
from spondyl.study.protocol import Protocol
from spondyl.study.records import InterventionalReview, ReadingRecord
from spondyl.study.tables import ReportRow, StudyRow

IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]
NO_GRADE = -1
LEVELS = tuple(Level)  # a level's number in the columns is its place here, which is Level.order


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VertebraColumns:
    """The vertebra table by column: a million rows as dataclasses would not fit the memory that is allowed.

    case: shape (n,), place in ``StudyData.studies``. level: (n,), ``Level.order``. grade: (n,), Genant grade
    that counts after the confounders, ``NO_GRADE`` where there is none. grade_probability: (n,), probability
    of grade 2 or more, 0 where it is not told. centre_lps_mm: (n, 3).

    Raises:
        ValueError: columns of different lengths.
    """

    case: IntArray
    level: IntArray
    grade: IntArray
    grade_probability: FloatArray
    centre_lps_mm: FloatArray

    def __post_init__(self) -> None:
        lengths = {
            len(x) for x in (self.case, self.level, self.grade, self.grade_probability, self.centre_lps_mm)
        }
        if len(lengths) != 1:
            raise ValueError(f"the columns of the vertebra table differ in length: {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.case)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file that was read: name without folder, rows, SHA-256 of its bytes."""

    name: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """Where the alerts would arrive, for the burden; the study's own figures."""

    studies_per_day: float
    readers: float
    minutes_per_alert: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFacts:
    """What no table can tell: title, remarks, answers to the checklist's items by their id (study.toml)."""

    title: str = "Vertebral fractures on CT"
    remark: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    workplace: Workplace | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StudyData:
    """Protocol, tables and records of one study.

    reports: by case_id. files: what was read, for the page that tells it.

    Raises:
        ValueError: a case id that stands twice, a record or report of a case that the study does not have.
    """

    protocol: Protocol
    studies: tuple[StudyRow, ...]
    vertebrae: VertebraColumns
    readings: tuple[ReadingRecord, ...]
    interventions: tuple[InterventionalReview, ...]
    reports: Mapping[str, ReportRow]
    facts: StudyFacts
    files: tuple[SourceFile, ...] = ()

    def __post_init__(self) -> None:
        known = {study.case_id for study in self.studies}
        if len(known) != len(self.studies):
            raise ValueError("a case_id stands twice in the study table; each case has one row")
        for kind, names in (
            ("reading", {x.case_id for x in self.readings}),
            ("interventional review", {x.case_id for x in self.interventions}),
            ("report", set(self.reports)),
        ):
            if names - known:
                raise ValueError(
                    f"a {kind} is of case {min(names - known)!r}, which the study table does not have"
                )
