"""The tables of a study: what a cohort run writes, what a report is made from, what other programs may read.

``studies.parquet`` (StudyRow, one per case), ``vertebrae.parquet`` (VertebraRow), ``reports.parquet``
(ReportRow); readings.parquet and interventions.parquet hold the records of ``spondyl.study.records``. Every
table is a dataclass: its fields are the columns, in their order; docs/reference/study-tables.md is written
from them. Files are read and written by ``spondyl.adapters.parquet_tables``.
"""

from __future__ import annotations

from spondyl.study.tables.columns import (
    Cell,
    Column,
    ColumnError,
    Kind,
    Row,
    RowType,
    check_bounds,
    column,
    columns_of,
    from_cells,
    to_cells,
)
from spondyl.study.tables.faults import NOTICE_COLUMN, Fault, TableError, read_rows
from spondyl.study.tables.findings import engine_of, failed_study, networks_sha256, study_of, vertebrae_of
from spondyl.study.tables.rows import CaseRow, FailureCode, ReportRow, Sex, StudyRow, VertebraRow, View

__all__ = [
    "NOTICE_COLUMN",
    "CaseRow",
    "Cell",
    "Column",
    "ColumnError",
    "FailureCode",
    "Fault",
    "Kind",
    "ReportRow",
    "Row",
    "RowType",
    "Sex",
    "StudyRow",
    "TableError",
    "VertebraRow",
    "View",
    "check_bounds",
    "column",
    "columns_of",
    "engine_of",
    "failed_study",
    "from_cells",
    "networks_sha256",
    "read_rows",
    "study_of",
    "to_cells",
    "vertebrae_of",
]
