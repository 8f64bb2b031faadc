"""A reading study through the API: two blind readers, adjudication, intervention, export, report."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from postgres_server import postgres
from spondyl.adapters.station import accounts, audit
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.tables import Account, Answer, AuditRow
from spondyl.adapters.study_folder import read_study as read_study_folder
from spondyl.domain.finding import State
from spondyl.web.app import create_app
from spondyl.worklist.audit import first_fault
from spondyl.worklist.states import ReadingState
from station_made import (
    LEVELS,
    PASSWORD,
    Clock,
    known,
    made_finding,
    made_station,
    read_study,
)

L1 = LEVELS.index("L1")


class Person:
    """Somebody who uses the API from a browser's session."""

    def __init__(self, station: Station, name: str) -> None:
        self._client = TestClient(create_app(station, lambda study_id: None), follow_redirects=False)
        page = self._client.get("/login").text
        token = page.split('name="csrf_token" value="')[1].split('"')[0]
        self._client.post("/login", data={"csrf_token": token, "name": name, "password": PASSWORD})
        with station.database.reading() as session:
            visitor = accounts.visitor_of_session(session, station, self._client.cookies["spondyl"])
        assert visitor is not None
        self._headers = {"X-CSRF-Token": visitor.csrf_token or ""}

    def get(self, path: str) -> dict:
        answer = self._client.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, content: dict, expected: int = 200) -> dict:
        answer = self._client.post(f"/api/v1{path}", json=content, headers=self._headers)
        assert answer.status_code == expected, answer.text
        return answer.json()

    def page(self, path: str) -> str:
        answer = self._client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def take(self, path: str) -> bytes:
        answer = self._client.get(f"/api/v1{path}")
        assert answer.status_code == 200
        return answer.content

    def answer(self, task_id: str, vertebrae: list[dict], expected: int = 200, **case: object) -> dict:
        return self.post(f"/tasks/{task_id}/answer", {"answer": {"vertebrae": vertebrae, **case}}, expected)


def fracture(grade: int, **more: object) -> dict:
    return {"vertebra": L1, "decision": "confirmed", "grade": grade, "shape": "wedge", **more}


REJECTED = {"vertebra": L1, "decision": "rejected", "reason": "sclerotic_metastasis"}


@pytest.fixture(params=["sqlite", "postgresql"])
def station(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Station]:
    choices = {"marks": "after_first_look", "washout_days": 14}
    if request.param == "sqlite":
        yield made_station(tmp_path / "station", Clock(), **choices)
        return
    with postgres() as database:
        made = made_station(tmp_path / "station", Clock(), database=database, **choices)
        yield made
        made.database.close()


