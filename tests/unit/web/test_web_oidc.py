"""Log-in by a provider: a made one over HTTP, and what it might get wrong or somebody might forge."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import select

from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.settings import OidcSettings
from spondyl.adapters.station.tables import Account
from spondyl.web.app import create_app
from spondyl.worklist.roles import Role
from station_made import Clock, made_station


class Provider:
    """A provider with one person, whose claims and key can be changed."""

    def __init__(self, key: RSAKey) -> None:
        self.key = self.signing_key = key
        self.claims: dict[str, Any] = {"sub": "u-1", "preferred_username": "nora", "groups": ["radiology"]}
        self.asked: dict[str, str] = {}
        self.token_request: dict[str, list[str]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.endswith("/jwks"):
                    self._say({"keys": [provider.key.as_dict(private=False)]})
                else:
                    base = provider.issuer
                    self._say({"issuer": base, "authorization_endpoint": f"{base}/authorize",
                               "token_endpoint": f"{base}/token", "jwks_uri": f"{base}/jwks"})  # fmt: skip

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                provider.token_request = parse_qs(body.decode())
                self._say({"id_token": provider.id_token(), "token_type": "Bearer", "access_token": "x"})

            def _say(self, content: dict[str, Any]) -> None:
                body = json.dumps(content).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def id_token(self) -> str:
        now = int(time.time())  # noqa: TID251 - the library that checks it has no other clock
        claims = {"iss": self.issuer, "aud": "spondyl", "iat": now, "exp": now + 300,
                  "nonce": self.asked["nonce"], **self.claims}  # fmt: skip
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.signing_key)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def keys() -> tuple[RSAKey, RSAKey]:
    first, second = (RSAKey.generate_key(2048, {"kid": "one"}) for _ in range(2))
    return first, second


@pytest.fixture
def provider(keys: tuple[RSAKey, RSAKey]) -> Iterator[Provider]:
    made = Provider(keys[0])
    yield made
    made.close()


@pytest.fixture
def station(provider: Provider, tmp_path: Path) -> Station:
    (tmp_path / "secret").write_text("s3cret\n")
    oidc = OidcSettings(
        issuer=provider.issuer,
        client_id="spondyl",
        client_secret_file=tmp_path / "secret",
        role_of_group={"radiology": Role.READER, "office": Role.COORDINATOR},
    )
    return made_station(tmp_path / "station", Clock(), oidc=oidc)


def begin(station: Station, provider: Provider) -> TestClient:
    """A browser that was sent to the provider and has logged in there."""
    client = TestClient(create_app(station, lambda study_id: None), follow_redirects=False)
    answer = client.get("/oidc/start")
    assert answer.status_code == 303
    provider.asked = {
        name: value[0] for name, value in parse_qs(urlsplit(answer.headers["location"]).query).items()
    }
    return client


def come_back(client: TestClient, provider: Provider, state: str | None = None) -> int:
    state = provider.asked["state"] if state is None else state
    return client.get("/oidc/callback", params={"state": state, "code": "c"}).status_code


def test_a_person_comes_in_with_the_roles_of_the_groups(station: Station, provider: Provider) -> None:
    client = begin(station, provider)
    assert provider.asked["code_challenge_method"] == "S256"
    assert come_back(client, provider) == 303
    assert client.get("/reading").status_code == 200
    assert client.get("/studies").status_code == 403
    verifier = provider.token_request["code_verifier"][0]
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert digest == provider.asked["code_challenge"]

    provider.claims["groups"] = ["office"]  # moved to another group: another role, the same account
    client = begin(station, provider)
    assert come_back(client, provider) == 303
    assert client.get("/studies").status_code == 200
    assert client.get("/reading").status_code == 403
    with station.database.reading() as session:
        assert len(session.scalars(select(Account).where(Account.oidc_subject.is_not(None))).all()) == 1


@pytest.mark.parametrize(
    "claims",
    [
        {"groups": ["kitchen"]},
        {"groups": None},
        {"aud": "another-program"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"nonce": "replayed"},
    ],
)
def test_what_the_provider_may_not_say(station: Station, provider: Provider, claims: dict[str, Any]) -> None:
    client = begin(station, provider)
    provider.claims.update(claims)
    assert come_back(client, provider) == 403
    assert client.get("/reading").status_code == 303


def test_a_name_that_is_taken_gives_nobody_its_account(station: Station, provider: Provider) -> None:
    client = begin(station, provider)
    provider.claims["preferred_username"] = "max"  # the local administrator
    assert come_back(client, provider) == 403
    assert client.get("/people").status_code == 303


def test_a_forged_signature_is_not_believed(
    station: Station, provider: Provider, keys: tuple[RSAKey, RSAKey]
) -> None:
    client = begin(station, provider)
    provider.signing_key = keys[1]
    assert come_back(client, provider) == 403


def test_a_log_in_that_was_not_begun_here_is_refused(station: Station, provider: Provider) -> None:
    assert come_back(begin(station, provider), provider, state="another") == 403
    begin(station, provider)
    fresh = TestClient(create_app(station, lambda study_id: None), follow_redirects=False)
    assert come_back(fresh, provider) == 403


def test_a_closed_account_stays_closed(station: Station, provider: Provider) -> None:
    assert come_back(begin(station, provider), provider) == 303
    with station.database.writing() as session:
        session.scalars(select(Account).where(Account.name == "nora")).one().is_active = False
    assert come_back(begin(station, provider), provider) == 403


def test_a_provider_that_is_away_is_said_so(station: Station, provider: Provider) -> None:
    provider.close()
    client = TestClient(create_app(station, lambda study_id: None), follow_redirects=False)
    assert client.get("/oidc/start").status_code == 503
