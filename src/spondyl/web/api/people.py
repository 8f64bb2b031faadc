"""Accounts, keys of programs, and the audit."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi import Path as PathParameter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from spondyl.adapters.station import accounts, audit
from spondyl.adapters.station.accounts import AccountError
from spondyl.adapters.station.tables import Account, ApiKey
from spondyl.domain.finding import NOT_FOR_DIAGNOSIS
from spondyl.web.access import StationNow
from spondyl.web.api.common import PREFIX, REFUSED, TAGS, Admin, Anybody
from spondyl.web.pages_people import known_account
from spondyl.worklist.audit import first_fault
from spondyl.worklist.roles import Permission, Role

AccountId = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]
_MOST_ENTRIES = 1000

router = APIRouter(prefix=PREFIX, tags=TAGS)


class AccountIn(BaseModel):
    """A new account."""

    name: str = Field(min_length=1, max_length=64)
    roles: list[Role] = Field(min_length=1, max_length=6)
    password: str | None = Field(default=None, max_length=200)

    model_config = ConfigDict(extra="forbid")


class AccountOut(BaseModel):
    """An account."""

    account_id: int
    name: str
    pseudonym: str
    roles: list[str]
    is_active: bool


class KeyIn(BaseModel):
    """A key that is wanted."""

    scopes: list[Permission] = Field(min_length=1, max_length=20)
    days: int = Field(ge=1, le=366)

    model_config = ConfigDict(extra="forbid")


class RolesIn(BaseModel):
    """The roles that an account shall have."""

    roles: list[Role] = Field(min_length=1, max_length=6)

    model_config = ConfigDict(extra="forbid")


class ActiveIn(BaseModel):
    """Whether an account is open."""

    is_active: bool

    model_config = ConfigDict(extra="forbid")


class PasswordIn(BaseModel):
    """One's own password, old and new."""

    old: str = Field(max_length=200)
    new: str = Field(max_length=200)

    model_config = ConfigDict(extra="forbid")


class PasswordOut(BaseModel):
    """A first password, shown this once."""

    password: str


class KeyAbout(BaseModel):
    """What may be told of a key."""

    key_id: str
    account_id: int
    scopes: list[str]
    expires_at: datetime
    is_revoked: bool


class EntryOut(BaseModel):
    """An entry of the audit."""

    number: int
    at: str
    actor: str
    action: str
    subject: str
    detail: str
    own_hash: str


class KeyOut(BaseModel):
    """A key, shown this once."""

    key: str


@router.get("/me", responses=REFUSED)
def me(visitor: Anybody) -> dict[str, Any]:
    """Who this key belongs to, and what it allows."""
    return {
        "name": visitor.name,
        "pseudonym": visitor.pseudonym,
        "permissions": sorted(visitor.permissions),
        "notice": NOT_FOR_DIAGNOSIS,
    }


@router.post("/me/password", responses=REFUSED)
def own_password(
    request: Request, station: StationNow, visitor: Anybody, given: PasswordIn
) -> dict[str, bool]:
    """Change one's own password; every browser of this account is logged out."""
    address = request.client.host if request.client else ""
    try:
        with station.database.writing() as session:
            account = accounts.log_in(session, station, visitor.name, given.old, address)
            if account is not None:
                accounts.set_password(session, account, given.new)
                audit.record(session, station.clock(), visitor.name, "password.changed")
    except AccountError as error:
        raise HTTPException(422, str(error)) from error
    if account is None:
        raise HTTPException(403, "the old password is wrong, or the account is locked for a while")
    return {"changed": True}


@router.get("/accounts", responses=REFUSED)
def list_accounts(station: StationNow, _visitor: Admin) -> list[AccountOut]:
    """Every account."""
    with station.database.reading() as session:
        return [_account(account) for account in session.scalars(select(Account).order_by(Account.name))]


@router.post("/accounts", status_code=201, responses=REFUSED)
def add_account(station: StationNow, visitor: Admin, wanted: AccountIn) -> AccountOut:
    """Add an account; its password is to be changed at the first log-in."""
    try:
        with station.database.writing() as session:
            account = accounts.create_account(
                session,
                station.clock(),
                name=wanted.name,
                roles=wanted.roles,
                password=wanted.password,
                must_change_password=wanted.password is not None,
            )
            audit.record(session, station.clock(), visitor.name, "account.created", wanted.name)
            return _account(account)
    except AccountError as error:
        raise HTTPException(422, str(error)) from error


