"""The evaluation as Markdown and as JSON: figures with intervals, CTs, calibration, failures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from spondyl.domain.finding import NOT_FOR_DIAGNOSIS, Manifest
from spondyl.study.evaluation.comparing import CaseRow
from spondyl.study.evaluation.figures import Figure, calibration, figures
from spondyl.study.statistics import Answer, Estimate

SCHEMA = "spondyl.evaluation/1"


def evaluation_document(cases: Sequence[CaseRow], manifest: Manifest, seed: int) -> dict[str, object]:
    """Everything as plain values; ``spondyl.evaluation/1``."""
    return {
        "schema": SCHEMA,
        "notice": NOT_FOR_DIAGNOSIS,
        "manifest": manifest.model_dump(mode="json", exclude={"timings_s", "input_sha256"}),
        "seed": seed,
        "figures": [
            {"measure": x.measure, "text": x.text, "unit": x.unit, "answer": answer_values(x.answer)}
            for x in figures(cases, seed)
        ],
        "calibration": [asdict(x) for x in calibration(cases)],
        "cases": [asdict(case) for case in cases],
    }


def answer_values(answer: Answer) -> dict[str, object]:
    """An Estimate or CannotSay as plain values; an infinite end is left out."""
    values = {
        key: value for key, value in asdict(answer).items() if value not in (float("inf"), float("-inf"))
    }
    return {"said": isinstance(answer, Estimate), **values}


def figure_table(rows: Sequence[Figure]) -> str:
    """One line per figure."""
    lines = ["| figure | value (95 %) | n |", "|---|---|---|"]
    lines += [f"| {x.text} | {spoken(x)} | {_count(x)} |" for x in rows]
    return "\n".join(lines) + "\n"


def spoken(figure: Figure) -> str:
    """Value and interval with the unit; a bare share where too few patients allow an interval."""
    answer, unit = figure.answer, figure.unit
    if isinstance(answer, Estimate):
        low, value, high = (_number(x, unit) for x in (answer.low, answer.value, answer.high))
        return f"{value}{_unit(unit)} ({low} to {high})"
    if answer.denominator:
        return f"{_number((answer.numerator or 0.0) / answer.denominator, unit)}{_unit(unit)} (no interval)"
    return f"– ({answer.got})"


def case_table(cases: Sequence[CaseRow]) -> str:
    """One line per CT."""
    lines = [
        "| CT | slices, mm | answer | found | invented | levels | height MAE, mm | Dice |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [_case_line(case) for case in cases]
    return "\n".join(lines) + "\n"


def calibration_table(cases: Sequence[CaseRow]) -> str:
    """Stated probability of grade >= 2 against what was true."""
    lines = ["| P(grade ≥ 2) stated | vertebrae | mean stated | true share |", "|---|---|---|---|"]
    lines += [
        f"| {x.low:.2f}-{x.high:.2f} | {x.n} | {x.mean_probability:.3f} | {x.share:.3f} |"
        for x in calibration(cases)
    ]
    return "\n".join(lines) + "\n"


def write_evaluation(cases: Sequence[CaseRow], manifest: Manifest, out: Path, seed: int) -> tuple[Path, ...]:
    """Write ``evaluation.json`` and ``evaluation.md``.

    Raises:
        OSError: the folder cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    document = out / "evaluation.json"
    text = json.dumps(evaluation_document(cases, manifest, seed), indent=1, allow_nan=False, default=str)
    document.write_text(text + "\n", encoding="utf-8")
    page = out / "evaluation.md"
    page.write_text(
        f"# Evaluation\n\n{NOT_FOR_DIAGNOSIS}\n\n{_made_by(manifest)}\n\n## Figures\n\n"
        f"{figure_table(figures(cases, seed))}\n## CTs\n\n{case_table(cases)}\n## Calibration\n\n"
        f"{calibration_table(cases)}",
        encoding="utf-8",
    )
    return document, page


def _made_by(manifest: Manifest) -> str:
    networks = ", ".join(f"{x.name} {x.version} ({x.sha256[:12]})" for x in manifest.networks)
    settings = manifest.settings_sha256[:12]
    return f"spondyl {manifest.spondyl_version}, {networks}, {manifest.engine}, settings {settings}."


def _case_line(case: CaseRow) -> str:
    wanted = [x for x in case.vertebrae if x.is_whole and x.level.is_graded]
    errors = [abs(e) for x in case.vertebrae if x.height_errors_mm for e in x.height_errors_mm]
    dice = [x.overlap.dice for x in case.vertebrae if x.overlap is not None and x.is_whole]
    right = sum(x.read_level == x.level for x in case.named)
    levels = f"{right}/{len(case.named)}" if case.named else "–"
    if any(x.level_uncertain for x in case.named):
        levels += " (uncertain)"
    return (
        f"| {case.name} | {'–' if case.slice_spacing_mm is None else f'{case.slice_spacing_mm:.2f}'} "
        f"| {case.state}{f' ({case.refusal})' if case.refusal else ''} "
        f"| {sum(x.is_found for x in wanted)}/{len(wanted)} | {len(case.invented)} | {levels} "
        f"| {_mean(errors, 2)} | {_mean(dice, 3)} |"
    )


def _mean(values: Sequence[float], decimals: int) -> str:
    return f"{sum(values) / len(values):.{decimals}f}" if values else "–"


def _number(value: float, unit: str) -> str:
    if unit == "%":
        return f"{100.0 * value:.1f}"
    return f"{value:.1f}" if unit == "points" else f"{value:.3f}" if not unit else f"{value:.2f}"


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""


def _count(figure: Figure) -> str:
    answer = figure.answer
    if figure.unit == "%" and answer.denominator is not None and answer.numerator is not None:
        return f"{answer.numerator:g}/{answer.denominator:g}"
    return f"{answer.n}"
