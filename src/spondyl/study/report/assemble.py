"""The report in its order: chapters of pictures and tables, made from the results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spondyl.study.report import accuracy, curves, record, vertebral
from spondyl.study.report.baseline import baseline, subgroups
from spondyl.study.report.checklist import checklist
from spondyl.study.report.flow_picture import flow_picture, flow_rows
from spondyl.study.report.headline import headline, headline_by_method, not_reported, rules
from spondyl.study.report.layout import FigureTable, Picture, PlainTable, Section, Table
from spondyl.study.report.pictures import (
    categories_picture,
    causes_picture,
    headline_picture,
    levels_picture,
)
from spondyl.study.report.results import Results


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyReport:
    """Everything that is printed. remarks: what must be known before any figure. headline: its table."""

    title: str
    remark: str
    protocol: str
    remarks: tuple[str, ...]
    headline: FigureTable
    sections: tuple[Section, ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables, each of which becomes a CSV file of its name."""
        return tuple(table for section in self.sections for table in section.tables)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All figures, each of which becomes an SVG file of its name."""
        return tuple(picture for section in self.sections for picture in section.pictures)


def assemble(results: Results, report_version: str) -> StudyReport:
    """Make the report of the results; report_version: of the Spondyl that makes it."""
    return StudyReport(
        title=results.data.facts.title,
        remark=results.data.facts.remark,
        protocol=results.data.protocol.name,
        remarks=record.remarks(results),
        headline=headline(results),
        sections=tuple(_sections(results, report_version)),
    )


def _sections(results: Results, report_version: str) -> Iterator[Section]:
    yield _headline(results)
    flow = PlainTable(
        name="flow",
        title="Flow of cases",
        columns=("step", "count"),
        rows=tuple(flow_rows(results)),
        shown=False,
    )
    yield Section(title="Flow of cases", lead="", pictures=(flow_picture(results),), tables=(flow,))
    yield Section(title="Cases", lead="", tables=(baseline(results),))
    yield _accuracy(results)
    yield _false_positives(results)
    yield Section(
        title="Grades and levels",
        lead="",
        pictures=(levels_picture(results),),
        tables=(
            vertebral.grades_by_level(results),
            vertebral.software_against_readers(results),
            vertebral.vertebra_figures(results),
        ),
    )
    yield Section(
        title="Report categories",
        lead="What the reports say of the fractures that the readers confirmed. The reports were read "
        "by rules; every not-reported verdict has to be checked by hand (reports_to_check.csv).",
        pictures=(categories_picture(results),),
        tables=(not_reported(results), vertebral.report_categories(results), record.to_check(results)),
    )
    yield Section(
        title="Agreement",
        lead="",
        tables=(accuracy.agreement(results), *accuracy.agreement_tables(results)),
    )
    yield Section(title="Interventional review", lead="", tables=(vertebral.interventional(results),))
    yield Section(title="Subgroups", lead="", tables=subgroups(results))
    yield Section(
        title="Cases without an answer",
        lead="",
        tables=(record.not_evaluable(results), record.cases(results)),
    )
    yield Section(
        title="Software, thresholds and choices",
        lead="",
        tables=(record.software(results, report_version), record.choices(results)),
    )
    yield Section(title="Checklist", lead="", tables=(checklist(results),))


def _headline(results: Results) -> Section:
    table = headline(results)
    burden = accuracy.burden(results)
    return Section(
        title="Headline",
        lead="",
        pictures=(headline_picture(table),),
        tables=(table, headline_by_method(results), *((burden,) if burden else ())),
    )


def _accuracy(results: Results) -> Section:
    elsewhere = accuracy.elsewhere(results)
    read = curves.read_cases(results)
    return Section(
        title="Accuracy",
        lead="Sensitivity and specificity need cases that were not flagged and were read all the same.",
        pictures=tuple(curves.pictures(read)),
        tables=(
            rules(results),
            accuracy.strata(results),
            accuracy.accuracy(results),
            accuracy.what_if_table(results),
            *((elsewhere,) if elsewhere else ()),
            curves.areas(read, results.data.protocol.analysis),
            *curves.points(read),
        ),
    )


def _false_positives(results: Results) -> Section:
    table = vertebral.causes(results)
    pictures = (causes_picture(table),) if table.rows else ()
    return Section(title="False positive cases", lead="", pictures=pictures, tables=(table,))
