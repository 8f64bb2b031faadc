"""A station's worker process for the tests: a reader that takes no time, a destination in a folder.

Run as ``python station_process.py FOLDER DATABASE``; it works until it is killed.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from spondyl.adapters.station.analysis import read_into_place
from spondyl.adapters.station.opened import Station, open_station
from spondyl.adapters.station.settings import load_station
from spondyl.adapters.station.workflow import NotSentError, StudyQueue, StudyWorker
from spondyl.domain.finding import StudyFinding
from spondyl.worklist.notifying import Channel, Rule
from station_made import made_finding, write_results

RULES = (Rule(name="all flags", channel=Channel.WEBHOOK, target="http://nowhere.invalid/"),)


class QuickReader:
    """Writes the same results for every study, a little slowly so that it can be killed meanwhile."""

    def read_to_show(self, path: Path, out: Path) -> StudyFinding:
        finding = made_finding()
        (path.parent / f"read-{time.monotonic_ns()}").write_text("")
        if (path / "poison").exists():
            raise ValueError("this study breaks its analysis")
        time.sleep(0.05)
        write_results(out, finding)
        return finding


def analyse(path: Path, out: Path) -> None:
    read_into_place(QuickReader(), path, out)


def open_worker(folder: Path, database: str | None) -> tuple[Station, StudyQueue, StudyWorker]:
    """A worker over this folder, whose results and messages go into files."""
    settings = load_station(folder=folder, database=database, rules=RULES, workers=2)
    station = open_station(settings, lambda: datetime.now(UTC))  # noqa: TID251 - a real clock for a real process
    queue = StudyQueue(station)
    outside = folder / "outside"
    outside.mkdir(exist_ok=True)

    def send(study_id: str) -> None:
        if (outside / "away").exists():
            raise NotSentError("the destination is away")
        (outside / f"result-{study_id}").write_text("sent")

    def post(rule: Rule, content: dict[str, object]) -> None:
        (outside / f"message-{content['message_id']}").write_text(json.dumps(content))

    return station, queue, StudyWorker(station, queue, analyse, send=send, post=post)


if __name__ == "__main__":
    _, _, worker = open_worker(Path(sys.argv[1]), sys.argv[2] or None)  # type: ignore[assignment]
    print("ready", flush=True)  # noqa: T201 - the test waits for this line
    while True:
        time.sleep(1)
