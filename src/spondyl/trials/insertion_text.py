"""The results of an insertion trial: tables as Markdown, everything as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter

from spondyl.domain.finding import NOT_FOR_DIAGNOSIS, Manifest
from spondyl.study.evaluation.insertions import InsertionReading, NormalReading, rows
from spondyl.study.statistics import Answer, Estimate
from spondyl.trials.evaluation_text import answer_values

SCHEMA = "spondyl.site-test/1"


def insertion_table(readings: Sequence[InsertionReading]) -> str:
    """Sensitivity and error of the loss by group, a row each."""
    lines = [
        "| group | fractures | seen | of these below grade 2 or unread | sensitivity (95 %) | read "
        "| error of loss, points (95 %) | bias |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {x.group} | {x.n} | {x.n_seen} | {x.n_asked} | {_percent(x.sensitivity, x.n_seen / x.n)} "
        f"| {x.n_read} | {_points(x.loss_mae)} | {_signed(x.loss_bias)} |"
        for x in rows(readings)
    ]
    return "\n".join(lines) + "\n"


def normal_table(readings: Sequence[NormalReading]) -> str:
    """The same CTs without insertion: false alarms."""
    lines = [
        "| CT without insertion | slices, mm | flagged | graded | read as grade ≥ 2 |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {x.ct} | {x.slice_spacing_mm:.2f} | {'yes' if x.is_flagged else 'no'} | {x.n_graded} "
        f"| {', '.join(x.false_levels) or 'none'} |"
        for x in readings
    ]
    flagged, false = sum(x.is_flagged for x in readings), sum(len(x.false_levels) for x in readings)
    lines.append(f"| all {len(readings)} | | {flagged} | {sum(x.n_graded for x in readings)} | {false} |")
    return "\n".join(lines) + "\n"


def trial_document(
    manifest: Manifest,
    readings: Sequence[InsertionReading],
    normal: Sequence[NormalReading],
    left_out: Sequence[str],
) -> dict[str, object]:
    """Figures by group, every reading, and the CTs without insertion; ``spondyl.site-test/1``."""
    return {
        "schema": SCHEMA,
        "notice": NOT_FOR_DIAGNOSIS,
        "manifest": manifest.model_dump(mode="json", exclude={"timings_s", "input_sha256"}),
        "groups": [
            {
                "group": x.group,
                "fractures": x.n,
                "seen": x.n_seen,
                "seen_below_grade_2_or_unread": x.n_asked,
                "sensitivity": answer_values(x.sensitivity),
                "loss_mae": answer_values(x.loss_mae),
                "loss_bias": answer_values(x.loss_bias),
            }
            for x in rows(readings)
        ],
        "without_insertion": [asdict(x) for x in normal],
        "readings": [asdict(x) for x in readings],
        "left_out": list(left_out),
    }


def read_trial(path: Path) -> tuple[list[InsertionReading], list[NormalReading]]:
    """The readings of a document that ``trial_document`` made.

    Raises:
        OSError, ValueError: no such file, or another one.
    """
    document = json.loads(path.read_text(encoding="utf-8"))
    if document.get("schema") != SCHEMA:
        raise ValueError(f"{path.name} is no {SCHEMA}; give the site-test.json of a trial")
    readings = TypeAdapter(list[InsertionReading]).validate_python(document["readings"])
    return readings, TypeAdapter(list[NormalReading]).validate_python(document["without_insertion"])


def _percent(answer: Answer, value: float) -> str:
    if isinstance(answer, Estimate):
        return f"{answer.value:.1%} ({answer.low:.1%} to {answer.high:.1%})"
    return f"{value:.1%}"


def _points(answer: Answer) -> str:
    if isinstance(answer, Estimate):
        return f"{100 * answer.value:.1f} ({100 * answer.low:.1f} to {100 * answer.high:.1f})"
    return "–"


def _signed(answer: Answer) -> str:
    return f"{100 * answer.value:+.1f}" if isinstance(answer, Estimate) else "–"
