"""The vertebra table by column: a million rows are checked and read by DuckDB, not one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spondyl.adapters.parquet_tables import PARQUET, connect, read_table
from spondyl.study.report import NO_GRADE, VertebraColumns
from spondyl.study.tables import Column, Fault, Kind, TableError, VertebraRow, columns_of, read_rows

if TYPE_CHECKING:
    import duckdb

_LEVELS = next(x for x in columns_of(VertebraRow) if x.name == "level").allowed  # in the order of Level
_MOST_TOLD = 20  # faults of one column


def read_vertebrae(path: Path, places: Mapping[str, int]) -> VertebraColumns:
    """Read a vertebra table, Parquet or CSV, with the same checks as row by row.

    places: of each case id in the case table.

    Raises:
        TableError: a column is missing or unknown, a cell may not be so, a case is not known; no row is used.
        ExtraMissingError: DuckDB, which reads Parquet, is not installed.
        OSError: the file cannot be opened.
    """
    if path.suffix.lower() == PARQUET:
        return _from_parquet(path, places)
    rows = read_table(path, VertebraRow)
    _refuse(path.name, [_unknown(number, row.case_id) for number, row in rows if row.case_id not in places])
    return VertebraColumns(
        case=np.array([places[row.case_id] for _, row in rows], dtype=np.int64),
        level=np.array([row.level.order for _, row in rows], dtype=np.int64),
        grade=np.array([_grade(row) for _, row in rows], dtype=np.int64),
        grade_probability=np.array(
            [row.probability_grade_2_or_more or 0.0 for _, row in rows], dtype=np.float64
        ),
        centre_lps_mm=np.array(
            [(row.centre_x_lps_mm, row.centre_y_lps_mm, row.centre_z_lps_mm) for _, row in rows],
            dtype=np.float64,
        ).reshape(-1, 3),
    )


def _grade(row: VertebraRow) -> int:
    grade = row.genant_grade if row.counted_grade is None else row.counted_grade
    return NO_GRADE if grade is None else grade


def _from_parquet(path: Path, places: Mapping[str, int]) -> VertebraColumns:
    path.open("rb").close()  # a missing file is told by the system, not by DuckDB
    connection = connect()
    import duckdb

    try:
        connection.execute(
            "CREATE VIEW vertebrae AS SELECT * FROM read_parquet($file, file_row_number = true)".replace(
                "$file", "'" + str(path).replace("'", "''") + "'"
            )
        )
        described = connection.execute("DESCRIBE vertebrae").fetchall()
    except duckdb.Error as error:
        fault = Fault(row=None, column="(all)", got="no Parquet file", allowed="a Parquet or CSV file")
        raise TableError(path.name, [fault]) from error
    names = [str(name) for name, *_ in described if name != "file_row_number"]
    read_rows(VertebraRow, names, (), file=path.name)  # the header
    present = [x for x in columns_of(VertebraRow) if x.name in names]
    _refuse(path.name, list(_faults(connection, present)))
    return _columns(connection, {x.name for x in present}, places, path.name)


def _faults(connection: duckdb.DuckDBPyConnection, columns: Sequence[Column]) -> Iterator[Fault]:
    """Every cell that may not be so, the first of each column; one pass tells which columns have any."""
    conditions = {x.name: _wrong(x) for x in columns}
    counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in conditions.values())
    found = connection.execute(f"SELECT {counts} FROM vertebrae").fetchone() or ()  # noqa: S608 - our names
    for column, count in zip(columns, found, strict=True):
        if not count:
            continue
        rows = connection.execute(
            f"SELECT file_row_number + 1, {column.name} FROM vertebrae "  # noqa: S608 - our names
            f"WHERE {conditions[column.name]} ORDER BY 1 LIMIT {_MOST_TOLD}"
        ).fetchall()
        for number, value in rows:
            got = "nothing" if value is None else repr(value)
            yield Fault(row=int(number), column=column.name, got=got, allowed=column.expects)


def _wrong(column: Column) -> str:
    """A condition of SQL that is true where a cell may not be so."""
    name = column.name
    tests = [f"{name} IS NULL"] if column.is_required else []
    if column.is_required and column.kind is Kind.TEXT:
        tests.append(f"trim({name}::VARCHAR) = ''")
    if column.allowed:
        codes = ", ".join(f"'{code}'" for code in column.allowed)
        tests.append(f"{name}::VARCHAR NOT IN ({codes})")
    if column.kind in {Kind.WHOLE, Kind.REAL}:
        number = f"TRY_CAST({name} AS DOUBLE)"
        tests.append(f"({name} IS NOT NULL AND ({number} IS NULL OR NOT isfinite({number})))")
        tests += [f"{number} < {column.low}"] if column.low is not None else []
        tests += [f"{number} > {column.high}"] if column.high is not None else []
        if column.kind is Kind.WHOLE:
            tests.append(f"{number} <> round({number})")
    if column.kind is Kind.FLAG:
        tests.append(f"({name} IS NOT NULL AND TRY_CAST({name} AS BOOLEAN) IS NULL)")
    return " OR ".join(tests) or "false"


def _columns(
    connection: duckdb.DuckDBPyConnection, names: set[str], places: Mapping[str, int], file: str
) -> VertebraColumns:
    grades = [f"{x}::BIGINT" for x in ("counted_grade", "genant_grade") if x in names]
    probability = "probability_grade_2_or_more"
    chance = f"coalesce({probability}::DOUBLE, 0)" if probability in names else "0.0::DOUBLE"
    levels = ", ".join(f"'{level}'" for level in _LEVELS)
    found = connection.execute(
        "SELECT case_id::VARCHAR AS case_id, "  # noqa: S608 - our names
        f"list_position([{levels}], level::VARCHAR)::BIGINT - 1 AS level, "
        f"coalesce({', '.join([*grades, str(NO_GRADE)])})::BIGINT AS grade, {chance} AS chance, "
        "centre_x_lps_mm::DOUBLE AS x, centre_y_lps_mm::DOUBLE AS y, centre_z_lps_mm::DOUBLE AS z "
        "FROM vertebrae ORDER BY file_row_number"
    ).fetchnumpy()
    names_of_cases = found["case_id"].tolist()
    case = np.fromiter((places.get(x, -1) for x in names_of_cases), dtype=np.int64, count=len(names_of_cases))
    strange = np.flatnonzero(case < 0).tolist()
    _refuse(file, [_unknown(row + 1, names_of_cases[row]) for row in strange])
    return VertebraColumns(
        case=case,
        level=np.asarray(found["level"], dtype=np.int64),
        grade=np.asarray(found["grade"], dtype=np.int64),
        grade_probability=np.asarray(found["chance"], dtype=np.float64),
        centre_lps_mm=np.column_stack([np.asarray(found[x], dtype=np.float64) for x in "xyz"]),
    )


def _unknown(row: int, case_id: str) -> Fault:
    return Fault(
        row=row, column="case_id", got=repr(case_id), allowed="a case_id of the case table (studies)"
    )


def _refuse(file: str, faults: Sequence[Fault]) -> None:
    if faults:
        raise TableError(file, faults)
