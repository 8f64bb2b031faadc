"""Columns of a table from the fields of a frozen dataclass: one definition for checks, files and documents.

A row type is a frozen dataclass whose fields are text, whole numbers, reals, flags, times, codes (a StrEnum)
or several codes (a tuple of them), each possibly None. ``columns_of`` tells its columns, ``to_cells`` writes
a row as plain values, ``from_cells`` reads one and says in which column it fails. Files are no concern here:
rows are mappings from column to cell.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import UTC, datetime
from enum import Enum, StrEnum
from functools import cache
from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import AwareDatetime, ConfigDict, FiniteFloat, TypeAdapter, ValidationError

Cell: TypeAlias = str | int | float | bool | None


class Row(Protocol):
    """Any dataclass instance."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


RowType = TypeVar("RowType", bound=Row)


class Kind(StrEnum):
    """What the cells of a column hold."""

    TEXT = "text"
    WHOLE = "whole number"
    REAL = "real number"
    FLAG = "flag"
    TIME = "time"  # ISO 8601 in UTC, as text: every program reads it alike
    CODE = "code"
    CODES = "codes"  # a space between them


_MOST_SHOWN = 60  # characters of a cell in a message
_SQL_TYPES = {Kind.WHOLE: "BIGINT", Kind.REAL: "DOUBLE", Kind.FLAG: "BOOLEAN"}
_CHECKED: dict[Any, Any] = {
    float: FiniteFloat,
    datetime: AwareDatetime,
}  # neither NaN nor a time without zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    is_required: every row must have a value. allowed: the codes, empty for other kinds.
    low, high: bounds of a number, both included; None where there is none.
    """

    name: str
    kind: Kind
    is_required: bool
    allowed: tuple[str, ...]
    meaning: str
    low: float | None
    high: float | None

    @property
    def sql_type(self) -> str:
        """Its type in DuckDB and Parquet."""
        return _SQL_TYPES.get(self.kind, "VARCHAR")

    @property
    def expects(self) -> str:
        """What may stand in a cell, in words."""
        codes = ", ".join(self.allowed)
        words = {
            Kind.TEXT: "text",
            Kind.WHOLE: f"a whole number{self._bounds}",
            Kind.REAL: f"a number with a decimal point{self._bounds}",
            Kind.FLAG: "true or false",
            Kind.TIME: "a time with its zone, such as 2025-03-01T09:30:00+01:00",
            Kind.CODE: f"one of {codes}",
            Kind.CODES: f"any of {codes}, with a space between them",
        }
        return words[self.kind]

    @property
    def _bounds(self) -> str:
        low = f" from {self.low:g}" if self.low is not None else ""
        high = f" to {self.high:g}" if self.high is not None else ""
        return low + high


class ColumnError(ValueError):
    """A cell that may not be: its column, what was got and what is allowed; the row is added by who reads."""

    def __init__(self, column: str, got: str, allowed: str) -> None:
        self.column, self.got, self.allowed = column, got, allowed
        super().__init__(f"column {column}: got {got}; allowed: {allowed}")


def column(
    meaning: str,
    *,
    default: Any = MISSING,  # noqa: ANN401 - the default is of the field's own type
    low: float | None = None,
    high: float | None = None,
) -> Any:  # noqa: ANN401 - like dataclasses.field, it stands for the field's own type
    """A dataclass field with the column's meaning, and the bounds of a number."""
    return field(default=default, metadata={"meaning": meaning, "low": low, "high": high})


@cache
def columns_of(row_type: type[Row]) -> tuple[Column, ...]:
    """The columns of a row type, in the order of its fields."""
    hints = get_type_hints(row_type)
    return tuple(_column_of(one, hints[one.name]) for one in fields(row_type))


def check_bounds(row: Row) -> None:
    """Refuse a row with an empty required text or a number out of its bounds: for ``__post_init__``.

    Raises:
        ColumnError: naming the first such column.
    """
    for one in columns_of(type(row)):
        value = getattr(row, one.name)
        if value is None:
            continue
        if one.is_required and value == "":
            raise ColumnError(one.name, "nothing", one.expects)
        if isinstance(value, (int, float)) and not _is_within(value, one):
            raise ColumnError(one.name, str(value), one.expects)
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ColumnError(one.name, value.isoformat(), one.expects)


def to_cells(row: Row) -> dict[str, Cell]:
    """The row as plain values by column; several codes become one text, a time becomes UTC."""
    return {one.name: _cell(getattr(row, one.name)) for one in columns_of(type(row))}


def from_cells(row_type: type[RowType], cells: Mapping[str, object]) -> RowType:
    """Build a row from plain values or from the text of a CSV; an empty cell stands for the default.

    Raises:
        ColumnError: naming the first column whose cell may not be so.
    """
    types_of = _bare_types(row_type)
    values: dict[str, Any] = {}
    for one in columns_of(row_type):
        cell = cells.get(one.name)
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            if one.is_required:
                raise ColumnError(one.name, "nothing", one.expects)
            continue
        values[one.name] = _value(one, cell, types_of[one.name])
    return row_type(**values)


@cache
def _bare_types(row_type: type[Row]) -> dict[str, Any]:
    """The type of each field without its None; asked for once, since reading annotations takes long."""
    return {name: _bare(hint) for name, hint in get_type_hints(row_type).items()}


def _column_of(one: Field[Any], hint: Any) -> Column:  # noqa: ANN401 - an annotation
    bare = _bare(hint)
    element = get_args(bare)[0] if get_origin(bare) is tuple else bare
    is_coded = isinstance(element, type) and issubclass(element, StrEnum)
    return Column(
        name=one.name,
        kind=_kind(bare, is_coded=is_coded),
        is_required=one.default is MISSING,
        allowed=tuple(str(code) for code in element) if is_coded else (),
        meaning=one.metadata["meaning"],
        low=one.metadata["low"],
        high=one.metadata["high"],
    )


def _kind(bare: Any, *, is_coded: bool) -> Kind:  # noqa: ANN401 - an annotation
    if is_coded:
        return Kind.CODES if get_origin(bare) is tuple else Kind.CODE
    plain = {str: Kind.TEXT, int: Kind.WHOLE, float: Kind.REAL, bool: Kind.FLAG, datetime: Kind.TIME}
    return plain[bare]


def _bare(hint: Any) -> Any:  # noqa: ANN401 - an annotation
    """The annotation without its None."""
    if get_origin(hint) in {Union, types.UnionType}:
        (only,) = (part for part in get_args(hint) if part is not type(None))
        return only
    return hint


def _cell(value: Any) -> Cell:  # noqa: ANN401 - the value of any field
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, tuple):
        return " ".join(str(code) for code in value)
    if isinstance(value, Enum):
        return str(value)
    plain: Cell = value
    return plain


def _value(one: Column, cell: object, bare: Any) -> Any:  # noqa: ANN401 - the value of any field
    given = str(cell).split() if one.kind is Kind.CODES else cell
    given = given.strip() if isinstance(given, str) else given
    try:
        return _adapter(_CHECKED.get(bare, bare)).validate_python(given)
    except ValidationError as error:
        raise ColumnError(one.name, repr(cell)[:_MOST_SHOWN], one.expects) from error


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - an annotation
    return TypeAdapter(annotation, config=ConfigDict(coerce_numbers_to_str=True))


def _is_within(value: float, one: Column) -> bool:
    is_high_enough = one.low is None or value >= one.low
    return is_high_enough and (one.high is None or value <= one.high)
