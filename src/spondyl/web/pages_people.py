"""The administrator's pages: accounts, keys of programs, and the audit."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from spondyl.adapters.station import accounts, audit
from spondyl.adapters.station.accounts import AccountError, Visitor
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.tables import Account, ApiKey
from spondyl.web.access import StationNow, needs
from spondyl.web.forms import FormFields
from spondyl.web.pages_login import local
from spondyl.web.rendering import page
from spondyl.worklist.audit import first_fault
from spondyl.worklist.roles import Permission, Role

router = APIRouter(include_in_schema=False)
Admin = Annotated[Visitor, Depends(needs(Permission.ADMINISTER))]
_AUDIT_SHOWN = 200
_MOST_ACCOUNT = 2**31 - 1


@router.get("/people")
def people(request: Request, station: StationNow, visitor: Admin) -> Response:
    """Every account and every key."""
    return _people(request, station, visitor)


@router.post("/people")
def add_account(request: Request, station: StationNow, visitor: Admin, form: FormFields) -> Response:
    """Add an account; its first password is shown this once."""
    password = secrets.token_urlsafe(12)
    try:
        with station.database.writing() as session:
            account = accounts.create_account(
                session,
                station.clock(),
                name=form.one("name"),
                roles=roles_of(form.all("roles")),
                password=password,
                must_change_password=True,
            )
            _tell(session, station, visitor, "account.created", account)
    except AccountError as error:
        return _people(request, station, visitor, problem=f"{error}.", status_code=422)
    told = f"First password of {account.name} (to be changed at the first log-in): {password}"
    return _people(request, station, visitor, told=told)


@router.post("/people/{account_id}/roles")
def change_roles(
    request: Request, station: StationNow, visitor: Admin, account_id: int, form: FormFields
) -> Response:
    """Change what an account may do."""
    try:
        with station.database.writing() as session:
            account = known_account(session, account_id)
            accounts.set_roles(session, account, roles_of(form.all("roles")))
            _tell(session, station, visitor, "account.roles", account)
    except AccountError as error:
        return _people(request, station, visitor, problem=f"{error}.", status_code=422)
    return local(request, "/people")


@router.post("/people/{account_id}/active")
def open_or_close(
    request: Request, station: StationNow, visitor: Admin, account_id: int, form: FormFields
) -> Response:
    """Close an account, or open it again. Nobody closes his own."""
    with station.database.writing() as session:
        account = known_account(session, account_id)
        if account.account_id == visitor.account_id:
            raise HTTPException(409, "nobody closes his own account; ask another administrator")
        accounts.set_active(session, account, is_active=form.one("active") == "yes")
        _tell(session, station, visitor, "account.opened" if account.is_active else "account.closed", account)
    return local(request, "/people")


@router.post("/people/{account_id}/password")
def new_password(request: Request, station: StationNow, visitor: Admin, account_id: int) -> Response:
    """A new first password for somebody who forgot his."""
    password = secrets.token_urlsafe(12)
    with station.database.writing() as session:
        account = known_account(session, account_id)
        accounts.set_password(session, account, password)
        account.must_change_password = True
        _tell(session, station, visitor, "password.reset", account)
    told = f"New password of {account.name} (to be changed at the first log-in): {password}"
    return _people(request, station, visitor, told=told)


@router.post("/people/{account_id}/keys")
def add_key(
    request: Request, station: StationNow, visitor: Admin, account_id: int, form: FormFields
) -> Response:
    """A key for a program, shown this once."""
    try:
        with station.database.writing() as session:
            account = known_account(session, account_id)
            days = int(form.one("days")) if form.one("days").isdecimal() else 0
            scopes = [Permission(x) for x in form.all("scopes") if x in set(Permission)]
            key = accounts.create_key(session, station.clock(), account, scopes, days)
            _tell(session, station, visitor, "key.created", account)
    except AccountError as error:
        return _people(request, station, visitor, problem=f"{error}.", status_code=422)
    return _people(request, station, visitor, told=f"Key of {account.name}, shown this once: {key}")


@router.post("/keys/{key_id}/revoke")
def revoke_key(request: Request, station: StationNow, visitor: Admin, key_id: str) -> Response:
    """Make a key worthless at once."""
    with station.database.writing() as session:
        key = session.get(ApiKey, key_id)
        if key is None:
            raise HTTPException(404, "there is no such key")
        key.revoked_at = station.clock()
        audit.record(session, station.clock(), visitor.name, "key.revoked", key_id)
    return local(request, "/people")


@router.get("/audit")
def show_audit(request: Request, station: StationNow, visitor: Admin, verify: bool = False) -> Response:
    """The newest entries; on request the whole chain is verified."""
    with station.database.reading() as session:
        entries = audit.latest(session, _AUDIT_SHOWN)
        fault = first_fault(audit.chain(session)) if verify else None
    context = {"entries": entries, "is_verified": verify, "fault": fault}
    return page(request, "audit.html", visitor, context)


def roles_of(names: tuple[str, ...]) -> list[Role]:
    """The roles that these words name; others are left out."""
    return [Role(name) for name in names if name in set(Role)]


def known_account(session: Session, account_id: int) -> Account:
    """The account, or an answer 404."""
    account = session.get(Account, account_id) if 0 < account_id <= _MOST_ACCOUNT else None
    if account is None:
        raise HTTPException(404, "there is no such account")
    return account


def _tell(session: Session, station: Station, visitor: Visitor, action: str, account: Account) -> None:
    audit.record(session, station.clock(), visitor.name, action, account.name, roles=account.roles)


def _people(
    request: Request,
    station: Station,
    visitor: Visitor,
    *,
    told: str = "",
    problem: str = "",
    status_code: int = 200,
) -> Response:
    with station.database.reading() as session:
        people = list(session.scalars(select(Account).order_by(Account.name)))
        keys = list(session.scalars(select(ApiKey).order_by(ApiKey.created_at.desc())))
    context = {
        "accounts": people,
        "keys": keys,
        "names": {account.account_id: account.name for account in people},
        "roles": list(Role),
        "scopes": list(Permission),
        "now": station.clock(),
        "told": told,
        "problem": problem,
    }
    return page(request, "people.html", visitor, context, status_code)
