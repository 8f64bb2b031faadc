"""Results: every count of a study, worked out once; tables and figures are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from spondyl.study.mentions import Category, NotReported, ReportMentions, read_report
from spondyl.study.report.agreeing import Agreement, agreements
from spondyl.study.report.consensus import NOT_READ, ReferenceCase, reference_cases
from spondyl.study.report.data import StudyData
from spondyl.study.report.flow import Flow, follow
from spondyl.study.report.intervening import Presented, presented
from spondyl.study.report.negatives import Negatives, read_negatives
from spondyl.study.report.outcomes import (
    FlaggedCase,
    Outcome,
    ReportedCase,
    compare,
    headline_definition,
    judge,
)
from spondyl.study.statistics import PartialVerification

_NAMED = frozenset({Category.R1, Category.R2})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Results:
    """What came out, case by case.

    flagged: in the order of the case table. reported: the confirmed cases that have a report.
    without_report: confirmed cases that have none. references: by case id.
    """

    data: StudyData
    flow: Flow
    references: Mapping[str, ReferenceCase]
    flagged: tuple[FlaggedCase, ...]
    reported: tuple[ReportedCase, ...]
    without_report: tuple[str, ...]
    negatives: Negatives
    presented: tuple[Presented, ...]
    agreements: tuple[Agreement, ...]

    @property
    def confirmed(self) -> tuple[FlaggedCase, ...]:
        """Flagged cases that the readers confirmed, by the protocol's rule."""
        return tuple(x for x in self.flagged if x.outcome is Outcome.CONFIRMED)

    @property
    def false_positive(self) -> tuple[FlaggedCase, ...]:
        """Flagged cases that they did not confirm."""
        return tuple(x for x in self.flagged if x.outcome is Outcome.NOT_CONFIRMED)

    @property
    def open(self) -> tuple[FlaggedCase, ...]:
        """Flagged cases without a verdict."""
        return tuple(x for x in self.flagged if x.outcome is Outcome.OPEN)

    @property
    def definition(self) -> NotReported:
        """The definition of "not reported" of the headline."""
        return headline_definition(self.data.protocol)

    @property
    def not_reported(self) -> tuple[ReportedCase, ...]:
        """Confirmed cases whose report leaves the fracture out, by the headline's definition."""
        return tuple(x for x in self.reported if x.category in self.definition.categories)

    @property
    def verification(self) -> PartialVerification:
        """Flagged cases with a verdict, and the negatives that were read."""
        return self.negatives.verification(len(self.confirmed), len(self.false_positive))


def work_out(data: StudyData) -> Results:
    """Everything that is counted, from the tables, the records and the report texts.

    Reports are read where they decide something: of confirmed cases, and of cases not flagged when some of
    these were read (they make the certainty stratum).

    Raises:
        LanguageError: a report is in a language that there is no file for.
    """
    flow = follow(data)
    references = reference_cases(data.readings, data.protocol)
    flagged = tuple(
        judge(x.case_id, flow.marks[x.case_id], references.get(x.case_id), data.protocol)
        for x in flow.flagged
    )
    read = _Reader(data)
    confirmed = [x for x in flagged if x.outcome is Outcome.CONFIRMED]
    with_report = [x for x in confirmed if x.case_id in data.reports]
    reported = tuple(
        compare(x.case_id, x.reference.fractures, read(x.case_id), data.protocol) for x in with_report
    )
    shown = presented(reported, data.interventions, data.protocol)
    analysed = [references.get(x.case_id, NOT_READ) for x in flow.analysed]
    return Results(
        data=data,
        flow=flow,
        references=references,
        flagged=flagged,
        reported=reported,
        without_report=tuple(x.case_id for x in confirmed if x.case_id not in data.reports),
        negatives=read_negatives(flow.unflagged, references, read.names_fracture, data.protocol),
        presented=shown,
        agreements=agreements(analysed, shown, data.protocol),
    )


class _Reader:
    """Reads a case's report when it is asked for, once."""

    def __init__(self, data: StudyData) -> None:
        self._reports = data.reports
        self._read = lru_cache(maxsize=1024)(read_report)

    def __call__(self, case_id: str) -> ReportMentions:
        """What the report of the case says; the case must have one."""
        report = self._reports[case_id]
        return self._read(report.text, report.lang)

    def names_fracture(self, case_id: str) -> bool:
        """Whether the case has a report that names a fracture (R1 or R2)."""
        return case_id in self._reports and self(case_id).case in _NAMED
