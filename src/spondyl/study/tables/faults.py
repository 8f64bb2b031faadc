"""Reading many rows: faults are gathered, each with its row and column, and all rows are given or none."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from spondyl.study.tables.columns import ColumnError, RowType, columns_of, from_cells

NOTICE_COLUMN = "notice"  # every table that is exported carries it; it is no value of a row
_MOST_TOLD = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with one cell. row: as a spreadsheet counts, the header is row 1; None: of the file."""

    row: int | None
    column: str
    got: str
    allowed: str

    @property
    def text(self) -> str:
        """One line for people."""
        place = f"row {self.row}, " if self.row is not None else ""
        return f"{place}column {self.column}: got {self.got}; allowed: {self.allowed}"


class TableError(Exception):
    """A table that cannot be used; ``faults`` holds all of them, the message the first twenty."""

    def __init__(self, name: str, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        lines = [f"  {fault.text}" for fault in self.faults[:_MOST_TOLD]]
        if len(self.faults) > _MOST_TOLD:
            lines.append(f"  ... and {len(self.faults) - _MOST_TOLD} more")
        counted = f"{len(self.faults)} fault{'s' if len(self.faults) > 1 else ''}"
        head = f"{name}: {counted}; nothing was taken from it"
        super().__init__("\n".join([head, *lines]))


def read_rows(
    row_type: type[RowType],
    names: Sequence[str],
    cells: Iterable[tuple[int, Mapping[str, object]]],
    *,
    file: str,
) -> list[tuple[int, RowType]]:
    """Check the header, then every row; gives the rows with their numbers.

    names: the header. cells: number of the row and its cells by column. file: its name, for messages.

    Raises:
        TableError: a column is missing, unknown or named twice, or a cell may not be so.
    """
    faults = list(_header_faults(row_type, names))
    if faults:
        raise TableError(file, faults)
    rows: list[tuple[int, RowType]] = []
    for number, values in cells:
        try:
            rows.append((number, from_cells(row_type, values)))
        except ColumnError as error:
            faults.append(Fault(row=number, column=error.column, got=error.got, allowed=error.allowed))
    if faults:
        raise TableError(file, faults)
    return rows


def _header_faults(row_type: type[RowType], names: Sequence[str]) -> Iterable[Fault]:
    columns = columns_of(row_type)
    known = [one.name for one in columns]
    for one in columns:
        if one.is_required and one.name not in names:
            yield Fault(row=1, column=one.name, got="no such column", allowed=f"{one.meaning}: {one.expects}")
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield Fault(row=1, column=name, got="the column twice", allowed="each column once")
        if name not in known and name != NOTICE_COLUMN:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"did you mean {near[0]}? " if near else ""
            yield Fault(
                row=1, column=name or "(empty)", got="an unknown column", allowed=f"{meant}{', '.join(known)}"
            )
