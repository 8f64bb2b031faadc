"""A station that runs in this process: pages at a real address, and a worker whose reader takes no time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import uvicorn

from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.workflow import StudyQueue, StudyWorker
from spondyl.web.app import create_app
from station_process import analyse


def real_clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a real clock for real requests


@contextmanager
def served(station: Station) -> Iterator[tuple[str, StudyQueue]]:
    """The address of the pages, and the queue, for as long as they are served."""
    with ExitStack() as stack:
        queue = StudyQueue(station)
        stack.callback(queue.close)
        worker = StudyWorker(station, queue, analyse, post=lambda rule, content: None)
        stack.callback(worker.close)
        server = uvicorn.Server(
            uvicorn.Config(create_app(station, queue.submit), port=0, log_config=None, access_log=False)
        )
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(lambda: setattr(server, "should_exit", True))
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", queue


def wait_until(holds: Callable[[], bool], within_s: float = 60.0) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.1)