def test_a_study_from_two_blind_readers_to_its_report(station: Station, tmp_path: Path) -> None:
    clock = station.clock
    study_id = read_study(station, 1)
    negative = read_study(station, 2, made_finding(State.NO_FLAG, grade=0))
    rita, ben, ada = Person(station, "rita"), Person(station, "ben"), Person(station, "ada")
    (first,), (second,) = rita.get("/tasks"), ben.get("/tasks")

    # first look: no mark is told
    seen = rita.get(f"/tasks/{first['task_id']}")
    assert seen["sees_marks"] is False
    assert set(seen["vertebrae"][L1]) == {"level", "centre_lps_mm"}
    assert "marked by the software" not in rita.page(f"/tasks/{first['task_id']}")
    clock.move(seconds=40)  # type: ignore[attr-defined]
    rita.answer(first["task_id"], [fracture(2, comment="seen by one alone")], confidence=4)
    seen = rita.get(f"/tasks/{first['task_id']}")
    assert (seen["look"], seen["sees_marks"]) == ("second", True)
    assert seen["vertebrae"][L1]["genant_grade"] == 3
    page = rita.page(f"/tasks/{first['task_id']}")
    assert "Second look" in page  # filled in with what was answered
    assert 'value="seen by one alone"' in page
    rita.answer(first["task_id"], [], expected=422)  # a mark must be answered
    assert rita.answer(first["task_id"], [fracture(3)])["is_done"] is True

    # the second reader rejects, and sees nothing of the first
    assert "seen by one alone" not in ben.page(f"/tasks/{second['task_id']}")
    assert ben.get(f"/tasks/{second['task_id']}")["others"] == []
    ben.answer(second["task_id"], [], case_decision="rejected")
    ben.answer(second["task_id"], [REJECTED])
    assert known(station, study_id).reading_state == ReadingState.TO_ADJUDICATE

    # a changed answer needs a reason, and both are kept
    ben.answer(second["task_id"], [{**REJECTED, "reason": "scoliosis"}], expected=422)
    ben.answer(second["task_id"], [{**REJECTED, "reason": "scoliosis"}], change_reason="looked again")

    # the adjudicator sees both without names
    (decision,) = ada.get("/tasks")
    seen = ada.get(f"/tasks/{decision['task_id']}")
    assert len(seen["others"]) == 2
    assert {record["reader"] for records in seen["others"] for record in records} == {"hidden"}
    text = ada.page(f"/tasks/{decision['task_id']}")
    assert "one reader sees a fracture, the other none" in text
    assert "rita" not in text.replace("criteria", "")
    ada.answer(decision["task_id"], [fracture(3, nature="osteoporotic")])
    assert known(station, study_id).reading_state == ReadingState.CONCLUDED
    ben.answer(second["task_id"], [REJECTED], expected=409, change_reason="too late")

    # intervention: two readers differ, one of them adjudicates
    ivo, ina = Person(station, "ivo"), Person(station, "ina")
    (one,), (two,) = ivo.get("/tasks"), ina.get("/tasks")
    assert (one["kind"], one["level"]) == ("review", "L1")
    form = ivo.page(f"/tasks/{one['task_id']}")
    assert "Proposal of the software" in form
    assert 'name="sins_location" value="3"' in form  # L1 is junctional
    ivo.post(f"/tasks/{one['task_id']}/review", {"fields": {"suitability": "unthinkable"}}, 422)
    ivo.post(f"/tasks/{one['task_id']}/review", {"fields": {"suitability": "suitable", "confidence": 4}})
    assert Person(station, "cora").get("/candidates")[0]["suitability"] == []  # one is still open
    ina.post(f"/tasks/{two['task_id']}/review", {"fields": {"suitability": "not_suitable"}})
    (last,) = ina.get("/tasks")
    assert last["kind"] == "review_adjudication"
    ina.post(
        f"/tasks/{last['task_id']}/review", {"fields": {"suitability": "suitable_after_mri_or_clinical"}}
    )

    # the coordinator: progress, negatives, export
    cora = Person(station, "cora")
    assert cora.get("/progress")["agreement"] == {"cases": 1, "agree": 0, "kappa": None}
    assert cora.post("/progress/negatives", {}) == {"drawn": 1}
    assert cora.post("/progress/negatives", {}) == {"drawn": 0}
    assert len(rita.get("/tasks")) == 1
    assert rita.get("/tasks")[0]["study_id"] == negative
    cora.post(f"/studies/{study_id}/report", {"text": "Findings: no fracture. Conclusion: metastases."})
    packed = tmp_path / "study.zip"
    packed.write_bytes(cora.take("/export"))
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path)
    data = read_study_folder(tmp_path / "spondyl-study")
    assert len(data.studies) == 2
    assert len(data.interventions) == 3
    assert {record.reader for record in data.readings} == {"R1", "R2", "A1"}
    assert list(data.reports) == [study_id]

    # everything is in the chain
    with station.database.reading() as session:
        actions = {entry.action for entry in audit.chain(session)}
        assert first_fault(audit.chain(session)) is None
    assert {"reading.viewed", "reading.answered", "reading.changed", "study.exported"} <= actions


def test_tampering_with_the_audit_is_found(tmp_path: Path) -> None:
    station = made_station(tmp_path, Clock())
    read_study(station, 1)
    with station.database.writing() as session:
        session.execute(update(AuditRow).where(AuditRow.number == 2).values(actor="nobody"))
    with station.database.reading() as session:
        fault = first_fault(audit.chain(session))
    assert fault is not None
    assert fault.number == 2


def test_answers_are_kept_and_a_case_is_read_again_after_the_wash_out(tmp_path: Path) -> None:
    protocol = tmp_path / "all_again.toml"
    from spondyl.study.protocol import shipped_protocol_text

    text = shipped_protocol_text("mniai2025")
    protocol.write_text(text.replace("reread_fraction = { value = 0.1", "reread_fraction = { value = 1.0"))
    station = made_station(tmp_path / "s", Clock(), marks="at_once", washout_days=14, protocol=protocol)
    read_study(station, 1)
    rita = Person(station, "rita")
    (task,) = rita.get("/tasks")
    rita.answer(task["task_id"], [fracture(3)])
    assert rita.get("/tasks") == []  # type: ignore[comparison-overlap]
    station.clock.move(days=14)  # type: ignore[attr-defined]
    rita = Person(station, "rita")
    (again,) = rita.get("/tasks")
    assert again["time"] == 2
    rita.answer(again["task_id"], [fracture(2)])
    with station.database.reading() as session:
        grades = [row.cells["grade"] for row in session.scalars(select(Answer)) if row.cells["level"]]
    assert sorted(grades) == [2, 3]
    with station.database.reading() as session:
        assert session.scalar(select(Account.pseudonym).where(Account.name == "rita")) == "R1"
