"""Write docs/reference/station-settings.md from the types; a test compares both."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "station-settings.md"
HEAD = """# Settings of the reading station

> Research use only. Not a medical device, not for diagnosis.

Written by `python scripts/write_station_settings.py`. In a TOML file for `spondyl serve --config FILE`,
or in the environment, which stands over it: `SPONDYL_STATION_PORT=8080`,
`SPONDYL_STATION_DICOM__AE_TITLE=SPONDYL`.
"""


def page() -> str:
    """The whole page."""
    from spondyl.adapters.station.settings import StationSettings

    parts, tables = [HEAD, *_rows(StationSettings)], _tables(StationSettings)
    for name, model in tables:
        doc = (model.__doc__ or "").strip().split("\n\n")
        parts += ["", f"## {name}", "", " ".join(" ".join(doc).split()), "", *_rows(model)]
    return "\n".join(parts) + "\n"


def _rows(model: type[BaseModel]) -> list[str]:
    rows = ["| name | value | meaning |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        if _model_of(field) is None:
            rows.append(f"| `{name}` | {_default(field)} | {field.description or ''} |")
    return rows


def _tables(model: type[BaseModel]) -> list[tuple[str, type[BaseModel]]]:
    found = []
    for name, field in model.model_fields.items():
        inner = _model_of(field)
        if inner is not None:
            found.append((f"[[{name}]]" if "tuple" in str(field.annotation) else f"[{name}]", inner))
    return found


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    candidates = [field.annotation, *get_args(field.annotation)]
    for one in candidates:
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    return "none" if value in (None, (), "") else f"`{value}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
