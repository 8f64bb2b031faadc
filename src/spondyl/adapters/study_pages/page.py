"""report.html: the study report as one page that loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from spondyl.domain.finding import NOT_FOR_DIAGNOSIS
from spondyl.study.report import Cell, Count, FigureRow, FigureTable, Section, StudyReport, Table

# the four figures of the abstract, as cards at the head of the page
_CARDS = (
    ("flag_rate", "of the cases were flagged"),
    ("ppv", "of the flagged were confirmed"),
    ("non_report_rate", "of the confirmed are not in the report"),
    ("interventional_suitable", "of the fractures presented are suitable for augmentation"),
)
_MOST_SHOWN = 100  # rows of a table on the page; all of them stand in its file
_WIDE, _SHORT = 7, 14  # columns from which the type is smaller; rows up to which a table is not parted
_FIGURE_HEADS = ("counts", "value", "interval", "method")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Card:
    """A figure in large type."""

    value: str
    counts: str
    interval: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """A cell of a table: its text, and whether it is a number."""

    text: str
    is_number: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _ShownTable:
    """A table as it stands on the page."""

    title: str
    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[_Cell, ...], ...]
    note: str
    layout: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _ShownPicture:
    title: str
    svg: Markup
    caption: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chapter:
    anchor: str
    title: str
    lead: str
    pictures: tuple[_ShownPicture, ...]
    tables: tuple[_ShownTable, ...]


def to_html(report: StudyReport) -> str:
    """The page as text."""
    return _template().render(
        report=report,
        notice=NOT_FOR_DIAGNOSIS,
        cards=_cards(report.headline),
        chapters=[_chapter(number, section) for number, section in enumerate(report.sections, start=1)],
    )


def _cards(headline: FigureTable) -> list[_Card]:
    rows = {row.labels[0]: row for row in headline.rows}
    return [
        _Card(
            value=rows[measure].value,
            counts=rows[measure].counts,
            interval=rows[measure].interval,
            words=words,
        )
        for measure, words in _CARDS
        if rows[measure].answer.denominator
    ]


def _chapter(number: int, section: Section) -> _Chapter:
    return _Chapter(
        anchor=f"chapter-{number}",
        title=f"{number}. {section.title}",
        lead=section.lead,
        # the figures are ours, their words escaped where they are drawn (study.report.svg)
        pictures=tuple(
            _ShownPicture(title=x.title, svg=Markup(x.svg), caption=x.caption, name=x.name)  # noqa: S704
            for x in section.pictures
        ),
        tables=tuple(_shown(x) for x in section.tables if x.shown),
    )


def _shown(table: Table) -> _ShownTable:
    if isinstance(table, FigureTable):
        columns: tuple[str, ...] = (*table.columns, *_FIGURE_HEADS)
        rows = tuple(_figure_cells(row) for row in table.rows)
    else:
        columns = table.columns
        rows = tuple(tuple(_cell(cell) for cell in row) for row in table.rows)
    note = table.note
    if len(rows) > _MOST_SHOWN:
        note = f"The first {_MOST_SHOWN} of {len(rows)} rows; all stand in the file. {note}".strip()
    wide = "wide" if len(columns) > _WIDE else ""
    short = "short" if len(rows) <= _SHORT else ""  # kept on one page of the PDF
    return _ShownTable(
        title=table.title,
        name=table.name,
        columns=columns,
        rows=_without_repeats(rows[:_MOST_SHOWN]),
        note=note,
        layout=f"{wide} {short}".strip(),
    )


def _without_repeats(rows: Sequence[tuple[_Cell, ...]]) -> tuple[tuple[_Cell, ...], ...]:
    """Leave out the first cell of a row where it says the same as that of the row above."""
    shown = []
    above = ""
    for first, *others in rows:
        is_repeat = first.text == above and not first.is_number and len(others) > 1
        shown.append((_Cell(text="", is_number=False) if is_repeat else first, *others))
        above = first.text
    return tuple(shown)


def _figure_cells(row: FigureRow) -> tuple[_Cell, ...]:
    labels = (_Cell(text=label, is_number=False) for label in row.labels)
    numbers = (_Cell(text=text, is_number=True) for text in (row.counts, row.value, row.interval))
    return (*labels, *numbers, _Cell(text=row.method, is_number=False))


def _cell(cell: Cell | Count) -> _Cell:
    if isinstance(cell, Count):
        return _Cell(text=cell.text, is_number=True)
    if isinstance(cell, str) or cell is None:
        return _Cell(text=_words(cell or ""), is_number=False)
    return _Cell(text=str(cell), is_number=True)


def _words(text: str) -> str:
    """Codes in words: underscores are for files and programs."""
    return text if "/" in text or "." in text else text.replace("_", " ")


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("spondyl.adapters.study_pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("study.html")
