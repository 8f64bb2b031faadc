"""Writes docs/explanation/validation-report.md and the figures of the model card, from measured results.

    spondyl evaluate CASES --out EVALUATION
    python benchmarks/inserted.py --out INSERTED
    python benchmarks/synthetic_heights.py > SYNTHETIC.txt
    python scripts/write_validation_report.py EVALUATION --inserted INSERTED --synthetic SYNTHETIC.txt

CASES as scripts/real_ct_cases.py writes it. Nothing in the two pages is typed by hand: what is not measured
stands there as not measured, and what misses its bar as missed.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spondyl.domain.finding import NOT_FOR_DIAGNOSIS
from spondyl.study.evaluation.insertions import InsertionReading, NormalReading
from spondyl.trials.insertion_text import insertion_table, normal_table, read_trial

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "docs" / "explanation" / "validation-report.md"
PICTURES = ROOT / "docs" / "images" / "validation"
CARD = ROOT / "src" / "spondyl" / "weights" / "MODEL_CARD.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of the project: a measured figure and the limit it is to keep.

    is_ceiling: whether the figure must not exceed the limit. key: which figure of a group of insertions;
    empty for one of the evaluation. Shares are told in percent, or points of a loss.
    """

    text: str
    measure: str
    limit: float
    unit: str
    is_ceiling: bool = True
    key: str = ""

    @property
    def scale(self) -> float:
        """From the stored figure to the told one."""
        return 100.0 if self.unit in ("%", "points") else 1.0

    def line(self, value: float | None) -> str:
        """A row of the table."""
        wanted = f"{'≤' if self.is_ceiling else '≥'} {self.limit * self.scale:g} {self.unit}".rstrip()
        if value is None:
            return f"| {self.text} | {wanted} | not measured | – |"
        is_met = value <= self.limit if self.is_ceiling else value >= self.limit
        told = f"{value * self.scale:.3g} {self.unit}".rstrip()
        return f"| {self.text} | {wanted} | {told} | {'met' if is_met else '**missed**'} |"


def _floor(text: str, measure: str, limit: float, unit: str, key: str = "") -> Bar:
    return Bar(text=text, measure=measure, limit=limit, unit=unit, is_ceiling=False, key=key)


def _ceiling(text: str, measure: str, limit: float, unit: str, key: str = "") -> Bar:
    return Bar(text=text, measure=measure, limit=limit, unit=unit, key=key)


BARS = (
    _floor("bodies found, slices ≤ 3 mm", "recall_3mm", 0.99, "%"),
    _ceiling("bodies invented, slices ≤ 3 mm", "invented_3mm", 0.01, "%"),
    _floor("bodies found, slices ≤ 5 mm", "recall", 0.96, "%"),
    _ceiling("bodies invented, slices ≤ 5 mm", "invented", 0.02, "%"),
    _ceiling("CTs with a wrong name not marked uncertain", "confidently_wrong", 0.0, "%"),
    _floor("Dice of bodies", "dice", 0.92, ""),
    _ceiling("distance of surfaces, slices ≤ 1.5 mm", "surface_1.5mm", 0.6, "mm"),
    _ceiling("distance of surfaces, slices 1.5-3 mm", "surface_3mm", 1.0, "mm"),
    _ceiling("height error, slices ≤ 1.25 mm", "height_mae_1.25mm", 1.0, "mm"),
    _ceiling("height error, slices 1.25-3 mm", "height_mae_3mm", 1.3, "mm"),
    _ceiling("CTs without fracture that are flagged", "case_false_alarm", 0.05, "%"),
    _ceiling("false grade ≥ 2 per CT", "false_per_ct", 0.1, ""),
    _floor("inserted, loss ≥ 30 %, seen", "loss ≥ 30 %", 0.97, "%", key="sensitivity"),
    _floor("inserted, loss ≥ 25 %, seen", "loss ≥ 25 %", 0.93, "%", key="sensitivity"),
    _ceiling("inserted, error of the loss", "all", 0.05, "points", key="loss_mae"),
)


