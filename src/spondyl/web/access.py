"""Who asks, and whether he may: one dependency that every route has, and the route matrix is made of."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import select

from spondyl.adapters.station import accounts
from spondyl.adapters.station.accounts import Visitor
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.tables import Account
from spondyl.worklist.roles import Permission

CSRF_FIELD, CSRF_HEADER = "csrf_token", "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_NOTED_EVERY_S = 60.0
# where a person goes whose password was set by somebody else
_OPEN_WITH_OLD_PASSWORD = frozenset({"/password", "/logout"})


class LogInNeededError(Exception):
    """A page was asked for by nobody that we know: the answer is the log-in page."""


class NewPasswordNeededError(Exception):
    """The password was set by somebody else: the answer is the page to change it."""


def cookie_name(station: Station) -> str:
    """The session cookie; over HTTPS with the prefix that keeps other hosts from setting it."""
    return "__Host-spondyl" if station.settings.cookies_are_secure else "spondyl"


def get_station(request: Request) -> Station:
    """The station that this application serves."""
    station: Station = request.app.state.station
    return station


StationNow = Annotated[Station, Depends(get_station)]


@dataclass(frozen=True, slots=True)
class Public:
    """A route that anybody may ask, logged in or not; it says so itself."""

    async def __call__(self) -> None:
        """Let everybody in."""


@dataclass(frozen=True, slots=True)
class Needs:
    """A route for those who are logged in and have one of the permissions; none named: any of them.

    A browser must show its session's token with everything that changes something, so that a page of
    another site cannot act for it. A program with a key sends no cookie and needs none.
    """

    permissions: frozenset[Permission] = frozenset()

    async def __call__(self, request: Request) -> Visitor:
        """The visitor, or an answer 401, 403, or the log-in page."""
        visitor = await run_in_threadpool(_visitor, request)
        if visitor is None:
            if request.url.path.startswith(f"{request.scope.get('root_path', '')}/api/"):
                raise HTTPException(401, "log in, or send a key: Authorization: Bearer spondyl_…")
            raise LogInNeededError
        if visitor.must_change_password and _path(request) not in _OPEN_WITH_OLD_PASSWORD:
            raise NewPasswordNeededError
        if self.permissions and not self.permissions & visitor.permissions:
            raise HTTPException(403, "your account may not do this")
        if request.method not in SAFE_METHODS and visitor.csrf_token is not None:
            await _check_csrf(request, visitor.csrf_token)
        return visitor


def needs(*permissions: Permission) -> Needs:
    """Short form for the routes."""
    return Needs(frozenset(permissions))


def refuse_other_site(request: Request) -> None:
    """Refuse what another site's page sends.

    Raises:
        HTTPException: 403.
    """
    origin = request.headers.get("origin")
    if request.headers.get("sec-fetch-site") == "cross-site":
        raise HTTPException(403, "this request came from another site")
    if origin and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise HTTPException(403, "this request came from another site")


async def _check_csrf(request: Request, expected: str) -> None:
    refuse_other_site(request)
    given = request.headers.get(CSRF_HEADER)
    if given is None and request.headers.get("content-type", "").startswith(_FORMS):
        value = (await request.form()).get(CSRF_FIELD)
        given = value if isinstance(value, str) else None
    if given is None or not hmac.compare_digest(given.encode(), expected.encode()):
        raise HTTPException(403, "the page is out of date: open it again and repeat what you did")


def _path(request: Request) -> str:
    return request.url.path.removeprefix(str(request.scope.get("root_path", "")))


def _visitor(request: Request) -> Visitor | None:
    station = get_station(request)
    authorization = request.headers.get("authorization", "")
    if authorization:
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        with station.database.reading() as session:
            return accounts.visitor_of_key(session, key.strip(), station.clock())
    token = request.cookies.get(cookie_name(station))
    if token:
        return _by_cookie(station, token)
    return _by_proxy(station, request)


def _by_cookie(station: Station, token: str) -> Visitor | None:
    with station.database.reading() as session:
        visitor = accounts.visitor_of_session(session, station, token)
        silent_s = accounts.seconds_since_seen(session, token, station.clock())
    if visitor is not None and silent_s is not None and silent_s > _NOTED_EVERY_S:
        with station.database.writing() as session:
            accounts.touch_session(session, token, station.clock())
    return visitor


def _by_proxy(station: Station, request: Request) -> Visitor | None:
    """The person whom a listed proxy names; a header from any other address is not looked at."""
    proxy = station.settings.proxy
    if proxy is None or request.client is None or request.client.host not in proxy.addresses:
        return None
    name = request.headers.get(proxy.user_header)
    if not name:
        return None
    with station.database.reading() as session:
        account = session.scalar(select(Account).where(Account.name == name, Account.is_active))
    if account is None:
        return None
    day = station.clock().date().isoformat()
    return accounts.as_visitor(account, station.pseudonym("csrf", f"{name}|{day}"))
