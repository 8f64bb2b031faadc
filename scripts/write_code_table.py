"""Write the table of codes in docs/reference/dicom-objects.md: ``python scripts/write_code_table.py``.

A test compares the page with what this script gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydicom.sr.coding import Code

from spondyl.stages.report.dicom import codes

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "dicom-objects.md"
START, END = "<!-- codes -->", "<!-- end of codes -->"


def table() -> str:
    """Every code of the single source, in its order."""
    rows = dict.fromkeys(f"| {x.value} | {x.scheme_designator} | {x.meaning} |" for x in _all())
    return "\n".join(["| code | scheme | meaning |", "|---|---|---|", *rows])


def page() -> str:
    """The page with the table put in."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(START)
    return f"{before}{START}\n{table()}\n{END}{rest.split(END)[1]}"


def _all() -> Iterator[Code]:
    for name, value in vars(codes).items():
        if not name.startswith("_"):
            yield from _within(value)


def _within(value: object) -> Iterator[Code]:
    if isinstance(value, Code):
        yield value
    elif isinstance(value, codes.HeightCodes):
        yield from (value.anterior, value.middle, value.posterior)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _within(item[0] if isinstance(item, tuple) and not isinstance(item, Code) else item)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
