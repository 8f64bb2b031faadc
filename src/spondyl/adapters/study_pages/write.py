"""The files of the report: each stands whole or as it was before."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import IO

from spondyl.adapters.parquet_tables import whole_file
from spondyl.adapters.study_pages.page import to_html
from spondyl.adapters.study_pages.pdf import to_pdf
from spondyl.domain.finding import NOT_FOR_DIAGNOSIS
from spondyl.study.report import Cell, StudyReport, Table

PAGE, PDF, TABLES, FIGURES = "report.html", "report.pdf", "tables", "figures"


def write_report(report: StudyReport, folder: Path, *, with_pdf: bool) -> None:
    """Write report.html, report.pdf, tables/*.csv and figures/*.svg.

    The page is written before the PDF is made, so that it stands where the PDF cannot be made.

    Raises:
        ExtraMissingError: the PDF is wanted, and WeasyPrint or Pango is not installed.
        OSError: the folder cannot be written.
    """
    for name in (TABLES, FIGURES):
        (folder / name).mkdir(parents=True, exist_ok=True)
        _write_text(folder / name / "NOTICE.txt", f"{NOT_FOR_DIAGNOSIS}\n")
    for table in report.tables:
        _write_table(folder / TABLES / f"{table.name}.csv", table)
    for picture in report.pictures:
        _write_text(folder / FIGURES / f"{picture.name}.svg", picture.svg)
    page = to_html(report)
    _write_text(folder / PAGE, page)
    if with_pdf:
        part = folder / f".{PDF}.part"
        part.write_bytes(to_pdf(page))
        part.replace(folder / PDF)


def _write_text(path: Path, text: str) -> None:
    whole_file(path, lambda stream: stream.write(text))


def _write_table(path: Path, table: Table) -> None:
    def write(stream: IO[str]) -> None:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(name.replace(" ", "_") for name in table.header())
        writer.writerows([_written(cell) for cell in row] for row in table.cells())

    whole_file(path, write)


def _written(cell: Cell) -> Cell:
    """Counts that are whole are written so, also where the statistics keep them as reals."""
    return int(cell) if isinstance(cell, float) and cell.is_integer() and abs(cell) > 1.0 else cell
