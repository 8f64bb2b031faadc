"""Tables of an insertion trial, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from spondyl.study.evaluation.insertions import InsertionReading, NormalReading, rows
from spondyl.study.statistics import Answer, Estimate


def insertion_table(readings: Sequence[InsertionReading]) -> str:
    """Sensitivity and error of the loss by group, a row each."""
    lines = [
        "| group | fractures | seen | sensitivity (95 %) | read | error of loss, points (95 %) | bias |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {x.group} | {x.n} | {x.n_seen} | {_percent(x.sensitivity, x.n_seen / x.n)} | {x.n_read} "
        f"| {_points(x.loss_mae)} | {_signed(x.loss_bias)} |"
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
