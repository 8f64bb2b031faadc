"""The audit chain: each entry carries the hash of the one before, so that no entry can change unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

GENESIS = "0" * 64  # what the first entry names as the one before it


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what to what, and when.

    number: 1 for the first entry, then without a gap.
    at: ISO 8601 with its zone, as text, since the text is what is hashed.
    detail: short JSON text without patient data.
    previous, own_hash: SHA-256 in hexadecimal digits.
    """

    number: int
    at: str
    actor: str
    action: str
    subject: str
    detail: str
    previous: str
    own_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFault:
    """The first entry at which a chain breaks, and how."""

    number: int
    text: str


def entry_hash(
    number: int, at: str, actor: str, action: str, subject: str, detail: str, previous: str
) -> str:
    """SHA-256 over all fields, written as a JSON list so that no two entries share one text."""
    text = json.dumps([number, at, actor, action, subject, detail, previous], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def next_entry(
    last: AuditEntry | None, *, at: str, actor: str, action: str, subject: str, detail: str
) -> AuditEntry:
    """The entry that follows ``last``."""
    number = 1 if last is None else last.number + 1
    previous = GENESIS if last is None else last.own_hash
    own_hash = entry_hash(number, at, actor, action, subject, detail, previous)
    return AuditEntry(
        number=number,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        detail=detail,
        previous=previous,
        own_hash=own_hash,
    )


def first_fault(entries: Iterable[AuditEntry]) -> ChainFault | None:
    """The first break of a chain given from its beginning, or None where it holds.

    An end that was cut off cannot be seen from the chain alone: keep the last hash elsewhere (the command
    that verifies prints it).
    """
    expected_number, previous = 1, GENESIS
    for entry in entries:
        if entry.number != expected_number:
            return ChainFault(
                number=expected_number, text=f"entry {expected_number} is missing; {entry.number} follows"
            )
        if entry.previous != previous:
            return ChainFault(number=entry.number, text="it does not name the hash of the entry before")
        recomputed = entry_hash(
            entry.number, entry.at, entry.actor, entry.action, entry.subject, entry.detail, entry.previous
        )
        if recomputed != entry.own_hash:
            return ChainFault(number=entry.number, text="its content does not agree with its hash")
        expected_number, previous = entry.number + 1, entry.own_hash
    return None
