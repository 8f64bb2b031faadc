"""Earlier CTs of the same patient beside the one that is read; the API's share of what the pages do."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from spondyl.adapters.station import accounts, readings, studies
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.tables import Account, Reading, Study
from spondyl.domain.finding import State
from spondyl.web.app import create_app, routes
from spondyl.worklist.roles import ALLOWED, Role
from station_made import PEOPLE, Clock, made_finding, made_station, read_study


@pytest.fixture
def station(tmp_path: Path) -> Station:
    made = made_station(tmp_path, Clock(), marks="after_first_look")
    days = ("2026-11-01", "2025-03-04", "2024-01-02", "2027-01-01")  # the last one is of a later date
    ids = [
        read_study(made, number, made_finding(State.NO_FLAG, 0) if number else None)
        for number in range(len(days))
    ]
    stranger = read_study(made, 9)
    with made.database.writing() as session:
        for study_id, day in zip(ids, days, strict=True):
            study = session.get_one(Study, study_id)
            study.patient_key, study.study_date = "p", day
        session.get_one(Study, stranger).patient_key = "q"
    return made


def bearer(station: Station, role: Role) -> dict[str, str]:
    name = next(name for name, its in PEOPLE.items() if its is role)
    with station.database.writing() as session:
        account = session.scalars(select(Account).where(Account.name == name)).one()
        key = accounts.create_key(session, station.clock(), account, ALLOWED[role], days=1)
    return {"Authorization": f"Bearer {key}"}


def client_of(station: Station, role: Role) -> TestClient:
    client = TestClient(create_app(station, lambda study_id: None), follow_redirects=False)
    client.headers.update(bearer(station, role))
    return client


def study_at(station: Station, day: str) -> str:
    with station.database.reading() as session:
        return session.scalars(select(Study.study_id).where(Study.study_date == day)).first() or ""


def task_of(station: Station, name: str, study_id: str) -> str:
    with station.database.reading() as session:
        return session.scalars(
            select(Reading.reading_id)
            .join(Account, Account.account_id == Reading.account_id)
            .where(Account.name == name, Reading.study_id == study_id)
        ).one()


def test_earlier_cts_stand_beside_the_one_that_is_read(station: Station) -> None:
    client = client_of(station, Role.READER)
    task = task_of(station, "rita", study_at(station, "2026-11-01"))
    page = client.get(f"/tasks/{task}").text
    assert page.index("Earlier CT of 2025-03-04") < page.index("Earlier CT of 2024-01-02")
    assert "2027-01-01" not in page
    assert "polyline" not in page  # no mark of the software, on none of them
    prior = study_at(station, "2025-03-04")
    picture = f"/tasks/{task}/earlier/{prior}/s0_sagittal_1_bone.png"
    assert picture in page
    assert client.get(picture).status_code == 200
    told = client.get(f"/api/v1/tasks/{task}").json()["earlier"]
    assert [one["study_date"] for one in told] == ["2025-03-04", "2024-01-02"]
    assert client.get(f"/api/v1{picture}").headers["content-type"] == "image/png"


def test_only_earlier_cts_of_the_same_patient_are_shown(station: Station) -> None:
    client = client_of(station, Role.READER)
    task = task_of(station, "rita", study_at(station, "2026-11-01"))
    with station.database.reading() as session:
        stranger = session.scalars(select(Study.study_id).where(Study.patient_key == "q")).one()
    for study_id in (stranger, study_at(station, "2027-01-01"), study_at(station, "2026-11-01")):
        assert client.get(f"/tasks/{task}/earlier/{study_id}/s0_sagittal_1_bone.png").status_code == 404


def test_the_marks_of_an_earlier_ct_wait_until_nobody_reads_it_blind(station: Station) -> None:
    study_id = study_at(station, "2026-11-01")
    client = client_of(station, Role.READER)
    task = task_of(station, "rita", study_id)
    client.get(f"/tasks/{task}")
    answer = {
        "answer": {"vertebrae": [{"vertebra": 2, "decision": "confirmed", "grade": 3, "shape": "wedge"}]}
    }
    assert client.post(f"/api/v1/tasks/{task}/answer", json=answer).status_code == 200
    page = client.get(f"/tasks/{task}").text  # the second look, with marks
    own, prior = page.split("Earlier CT of 2025-03-04")[0], page.split("Earlier CT of 2025-03-04")[1]
    assert "polyline" in own
    assert "polyline" not in prior.split("</svg>")[0]


def test_the_api_does_what_the_pages_do(station: Station) -> None:
    """Each page's path, less the word for a form, has its like below /api/v1."""
    asked = [(method, route.path) for route in routes() for method in route.methods or ()]
    api = {(method, path) for method, path in asked if "/api/v1" in path}
    like = {
        "/reading": ("GET", "/tasks"), "/adjudication": ("GET", "/tasks"), "/review": ("GET", "/tasks"),
        "/people": ("GET", "/accounts"), "/upload": ("POST", "/studies"),
        "/password": ("POST", "/me/password"),
        "/people/{account_id}/active": ("PUT", "/accounts/{account_id}/active"),
        "/people/{account_id}/roles": ("PUT", "/accounts/{account_id}/roles"),
        "/people/{account_id}/keys": ("POST", "/accounts/{account_id}/keys"),
        "/people/{account_id}/password": ("POST", "/accounts/{account_id}/password"),
        "/keys/{key_id}/revoke": ("DELETE", "/keys/{key_id}"),
        "/tasks/{reading_id}/viewer": ("GET", "/tasks/{task_id}/volume/{name}"),
    }  # fmt: skip
    not_for_programs = {
        "/",
        "/login",
        "/logout",
        "/oidc/start",
        "/oidc/callback",
        "/health",
        "/ready",
        "/metrics",
    }
    for route in routes():
        if "/api/v1" in route.path or route.path in not_for_programs:
            continue
        path = route.path.replace("reading_id", "task_id")
        method, path = like.get(route.path, (next(iter(route.methods or {"GET"})), path))
        if (method, path) == ("POST", "/tasks/{task_id}"):
            path = "/tasks/{task_id}/answer"
        assert (method, f"/api/v1{path}") in api, route.path


