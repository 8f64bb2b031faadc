"""Failures as one line for a person and one exit code for a program; never a traceback."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from spondyl.adapters.error_place import error_place
from spondyl.cli.exit_codes import ExitCode

DEBUG_VARIABLE = "SPONDYL_DEBUG"


def stop(message: str, code: ExitCode) -> NoReturn:
    """Say why on stderr, and end.

    Raises:
        typer.Exit: always.
    """
    typer.echo(f"spondyl: {message}", err=True)
    raise typer.Exit(code)


@contextmanager
def failures_told() -> Iterator[None]:
    """Turn what can go wrong around a command into a message and an exit code."""
    from spondyl.adapters.engines import EngineError
    from spondyl.adapters.extras import ExtraMissingError
    from spondyl.adapters.segmenters import SegmenterError
    from spondyl.settings import SettingsError
    from spondyl.weights import WeightsError

    try:
        yield
    except SettingsError as error:
        stop(str(error), ExitCode.USAGE)
    except (WeightsError, EngineError, ExtraMissingError, SegmenterError) as error:
        stop(str(error), ExitCode.INSTALLATION)
    except BrokenPipeError:
        _close_stdout()
        raise typer.Exit(ExitCode.ENVIRONMENT) from None
    except OSError as error:
        stop(_os_error_text(error), ExitCode.ENVIRONMENT)
    except MemoryError:
        stop(
            "not enough memory for this input; close other programs or use a larger machine",
            ExitCode.ENVIRONMENT,
        )


def report_bug(error: Exception) -> int:
    """Tell where an unforeseen error arose, without values: these could be a patient's.

    With SPONDYL_DEBUG=1 the traceback is printed too.
    """
    if os.environ.get(DEBUG_VARIABLE) == "1":
        traceback.print_exception(error)
    sys.stderr.write(
        f"spondyl: internal error ({error_place(error)}). This is a bug of spondyl: no result "
        f"was made. {DEBUG_VARIABLE}=1 prints the details for a report.\n"
    )
    return ExitCode.BUG


def _os_error_text(error: OSError) -> str:
    """The cause, and the file's name where the system gives one."""
    cause = error.strerror or str(error)
    return f"{error.filename}: {cause}" if error.filename else cause


def _close_stdout() -> None:
    """Whoever read our output has gone: keep the interpreter from complaining about it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
