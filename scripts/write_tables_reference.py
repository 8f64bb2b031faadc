"""Write docs/reference/study-tables.md from the row types: ``python scripts/write_tables_reference.py``.

A test compares the page with what this script gives.
"""

from __future__ import annotations

from pathlib import Path

from spondyl.study.records import InterventionalReview, ReadingRecord
from spondyl.study.tables import CaseRow, Column, ReportRow, Row, StudyRow, VertebraRow, columns_of

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "study-tables.md"
HEAD = """# The tables of a study

Written by `scripts/write_tables_reference.py` from the row types; not by hand. Research software, not a
medical device.

Every table is a Parquet file, or a CSV of the same columns in any order. A CSV may have commas, semicolons
or tabs, be UTF-8, UTF-16 or Windows-1252, and have a column `notice`, which is passed over. Numbers have a
decimal point; flags are `true` or `false`; times have their zone, and are kept in UTC as text (ISO 8601);
several codes have a space between them; an empty cell stands for "not known". A column in **bold** must be
there, with a value in every row. A file with a fault is refused as a whole, and every fault is told with its
row and column.

The same columns give the same table, whichever program wrote them: `spondyl cohort run`,
`spondyl records import`, the reading station, or yours.
"""
TABLES: tuple[tuple[str, type[Row], str], ...] = (
    ("The manifest of a cohort", CaseRow, "What `spondyl cohort run` reads; kept as `cohort.csv`."),
    (
        "`studies.parquet`",
        StudyRow,
        "One row for every case of the manifest, also for one that was refused or failed.",
    ),
    (
        "`vertebrae.parquet`",
        VertebraRow,
        "One row for every vertebra found; lengths in mm, places in LPS mm.",
    ),
    ("`reports.parquet`", ReportRow, "At most one row a case."),
    (
        "`readings.parquet`",
        ReadingRecord,
        "One row an answer. A row without `level` closes a case: nothing more in it, or cannot say.",
    ),
    (
        "`interventions.parquet`",
        InterventionalReview,
        "One row an interventional review. Suitability without pain and MRI is technical suitability only.",
    ),
)


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for title, row_type, remark in TABLES:
        parts += [f"\n## {title}\n", f"{remark}\n", "| column | holds | meaning |\n|---|---|---|"]
        parts += [_line(one) for one in columns_of(row_type)]
    return "\n".join(parts) + "\n"


def _line(one: Column) -> str:
    name = f"**`{one.name}`**" if one.is_required else f"`{one.name}`"
    return f"| {name} | {one.expects} | {one.meaning} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
