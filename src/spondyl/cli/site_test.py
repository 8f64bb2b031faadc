"""``spondyl site-test``: how well does Spondyl see fractures on this hospital's own scanners?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spondyl.cli.analyze import EngineOption, QuietOption, SettingsOption, ThreadsOption
from spondyl.cli.evaluate import WeightsOption
from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import failures_told, stop
from spondyl.cli.notice import NOTICE


def site_test(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Folder with CTs without fracture: a sub-folder, zip or .nii.gz each.", show_default=False
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report.", show_default=False)],
    number: Annotated[int, typer.Option("--number", min=1, help="How many fractures.")] = 150,
    seed: Annotated[int, typer.Option("--seed", help="Decides levels, losses and shapes.")] = 1,
    weights: WeightsOption = None,
    quiet: QuietOption = False,
    engine: EngineOption = None,
    threads: ThreadsOption = None,
    settings: SettingsOption = None,
) -> None:
    """Insert known fractures into your own normal CTs and read them. Research use only."""
    with failures_told():
        from spondyl.settings import load
        from spondyl.trials.insertion import TrialError
        from spondyl.trials.site_test import site_test as run
        from spondyl.wiring import open_reader

        reader = open_reader(load(settings, engine=engine, threads=threads, weights_folder=weights))
        try:
            files = run(
                reader,
                folder,
                out,
                number=number,
                seed=seed,
                tell=lambda words: None if quiet else typer.echo(words, err=True),
            )
        except TrialError as error:
            stop(str(error), ExitCode.NOT_EVALUABLE)
    if not quiet:
        typer.echo(f"{NOTICE}\n\n{files[0].read_text(encoding='utf-8')}")
        for path in files:
            typer.echo(f"written: {path}")
