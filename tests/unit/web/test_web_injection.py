"""What is written into any field of any page or call is kept as text, or refused; never run, never a 5xx.

The fields are read off the pages and off the API's description, so that a new one is tried too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from postgres_server import postgres
from spondyl.adapters.station import accounts, audit
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.tables import Account, Reading, Study
from spondyl.web.app import create_app
from spondyl.worklist.audit import first_fault
from spondyl.worklist.roles import ALLOWED, Role
from station_made import LEVELS, PASSWORD, PEOPLE, Clock, made_station, read_study

MARK = "<script>alert(1)</script>"
PAYLOADS = (
    f"{MARK}\"'><img src=x onerror=alert(1)> '; DROP TABLE study; -- \" OR 1=1 {{{{ 7*7 }}}}",
    "../../../../etc/passwd\x00.png\r\nSet-Cookie: spondyl=planted\r\n\u202e",
)
L1 = LEVELS.index("L1")
OTHER_VERTEBRA = re.compile(rf"^v(?!{L1}_)\d+_")  # the same code as for L1: not tried again


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


class Forms(HTMLParser):
    """The forms of a page, filled in as they are shown."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "form":
            self.found.append(Form(given.get("action") or "", (given.get("method") or "get").upper()))
        name = given.get("name")
        if not name or tag not in ("input", "select", "textarea", "button") or not self.found:
            return
        form = self.found[-1]
        form.names.add(name)
        is_off = given.get("type") in ("radio", "checkbox") and "checked" not in given
        if tag == "input" and not is_off:
            form.fields.setdefault(name, []).append(given.get("value") or "")


@pytest.fixture(params=["sqlite", "postgresql"])
def station(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Station]:
    if request.param == "sqlite":
        yield made_station(tmp_path / "s", Clock(), marks="at_once", most_failures=100)
        return
    with postgres() as database:
        made = made_station(tmp_path / "s", Clock(), marks="at_once", most_failures=100, database=database)
        yield made
        made.database.close()


@pytest.fixture
def app(station: Station) -> Iterator[TestClient]:
    application = create_app(station, lambda study_id: None)
    with TestClient(application, follow_redirects=False, raise_server_exceptions=False) as client:
        yield client


class Browser:
    def __init__(self, client: TestClient, name: str) -> None:
        """Log in, in the one client: a client of its own would start an event loop for each request."""
        self.client = client
        client.cookies.clear()
        (form,) = Forms(self.client.get("/login").text).found
        values = {name_: value[0] for name_, value in form.fields.items()}
        answer = self.client.post("/login", data={**values, "name": name, "password": PASSWORD})
        assert answer.status_code == 303

    def attack(self, path: str) -> int:
        """Every payload into every field of every form of a page; gives how many requests that were."""
        tried = 0
        for form in Forms(self.client.get(path).text).found:
            if form.action.endswith("/logout"):
                continue
            names = {name for name in form.names if not OTHER_VERTEBRA.match(name)}
            for name in sorted(names - {"csrf_token"}):
                for payload in PAYLOADS:
                    values = {**form.fields, name: [payload]}
                    sent: dict[str, Any] = {"data": values} if form.method == "POST" else {"params": values}
                    answer = self.client.request(form.method, form.action, **sent)
                    assert answer.status_code < 500, (form.action, name, payload)
                    assert MARK not in answer.text, (form.action, name)
                    assert "root:x:0" not in answer.text
                    assert "planted" not in answer.headers.get("set-cookie", "")
                    tried += 1
        return tried


def test_every_field_of_every_page(station: Station, app: TestClient) -> None:
    study_id = read_study(station, 1)
    before = count_of_studies(station)
    tried = 0
    for name in ("rita", "ben"):
        browser = Browser(app, name)
        tried += browser.attack("/reading") + browser.attack(task_of(station, name))
        answer_in_truth(station, app, name, "confirmed" if name == "rita" else "rejected")
        tried += browser.attack(task_of(station, name))  # a change, with its reason
    tried += Browser(app, "ada").attack(task_of(station, None))
    cora = Browser(app, "cora")
    for path in ("/studies", f"/studies/{study_id}", "/upload", "/progress", "/candidates"):
        tried += cora.attack(path)
    assert MARK not in cora.client.get(f"/studies/{study_id}").text
    assert "&lt;script&gt;alert" in cora.client.get(f"/studies/{study_id}").text
    tried += cora.attack("/password")
    admin = Browser(app, "max")
    tried += admin.attack("/audit") + admin.attack("/people")
    page = Browser(app, "max").client.get("/audit").text
    assert MARK not in page
    assert tried > 150
    assert count_of_studies(station) == before
    with station.database.reading() as session:
        assert first_fault(audit.chain(session)) is None


