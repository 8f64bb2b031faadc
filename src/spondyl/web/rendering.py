"""Templates, and what every page has: the visitor, his token, the notice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from spondyl.adapters.station.accounts import Visitor
from spondyl.domain.finding import NOT_FOR_DIAGNOSIS
from spondyl.worklist.roles import Permission

FOLDER = Path(__file__).parent
_SECONDS_PER_HOUR, _HOURS_PER_DAY = 3600.0, 24.0


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["words"] = in_words
    environment.filters["ago"] = ago
    environment.globals["Permission"] = Permission
    return environment


def in_words(code: str | None) -> str:
    """A code as a person reads it: underscores are spaces."""
    return "" if code is None else str(code).replace("_", " ").replace("fov", "field of view")


def ago(then: datetime, now: datetime) -> str:
    """How long ago, in the unit that fits: 5 min, 3 h, 2 d."""
    hours = max(0.0, (now - then).total_seconds() / _SECONDS_PER_HOUR)
    if hours < 1.0:
        return f"{int(hours * 60)} min"
    return f"{int(hours)} h" if hours < 2 * _HOURS_PER_DAY else f"{int(hours / _HOURS_PER_DAY)} d"


_TEMPLATES = _environment()


def page(
    request: Request,
    template: str,
    visitor: Visitor | None,
    context: Mapping[str, Any],
    status_code: int = 200,
) -> HTMLResponse:
    """A whole page, or the part of it that htmx asked for."""
    text = _TEMPLATES.get_template(template).render(
        **context,
        visitor=visitor,
        notice=NOT_FOR_DIAGNOSIS,
        root=str(request.scope.get("root_path", "")),
        csrf=visitor.csrf_token if visitor is not None else "",
        is_fragment=request.headers.get("hx-request") == "true",
    )
    return HTMLResponse(text, status_code=status_code)
