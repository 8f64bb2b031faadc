from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from spondyl.study.mentions import Category, ReportMentions, read_report

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CASE_ACCURACY, REPORTED_F1, LEVEL_F1 = 0.95, 0.97, 0.95  # issue D, "What shows that it is done"
REPORTED = {Category.R1, Category.R2}


def labelled(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def f1(pairs: Iterable[tuple[set[Any], set[Any]]]) -> float:
    """Of sets: 2 x both / (2 x both + only here + only there)."""
    both = odd = 0
    for gold, read in pairs:
        both += len(gold & read)
        odd += len(gold ^ read)
    return 2 * both / (2 * both + odd)


def assert_bars(reports: list[dict[str, Any]]) -> None:
    answers = [read_report(report["text"], report["lang"]) for report in reports]
    golds = [report["gold"] for report in reports]
    cases = list(zip(golds, answers, strict=True))
    assert sum(gold["case"] == answer.case for gold, answer in cases) / len(cases) >= CASE_ACCURACY
    reported = (
        (
            {"yes"} if Category(gold["case"]) in REPORTED else set(),
            {"yes"} if answer.case in REPORTED else set(),
        )
        for gold, answer in cases
    )
    assert f1(reported) >= REPORTED_F1
    levels = ((set(gold["per_level"].items()), set(answer.per_level.items())) for gold, answer in cases)
    assert f1(levels) >= LEVEL_F1
    for report, answer in zip(reports, answers, strict=True):
        assert_evidence(report["text"], answer)


def assert_evidence(text: str, answer: ReportMentions) -> None:
    for mention in answer.mentions:
        assert text[mention.start : mention.end] == mention.evidence


@pytest.mark.parametrize(
    "name", ["en_own", "fr_own", "en_sentences", "fr_sentences", "en_rounds", "fr_rounds"]
)
def test_our_own_reports_are_read_as_labelled(name: str, golden_reports: Path) -> None:
    assert_bars(labelled(golden_reports / f"{name}.jsonl"))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_there_are_150_own_reports_with_varied_answers(language: str, golden_reports: Path) -> None:
    reports = labelled(golden_reports / f"{language}_own.jsonl")
    assert len(reports) >= 150
    assert {report["gold"]["case"] for report in reports} == {"R2", "R1", "R0a", "R0b", "R0c", "X", "N"}


@pytest.mark.data
@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_development_reports_are_read_as_labelled(language: str, real_data: Path) -> None:
    assert_bars(labelled(real_data / "reports" / f"{language}_dev.jsonl"))


@pytest.mark.data
@pytest.mark.parametrize("language", ["en", "fr"])
def test_development_mentions_agree_in_each_field(language: str, real_data: Path) -> None:
    wrong = 0
    total = 0
    for report in labelled(real_data / "reports" / f"{language}_dev.jsonl"):
        fields = ("levels", "status", "age", "severity", "term", "treated", "section")
        gold = sorted(json.dumps([m[x] for x in fields]) for m in report["gold"]["mentions"])
        answer = read_report(report["text"], language)
        read = sorted(
            json.dumps([list(m.levels), m.status, m.age, m.severity, m.term, m.treated, m.section])
            for m in answer.mentions
        )
        total += len(gold)
        wrong += len(set(gold) ^ set(read))
    assert wrong <= 0.05 * total


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_language_is_told_from_the_words(language: str, golden_reports: Path) -> None:
    reports = labelled(golden_reports / f"{language}_own.jsonl")
    assert sum(read_report(report["text"]).language == language for report in reports) >= len(reports) - 1
