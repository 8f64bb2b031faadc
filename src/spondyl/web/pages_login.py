"""Logging in and out, and one's own password."""

from __future__ import annotations

import hmac
import secrets
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from spondyl.adapters.station import accounts, audit
from spondyl.adapters.station.accounts import AccountError, Visitor
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.tables import Account
from spondyl.web.access import CSRF_FIELD, Public, StationNow, cookie_name, needs, refuse_other_site
from spondyl.web.forms import FormFields
from spondyl.web.rendering import page
from spondyl.worklist.roles import Permission

router = APIRouter(include_in_schema=False)
Anybody = Annotated[Visitor, Depends(needs())]

_LOGIN_COOKIE = "spondyl_login"
_LOGIN_SECONDS = 3600

# where a person begins, by what he may do; the first that fits
_HOME = (
    (Permission.READ, "/reading"),
    (Permission.COORDINATE, "/studies"),
    (Permission.ADJUDICATE, "/adjudication"),
    (Permission.INTERVENE, "/review"),
    (Permission.ADMINISTER, "/people"),
    (Permission.SEE_STUDIES, "/studies"),
)


def local(request: Request, path: str) -> RedirectResponse:
    """Go to a page of ours; after a form, so that loading again sends nothing twice."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}{path}", status_code=303)


def home_of(visitor: Visitor) -> str:
    """The first page of this person."""
    return next((path for permission, path in _HOME if permission in visitor.permissions), "/password")


@router.get("/")
def home(request: Request, visitor: Anybody) -> RedirectResponse:
    """To the page where this person works."""
    return local(request, home_of(visitor))


@router.get("/login", dependencies=[Depends(Public())])
def login_form(request: Request, station: StationNow, after: str = "/") -> Response:
    """The form. Its token is in a cookie too, so that another site cannot log anybody in."""
    return _form(request, station, after, "")


@router.post("/login", dependencies=[Depends(Public()), Depends(refuse_other_site)])
def log_in(request: Request, station: StationNow, form: FormFields) -> Response:
    """Check name and password; a right one gets a new session in place of the browser's old one."""
    kept, after = request.cookies.get(_LOGIN_COOKIE, ""), form.one("after") or "/"
    if not kept or not hmac.compare_digest(form.one(CSRF_FIELD).encode(), kept.encode()):
        return _form(request, station, after, "The page was out of date. Please try again.", 403)
    token = ""
    password = (form.values.get("password") or ("",))[0]
    with station.database.writing() as session:
        address = request.client.host if request.client else ""
        account = accounts.log_in(session, station, form.one("name")[:64], password, address)
        if account is None:
            audit.record(session, station.clock(), "nobody", "login.refused")
        else:
            token = start_session(session, station, account, request)
    if not token:
        text = "Name or password is wrong, or the account is locked for a while."
        return _form(request, station, after, text, 401)
    return with_session(local(request, _safe(after)), station, token)


def start_session(session: Session, station: Station, account: Account, request: Request) -> str:
    """A new session in place of the browser's old one; gives its token."""
    old = request.cookies.get(cookie_name(station))
    if old:
        accounts.close_session(session, old)
    opened = accounts.open_session(session, account, station.clock())
    audit.record(session, station.clock(), account.name, "login")
    return opened.token


def with_session(answer: RedirectResponse, station: Station, token: str) -> RedirectResponse:
    """The answer with the session's cookie."""
    answer.set_cookie(
        cookie_name(station),
        token,
        max_age=station.settings.session_hours * 3600,
        httponly=True,
        secure=station.settings.cookies_are_secure,
        samesite="lax",
        path="/",
    )
    answer.delete_cookie(_LOGIN_COOKIE)
    return answer


@router.post("/logout")
def log_out(request: Request, station: StationNow, visitor: Anybody) -> RedirectResponse:
    """End this browser's session."""
    token = request.cookies.get(cookie_name(station))
    with station.database.writing() as session:
        if token:
            accounts.close_session(session, token)
        audit.record(session, station.clock(), visitor.name, "logout")
    answer = local(request, "/login")
    answer.delete_cookie(cookie_name(station), path="/")
    return answer


@router.get("/password")
def password_form(request: Request, visitor: Anybody) -> Response:
    """The form for one's own password."""
    return page(request, "password.html", visitor, {"problem": ""})


@router.post("/password")
def change_password(request: Request, station: StationNow, visitor: Anybody, form: FormFields) -> Response:
    """Change it, if the old one is right; every browser of this person is logged out."""
    address = request.client.host if request.client else ""
    problem = ""
    with station.database.writing() as session:
        old = (form.values.get("old") or ("",))[0]
        account = accounts.log_in(session, station, visitor.name, old, address)
        if account is None:
            problem = "The old password is wrong, or the account is locked for a while."
        else:
            try:
                accounts.set_password(session, account, (form.values.get("new") or ("",))[0])
                audit.record(session, station.clock(), visitor.name, "password.changed")
            except AccountError as error:
                problem = f"{error}."
    if problem:
        return page(request, "password.html", visitor, {"problem": problem}, 400)
    return local(request, "/login")


def _form(request: Request, station: Station, after: str, problem: str, status_code: int = 200) -> Response:
    token = secrets.token_urlsafe(24)
    context = {
        "after": _safe(after),
        "problem": problem,
        "login_token": token,
        "has_oidc": station.settings.oidc is not None,
    }
    answer = page(request, "login.html", None, context, status_code)
    answer.set_cookie(
        _LOGIN_COOKIE,
        token,
        max_age=_LOGIN_SECONDS,
        httponly=True,
        secure=station.settings.cookies_are_secure,
        samesite="strict",
    )
    return answer


def _safe(path: str) -> str:
    """A path of ours, whatever was asked for."""
    parts = urlsplit(path)
    is_ours = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if is_ours and not parts.netloc and not parts.scheme else "/"