def test_every_text_of_the_api(station: Station, app: TestClient) -> None:
    """Each string of each body, parameter and path of the description, by whoever may do most."""
    client = app
    read_study(station, 1)
    headers = {}
    with station.database.writing() as session:
        for name, role in PEOPLE.items():
            account = session.scalars(select(Account).where(Account.name == name)).one()
            key = accounts.create_key(session, station.clock(), account, ALLOWED[role], days=1)
            headers[role] = {"Authorization": f"Bearer {key}"}
    described = client.get("/api/v1/openapi.json", headers=headers[Role.ADMIN]).json()
    ids = {"study_id": study_of(station), "task_id": task_of(station, "rita").rsplit("/", 1)[1],
           "account_id": "1", "key_id": "0" * 12, "name": "s0_sagittal_1_bone.png"}  # fmt: skip
    tried = 0
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            for request in requests_of(described, path, operation, ids):
                for role in (Role.COORDINATOR, Role.ADMIN, Role.READER):
                    answer = client.request(method, headers=headers[role], **request)
                    assert answer.status_code < 500, (method, request)
                    if "json" not in answer.headers.get("content-type", ""):
                        assert MARK not in answer.text
                    tried += 1
    assert tried > 150


def requests_of(
    described: dict[str, Any], path: str, operation: dict[str, Any], ids: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """Requests with one payload in one place each."""
    names = [one["name"] for one in operation.get("parameters", [])]
    url = path.format(**ids)
    for payload in (*PAYLOADS, "\ud800"):
        for name in names:
            if f"{{{name}}}" not in path and "\ud800" not in payload:
                yield {"url": url, "params": {name: payload}}
        if "{" in path and "\ud800" not in payload:
            yield {"url": path.format(**{name: quote(payload, safe="") for name in ids})}
        for body in bodies_of(described, operation, payload):
            content = json.dumps(body).encode()
            yield {"url": url, "content": content}


def bodies_of(described: dict[str, Any], operation: dict[str, Any], payload: str) -> Iterator[dict[str, Any]]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return
    schema = described["components"]["schemas"][content["schema"]["$ref"].rsplit("/", 1)[1]]
    for name in schema["properties"]:
        yield {**known_body(schema), name: payload}
    if "answer" in schema["properties"]:
        for name in ("comment", "change_reason"):
            yield {"answer": {"vertebrae": [], name: payload}}
        said = {"vertebra": L1, "decision": "confirmed", "grade": 3, "shape": "wedge", "comment": payload}
        yield {"answer": {"vertebrae": [said]}}
    if "fields" in schema["properties"]:
        yield {"fields": {"suitability": "suitable", "comment": payload}}


def known_body(schema: dict[str, Any]) -> dict[str, Any]:
    """Something for each field that must be there."""
    samples = {"text": "no fracture", "name": "nora", "roles": ["reader"], "scopes": ["read"], "days": 1,
               "old": "x", "new": "y", "is_active": True, "answer": {"vertebrae": []},
               "fields": {"suitability": "suitable"}}  # fmt: skip
    return {name: samples[name] for name in schema.get("required", [])}


def answer_in_truth(station: Station, app: TestClient, name: str, decision: str) -> None:
    path = task_of(station, name)
    browser = Browser(app, name)
    form = next(one for one in Forms(browser.client.get(path).text).found if one.action == path)
    values: dict[str, Any] = {**form.fields, f"v{L1}_decision": decision}
    if decision == "confirmed":
        values |= {f"v{L1}_grade": "3", f"v{L1}_shape": "wedge"}
    else:
        values |= {f"v{L1}_reason": "scoliosis"}
    if "change_reason" in form.names:
        values["change_reason"] = "to go on"
    assert browser.client.post(path, data=values).status_code == 303


def task_of(station: Station, name: str | None) -> str:
    with station.database.reading() as session:
        statement = select(Reading.reading_id)
        if name is None:
            statement = statement.where(Reading.account_id.is_(None))
        else:
            statement = statement.join(Account, Account.account_id == Reading.account_id)
            statement = statement.where(Account.name == name)
        return f"/tasks/{session.scalars(statement).first()}"


def study_of(station: Station) -> str:
    with station.database.reading() as session:
        return session.scalars(select(Study.study_id)).first() or ""


def count_of_studies(station: Station) -> int:
    with station.database.reading() as session:
        return len(session.scalars(select(Study.study_id)).all())
