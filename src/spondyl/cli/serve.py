"""``spondyl serve``: the reading station, with pages, API, workers and, where set, the DICOM node."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import failures_told, stop
from spondyl.cli.notice import NOTICE

if TYPE_CHECKING:
    from spondyl.adapters.station.opened import Station
    from spondyl.adapters.station.settings import StationSettings
    from spondyl.adapters.station.workflow import StudyQueue

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="TOML file with the station's settings.")
]
FolderOption = Annotated[
    Path | None, typer.Option("--folder", help="Folder of images, results and, with SQLite, the database.")
]
DatabaseOption = Annotated[
    str | None, typer.Option("--database", help="postgresql://…; without it SQLite in the folder.")
]
_STEP_S = 0.5
_KEEPING_EVERY_S = 3600.0


def serve(
    config: ConfigOption = None,
    folder: FolderOption = None,
    database: DatabaseOption = None,
    host: Annotated[str | None, typer.Option("--host", help="Address of the pages.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Port of the pages.")] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=0, max=64, help="Analyses at once; 0: pages only.")
    ] = None,
    pages: Annotated[bool, typer.Option("--pages/--no-pages", help="Serve pages and API.")] = True,
    settings: Annotated[Path | None, typer.Option("--settings", help="TOML file of the analysis.")] = None,
) -> None:
    """Serve the reading station: pages, API, workers, DICOM node. Research use only."""
    with station_failures_told():
        chosen = station_settings(config, folder, database, host=host, port=port, workers=workers)
        _log_as_json()
        with opened(chosen) as station, ExitStack() as stack:
            _serve(station, stack, settings, pages=pages)


def now() -> datetime:
    """The one clock of the station."""
    return datetime.now(UTC)  # noqa: TID251 - here the clock enters


@contextmanager
def station_failures_told() -> Iterator[None]:
    """Turn what can go wrong around the station into a message and an exit code."""
    try:
        from spondyl.adapters.station.database import DatabaseError
        from spondyl.adapters.station.keeping import BackupError
        from spondyl.adapters.station.settings import StationSettingsError
    except ModuleNotFoundError as error:
        text = f"{error.name} is not installed; install it with `pip install 'spondyl[station]'`"
        stop(text, ExitCode.INSTALLATION)
    from sqlalchemy.exc import OperationalError

    from spondyl.adapters.station.accounts import AccountError

    with failures_told():
        try:
            yield
        except (StationSettingsError, AccountError, BackupError) as error:
            stop(str(error), ExitCode.USAGE)
        except DatabaseError as error:
            stop(str(error), ExitCode.ENVIRONMENT)
        except OperationalError as error:
            kind = type(error.orig).__name__
            stop(f"the database cannot be reached ({kind}); is it running?", ExitCode.ENVIRONMENT)


def station_settings(
    config: Path | None,
    folder: Path | None,
    database: str | None,
    **given: Any,  # noqa: ANN401 - each setting has its own type
) -> StationSettings:
    """The settings from file and environment, with the command line's over them."""
    from spondyl.adapters.station.settings import load_station

    return load_station(config, folder=folder, database=database, **given)


@contextmanager
def opened(settings: StationSettings) -> Iterator[Station]:
    """The opened station, its tables brought up to date."""
    from spondyl.adapters.station.opened import open_station

    station = open_station(settings, now)
    try:
        yield station
    finally:
        station.database.close()


def _serve(station: Station, stack: ExitStack, analysis: Path | None, *, pages: bool) -> None:
    from spondyl.adapters.station.workflow import StudyQueue

    queue = StudyQueue(station)
    stack.callback(queue.close)
    stopping = threading.Event()
    stack.callback(stopping.set)
    if station.settings.workers:
        _start_worker(station, stack, queue, analysis)
    if station.settings.dicom is not None and pages:
        _start_node(station, stack, queue, stopping)
    _start_keeping(station, stopping)
    _say(station, pages=pages)
    if pages:
        _run_pages(station, queue)
    else:
        with suppress(KeyboardInterrupt):
            while not stopping.wait(_STEP_S):
                pass


def _start_worker(station: Station, stack: ExitStack, queue: StudyQueue, analysis: Path | None) -> None:
    from spondyl.adapters.station.analysis import AnalysisProcess
    from spondyl.adapters.station.dicom import sender
    from spondyl.adapters.station.workflow import StudyWorker
    from spondyl.settings import load
    from spondyl.wiring import ReaderOpener

    process = AnalysisProcess(ReaderOpener.of(load(analysis)), station.settings.workers)
    stack.callback(process.close)
    send = None if station.settings.dicom is None else sender(station, station.settings.dicom)
    worker = StudyWorker(station, queue, process, send=send)
    stack.callback(worker.close)


def _start_node(station: Station, stack: ExitStack, queue: StudyQueue, stopping: threading.Event) -> None:
    from spondyl.adapters.station.dicom import Node

    assert station.settings.dicom is not None
    log = logging.getLogger("spondyl.station.dicom")
    node = stack.enter_context(
        Node(station, station.settings.dicom, queue.submit, lambda told: log.info("%s", told.code))
    )

    def hand_on() -> None:
        while not stopping.wait(_STEP_S):
            try:
                node.step()
            except Exception as error:  # noqa: BLE001 - tried again; the node must go on
                log.warning("%s", type(error).__name__)

    threading.Thread(target=hand_on, name="dicom", daemon=True).start()


def _start_keeping(station: Station, stopping: threading.Event) -> None:
    from spondyl.adapters.station.keeping import apply_retention

    def keep() -> None:
        while True:
            with suppress(Exception):  # an hour later it is tried again
                apply_retention(station)
            if stopping.wait(_KEEPING_EVERY_S):
                return

    threading.Thread(target=keep, name="keeping", daemon=True).start()


def _run_pages(station: Station, queue: StudyQueue) -> None:
    import uvicorn

    from spondyl.web.app import create_app

    proxy = station.settings.proxy
    uvicorn.run(
        create_app(station, queue.submit),
        host=station.settings.host,
        port=station.settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=proxy is not None,
        forwarded_allow_ips=list(proxy.addresses) if proxy is not None else None,
        timeout_graceful_shutdown=10,
    )


def _say(station: Station, *, pages: bool) -> None:
    settings = station.settings
    typer.echo(NOTICE, err=True)
    if pages:
        typer.echo(f"pages: http://{settings.host}:{settings.port}{settings.root_path}/", err=True)
    if settings.dicom is not None and pages:
        typer.echo(f"DICOM: {settings.dicom.ae_title}@{settings.dicom.host}:{settings.dicom.port}", err=True)


class _JsonLines(logging.Formatter):
    """One JSON object a line: time, level, where, what. Never a patient: our messages hold none."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "where": record.name,
            "what": record.getMessage() if record.name.startswith("spondyl") else record.msg,
        }
        if record.exc_info and record.exc_info[0] is not None:
            entry["error"] = record.exc_info[0].__name__
        return json.dumps(entry)


def _log_as_json() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logging.disable(logging.NOTSET)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("spondyl.station").setLevel(logging.INFO)
    # these log with values of the files and requests that they read
    for name in ("pydicom", "pynetdicom", "dbos", "httpx2", "sqlalchemy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.Formatter.converter = time.gmtime
