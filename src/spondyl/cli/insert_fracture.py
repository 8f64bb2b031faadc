"""``spondyl insert-fracture``: give one vertebra of a real CT a fracture of known loss and shape."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spondyl.cli.analyze import (
    INPUT_HELP,
    EngineOption,
    QuietOption,
    SettingsOption,
    ThreadsOption,
    load_settings,
)
from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import failures_told, stop
from spondyl.cli.notice import NOTICE
from spondyl.domain.grading import Shape
from spondyl.domain.level import Level


def insert_fracture(
    study: Annotated[Path, typer.Argument(help=INPUT_HELP, metavar="CT", show_default=False)],
    level: Annotated[Level, typer.Option("--level", help="Which vertebra.", show_default=False)],
    loss: Annotated[
        float,
        typer.Option(
            "--loss", min=0.05, max=0.7, help="Loss of the leading height, 0.05-0.7.", show_default=False
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.", show_default=False)],
    shape: Annotated[Shape, typer.Option("--shape", help="wedge, biconcave or crush.")] = Shape.WEDGE,
    points: Annotated[
        Path | None,
        typer.Option("--points", help="Six-point JSON of this CT; without it Spondyl measures the points."),
    ] = None,
    top_share: Annotated[
        float, typer.Option("--top-share", min=0, max=1, help="Part taken by the upper endplate.")
    ] = 0.65,
    quiet: QuietOption = False,
    engine: EngineOption = None,
    threads: ThreadsOption = None,
    settings: SettingsOption = None,
) -> None:
    """Insert a fracture into a real CT: a smooth warp of one vertebra. Research use only."""
    if shape is Shape.NORMAL:
        stop("--shape normal is no fracture; choose wedge, biconcave or crush", ExitCode.USAGE)
    with failures_told():
        from spondyl.adapters.truth_error import TruthError
        from spondyl.adapters.truth_points import read_points
        from spondyl.trials.insertion import PlannedInsertion, TrialError, make, survey
        from spondyl.trials.insertion_files import write_inserted
        from spondyl.wiring import open_reader

        reader = open_reader(load_settings(settings, engine, threads))
        planned = PlannedInsertion(
            ct=study.name, level=level, shape=shape, loss_fraction=loss, top_share=top_share
        )
        try:
            given = None if points is None else read_points(points).points_by_level
            ct, opened = survey(reader, study, study.name, given)
            inserted = make(ct, opened.volumes[0], planned)
        except TruthError as error:
            stop(str(error), ExitCode.USAGE)
        except TrialError as error:
            stop(str(error), ExitCode.NOT_EVALUABLE)
        files = write_inserted(ct, opened, planned, inserted, out, points_are_given=points is not None)
    if not quiet:
        losses = " / ".join(f"{x:.0%}" for x in inserted.loss_fractions)
        typer.echo(f"{NOTICE}\n{level} {shape.value}: loss {inserted.loss_fraction:.1%} ({losses})")
        for path in files:
            typer.echo(f"written: {path}")
