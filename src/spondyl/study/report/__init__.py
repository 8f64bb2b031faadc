"""The study report: from the tables, records and report texts of a study to its figures, tables and pictures.

In: StudyData, read and checked by ``spondyl.adapters.study_folder``. Out: a StudyReport, pure data; the pages
and files are made of it in ``spondyl.adapters.study_pages``. No published number stands in this code: what a
study comes to is worked out from its records by the rules of its protocol.
"""

from __future__ import annotations

from spondyl.study.report.assemble import StudyReport, assemble
from spondyl.study.report.checklist import items as checklist_items
from spondyl.study.report.data import (
    NO_GRADE,
    SourceFile,
    StudyData,
    StudyFacts,
    VertebraColumns,
    Workplace,
)
from spondyl.study.report.layout import (
    Cell,
    Count,
    FigureRow,
    FigureTable,
    Picture,
    PlainTable,
    Section,
    Table,
)
from spondyl.study.report.results import Results, work_out

__all__ = [
    "NO_GRADE",
    "Cell",
    "Count",
    "FigureRow",
    "FigureTable",
    "Picture",
    "PlainTable",
    "Results",
    "Section",
    "SourceFile",
    "StudyData",
    "StudyFacts",
    "StudyReport",
    "Table",
    "VertebraColumns",
    "Workplace",
    "assemble",
    "checklist_items",
    "work_out",
]
