"""The command ``spondyl``: one file per verb. Heavy imports wait until a verb needs them."""

from __future__ import annotations

import logging
import sys
import warnings
from typing import Annotated

import typer

from spondyl import __version__
from spondyl.cli.analyze import analyze
from spondyl.cli.cohort import cohort
from spondyl.cli.compare import compare
from spondyl.cli.demo import demo
from spondyl.cli.doctor import doctor
from spondyl.cli.drift import drift
from spondyl.cli.evaluate import evaluate
from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import report_bug
from spondyl.cli.insert_fracture import insert_fracture
from spondyl.cli.mentions import mentions
from spondyl.cli.mercure_module import mercure_module
from spondyl.cli.notice import NOTICE
from spondyl.cli.pacs import pacs
from spondyl.cli.read_result import read_result
from spondyl.cli.receive import receive
from spondyl.cli.records import records
from spondyl.cli.route import route
from spondyl.cli.schema import schema
from spondyl.cli.segmenters import segmenters
from spondyl.cli.send import send
from spondyl.cli.serve import serve
from spondyl.cli.site_test import site_test
from spondyl.cli.station import station
from spondyl.cli.study import study
from spondyl.cli.train import train
from spondyl.cli.worker import worker

app = typer.Typer(
    name="spondyl",
    help=f"Find vertebral compression fractures on CT.\n\n{NOTICE}",
    epilog="Exit codes: 0 read, 2 usage, 3 refused, 4 environment, 5 installation, 6 some failed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"spondyl {__version__}\n{NOTICE}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Find vertebral compression fractures on CT."""


for verb in (
    analyze,
    compare,
    demo,
    doctor,
    drift,
    evaluate,
    insert_fracture,
    mentions,
    read_result,
    schema,
    segmenters,
    serve,
    site_test,
    train,
    worker,
    mercure_module,
    receive,
    route,
    send,
):
    app.command()(verb)
app.add_typer(cohort)
app.add_typer(records)
app.add_typer(pacs)
app.add_typer(study)
app.add_typer(station)


def main() -> None:
    """Run the command and end the process with its exit code."""
    # libraries warn and log with values of the file they read, which can identify a patient
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last door: a person gets a sentence, not a traceback
        sys.exit(report_bug(error))
