"""The durable way of a study: done once, given up after its attempts, waiting where the world is away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from spondyl.adapters.station import incoming, studies, workflow
from spondyl.adapters.station.analysis import read_into_place
from spondyl.adapters.station.dicom import Node
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.settings import DicomSettings
from spondyl.adapters.station.tables import Message, Reading, Study, StudyEvent
from spondyl.adapters.station.upload import StudyFacts
from spondyl.adapters.station.workflow import NotSentError, StudyQueue, work_on
from spondyl.domain.finding import StudyFinding
from spondyl.worklist.notifying import Channel, Rule
from spondyl.worklist.states import StudyState
from station_made import Clock, known, made_finding, made_station, write_results

PROCESS = Path(__file__).parents[2] / "station_process.py"
RULE = Rule(name="severe", channel=Channel.WEBHOOK, target="http://nowhere.invalid/", minimum_grade=3)


class Reader:
    def read_to_show(self, path: Path, out: Path) -> StudyFinding:
        write_results(out, made_finding())
        return made_finding()


def analyse(path: Path, out: Path) -> None:
    read_into_place(Reader(), path, out)


def broken(path: Path, out: Path) -> None:
    raise ValueError("Doe^Jane")


def complete_study(station: Station, number: int = 1) -> str:
    with station.database.writing() as session:
        facts = StudyFacts(uid=f"1.9.{number}", patient_id="p")
        study, _ = studies.register(session, station, facts, "dicom", "dicom")
        station.incoming(study.study_id).mkdir(parents=True, exist_ok=True)
        studies.move(session, station, study, StudyState.COMPLETE, "dicom")
    return study.study_id


def counts(station: Station, study_id: str) -> dict[str, int]:
    with station.database.reading() as session:
        return {
            name: session.scalar(select(func.count()).select_from(table).where(table.study_id == study_id))
            or 0
            for name, table in (("messages", Message), ("readings", Reading), ("events", StudyEvent))
        }


def test_doing_it_all_again_changes_nothing(tmp_path: Path) -> None:
    station = made_station(tmp_path, Clock(), rules=(RULE,))
    study_id = complete_study(station)
    sent: list[dict[str, object]] = []
    for _ in range(3):
        work_on(station, study_id, analyse, None, lambda rule, content: sent.append(content))
    assert known(station, study_id).state == StudyState.NOTIFIED
    assert len(sent) == 1
    assert sent[0]["levels"] == ["L1"]
    assert counts(station, study_id) == {"messages": 1, "readings": 2, "events": 4}


def test_a_destination_that_is_away_keeps_the_study_analysed(tmp_path: Path) -> None:
    station = made_station(tmp_path, Clock())
    study_id = complete_study(station)

    def away(study_id: str) -> None:
        raise NotSentError("away")

    with pytest.raises(NotSentError):
        work_on(station, study_id, analyse, away, lambda rule, content: None)
    assert known(station, study_id).state == StudyState.ANALYSED
    work_on(station, study_id, analyse, lambda study_id: None, lambda rule, content: None)
    assert known(station, study_id).state == StudyState.NOTIFIED


def test_a_receiver_that_is_away_is_told_later_and_once(tmp_path: Path) -> None:
    station = made_station(tmp_path, Clock(), rules=(RULE,))
    study_id = complete_study(station)

    def away(rule: Rule, content: dict[str, object]) -> None:
        raise ConnectionError

    with pytest.raises(workflow.NotToldError, match="severe: ConnectionError"):
        work_on(station, study_id, analyse, None, away)
    assert known(station, study_id).state == StudyState.SENT
    sent: list[object] = []
    for _ in range(2):
        work_on(station, study_id, analyse, None, lambda rule, content: sent.append(content))
    assert len(sent) == 1


def test_a_report_that_comes_late_is_told_of_once(tmp_path: Path) -> None:
    rule = Rule(name="overlooked", channel=Channel.EMAIL, target="a@b.example", only_not_mentioned=True)
    station = made_station(tmp_path, Clock(), rules=(rule,))
    study_id = complete_study(station)
    sent: list[dict[str, object]] = []

    def work() -> None:
        work_on(station, study_id, analyse, None, lambda rule, content: sent.append(content))

    work()
    assert (known(station, study_id).state, sent) == (StudyState.NOTIFIED, [])
    for text in ("No fracture of the spine.", "No fracture of the spine, as said."):
        with station.database.writing() as session:
            incoming.keep_report(session, station, session.get_one(Study, study_id), text, "robot")
        work()
        assert known(station, study_id).state == StudyState.NOTIFIED
    assert [content["rule"] for content in sent] == ["overlooked"]


def test_what_breaks_is_given_up_and_names_nobody(tmp_path: Path) -> None:
    station = made_station(tmp_path, Clock(), analysis_attempts=2)
    study_id = complete_study(station)
    work_on(station, study_id, broken, None, lambda rule, content: None)
    study = known(station, study_id)
    assert study.state == StudyState.FAILED
    assert study.error == "ValueError, attempt 2 of 2"


def test_what_could_not_be_handed_on_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def hand_on(name: str) -> None:
        tried.append(name)
        if tried == ["one"]:
            raise OSError(28, "No space left on device")

    station = made_station(tmp_path, Clock())
    with Node(station, DicomSettings(port=0, quiet_s=0.1), lambda study_id: None, lambda told: None) as node:
        monkeypatch.setattr(node, "_hand_on", hand_on)
        for name in ("one", "two"):
            node._timer.touch(name, None)
        time.sleep(0.7)
        with pytest.raises(OSError, match="No space"):
            node.step()
        assert tried == ["one", "two"]  # one that fails does not hold up the others
        wait_until(lambda: node.step() == 1, 10.0)
    assert tried == ["one", "two", "one"]


def test_a_full_disk_is_no_fault_of_the_study(tmp_path: Path) -> None:
    station = made_station(tmp_path, Clock())
    study_id = complete_study(station)

    def full(path: Path, out: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        work_on(station, study_id, full, None, lambda rule, content: None)
    assert known(station, study_id).state == StudyState.COMPLETE


@pytest.mark.slow
def test_workers_killed_at_random_lose_and_double_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "station"
    station = made_station(folder, Clock())
    sent = [complete_study(station, number) for number in range(12)]
    (station.incoming(sent[5]) / "poison").write_text("")
    worker = start(folder)
    queue = StudyQueue(station)
    for study_id in sent:
        queue.submit(study_id)
    for _ in range(3):
        time.sleep(1.0)
        end(worker)
        worker = start(folder)
    try:
        wait_until(lambda: all(known(station, one).state in ("notified", "failed") for one in sent), 60.0)
    finally:
        end(worker)
        queue.close()
        station.database.close()
    with station.database.reading() as session:
        states = {study.study_id: study.state for study in session.scalars(select(Study))}
        doubled = session.execute(
            select(StudyEvent.study_id, StudyEvent.after, func.count())
            .group_by(StudyEvent.study_id, StudyEvent.after)
            .having(func.count() > 1)
        ).all()
    assert states.pop(sent[5]) == StudyState.FAILED
    assert set(states.values()) == {StudyState.NOTIFIED}
    assert doubled == []
    assert len(list((folder / "outside").glob("result-*"))) == 11
    assert len(list((folder / "outside").glob("message-*"))) == 11


def start(folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(PROCESS.parent)])}
    worker = subprocess.Popen(
        [sys.executable, str(PROCESS), str(folder), ""], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n"
    return worker


def end(worker: subprocess.Popen[str]) -> None:
    """As a power cut would."""
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert worker.stdout is not None
    worker.stdout.close()


def wait_until(holds: Callable[[], bool], within_s: float) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.2)
