"""``spondyl mentions``: what a radiology report says of vertebral fractures."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spondyl.cli.console import answers
from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import failures_told, stop
from spondyl.cli.notice import NOTICE

if TYPE_CHECKING:
    from spondyl.adapters.report_texts import ReportText
    from spondyl.study.mentions import Category, Language, NotReported, ReportMentions

_STYLES = {
    "affirmed": "bold red",
    "probable": "red",
    "uncertain": "yellow",
    "history": "magenta",
    "negated": "green",
}
_MOST_SHOWN = 20  # reports printed whole; of more only the counts

FileArgument = Annotated[
    Path, typer.Argument(help="Report: text, .jsonl, .csv, .json (FHIR), .hl7 or .dcm (SR).")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="JSON lines to write, one object a report.")
]
LangOption = Annotated[str | None, typer.Option("--lang", help="Language where the report does not tell it.")]
LanguageFileOption = Annotated[
    list[Path] | None, typer.Option("--language-file", help="A further language, as a TOML file.")
]
NotReportedOption = Annotated[
    str, typer.Option("--not-reported", help="strict, seed_like, seed_like_with_other_diagnosis or broad.")
]


def mentions(
    file: FileArgument,
    out: OutOption = None,
    lang: LangOption = None,
    language_file: LanguageFileOption = None,
    not_reported: NotReportedOption = "seed_like",
) -> None:
    """Find mentions of vertebral fractures in radiology reports. Research use only."""
    with failures_told():
        languages = _languages(language_file or [])
        chosen = _definition(not_reported)
        reports = _reports(file)
        read = [_read(report, lang, languages) for report in reports]
        if out is not None:
            _write(out, reports, read)
        else:
            for report, answer in list(zip(reports, read, strict=True))[:_MOST_SHOWN]:
                _show(report, answer)
        _show_counts([answer.case for answer in read], chosen)


def _languages(files: Iterable[Path]) -> dict[str, Language]:
    from spondyl.study.mentions import LanguageError, load_language, shipped_languages

    try:
        return {**shipped_languages(), **{x.code: x for x in map(load_language, files)}}
    except (LanguageError, UnicodeDecodeError) as error:
        stop(str(error), ExitCode.USAGE)


def _definition(name: str) -> NotReported:
    from spondyl.study.mentions import NotReported

    try:
        return NotReported(name.replace("-", "_"))
    except ValueError:
        stop(f"--not-reported {name!r} is not known; allowed are {', '.join(NotReported)}", ExitCode.USAGE)


def _reports(file: Path) -> list[ReportText]:
    from spondyl.adapters.report_texts import ReportTextError, read_report_texts

    if not file.is_file():
        stop(f"{file}: there is no such file", ExitCode.NOT_EVALUABLE)
    try:
        return read_report_texts(file)
    except ReportTextError as error:
        stop(f"{file.name}: {error}", ExitCode.NOT_EVALUABLE)


def _read(report: ReportText, lang: str | None, languages: dict[str, Language]) -> ReportMentions:
    from spondyl.study.mentions import LanguageError, read_report

    try:
        return read_report(report.text, report.lang or lang, languages)
    except LanguageError as error:
        stop(f"row {report.row}, column lang: {error}", ExitCode.NOT_EVALUABLE)


def as_object(identifier: str, answer: ReportMentions) -> dict[str, Any]:
    """A report's answer with the names and codes of the labelling guideline; start and end are characters."""
    return {
        "id": identifier,
        "lang": answer.language,
        "case": str(answer.case),
        "per_level": {level: str(category) for level, category in answer.per_level.items()},
        "mentions": [
            {
                "levels": [str(level) for level in mention.levels],
                "status": str(mention.status),
                "age": str(mention.age),
                "severity": mention.severity,
                "term": str(mention.term),
                "treated": mention.treated,
                "section": str(mention.section),
                "evidence": mention.evidence,
                "start": mention.start,
                "end": mention.end,
            }
            for mention in answer.mentions
        ],
    }


def _write(out: Path, reports: Iterable[ReportText], read: Iterable[ReportMentions]) -> None:
    """Write all or nothing: into a neighbour first, which then takes the name."""
    lines = [
        json.dumps(as_object(report.id, answer), ensure_ascii=False) + "\n"
        for report, answer in zip(reports, read, strict=True)
    ]
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(lines)
        Path(name).replace(out)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _show(report: ReportText, answer: ReportMentions) -> None:
    """The text with its evidence marked, and what was read of each."""
    from rich.text import Text

    console = answers()
    text = Text(report.text)
    for mention in answer.mentions:
        text.stylize(f"{_STYLES[mention.status]} underline", mention.start, mention.end)
    console.print(_bracketed(text, answer) if not console.is_terminal else text)
    console.print()
    for number, mention in enumerate(answer.mentions, start=1):
        levels = ", ".join(mention.levels) or "no level"
        parts = [
            str(mention.status),
            str(mention.term),
            f"age {mention.age}",
            f"severity {mention.severity or 'not said'}",
        ]
        parts += ["treated"] * mention.treated + [
            f"in {mention.section}",
            f"characters {mention.start}-{mention.end}",
        ]
        console.print(f"{number}. {levels}: {', '.join(parts)}", markup=False)
    named = ", ".join(f"{level} {category}" for level, category in answer.per_level.items()) or "nothing"
    console.print(
        f"{report.id}: case {answer.case}; per level: {named}; language {answer.language}\n", markup=False
    )


def _bracketed(text: Any, answer: ReportMentions) -> Any:  # noqa: ANN401 - rich is imported late
    """Where colours cannot be seen, the evidence stands between »...«."""
    from rich.text import Text

    plain = text.plain
    marks = sorted({(m.start, m.end) for m in answer.mentions}, reverse=True)
    for place, sign in sorted(
        [(start, "»") for start, _ in marks] + [(end, "«") for _, end in marks], reverse=True
    ):
        plain = plain[:place] + sign + plain[place:]
    return Text(plain)


def _show_counts(cases: list[Category], chosen: NotReported) -> None:
    """Counts of the categories, and "not reported" by every definition."""
    from spondyl.study.mentions import Category, NotReported

    console = answers()
    counts = Counter(cases)
    shown = ", ".join(f"{category} {counts[category]}" for category in Category)
    console.print(f"{len(cases)} report{'s' if len(cases) != 1 else ''}: {shown}", markup=False)
    for definition in NotReported:
        number = sum(case in definition.categories for case in cases)
        mark = " (chosen)" if definition is chosen else ""
        codes = "+".join(category for category in Category if category in definition.categories)
        console.print(f"not reported, {definition}{mark} ({codes}): {number} of {len(cases)}", markup=False)
    console.print(NOTICE, markup=False)
