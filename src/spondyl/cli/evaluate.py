"""``spondyl evaluate``: read a folder of CTs whose truth is known, and say how good the reading was."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spondyl.cli.analyze import (
    EngineOption,
    QuietOption,
    SettingsOption,
    ThreadsOption,
)
from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import failures_told, stop
from spondyl.cli.notice import NOTICE

WeightsOption = Annotated[
    Path | None, typer.Option("--weights", help="Folder with other networks and their weights.json.")
]


def evaluate(
    folder: Annotated[
        Path,
        typer.Argument(
            help="CTs with truth: six-point JSON, VerSe layout, TotalSegmentator masks, or cases.json.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.", show_default=False)],
    most_pictures: Annotated[
        int, typer.Option("--pictures", min=0, help="At most so many pictures of failures.")
    ] = 40,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the bootstrap.")] = 1,
    weights: WeightsOption = None,
    quiet: QuietOption = False,
    engine: EngineOption = None,
    threads: ThreadsOption = None,
    settings: SettingsOption = None,
) -> None:
    """Measure the reading on CTs with truth: detection, names, outlines, heights, grades, fractures."""
    with failures_told():
        from spondyl.adapters.truth_error import TruthError
        from spondyl.adapters.truth_folders import find_cases
        from spondyl.settings import load
        from spondyl.study.evaluation.figures import figures
        from spondyl.trials.evaluation import evaluate as run
        from spondyl.trials.evaluation_text import figure_table, write_evaluation
        from spondyl.trials.picture import write_sheet
        from spondyl.wiring import open_reader

        reader = open_reader(load(settings, engine=engine, threads=threads, weights_folder=weights))
        try:
            cases = find_cases(folder)
            done = list(run(reader, cases, lambda name: None if quiet else typer.echo(name, err=True)))
        except TruthError as error:
            stop(str(error), ExitCode.USAGE)
        rows = [x.row for x in done]
        files = list(write_evaluation(rows, reader.manifest, out, seed))
        tiles = [tile for x in done for tile in x.failures][:most_pictures]
        if tiles:
            write_sheet(tiles, out / "failures.png")
            files.append(out / "failures.png")
    if not quiet:
        typer.echo(f"{NOTICE}\n\n{figure_table(figures(rows, seed))}")
        for path in files:
            typer.echo(f"written: {path}")
