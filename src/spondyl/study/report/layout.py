"""What the report is made of: tables of cells, tables of figures with intervals, and pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from spondyl.study.statistics import Answer, CannotSay

Cell: TypeAlias = str | int | float | None
FIGURE_COLUMNS = ("numerator", "denominator", "value", "low", "high", "method")


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A share of cases or vertebrae as it is printed in a table: part of whole."""

    part: int
    whole: int

    @property
    def text(self) -> str:
        """As in "3/4 (75.0 %)"; without a share where the whole is nothing."""
        if not self.whole:
            return f"{self.part}/0"
        return f"{self.part}/{self.whole} ({100 * self.part / self.whole:.1f} %)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainTable:
    """A table of cells. name: of the CSV file. note: what a reader has to know, printed under it.

    A Count takes two columns of the file, ``..._n`` and ``..._of``, and one of the page.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell | Count, ...], ...]
    note: str = ""
    shown: bool = True

    def header(self) -> tuple[str, ...]:
        """The columns of the file."""
        return tuple(self._spread_header())

    def cells(self) -> Iterator[tuple[Cell, ...]]:
        """The rows of the file."""
        counted = self._counted()
        for row in self.rows:
            cells: list[Cell] = []
            for column, cell in enumerate(row):
                if isinstance(cell, Count):
                    cells += [cell.part, cell.whole]
                else:
                    cells += [cell, None] if column in counted else [cell]
            yield tuple(cells)

    def _spread_header(self) -> Iterator[str]:
        counted = self._counted()
        for place, column in enumerate(self.columns):
            yield from (f"{column}_n", f"{column}_of") if place in counted else (column,)

    def _counted(self) -> frozenset[int]:
        """The columns that hold a Count in some row."""
        return frozenset(
            place for row in self.rows for place, cell in enumerate(row) if isinstance(cell, Count)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """One figure: what stands before it (as many as the table's columns), and the answer of the statistics.

    scale: 100 for shares, which the page prints in percent; 1 for other figures.
    """

    labels: tuple[str, ...]
    answer: Answer
    scale: float = 100.0

    @property
    def counts(self) -> str:
        """Numerator and denominator, as in "3/4"; the number of units where it is no ratio."""
        if self.answer.numerator is None or self.answer.denominator is None:
            return f"n {self.answer.n}"
        return f"{_number(self.answer.numerator)}/{_number(self.answer.denominator)}"

    @property
    def value(self) -> str:
        """As in "75.0 %", or why there is none."""
        if isinstance(self.answer, CannotSay):
            return f"cannot be said: {self.answer.got}"
        return self._scaled(self.answer.value) + (" %" if self._is_percent else "")

    @property
    def interval(self) -> str:
        """As in "19.4 to 99.4", without an end that is not bounded."""
        low, high = self.answer.low, self.answer.high
        if math.isinf(low) and math.isinf(high):
            return ""
        if math.isinf(high):
            return f"{self._scaled(low)} or more"
        if math.isinf(low):
            return f"{self._scaled(high)} or less"
        return f"{self._scaled(low)} to {self._scaled(high)}"

    @property
    def method(self) -> str:
        """How the interval was made, or the code of why there is none."""
        if isinstance(self.answer, CannotSay):
            return f"none: {self.answer.code}"
        return self.answer.method

    def cells(self) -> tuple[Cell, ...]:
        """The row of the file: labels, then ``FIGURE_COLUMNS``, unscaled."""
        answer = self.answer
        value = None if isinstance(answer, CannotSay) else answer.value
        ends = [None if math.isinf(x) else x for x in (answer.low, answer.high)]
        return (*self.labels, answer.numerator, answer.denominator, value, *ends, self.method)

    @property
    def _is_percent(self) -> bool:
        return self.scale != 1.0

    def _scaled(self, value: float) -> str:
        return f"{value * self.scale:.1f}" if self._is_percent else f"{value:.2f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureTable:
    """A table of figures with intervals. columns: heads of the labels."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[FigureRow, ...]
    note: str = ""
    shown: bool = True

    def header(self) -> tuple[str, ...]:
        """The columns of the file."""
        return (*self.columns, *FIGURE_COLUMNS)

    def cells(self) -> Iterator[tuple[Cell, ...]]:
        """The rows of the file."""
        return (row.cells() for row in self.rows)


Table: TypeAlias = PlainTable | FigureTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A vector figure: name of the file, title, SVG text, and what it shows in words."""

    name: str
    title: str
    svg: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A chapter of the report."""

    title: str
    lead: str
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()


def _number(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"
