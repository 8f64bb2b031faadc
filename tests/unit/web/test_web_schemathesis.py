"""Whatever fits the description of the API, or just not, is answered as described and never with a 5xx."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

from sqlalchemy import select

from spondyl.adapters.station import accounts
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.tables import Account
from spondyl.web.app import create_app
from spondyl.worklist.roles import ALLOWED, Role
from station_made import PEOPLE, Clock, made_station, read_study

pytestmark = pytest.mark.slow
EXAMPLES = 5  # of each operation: what the time of CI allows
ROLES = (Role.COORDINATOR, Role.ADMIN, Role.READER)


def test_no_request_is_answered_with_a_5xx(tmp_path: Path) -> None:
    station = made_station(tmp_path, Clock())
    read_study(station, 1)
    app = create_app(station, lambda study_id: None)
    with TestClient(app) as client:
        keys = keys_of(station)
        schema = schemathesis.openapi.from_dict(
            client.get("/api/v1/openapi.json", headers=keys[Role.COORDINATOR]).json()
        )
        asked, answers = set(), Counter[int]()
        for found in schema.get_all_operations():
            operation = found.ok()
            asked.add((operation.method.upper(), operation.path))

            @given(case=operation.as_strategy())
            @settings(
                max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            def ask(case: Any) -> None:
                for role in ROLES:
                    answer = client.request(**request_of(case, keys[role]))
                    answers[answer.status_code] += 1
                    assert answer.status_code < 500, (role, case.method, case.path, answer.text)

            ask()
    assert len(asked) > 35
    assert answers[200] > 50  # not all of it was refused


def keys_of(station: Station) -> dict[Role, dict[str, str]]:
    """A header with a key for each role."""
    keys = {}
    with station.database.writing() as session:
        for name, role in PEOPLE.items():
            account = session.scalars(select(Account).where(Account.name == name)).one()
            key = accounts.create_key(session, station.clock(), account, ALLOWED[role], days=1)
            keys[role] = {"Authorization": f"Bearer {key}"}
    return keys


def request_of(case: Any, headers: dict[str, str]) -> dict[str, Any]:
    """What schemathesis made, as httpx takes it."""
    made = case.as_transport_kwargs(base_url="http://testserver")
    made = {name: made[name] for name in ("method", "url", "params", "json", "data", "files") if name in made}
    return {**made, "headers": headers}
