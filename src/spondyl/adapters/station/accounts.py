"""Accounts, passwords, browsers that are logged in, and programs' keys."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.tables import Account, ApiKey, LoginFailure, WebSession
from spondyl.worklist.roles import Permission, Role, conflicts, permissions_of

SHORTEST_PASSWORD = 12  # NIST SP 800-63B: length, no rules of composition
LONGEST_PASSWORD = 200
LONGEST_KEY_DAYS = 366
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")
_LETTERS = {
    Role.READER: "R",
    Role.ADJUDICATOR: "A",
    Role.INTERVENTIONAL: "I",
    Role.COORDINATOR: "C",
    Role.ADMIN: "M",
    Role.SERVICE: "S",
}


class AccountError(ValueError):
    """What an account may not be; the message says what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who asks: a person in a browser, or a program with a key.

    csrf_token: of the browser's session; None for a program, which sends no cookie.
    """

    account_id: int
    name: str
    pseudonym: str
    roles: frozenset[Role]
    permissions: frozenset[Permission]
    csrf_token: str | None = None
    must_change_password: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """A fresh session: the token goes into the cookie and is kept nowhere else."""

    token: str
    visitor: Visitor


def create_account(
    session: Session,
    at: datetime,
    *,
    name: str,
    roles: Iterable[Role],
    password: str | None,
    oidc_subject: str | None = None,
    must_change_password: bool = False,
) -> Account:
    """Add an account with a pseudonym of its own.

    Raises:
        AccountError: a name that is taken or not allowed, no role, roles that exclude each other, a short
            password.
    """
    held = tuple(dict.fromkeys(roles))
    _check(name, held, password)
    if session.scalar(select(Account).where(Account.name == name)) is not None:
        raise AccountError(f"there is an account {name!r} already; choose another name")
    account = Account(
        name=name,
        pseudonym=_free_pseudonym(session, held[0]),
        password_hash=None if password is None else _hasher().hash(password),
        roles=" ".join(held),
        is_active=True,
        must_change_password=must_change_password,
        failures=0,
        oidc_subject=oidc_subject,
        created_at=at,
    )
    session.add(account)
    session.flush()
    return account


def set_password(session: Session, account: Account, password: str) -> None:
    """Change a password and log out every browser of this account.

    Raises:
        AccountError: too short or too long.
    """
    _check_password(password)
    account.password_hash = _hasher().hash(password)
    account.must_change_password = False
    account.failures, account.locked_until = 0, None
    session.execute(delete(WebSession).where(WebSession.account_id == account.account_id))


def set_roles(session: Session, account: Account, roles: Iterable[Role]) -> None:
    """Change what an account may do; its browsers are logged out.

    Raises:
        AccountError: no role, or roles that exclude each other.
    """
    held = tuple(dict.fromkeys(roles))
    _check_roles(held)
    account.roles = " ".join(held)
    session.execute(delete(WebSession).where(WebSession.account_id == account.account_id))


def set_active(session: Session, account: Account, *, is_active: bool) -> None:
    """Open or close an account; a closed one is logged out and its keys do nothing."""
    account.is_active = is_active
    account.failures, account.locked_until = 0, None
    session.execute(delete(WebSession).where(WebSession.account_id == account.account_id))


def log_in(session: Session, station: Station, name: str, password: str, address: str) -> Account | None:
    """The account whose password this is, or None. Which of the two was wrong is told to nobody.

    An account is locked after ``most_failures`` wrong passwords, an address after
    ``most_failures_per_address``; both for ``lock_minutes``.
    """
    now = station.clock()
    since = now - timedelta(minutes=station.settings.lock_minutes)
    address_hash = station.pseudonym("address", address)
    failed = session.scalar(
        select(func.count())
        .select_from(LoginFailure)
        .where(LoginFailure.address_hash == address_hash, LoginFailure.at > since)
    )
    account = session.scalar(select(Account).where(Account.name == name))
    is_right = _verify(account, password)  # also where the account is locked: the time tells nothing
    if (failed or 0) >= station.settings.most_failures_per_address:
        return None
    if account is not None and is_right and account.is_active and not _is_locked(account, now):
        account.failures, account.locked_until = 0, None
        return account
    session.execute(delete(LoginFailure).where(LoginFailure.at <= since))
    session.add(LoginFailure(address_hash=address_hash, at=now))
    if account is not None and not _is_locked(account, now):
        account.failures += 1
        if account.failures >= station.settings.most_failures:
            account.locked_until = now + timedelta(minutes=station.settings.lock_minutes)
            account.failures = 0
    return None


def open_session(session: Session, account: Account, at: datetime) -> LoggedIn:
    """A new session with a fresh token: one that was known before the log-in is worth nothing."""
    token = secrets.token_urlsafe(32)
    csrf_token = secrets.token_urlsafe(24)
    session.add(
        WebSession(
            token_hash=_digest(token),
            account_id=account.account_id,
            csrf_token=csrf_token,
            created_at=at,
            last_seen_at=at,
        )
    )
    return LoggedIn(token=token, visitor=as_visitor(account, csrf_token))


def visitor_of_session(session: Session, station: Station, token: str) -> Visitor | None:
    """Who is logged in with this token; None where it is unknown, too old, or its account is closed."""
    now = station.clock()
    found = session.get(WebSession, _digest(token))
    if found is None:
        return None
    idle = timedelta(minutes=station.settings.idle_minutes)
    whole = timedelta(hours=station.settings.session_hours)
    account = session.get(Account, found.account_id)
    if now - found.last_seen_at > idle or now - found.created_at > whole:
        return None
    if account is None or not account.is_active:
        return None
    return as_visitor(account, found.csrf_token)


def touch_session(session: Session, token: str, at: datetime) -> None:
    """Note that the browser was heard of; at most once a minute, so that reading a page seldom writes."""
    found = session.get(WebSession, _digest(token))
    if found is not None:
        found.last_seen_at = at


def seconds_since_seen(session: Session, token: str, at: datetime) -> float | None:
    """How long ago the browser was last noted, None for an unknown token."""
    found = session.get(WebSession, _digest(token))
    return None if found is None else (at - found.last_seen_at).total_seconds()


def close_session(session: Session, token: str) -> None:
    """Log a browser out."""
    session.execute(delete(WebSession).where(WebSession.token_hash == _digest(token)))


def create_key(
    session: Session, at: datetime, account: Account, scopes: Iterable[Permission], days: int
) -> str:
    """A program's key, shown this once. It never allows more than its account.

    Raises:
        AccountError: no scope, a scope that the account has not, or too long a life.
    """
    wanted = frozenset(scopes)
    allowed = permissions_of(_roles(account))
    if not wanted or not wanted <= allowed:
        names = ", ".join(sorted(allowed))
        raise AccountError(f"a key needs scopes that its account has: {names}")
    if not 1 <= days <= LONGEST_KEY_DAYS:
        raise AccountError(f"a key lives 1 to {LONGEST_KEY_DAYS} days, not {days}")
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    session.add(
        ApiKey(
            key_id=key_id,
            account_id=account.account_id,
            secret_hash=_digest(secret),
            scopes=" ".join(sorted(wanted)),
            created_at=at,
            expires_at=at + timedelta(days=days),
        )
    )
    return f"spondyl_{key_id}_{secret}"


def visitor_of_key(session: Session, key: str, at: datetime) -> Visitor | None:
    """Who has this key; None where it is unknown, revoked, too old, or its account is closed."""
    parts = key.split("_", 2)
    if len(parts) != 3 or parts[0] != "spondyl":
        return None
    found = session.get(ApiKey, parts[1])
    if found is None or not secrets.compare_digest(found.secret_hash, _digest(parts[2])):
        return None
    account = session.get(Account, found.account_id)
    if found.revoked_at is not None or found.expires_at <= at or account is None or not account.is_active:
        return None
    visitor = as_visitor(account, None)
    scopes = frozenset(Permission(scope) for scope in found.scopes.split())
    return Visitor(
        account_id=visitor.account_id,
        name=visitor.name,
        pseudonym=visitor.pseudonym,
        roles=visitor.roles,
        permissions=visitor.permissions & scopes,
    )


def as_visitor(account: Account, csrf_token: str | None) -> Visitor:
    """The account as the pages know it."""
    roles = _roles(account)
    return Visitor(
        account_id=account.account_id,
        name=account.name,
        pseudonym=account.pseudonym,
        roles=roles,
        permissions=permissions_of(roles),
        csrf_token=csrf_token,
        must_change_password=account.must_change_password,
    )


def accounts_with(session: Session, role: Role) -> list[Account]:
    """The open accounts with a role, by pseudonym."""
    rows = session.scalars(select(Account).where(Account.is_active).order_by(Account.pseudonym))
    return [account for account in rows if role in _roles(account)]


def _roles(account: Account) -> frozenset[Role]:
    return frozenset(Role(role) for role in account.roles.split())


def _check(name: str, roles: tuple[Role, ...], password: str | None) -> None:
    if not _NAME.match(name):
        raise AccountError("an account's name is 1 to 64 letters, digits or . _ @ -, a letter or digit first")
    _check_roles(roles)
    if password is not None:
        _check_password(password)


def _check_roles(roles: tuple[Role, ...]) -> None:
    if not roles:
        raise AccountError(f"an account needs a role: {', '.join(Role)}")
    faults = conflicts(roles)
    if faults:
        raise AccountError("; ".join(faults))


def _check_password(password: str) -> None:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise AccountError(
            f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters; got {len(password)}"
        )


def _free_pseudonym(session: Session, role: Role) -> str:
    letter = _LETTERS[role]
    taken = set(session.scalars(select(Account.pseudonym).where(Account.pseudonym.startswith(letter))))
    number = 1
    while f"{letter}{number}" in taken:
        number += 1
    return f"{letter}{number}"


def _is_locked(account: Account, now: datetime) -> bool:
    return account.locked_until is not None and now < account.locked_until


def _verify(account: Account | None, password: str) -> bool:
    """Whether the password is right; as slow for an account that does not exist as for one that does."""
    stored = account.password_hash if account is not None and account.password_hash else _decoy()
    try:
        _hasher().verify(stored, password[:LONGEST_PASSWORD])
    except (VerifyMismatchError, InvalidHashError):
        return False
    return account is not None and account.password_hash is not None


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()  # argon2id with the library's own costs (RFC 9106, low-memory profile)


@cache
def _decoy() -> str:
    return _hasher().hash(secrets.token_urlsafe(16))


def _digest(token: str) -> str:
    """A token is random and long: a plain hash keeps it from who reads the database."""
    return hashlib.sha256(token.encode()).hexdigest()