def test_an_administrator_works_by_the_api_alone(station: Station) -> None:
    client = client_of(station, Role.ADMIN)
    made = client.post("/api/v1/accounts", json={"name": "nora", "roles": ["reader"]}).json()
    path = f"/api/v1/accounts/{made['account_id']}"
    assert client.put(f"{path}/roles", json={"roles": ["reader", "coordinator"]}).status_code == 422
    assert client.put(f"{path}/roles", json={"roles": ["service"]}).json()["roles"] == ["service"]
    first = client.post(f"{path}/password").json()["password"]
    assert len(first) >= 12
    key = client.post(f"{path}/keys", json={"scopes": ["studies"], "days": 3}).json()["key"]
    program = {"Authorization": f"Bearer {key}"}
    assert client.get("/api/v1/studies", headers=program).status_code == 200
    (about,) = [one for one in client.get("/api/v1/keys").json() if one["account_id"] == made["account_id"]]
    assert client.delete(f"/api/v1/keys/{about['key_id']}").json() == {"revoked": True}
    assert client.get("/api/v1/studies", headers=program).status_code == 401
    assert client.put(f"{path}/active", json={"is_active": False}).json()["is_active"] is False
    own = next(one for one in client.get("/api/v1/accounts").json() if one["name"] == "max")
    own_path = f"/api/v1/accounts/{own['account_id']}/active"
    assert client.put(own_path, json={"is_active": False}).status_code == 409
    actions = [entry["action"] for entry in client.get("/api/v1/audit").json()]
    assert {"account.created", "account.roles", "password.reset", "key.created", "key.revoked"} <= set(
        actions
    )
    assert client.post("/api/v1/me/password", json={"old": "x", "new": "y"}).status_code == 403


def test_pictures_and_ways_are_told_to_programs(station: Station) -> None:
    study_id = study_at(station, "2026-11-01")
    client = client_of(station, Role.COORDINATOR)
    told = client.get(f"/api/v1/studies/{study_id}/pictures").json()
    stem, window = told["series"][0]["sagittal"]["stem"], told["windows"][0]["name"]
    assert client.get(f"/api/v1/studies/{study_id}/pictures/{stem}_1_{window}.png").status_code == 200
    assert client.get(f"/api/v1/studies/{study_id}/events").json()[-1]["after"] == "notified"
    assert len(client.get(f"/api/v1/studies/{study_id}/others").json()) == 3
    assert client.get(f"/api/v1/studies/{study_id}/report.html").text == "<p>made</p>"
    assert client.post("/api/v1/progress/give-out").json() == {"given": 0}
    reader = client_of(station, Role.READER)
    task = task_of(station, "rita", study_id)
    assert reader.get(f"/api/v1/tasks/{task}/pictures").json()["series"][0]["levels"][2] == "L1"
    assert reader.get(f"/api/v1/tasks/{task}/volume/s0_ct.nii.gz").status_code == 200
    assert reader.get(f"/api/v1/tasks/{task}/volume/s0_masks.nii.gz").status_code == 403
    assert reader.get("/api/v1/tasks", params={"done": True}).json() == []


def test_a_later_study_is_an_earlier_one_of_none(station: Station) -> None:
    with station.database.reading() as session:
        first = session.get_one(Study, study_at(station, "2024-01-02"))
        assert studies.earlier(session, first) == []
        assert len(studies.priors(session, first)) == 3
        assert readings.concluded(session, station, first) == {}
