"""Every route and every role; and what a browser, a key, a proxy and another site may not do."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient
from sqlalchemy import select

from spondyl.adapters.station import accounts
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.settings import ProxySettings
from spondyl.adapters.station.tables import Account, Reading
from spondyl.web import app as web_app
from spondyl.web.access import Needs, Public
from spondyl.web.app import RuleMissingError, create_app, routes, rule_of
from spondyl.worklist.roles import ALLOWED, Permission, Role
from station_made import PASSWORD, PEOPLE, Clock, made_station, read_study, zip_of_a_study

ROUTES = [(method, route) for route in routes() for method in sorted(route.methods - {"HEAD"})]  # type: ignore[operator]
# what stands for a part of a path in the matrix: ids that are nobody's
NOBODY = {"study_id": "0" * 24, "reading_id": "0" * 24, "task_id": "0" * 24, "account_id": "999",
          "key_id": "0" * 12, "name": "s0_sagittal_0_bone.png"}  # fmt: skip


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Station:
    made = made_station(tmp_path_factory.mktemp("station"), clock)
    read_study(made, 1)
    return made


@pytest.fixture(scope="module")
def app(station: Station) -> web_app.FastAPI:
    return create_app(station, lambda study_id: None)


def client_of(app: web_app.FastAPI, name: str | None = None) -> TestClient:
    client = TestClient(app, follow_redirects=False)
    if name is not None:
        log_in(client, name)
    return client


def log_in(client: TestClient, name: str, password: str = PASSWORD) -> int:
    token = client.get("/login").text.split('name="csrf_token" value="')[1].split('"')[0]
    return client.post("/login", data={"csrf_token": token, "name": name, "password": password}).status_code


def token_of(station: Station, client: TestClient) -> str:
    with station.database.reading() as session:
        visitor = accounts.visitor_of_session(session, station, client.cookies["spondyl"])
    assert visitor is not None
    assert visitor.csrf_token is not None
    return visitor.csrf_token


@pytest.fixture(scope="module")
def clients(app: web_app.FastAPI) -> dict[Role, TestClient]:
    names = {role: name for name, role in PEOPLE.items()}
    return {role: client_of(app, names[role]) for role in Role}


def test_every_route_says_who_may_ask() -> None:
    assert [route.path for route in routes() if rule_of(route) is None] == []
    assert len(ROUTES) > 60


def test_a_route_without_a_rule_is_never_served(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    loose = APIRouter()
    loose.add_api_route("/loose", lambda: None)
    monkeypatch.setattr(web_app, "_ROUTERS", (*web_app._ROUTERS, loose))
    with pytest.raises(RuleMissingError, match="/loose"):
        create_app(station, lambda study_id: None)
    around = APIRouter()  # nor one that is hidden within another
    around.include_router(loose)
    monkeypatch.setattr(web_app, "_ROUTERS", (around,))
    with pytest.raises(RuleMissingError):
        create_app(station, lambda study_id: None)


@pytest.mark.parametrize("role", list(Role))
def test_the_matrix_of_routes_and_roles(
    station: Station, clients: dict[Role, TestClient], role: Role
) -> None:
    client = clients[role]
    token = token_of(station, client)
    for method, route in ROUTES:
        rule = rule_of(route)
        if isinstance(rule, Public) or route.path in ("/logout", "/password"):
            continue
        assert isinstance(rule, Needs)
        path = route.path.format(**{name: NOBODY[name] for name in route.param_convertors})
        status = client.request(method, path, headers={"X-CSRF-Token": token}).status_code
        may = not rule.permissions or bool(rule.permissions & ALLOWED[role])
        assert (status != 403) == may, f"{role} {method} {path}: {status}"
        assert status < 500, f"{role} {method} {path}: {status}"


def test_nobody_gets_to_the_log_in_or_401(app: web_app.FastAPI) -> None:
    client = client_of(app)
    for method, route in ROUTES:
        if isinstance(rule_of(route), Public):
            continue
        path = route.path.format(**{name: NOBODY[name] for name in route.param_convertors})
        answer = client.request(method, path)
        if path.startswith("/api/"):
            assert answer.status_code == 401, path
        else:
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/login"), path


def test_a_form_without_the_token_changes_nothing(clients: dict[Role, TestClient]) -> None:
    client = clients[Role.ADMIN]
    answer = client.post("/people", data={"name": "intruder", "roles": "admin"})
    assert answer.status_code == 403
    answer = client.post("/people", data={"csrf_token": "x", "name": "intruder", "roles": "admin"})
    assert answer.status_code == 403
    assert "intruder" not in client.get("/people").text


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_another_site_with_the_token_changes_nothing(
    station: Station, clients: dict[Role, TestClient], headers: dict[str, str]
) -> None:
    client = clients[Role.ADMIN]
    data = {"csrf_token": token_of(station, client), "name": "intruder", "roles": "admin"}
    assert client.post("/people", data=data, headers=headers).status_code == 403
    assert client_of(client.app, None).post("/login", data={}, headers=headers).status_code == 403  # type: ignore[arg-type]


def test_a_session_known_before_the_log_in_is_worth_nothing(app: web_app.FastAPI) -> None:
    client = client_of(app)
    client.cookies.set("spondyl", "planted-by-somebody")
    assert log_in(client, "cora") == 303
    assert client.cookies.get("spondyl", domain="testserver.local") != "planted-by-somebody"
    other = client_of(app)
    other.cookies.set("spondyl", "planted-by-somebody")
    assert other.get("/studies").status_code == 303


def test_logging_in_again_ends_the_old_session(app: web_app.FastAPI) -> None:
    client = client_of(app, "cora")
    old = client.cookies["spondyl"]
    log_in(client, "cora")
    thief = client_of(app)
    thief.cookies.set("spondyl", old)
    assert thief.get("/studies").status_code == 303


def test_logging_out_ends_the_session(station: Station, app: web_app.FastAPI) -> None:
    client = client_of(app, "cora")
    old = client.cookies["spondyl"]
    client.post("/logout", data={"csrf_token": token_of(station, client)})
    client.cookies.set("spondyl", old)
    assert client.get("/studies").status_code == 303


def test_a_task_of_another_reader_does_not_exist(station: Station, clients: dict[Role, TestClient]) -> None:
    with station.database.reading() as session:
        rows = session.execute(
            select(Reading.reading_id, Account.name).join(Account, Account.account_id == Reading.account_id)
        ).all()
    tasks = {name: reading_id for reading_id, name in rows}
    assert set(tasks) == {"rita", "ben"}
    own = "rita" if clients[Role.READER].get(f"/tasks/{tasks['rita']}").status_code == 200 else "ben"
    others = tasks["ben" if own == "rita" else "rita"]
    reader = clients[Role.READER]
    token = {"X-CSRF-Token": token_of(station, reader)}
    for method, path in (
        ("GET", f"/tasks/{others}"),
        ("GET", f"/tasks/{others}/pictures/s0_sagittal_0_bone.png"),
        ("GET", f"/tasks/{others}/volume/s0_ct.nii.gz"),
        ("GET", f"/tasks/{others}/viewer"),
        ("POST", f"/tasks/{others}"),
        ("GET", f"/api/v1/tasks/{others}"),
    ):
        assert reader.request(method, path, headers=token).status_code == 404, path
    answer = {"answer": {"vertebrae": []}}  # type: ignore[var-annotated]
    assert reader.post(f"/api/v1/tasks/{others}/answer", json=answer, headers=token).status_code == 404
    assert clients[Role.ADJUDICATOR].get(f"/tasks/{others}").status_code == 404


@pytest.mark.parametrize(
    "name", ["..%2F..%2Fstation.db", "finding.json", "s0_sagittal_0_bone.png%00", "s0_masks.nii.gz"]
)
def test_a_picture_is_nothing_but_a_picture(
    station: Station, clients: dict[Role, TestClient], name: str
) -> None:
    with station.database.reading() as session:
        study_id = session.scalars(select(Reading.study_id)).first()
    answer = clients[Role.COORDINATOR].get(f"/studies/{study_id}/pictures/{name}")
    assert answer.status_code == 404


def test_a_proxy_names_people_only_from_its_own_address(tmp_path: Path) -> None:
    trusted = made_station(tmp_path / "a", Clock(), proxy=ProxySettings(addresses=("testclient",)))
    app = create_app(trusted, lambda study_id: None)
    assert client_of(app).get("/studies", headers={"X-Remote-User": "cora"}).status_code == 200
    assert client_of(app).get("/studies", headers={"X-Remote-User": "nobody"}).status_code == 303
    elsewhere = made_station(tmp_path / "b", Clock(), proxy=ProxySettings(addresses=("10.0.0.1",)))
    app = create_app(elsewhere, lambda study_id: None)
    assert client_of(app).get("/studies", headers={"X-Remote-User": "cora"}).status_code == 303


def test_a_strange_host_name_is_not_answered(app: web_app.FastAPI) -> None:
    assert client_of(app).get("/login", headers={"Host": "evil.example"}).status_code == 400


def test_a_key_allows_its_scopes_until_it_ends(station: Station, app: web_app.FastAPI, clock: Clock) -> None:
    with station.database.writing() as session:
        account = session.scalars(select(Account).where(Account.name == "robot")).one()
        key = accounts.create_key(session, clock(), account, [Permission.UPLOAD], days=1)
        with pytest.raises(accounts.AccountError, match="scopes"):
            accounts.create_key(session, clock(), account, [Permission.ADMINISTER], days=1)
    client = client_of(app)
    bearer = {"Authorization": f"Bearer {key}"}
    assert client.get("/api/v1/me", headers=bearer).json()["permissions"] == ["upload"]
    assert client.get("/api/v1/studies", headers=bearer).status_code == 403
    files = {"file": ("x.zip", zip_of_a_study("1.2.9"))}
    assert client.post("/api/v1/studies", headers=bearer, files=files).status_code == 202
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {key}x"}).status_code == 401
    later = Clock(clock.time)
    later.move(days=1)
    with station.database.reading() as session:
        assert accounts.visitor_of_key(session, key, later()) is None


def test_wrong_passwords_lock_an_account_for_a_while(tmp_path: Path) -> None:
    clock = Clock()
    station = made_station(tmp_path, clock, most_failures=3, lock_minutes=10)
    client = client_of(create_app(station, lambda study_id: None))
    assert [log_in(client, "cora", "wrong") for _ in range(3)] == [401, 401, 401]
    assert log_in(client, "cora") == 401
    clock.move(minutes=10, seconds=1)
    assert log_in(client, "cora") == 303


def test_many_failures_lock_an_address(tmp_path: Path) -> None:
    station = made_station(tmp_path, Clock(), most_failures_per_address=3)
    client = client_of(create_app(station, lambda study_id: None))
    assert [log_in(client, f"guess{n}", "wrong") for n in range(3)] == [401, 401, 401]
    assert log_in(client, "cora") == 401


def test_a_silent_browser_is_logged_out(tmp_path: Path) -> None:
    clock = Clock()
    station = made_station(tmp_path, clock, idle_minutes=10, session_hours=1)
    client = client_of(create_app(station, lambda study_id: None), "cora")
    for _ in range(6):
        clock.move(minutes=9)
        assert client.get("/studies").status_code == 200
    clock.move(minutes=9)  # an hour has passed in all
    assert client.get("/studies").status_code == 303


def test_every_page_says_that_it_is_not_for_diagnosis(
    clients: dict[Role, TestClient], app: web_app.FastAPI
) -> None:
    assert "not for diagnosis" in client_of(app).get("/login").text
    for role, paths in {
        Role.READER: ["/reading", "/password"],
        Role.ADJUDICATOR: ["/adjudication"],
        Role.INTERVENTIONAL: ["/review", "/candidates"],
        Role.COORDINATOR: ["/studies", "/upload", "/progress"],
        Role.ADMIN: ["/people", "/audit"],
    }.items():
        for path in paths:
            answer = clients[role].get(path)
            assert answer.status_code == 200, path
            assert "not for diagnosis" in answer.text, path


def test_no_page_has_inline_script_or_style(clients: dict[Role, TestClient], station: Station) -> None:
    with station.database.reading() as session:
        study_id = session.scalars(select(Reading.study_id)).first()
    for role, path in (
        (Role.COORDINATOR, f"/studies/{study_id}"),
        (Role.COORDINATOR, "/studies"),
        (Role.ADMIN, "/people"),
        (Role.READER, "/reading"),
    ):
        answer = clients[role].get(path)
        text = answer.text
        assert "<script>" not in text
        assert " style=" not in text
        assert "javascript:" not in text
        assert " onclick" not in text
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy


def test_what_people_enter_is_shown_as_text(station: Station, clients: dict[Role, TestClient]) -> None:
    client = clients[Role.COORDINATOR]
    with station.database.reading() as session:
        study_id = session.scalars(select(Reading.study_id)).first()
    evil = "<script>alert(1)</script>{{ 7*7 }}' OR 1=1 --"
    token = token_of(station, client)
    sent = client.post(f"/studies/{study_id}/report", data={"csrf_token": token, "text": evil})
    assert sent.status_code == 303
    text = client.get(f"/studies/{study_id}").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
    assert "{{ 7*7 }}" in text
    assert client.get("/studies", params={"search": evil}).status_code == 200
    assert "<script>alert" not in client.get("/studies", params={"search": evil, "finding": evil}).text
