"""``spondyl drift``: whether a site's findings look as they used to."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import failures_told, stop
from spondyl.cli.notice import NOTICE

if TYPE_CHECKING:
    from spondyl.study.drift import Chart

FolderArgument = Annotated[
    Path,
    typer.Argument(
        help="Folder in which finding.json files lie, at any depth; their relative paths give the order.",
        metavar="FOLDER",
    ),
]
BatchOption = Annotated[int, typer.Option("--batch", min=5, help="Cases per point.")]
BaselineOption = Annotated[int, typer.Option("--baseline", min=1, help="First points, which set the centre.")]
OrderOption = Annotated[
    str, typer.Option("--order", help="path: by relative path; time: by the file's own time.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the charts as JSON.")]
ExitFlagOption = Annotated[bool, typer.Option("--exit-flag", help="End with exit code 10 on a signal.")]


def drift(
    folder: FolderArgument,
    batch: BatchOption = 25,
    baseline: BaselineOption = 4,
    order: OrderOption = "path",
    as_json: JsonOption = False,
    exit_flag: ExitFlagOption = False,
) -> None:
    """Watch flag rate, scores, HU and slice spacing over time against control limits. Research use only."""
    with failures_told():
        from spondyl.adapters.comparison_files import FINDING_NAME, FindingNotReadError, read_finding
        from spondyl.study.drift import Limits, chart_all, facts_of

        if order not in {"path", "time"}:
            stop(f"--order {order}: path or time is needed", ExitCode.USAGE)
        paths = sorted(folder.rglob(FINDING_NAME))
        try:
            cases = tuple(facts_of(read_finding(path), _order(path, folder, order)) for path in paths)
            charts = chart_all(cases, Limits(batch=batch, baseline=baseline))
        except (FindingNotReadError, ValueError) as error:
            stop(str(error), ExitCode.USAGE)
        signals = [signal for chart in charts for signal in chart.signals]
        if as_json:
            document = {"schema": "spondyl.drift/1", "notice": NOTICE, "charts": [asdict(x) for x in charts]}
            typer.echo(json.dumps(document, indent=1))
        else:
            _print(charts)
    raise typer.Exit(ExitCode.FLAGGED if signals and exit_flag else ExitCode.ANSWERED)


def _order(path: Path, folder: Path, order: str) -> str:
    if order == "time":
        return f"{path.stat().st_mtime_ns:020d}"
    return path.relative_to(folder).parent.as_posix()


def _print(charts: tuple[Chart, ...]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from spondyl.cli.console import answers

    console = answers()
    console.print(Text(NOTICE, style="dim"))
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("watched", "unit", "centre", "latest", "limits", "batches", "signals"):
        table.add_column(name)
    for chart in charts:
        last = chart.batches[-1]
        table.add_row(
            chart.name,
            chart.unit,
            f"{chart.centre:.3g}",
            f"{last.value:.3g}",
            f"{last.low:.3g} to {last.high:.3g}",
            str(len(chart.batches)),
            str(len(chart.signals)),
        )
    console.print(table)
    for chart in charts:
        for signal in chart.signals:
            console.print(Text(f"  {signal.text}"))
    if not any(chart.signals for chart in charts):
        console.print("  No signal: every batch lies within its limits.")
