"""Log-in by the hospital's own provider: OpenID Connect, authorization code with PKCE, by discovery."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any
from urllib.parse import urlencode

import httpx2
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import select

from spondyl.adapters.station import accounts, audit
from spondyl.adapters.station.accounts import AccountError
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.settings import OidcSettings
from spondyl.adapters.station.tables import Account
from spondyl.web.access import Public, StationNow
from spondyl.web.pages_login import local, start_session, with_session

router = APIRouter(include_in_schema=False)
_COOKIE, _COOKIE_SECONDS = "spondyl_oidc", 600
_TIMEOUT_S = 10.0
_LEEWAY_S = 60  # clocks of two machines differ by less
_ALGORITHMS = ["RS256", "ES256", "PS256"]


@router.get("/oidc/start", dependencies=[Depends(Public())])
def start(request: Request, station: StationNow) -> Response:
    """Send the browser to the provider."""
    oidc = _settings(station)
    told = _discovered(oidc)
    state, verifier, nonce = (secrets.token_urlsafe(48) for _ in range(3))
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": oidc.client_id,
        "redirect_uri": str(request.url_for("callback")),
        "scope": "openid profile",
        "state": state,
        "nonce": nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    address = f"{told['authorization_endpoint']}?{urlencode(asked)}"
    answer = RedirectResponse(address, status_code=303)
    answer.set_cookie(
        _COOKIE,
        json.dumps({"state": state, "verifier": verifier, "nonce": nonce}),
        max_age=_COOKIE_SECONDS,
        httponly=True,
        secure=station.settings.cookies_are_secure,
        samesite="lax",
    )
    return answer


@router.get("/oidc/callback", dependencies=[Depends(Public())])
def callback(request: Request, station: StationNow, state: str = "", code: str = "") -> Response:
    """The browser comes back with a code: check the person, find or make the account, log in."""
    oidc = _settings(station)
    kept = _kept(request)
    if not state or not hmac.compare_digest(state.encode(), kept["state"].encode()):
        raise HTTPException(403, "this log-in was not begun here; begin again")
    claims = _claims(oidc, request, code, kept)
    roles = {
        oidc.role_of_group[group]
        for group in _groups(claims.get(oidc.groups_claim))
        if group in oidc.role_of_group
    }
    subject = f"{oidc.issuer}|{claims['sub']}"[:255]
    name = str(claims.get("preferred_username") or claims["sub"])[:64]
    try:
        with station.database.writing() as session:
            account = session.scalar(select(Account).where(Account.oidc_subject == subject))
            if account is None:
                account = accounts.create_account(
                    session,
                    station.clock(),
                    name=name,
                    roles=sorted(roles),
                    password=None,
                    oidc_subject=subject,
                )
                audit.record(session, station.clock(), "oidc", "account.created", name)
            elif set(account.roles.split()) != {role.value for role in roles}:
                accounts.set_roles(session, account, sorted(roles))
            if not account.is_active:
                raise HTTPException(403, "this account is closed")
            token = start_session(session, station, account, request)
    except AccountError as error:
        raise HTTPException(403, f"the provider knows you, but {error}") from error
    answer = with_session(local(request, "/"), station, token)
    answer.delete_cookie(_COOKIE)
    return answer


def _settings(station: Station) -> OidcSettings:
    if station.settings.oidc is None:
        raise HTTPException(404, "log-in by a provider is not configured here")
    return station.settings.oidc


def _discovered(oidc: OidcSettings) -> dict[str, Any]:
    address = f"{oidc.issuer.rstrip('/')}/.well-known/openid-configuration"
    try:
        told: dict[str, Any] = httpx2.get(address, timeout=_TIMEOUT_S).raise_for_status().json()
    except (httpx2.HTTPError, ValueError) as error:
        raise HTTPException(503, "the log-in provider does not answer") from error
    if told.get("issuer", "").rstrip("/") != oidc.issuer.rstrip("/"):
        raise HTTPException(503, "the log-in provider names itself otherwise than the settings do")
    return told


def _kept(request: Request) -> dict[str, str]:
    try:
        kept = json.loads(request.cookies.get(_COOKIE, ""))
        return {name: str(kept[name]) for name in ("state", "verifier", "nonce")}
    except (ValueError, KeyError, TypeError) as error:
        raise HTTPException(403, "this log-in was not begun here; begin again") from error


def _claims(oidc: OidcSettings, request: Request, code: str, kept: dict[str, str]) -> dict[str, Any]:
    """The claims of the person, with signature, issuer, audience, time and nonce checked."""
    told = _discovered(oidc)
    sent = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": str(request.url_for("callback")),
        "code_verifier": kept["verifier"],
    }
    secret = oidc.client_secret_file.read_text(encoding="utf-8").strip()
    try:
        answered = httpx2.post(
            told["token_endpoint"], data=sent, auth=(oidc.client_id, secret), timeout=_TIMEOUT_S
        )
        id_token = str(answered.raise_for_status().json()["id_token"])
        keys = KeySet.import_key_set(
            httpx2.get(told["jwks_uri"], timeout=_TIMEOUT_S).raise_for_status().json()
        )
        claims = jwt.decode(id_token, keys, algorithms=_ALGORITHMS).claims
        jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": told["issuer"]},
            aud={"essential": True, "value": oidc.client_id},
            exp={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": kept["nonce"]},
        ).validate(claims)
    except (JoseError, httpx2.HTTPError, KeyError, ValueError, TypeError) as error:
        raise HTTPException(403, "the log-in provider's answer cannot be believed; begin again") from error
    return dict(claims)


def _groups(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(group) for group in value] if isinstance(value, list) else []
