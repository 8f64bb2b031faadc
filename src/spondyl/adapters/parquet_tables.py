"""Tables as files: Parquet through DuckDB, CSV in any common encoding; written whole or not at all.

The columns come from the row type (``spondyl.study.tables``), and so do the checks: a file that is read gives
checked rows, each with its number, or a TableError that names every faulty cell.
"""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from spondyl.adapters.extras import ExtraMissingError
from spondyl.adapters.report_texts import ReportTextError, decode
from spondyl.domain.finding import NOT_FOR_DIAGNOSIS
from spondyl.study.tables import (
    NOTICE_COLUMN,
    Column,
    Fault,
    Row,
    RowType,
    TableError,
    columns_of,
    read_rows,
    to_cells,
)

if TYPE_CHECKING:
    import duckdb

PARQUET = ".parquet"
Cells: TypeAlias = Iterator[tuple[int, Mapping[str, object]]]
_ROWS_AT_ONCE = 10_000
_LONGEST_ROW_BYTES = 1 << 27  # a report of 10 MB, escaped, fits several times


class TableQueryError(Exception):
    """A question that the tables of a folder cannot answer; the message is DuckDB's, and names the tables."""


def connect() -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory that fetches nothing from the network.

    Raises:
        ExtraMissingError: DuckDB is not installed.
    """
    try:
        import duckdb
    except ImportError as error:
        raise ExtraMissingError("DuckDB", "study") from error
    return duckdb.connect(config={"autoinstall_known_extensions": False, "threads": 1})


def read_table(path: Path, row_type: type[RowType]) -> list[tuple[int, RowType]]:
    """The rows of a CSV or Parquet file with their numbers (the header of a CSV is row 1).

    Raises:
        TableError: a column is missing or unknown, or a cell may not be so; all faults are told at once.
        ExtraMissingError: DuckDB, which reads Parquet, is not installed.
        OSError: the file cannot be opened.
    """
    if path.suffix.lower() == PARQUET:
        names, cells = _parquet_cells(path)
    else:
        names, cells = _csv_cells(path)
    return read_rows(row_type, names, cells, file=path.name)


def write_table(path: Path, row_type: type[Row], rows: Iterable[Row]) -> None:
    """Write rows as Parquet, or as CSV where the name ends so; earlier content stands until all is written.

    Raises:
        ExtraMissingError: DuckDB, which writes Parquet, is not installed.
        OSError: the folder cannot be written.
    """
    cells = (to_cells(row) for row in rows)
    if path.suffix.lower() == PARQUET:
        write_parquet(path, columns_of(row_type), cells)
    else:
        whole_file(path, lambda stream: _write_csv(stream, columns_of(row_type), cells))


def write_parquet(path: Path, columns: Sequence[Column], cells: Iterable[Mapping[str, Any]]) -> None:
    """Write rows of plain values as Parquet, in their order; memory does not grow with their number.

    Raises:
        ExtraMissingError: DuckDB is not installed.
        OSError: the folder cannot be written.
    """
    connection = connect()
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        lines = Path(folder) / "rows.jsonl"
        with lines.open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in cells)
        made = Path(folder) / "rows.parquet"
        types = ", ".join(f"{one.name}: {_text(one.sql_type)}" for one in columns)
        connection.execute(
            f"COPY (SELECT * FROM read_json({_text(str(lines))}, format='newline_delimited', "  # noqa: S608
            f"columns={{{types}}}, maximum_object_size={_LONGEST_ROW_BYTES})) TO {_text(str(made))} "
            f"(FORMAT parquet, COMPRESSION zstd, KV_METADATA {{notice: {_text(NOT_FOR_DIAGNOSIS)}}})"
        )
        made.replace(path)


def whole_file(path: Path, write: Callable[[IO[str]], object]) -> None:
    """Let ``write`` fill a neighbour of the file, which takes the file's name once it is on the disk.

    Raises:
        OSError: the folder cannot be written; what stood there before still does.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def ask_tables(folder: Path, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Names of columns and rows that SQL gives; each .parquet or .csv of the folder is a table of its name.

    Raises:
        TableQueryError: there is no table, or the SQL is none.
        ExtraMissingError: DuckDB is not installed.
    """
    connection = connect()
    import duckdb

    files = {file.stem: file for file in (*folder.glob("*.csv"), *folder.glob(f"*{PARQUET}"))}
    known = ", ".join(sorted(files)) or f"none: {folder} holds no .parquet and no .csv"
    try:
        for name, file in files.items():
            connection.execute(f'CREATE VIEW "{name}" AS SELECT * FROM {_text(str(file))}')  # noqa: S608
        found = connection.execute(sql)
        return [str(one[0]) for one in found.description or ()], found.fetchall()
    except duckdb.Error as error:
        raise TableQueryError(f"{error}\ntables: {known}") from error


def _write_csv(stream: IO[str], columns: Sequence[Column], cells: Iterable[Mapping[str, Any]]) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*(one.name for one in columns), NOTICE_COLUMN])
    for row in cells:
        writer.writerow([*(_written(row[one.name]) for one in columns), NOT_FOR_DIAGNOSIS])


def _written(cell: object) -> object:
    """Flags as they are read again; nothing for None."""
    return str(cell).lower() if isinstance(cell, bool) else cell


def _parquet_cells(path: Path) -> tuple[list[str], Cells]:
    connection = connect()
    import duckdb

    path.open("rb").close()  # a missing file is told by the system, not by DuckDB
    try:
        found = connection.execute(f"SELECT * FROM read_parquet({_text(str(path))})")  # noqa: S608
    except duckdb.Error as error:
        fault = Fault(row=None, column="(all)", got="no Parquet file", allowed="Parquet or CSV")
        raise TableError(path.name, [fault]) from error
    names = [str(one[0]) for one in found.description or ()]

    def rows() -> Cells:
        number = 0
        while batch := found.fetchmany(_ROWS_AT_ONCE):
            for values in batch:
                number += 1
                yield number, dict(zip(names, values, strict=True))

    return names, rows()


def _csv_cells(path: Path) -> tuple[list[str], Cells]:
    try:
        text = decode(path.read_bytes())
    except ReportTextError as error:
        fault = Fault(row=None, column="(all)", got=str(error), allowed="CSV or Parquet")
        raise TableError(path.name, [fault]) from error
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t|", key=header.count)
    csv.field_size_limit(_LONGEST_ROW_BYTES)
    lines = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        table = list(lines)
    except csv.Error as error:
        allowed = "CSV; a text with line breaks or quotes stands in quotes"
        fault = Fault(row=lines.line_num, column="(all)", got=str(error), allowed=allowed)
        raise TableError(path.name, [fault]) from error
    names = [name.strip() for name in table[0]] if table else []
    rows = [(number, row) for number, row in enumerate(table[1:], start=2) if any(row)]
    faults = [
        Fault(row=number, column="(all)", got=f"{len(row)} cells", allowed=f"{len(names)}, as in the header")
        for number, row in rows
        if len(row) != len(names)
    ]
    if faults:
        raise TableError(path.name, faults)
    return names, ((number, dict(zip(names, row, strict=True))) for number, row in rows)


def _text(value: str) -> str:
    """A text literal of SQL."""
    return "'" + value.replace("'", "''") + "'"
