"""``spondyl segmenters``: which segmenters from outside are there, and does one of them keep its promises?"""

from __future__ import annotations

from typing import Annotated

import typer

from spondyl.cli.analyze import SettingsOption
from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import failures_told, stop
from spondyl.cli.notice import NOTICE


def segmenters(
    check: Annotated[
        bool, typer.Option("--check", help="Run the settings' segmenter on a synthetic CT and judge it.")
    ] = False,
    settings: SettingsOption = None,
) -> None:
    """List the segmenters that can take the place of the networks; with --check test the one in use."""
    from spondyl.adapters.segmenters import installed, open_segmenter
    from spondyl.settings import load

    typer.echo(NOTICE)
    with failures_told():
        chosen = load(settings).segmenter
        for name, entry in sorted(installed().items()):
            typer.echo(f"installed  {name}: {entry.value}")
        if not chosen.is_used:
            if check:
                stop("no segmenter is set; name one in the settings, [segmenter]", ExitCode.USAGE)
            typer.echo("in use     spondyl's own networks")
            return
        segmenter = open_segmenter(chosen)
        typer.echo(
            f"in use     {segmenter.name} {segmenter.version}, scheme {segmenter.scheme}, "
            f"licence: {segmenter.licence}"
        )
        if not check:
            return
        from spondyl.trials.segmenter_check import check_segmenter

        results = check_segmenter(segmenter)
    for result in results:
        typer.echo(f"{'ok      ' if result.is_held else 'FAILED  '} {result.name}: {result.seen}")
    if not all(result.is_held for result in results):
        raise typer.Exit(ExitCode.INSTALLATION)
