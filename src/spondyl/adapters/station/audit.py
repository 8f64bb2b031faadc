"""The audit chain in the database: appended within the transaction that does what it tells of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from spondyl.adapters.station.tables import AuditRow
from spondyl.worklist.audit import AuditEntry, next_entry

_LOCK = 7_023_392  # of PostgreSQL's advisory locks: one writer of the chain at a time
_ROWS_AT_ONCE = 1000


def record(
    session: Session, at: datetime, actor: str, action: str, subject: str = "", **detail: str | float | None
) -> None:
    """Append one entry; it is kept only if the transaction is: nothing is told that did not happen."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    last = session.scalars(select(AuditRow).order_by(AuditRow.number.desc()).limit(1)).first()
    entry = next_entry(
        None if last is None else as_entry(last),
        at=at.isoformat(),
        actor=actor,
        action=action,
        subject=subject,
        detail=json.dumps(
            {name: value for name, value in detail.items() if value is not None}, sort_keys=True
        ),
    )
    session.add(
        AuditRow(
            number=entry.number,
            at=entry.at,
            actor=entry.actor,
            action=entry.action,
            subject=entry.subject,
            detail=entry.detail,
            previous=entry.previous,
            own_hash=entry.own_hash,
        )
    )
    session.flush()


def as_entry(row: AuditRow) -> AuditEntry:
    """The row as the rules know it."""
    return AuditEntry(
        number=row.number,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        detail=row.detail,
        previous=row.previous,
        own_hash=row.own_hash,
    )


def chain(session: Session) -> Iterator[AuditEntry]:
    """Every entry from the first on, without holding all in memory."""
    statement = select(AuditRow).order_by(AuditRow.number).execution_options(yield_per=_ROWS_AT_ONCE)
    for row in session.scalars(statement):
        yield as_entry(row)


def latest(session: Session, count: int) -> list[AuditEntry]:
    """The newest entries, the newest first."""
    rows = session.scalars(select(AuditRow).order_by(AuditRow.number.desc()).limit(count))
    return [as_entry(row) for row in rows]