def main() -> None:
    """Write both pages."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("evaluation", type=Path, help="folder that spondyl evaluate wrote")
    parser.add_argument("--inserted", type=Path, default=None, help="folder that inserted.py wrote")
    parser.add_argument("--synthetic", type=Path, default=None, help="what synthetic_heights.py printed")
    parser.add_argument("--report", type=Path, default=REPORT)
    parser.add_argument("--card", type=Path, default=CARD)
    parser.add_argument("--pictures", type=Path, default=PICTURES)
    arguments = parser.parse_args()
    evaluation = json.loads((arguments.evaluation / "evaluation.json").read_text(encoding="utf-8"))
    inserted = None if arguments.inserted is None else arguments.inserted / "site-test.json"
    trial = {"groups": []} if inserted is None else json.loads(inserted.read_text(encoding="utf-8"))
    readings, normal = ([], []) if inserted is None else read_trial(inserted)
    bars = bar_table(evaluation, trial)
    tables = (arguments.evaluation / "evaluation.md").read_text(encoding="utf-8")
    pictures = _copied(arguments)
    synthetic = None if arguments.synthetic is None else arguments.synthetic.read_text(encoding="utf-8")
    page = report_page(made_by(evaluation), bars, tables, readings, normal, synthetic, pictures)
    arguments.report.write_text(page, encoding="utf-8")
    card = arguments.card.read_text(encoding="utf-8")
    arguments.card.write_text(with_figures(card, f"{made_by(evaluation)}\n\n{bars}"), encoding="utf-8")
    print(f"written: {arguments.report}, {arguments.card}\n\n{bars}")


def made_by(evaluation: dict[str, Any]) -> str:
    """Version and hash of each network, and the engine."""
    manifest = evaluation["manifest"]
    networks = ", ".join(f"{x['name']} {x['version']} (`{x['sha256'][:12]}`)" for x in manifest["networks"])
    return f"Measured with spondyl {manifest['spondyl_version']}, {networks}, {manifest['engine']}."


def bar_table(evaluation: dict[str, Any], trial: dict[str, Any]) -> str:
    """Every bar with what was measured."""
    figures = {x["measure"]: value_of(x["answer"]) for x in evaluation["figures"]}
    groups = {x["group"]: x for x in trial["groups"]}
    lines = ["| what | bar | measured | |", "|---|---|---|---|"]
    for bar in BARS:
        if not bar.key:
            lines.append(bar.line(figures.get(bar.measure)))
            continue
        group = groups.get(bar.measure)
        lines.append(bar.line(None if group is None else value_of(group[bar.key])))
    return "\n".join(lines) + "\n"


def value_of(answer: dict[str, Any]) -> float | None:
    """The figure, with or without interval."""
    if answer["said"]:
        return float(answer["value"])
    if answer.get("denominator"):
        return float(answer["numerator"]) / float(answer["denominator"])
    return None


def report_page(
    made: str,
    bars: str,
    tables: str,
    readings: list[InsertionReading],
    normal: list[NormalReading],
    synthetic: str | None,
    pictures: list[str],
) -> str:
    """The whole page."""
    inner = tables.split("## Figures", 1)[1].replace("\n## ", "\n### ")
    parts = [
        f"# Validation report\n\n**{NOT_FOR_DIAGNOSIS}**\n\nWritten by `scripts/write_validation_report.py` "
        f"from measured results; not by hand. {made}\n",
        "The real CTs are public; their truth is one careful lay reader's six points and other tools' label "
        "maps, not clinical reading. There is no real fracture among them: sensitivity is measured with "
        "fractures of known loss inserted into them, one at a time. What is missed stands here as missed. "
        "What the networks learnt from: [model card](../../src/spondyl/weights/MODEL_CARD.md).\n",
        f"## Bars\n\n{bars}",
        f"## Real CTs with truth\n{inner}",
    ]
    if readings:
        parts.append(f"## Inserted fractures\n\n{insertion_table(readings)}\n{normal_table(normal)}")
    if synthetic is not None:
        parts.append(f"## Synthetic CTs of exact truth\n\n```text\n{synthetic.strip()}\n```\n")
    if pictures:
        parts.append(
            "## Failures\n\nGreen: true points; red: read points.\n\n" + "\n\n".join(pictures) + "\n"
        )
    parts.append(f"## How to repeat it\n\n```sh\n{_commands()}\n```\n")
    return "\n".join(parts)


def with_figures(card: str, text: str) -> str:
    """The card with everything between the marks replaced; the marks are added before the weak points.

    Raises:
        ValueError: the card has neither marks nor that heading.
    """
    block = f"{BEGIN}\n{text}\n{END}"
    if BEGIN in card and END in card:
        return card.split(BEGIN, 1)[0] + block + card.split(END, 1)[1]
    heading = "## Known weak points"
    if heading not in card:
        raise ValueError(f"the model card has neither {BEGIN} nor {heading!r}")
    return card.replace(heading, f"## Figures\n\n{block}\n\n{heading}")


def _copied(arguments: argparse.Namespace) -> list[str]:
    """Copy the sheets of failures beside the documents, and give the lines that show them."""
    lines = []
    sheets = [
        (arguments.evaluation / "failures.png", "Real CTs: missed, misnamed, misgraded, or off by over 3 mm")
    ]
    if arguments.inserted is not None:
        words = "Inserted fractures of 25 % loss or more that were not seen"
        sheets.append((arguments.inserted / "missed.png", words))
    for source, words in sheets:
        if source.is_file():
            arguments.pictures.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, arguments.pictures / source.name)
            lines.append(f"![{words}](../images/validation/{source.name})\n{words}")
    return lines


def _commands() -> str:
    """The commands of the module's docstring."""
    assert __doc__ is not None
    lines = [line.strip() for line in __doc__.splitlines() if line.startswith("    ")]
    return "\n".join(["python scripts/real_ct_cases.py CASES", *lines])


if __name__ == "__main__":
    main()
