"""Findings read from where they lie, and a comparison written as JSON and as a page with both pictures."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict
from html import escape
from pathlib import Path

from pydantic import ValidationError

from spondyl.domain.finding import NOT_FOR_DIAGNOSIS, StudyFinding
from spondyl.study.priors import Comparison, Status, TrajectoryPoint

FINDING_NAME = "finding.json"
_MOST_BYTES = 50_000_000  # ours: a finding of one study has some hundred kilobytes
_STATUS_WORDS = {
    Status.NEW: "new",
    Status.WORSE: "worse",
    Status.OLD: "old",
    Status.STABLE: "stable",
    Status.NOT_COMPARABLE: "not comparable",
}
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1b1f24}
.notice{background:#fff3cd;padding:.5rem 1rem;border-left:4px solid #b58900}
.pair{display:flex;gap:1rem;flex-wrap:wrap}figure{margin:0;flex:1 1 30rem}img{max-width:100%;background:#000}
table{border-collapse:collapse;margin:1rem 0}th,td{padding:.25rem .6rem;border-bottom:1px solid #ccc;
text-align:left}td.number{text-align:right;font-variant-numeric:tabular-nums}
tr.new td,tr.worse td{background:#fde2dd;font-weight:600}tr.old td{background:#f3ecd8}
"""


class FindingNotReadError(ValueError):
    """A file that is no finding of this version; the message says what it is."""


def find_result(path: Path) -> Path | None:
    """The finding.json that a path names: the file itself, or the one in a folder of results; else None."""
    if path.is_file() and path.suffix == ".json":
        return path
    inside = path / FINDING_NAME
    return inside if inside.is_file() else None


def read_finding(path: Path) -> StudyFinding:
    """Read one finding.json.

    Raises:
        FindingNotReadError: the file is too large, no JSON, or not of this schema.
        OSError: it cannot be read.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise FindingNotReadError(f"{path.name} is larger than {_MOST_BYTES} bytes; a finding.json is needed")
    try:
        return StudyFinding.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise FindingNotReadError(
            f"{path.name} is not a finding of schema spondyl.finding/1: {place}: {first['msg']}; "
            "make it anew with spondyl analyze"
        ) from error


def to_json(comparison: Comparison, points: tuple[TrajectoryPoint, ...]) -> str:
    """The comparison as JSON text."""
    document = {
        "schema": "spondyl.comparison/1",
        "notice": NOT_FOR_DIAGNOSIS,
        **asdict(comparison),
        "trajectory": [asdict(point) for point in points],
    }
    return json.dumps(_rounded(document), indent=1) + "\n"


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value


def to_html(comparison: Comparison, current: Path | None, prior: Path | None) -> str:
    """The page: reasons, both spines side by side where their pictures lie, and a row per vertebra."""
    pictures = "".join(
        f"<figure><img src='{_data_uri(picture)}' alt='Sagittal and coronal reformat of the {words} scan'>"
        f"<figcaption>{words.capitalize()} scan</figcaption></figure>"
        for words, folder in (("prior", prior), ("current", current))
        for picture in _spines(folder)
    )
    rows = "".join(_row(change) for change in comparison.changes)
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in comparison.reasons)
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='robots' content='noindex'>"
        f"<title>Spondyl: comparison</title><style>{_STYLE}</style></head><body>"
        f"<p class='notice' role='note'>{NOT_FOR_DIAGNOSIS}</p><h1>Comparison with the prior CT</h1>"
        f"<ul>{reasons}</ul><div class='pair'>{pictures}</div><table><caption>Loss since the "
        "prior scan, mm, with "
        "one standard deviation; the scans' common scale is taken off.</caption><thead><tr>"
        "<th scope='col'>Level</th><th scope='col'>In the prior</th><th scope='col'>Anterior</th>"
        "<th scope='col'>Middle</th><th scope='col'>Posterior</th><th scope='col'>Grade before</th>"
        "<th scope='col'>Grade now</th><th scope='col'>HU change</th><th scope='col'>Status</th>"
        f"<th scope='col'>Why</th></tr></thead><tbody>{rows}</tbody></table>"
        f"<p class='notice' role='note'>{NOT_FOR_DIAGNOSIS}</p></body></html>\n"
    )


def _row(change: object) -> str:
    from spondyl.study.priors import Change

    assert isinstance(change, Change)
    losses = change.loss_mm or (None, None, None)
    sds = change.sd_mm or (None, None, None)
    cells = "".join(
        "<td class='number'>" + ("–" if loss is None or sd is None else f"{loss:+.1f} ± {sd:.1f}") + "</td>"
        for loss, sd in zip(losses, sds, strict=True)
    )
    grades = "".join(
        f"<td>{'–' if grade is None else f'G{grade}'}</td>" for grade in (change.prior_grade, change.grade)
    )
    hu = "–" if change.attenuation_change_hu is None else f"{change.attenuation_change_hu:+.0f}"
    return (
        f"<tr class='{change.status.value}'><th scope='row'>{escape(change.level)}</th>"
        f"<td>{escape(change.prior_level or '–')}</td>{cells}{grades}<td class='number'>{hu}</td>"
        f"<td>{_STATUS_WORDS[change.status]}</td><td>{escape(change.text)}</td></tr>"
    )


def _spines(folder: Path | None) -> list[Path]:
    return [] if folder is None else sorted((folder / "pictures").glob("spine_*.png"))


def _data_uri(picture: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode("ascii")
