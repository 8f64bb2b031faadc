"""How well and how fast reports are read: every figure of the report comparison in one command.

python benchmarks/mentions.py [FOLDER ...] [--errors] reads *.jsonl with gold labels: the reports of this
repository, those beside it (SPONDYL_DATA or ../shared/data), and any folder named.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from spondyl.study.mentions import (
    Category,
    Mention,
    NotReported,
    ReportMentions,
    read_report,
    shipped_languages,
)

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 3.0  # how long the speed is measured
REPORTED = {Category.R1, Category.R2}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--errors", action="store_true", help="print each report that is read otherwise")
    arguments = parser.parse_args()
    shared = Path(os.environ.get("SPONDYL_DATA", ROOT.parent / "shared" / "data"))
    folders = arguments.folders or [ROOT / "tests" / "golden" / "reports", shared / "reports"]
    files = [
        x for folder in folders for x in ([folder] if folder.is_file() else sorted(folder.glob("*.jsonl")))
    ]
    print("research use only; not a medical device")
    print(HEADER)
    every: list[dict[str, Any]] = []
    for path in files:
        reports = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        every += reports
        print(_row(path.name, reports, show_errors=arguments.errors))
    if every:
        _print_not_reported(every)
        _print_speed(every)


HEADER = (
    f"{'file':20} {'n':>4} {'case':>6} {'reported F1':>11} {'level F1':>8} {'named level F1':>14} "
    f"{'mention F1':>10} {'status':>6} {'severity':>8} {'age':>6} {'section':>7} {'in the text':>11} "
    f"{'as labelled':>11} {'overlap':>7}"
)


def _row(name: str, reports: Sequence[dict[str, Any]], *, show_errors: bool) -> str:
    read = [read_report(report["text"], report.get("lang")) for report in reports]
    golds = [report["gold"] for report in reports]
    case = sum(g["case"] == r.case for g, r in zip(golds, read, strict=True)) / len(reports)
    reported = _f1((g["case"] in REPORTED, r.case in REPORTED) for g, r in zip(golds, read, strict=True))
    level = _set_f1((set(g["per_level"].items()), _pairs(r)) for g, r in zip(golds, read, strict=True))
    named = _set_f1(
        (
            {x for x in g["per_level"].items() if x[0] != "unspecified"},
            {x for x in _pairs(r) if x[0] != "unspecified"},
        )
        for g, r in zip(golds, read, strict=True)
    )
    counts = _mention_counts(golds, read, reports)
    if show_errors:
        for report, answer in zip(reports, read, strict=True):
            _print_error(report, answer)
    paired = counts["paired"] or float("nan")  # sentences have no labelled mentions
    shares = " ".join(
        f"{counts[key] / paired:>{width}.3f}"
        for key, width in (
            ("status", 6),
            ("severity", 8),
            ("age", 6),
            ("section", 7),
            ("in text", 11),
            ("exact", 11),
            ("overlap", 7),
        )
    )
    mention = 2 * paired / (counts["gold"] + counts["read"] or 1)
    main_figures = f"{case:6.3f} {reported:11.3f} {level:8.3f} {named:14.3f} {mention:10.3f}"
    return f"{name:20} {len(reports):4} {main_figures} {shares}"


def _pairs(report: ReportMentions) -> set[tuple[str, str]]:
    return {(level, str(category)) for level, category in report.per_level.items()}


def _f1(pairs: Iterable[tuple[bool, bool]]) -> float:
    counts = Counter(pairs)
    return _harmonic(counts[True, True], counts[False, True], counts[True, False])


def _set_f1(pairs: Iterable[tuple[set[Any], set[Any]]]) -> float:
    both = only_read = only_gold = 0
    for gold, read in pairs:
        both += len(gold & read)
        only_read += len(read - gold)
        only_gold += len(gold - read)
    return _harmonic(both, only_read, only_gold)


def _harmonic(both: int, only_read: int, only_gold: int) -> float:
    return 2 * both / (2 * both + only_read + only_gold) if both + only_read + only_gold else 1.0


def _mention_counts(
    golds: Sequence[dict[str, Any]], read: Sequence[ReportMentions], reports: Sequence[dict[str, Any]]
) -> Counter[str]:
    """Mentions of gold and answer paired by levels and term, in order; what of each pair agrees."""
    counts: Counter[str] = Counter()
    for gold, answer, report in zip(golds, read, reports, strict=True):
        if "mentions" not in gold:
            continue
        counts["gold"] += len(gold["mentions"])
        counts["read"] += len(answer.mentions)
        left = list(answer.mentions)
        for label in gold["mentions"]:
            match = _match(label, left)
            if match is None:
                continue
            left.remove(match)
            counts["paired"] += 1
            counts["status"] += label["status"] == match.status
            counts["severity"] += label["severity"] == match.severity
            counts["age"] += label["age"] == match.age
            counts["section"] += label.get("section", match.section) == match.section
            counts["exact"] += label["evidence"] == match.evidence
            counts["overlap"] += label["evidence"] in match.evidence or match.evidence in label["evidence"]
            counts["in text"] += report["text"][match.start : match.end] == match.evidence
    return counts


def _match(label: dict[str, Any], mentions: Sequence[Mention]) -> Mention | None:
    """The mention of the same levels and term, best also of the same status and section."""
    alike = [
        x for x in mentions if set(label["levels"]) == {str(y) for y in x.levels} and x.term == label["term"]
    ]
    return max(
        alike,
        key=lambda x: (
            x.section == label.get("section"),
            x.status == label["status"],
            label["evidence"] == x.evidence,
        ),
        default=None,
    )


def _print_error(report: dict[str, Any], answer: ReportMentions) -> None:
    gold = report["gold"]
    if dict(answer.per_level) != gold["per_level"]:
        print(f"--- {report['id']}: {report['text']}\n    gold {gold['per_level']}\n    read "
              f"{ {k: str(v) for k, v in answer.per_level.items()} }")  # fmt: skip
        for x in answer.mentions:
            print(
                f"      {[str(y) for y in x.levels]} {x.status} {x.age} {x.severity} {x.term} {x.section} "
                f"{x.evidence!r}"
            )


def _print_not_reported(reports: Sequence[dict[str, Any]]) -> None:
    cases = [read_report(report["text"], report.get("lang")).case for report in reports]
    golds = [Category(report["gold"]["case"]) for report in reports]
    print("\nnot reported, of all reports above: read / labelled")
    for definition in NotReported:
        read = sum(case in definition.categories for case in cases)
        gold = sum(case in definition.categories for case in golds)
        print(f"  {definition:32} {read:4} / {gold:4} of {len(cases)}")


def _print_speed(reports: Sequence[dict[str, Any]]) -> None:
    """Reports a second of one core: all texts above, again and again; nothing of a report is kept.

    Processor time counts, so that other work on the machine does not.
    """
    shipped_languages()
    done, characters = 0, 0
    begin = time.process_time()
    while time.process_time() - begin < SECONDS:
        for report in reports:
            read_report(report["text"], report.get("lang"))
            characters += len(report["text"])
        done += len(reports)
    seconds = time.process_time() - begin
    rate, length = done / seconds, characters / done
    print(f"\nspeed: {rate:,.0f} reports a second on one core, {length:.0f} characters each")


if __name__ == "__main__":
    main()
