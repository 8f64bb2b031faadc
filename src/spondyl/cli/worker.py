"""``spondyl worker``: read cases that ``spondyl cohort run --database`` queues, on any machine."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from spondyl.cli.analyze import EngineOption, SettingsOption, ThreadsOption, load_settings
from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import failures_told, stop
from spondyl.cli.notice import NOTICE

DatabaseOption = Annotated[
    str,
    typer.Option("--database", envvar="SPONDYL_DATABASE", help="postgresql://... that all workers share."),
]
IdleOption = Annotated[
    float | None,
    typer.Option("--stop-when-idle", min=1.0, help="End when no case has waited for so many seconds."),
]
TimeoutOption = Annotated[
    float, typer.Option("--timeout-minutes", min=0.1, help="After this a case is given up.")
]


def worker(
    database: DatabaseOption,
    stop_when_idle: IdleOption = None,
    timeout_minutes: TimeoutOption = 60.0,
    engine: EngineOption = None,
    threads: ThreadsOption = None,
    settings: SettingsOption = None,
) -> None:
    """Read cases of a cohort that waits in a PostgreSQL, one at a time. Research use only."""
    from spondyl.adapters.durable import serve
    from spondyl.wiring import ReaderOpener

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())  # the case in hand goes back into the queue
    with failures_told(), database_failures_told():
        opener = ReaderOpener.of(load_settings(settings, engine, threads))
        typer.echo(f"spondyl worker: waits for cases. {NOTICE}", err=True)
        read = serve(
            opener,
            database,
            timeout_s=timeout_minutes * 60.0,
            stop_when_idle_s=stop_when_idle,
            stop=ended,
        )
    typer.echo(f"spondyl worker: {read} cases read", err=True)


@contextmanager
def database_failures_told() -> Iterator[None]:
    """Turn a database that is away or unfit into a message and an exit code."""
    from spondyl.adapters.durable import DatabaseError

    try:
        yield
    except DatabaseError as error:
        stop(str(error), ExitCode.ENVIRONMENT)