@router.put("/accounts/{account_id}/roles", responses=REFUSED)
def change_roles(station: StationNow, visitor: Admin, account_id: AccountId, wanted: RolesIn) -> AccountOut:
    """Change what an account may do."""
    try:
        with station.database.writing() as session:
            account = known_account(session, account_id)
            accounts.set_roles(session, account, wanted.roles)
            audit.record(session, station.clock(), visitor.name, "account.roles", account.name)
            return _account(account)
    except AccountError as error:
        raise HTTPException(422, str(error)) from error


@router.put("/accounts/{account_id}/active", responses=REFUSED)
def open_or_close(station: StationNow, visitor: Admin, account_id: AccountId, wanted: ActiveIn) -> AccountOut:
    """Close an account, or open it again. Nobody closes his own."""
    if account_id == visitor.account_id:
        raise HTTPException(409, "nobody closes his own account; ask another administrator")
    with station.database.writing() as session:
        account = known_account(session, account_id)
        accounts.set_active(session, account, is_active=wanted.is_active)
        action = "account.opened" if wanted.is_active else "account.closed"
        audit.record(session, station.clock(), visitor.name, action, account.name)
        return _account(account)


@router.post("/accounts/{account_id}/password", responses=REFUSED)
def new_password(station: StationNow, visitor: Admin, account_id: AccountId) -> PasswordOut:
    """A new first password for somebody who forgot his, shown this once."""
    password = secrets.token_urlsafe(12)
    with station.database.writing() as session:
        account = known_account(session, account_id)
        accounts.set_password(session, account, password)
        account.must_change_password = True
        audit.record(session, station.clock(), visitor.name, "password.reset", account.name)
    return PasswordOut(password=password)


@router.post("/accounts/{account_id}/keys", status_code=201, responses=REFUSED)
def add_key(
    station: StationNow,
    visitor: Admin,
    account_id: AccountId,
    wanted: KeyIn,
) -> KeyOut:
    """A key of an account, shown this once."""
    try:
        with station.database.writing() as session:
            account = known_account(session, account_id)
            key = accounts.create_key(session, station.clock(), account, wanted.scopes, wanted.days)
            audit.record(session, station.clock(), visitor.name, "key.created", account.name)
            return KeyOut(key=key)
    except AccountError as error:
        raise HTTPException(422, str(error)) from error


@router.get("/keys", responses=REFUSED)
def list_keys(station: StationNow, _visitor: Admin) -> list[KeyAbout]:
    """Every key, without its secret."""
    with station.database.reading() as session:
        return [
            KeyAbout(
                key_id=key.key_id,
                account_id=key.account_id,
                scopes=key.scopes.split(),
                expires_at=key.expires_at,
                is_revoked=key.revoked_at is not None,
            )
            for key in session.scalars(select(ApiKey).order_by(ApiKey.created_at.desc()))
        ]


@router.delete("/keys/{key_id}", responses=REFUSED)
def revoke_key(
    station: StationNow, visitor: Admin, key_id: Annotated[str, PathParameter(pattern=r"^[0-9a-f]{12}$")]
) -> dict[str, bool]:
    """Make a key worthless at once."""
    with station.database.writing() as session:
        key = session.get(ApiKey, key_id)
        if key is None:
            raise HTTPException(404, "there is no such key")
        key.revoked_at = station.clock()
        audit.record(session, station.clock(), visitor.name, "key.revoked", key_id)
    return {"revoked": True}


@router.get("/audit", responses=REFUSED)
def latest_entries(
    station: StationNow, _visitor: Admin, count: Annotated[int, Query(ge=1, le=_MOST_ENTRIES)] = 100
) -> list[EntryOut]:
    """The newest entries of the audit, the newest first."""
    with station.database.reading() as session:
        return [
            EntryOut(
                number=entry.number,
                at=entry.at,
                actor=entry.actor,
                action=entry.action,
                subject=entry.subject,
                detail=entry.detail,
                own_hash=entry.own_hash,
            )
            for entry in audit.latest(session, count)
        ]


@router.get("/audit/verify", responses=REFUSED)
def verify_audit(station: StationNow, _visitor: Admin) -> dict[str, Any]:
    """Verify the whole audit chain."""
    with station.database.reading() as session:
        fault = first_fault(audit.chain(session))
        last = audit.latest(session, 1)
    return {
        "holds": fault is None,
        "fault": None if fault is None else f"entry {fault.number}: {fault.text}",
        "entries": last[0].number if last else 0,
        "last_hash": last[0].own_hash if last else None,
    }


def _account(account: Account) -> AccountOut:
    return AccountOut(
        account_id=account.account_id,
        name=account.name,
        pseudonym=account.pseudonym,
        roles=account.roles.split(),
        is_active=account.is_active,
    )
