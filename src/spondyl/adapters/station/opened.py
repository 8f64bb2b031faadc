"""The opened station: its database, its folder, its protocol, its clock, and the key of its hashes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from sqlalchemy.orm import Session

from spondyl.adapters.station.database import Database, DatabaseError, sqlite_url
from spondyl.adapters.station.schema import is_current, migrate
from spondyl.adapters.station.settings import StationSettings, StationSettingsError
from spondyl.adapters.station.tables import Setting
from spondyl.study.protocol import Protocol, ProtocolError, parse_protocol, shipped_protocol_text
from spondyl.study.records import Marks
from spondyl.worklist.seeing import arm_of

Clock: TypeAlias = Callable[[], datetime]

_SECRET = "hash_key"  # noqa: S105 - the name of a setting, not a password
_KEY_CHARACTERS = 24  # of a pseudonymous key: 96 bits, no two patients share one
_SHIPPED_PROTOCOL = "mniai2025"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Station:
    """What every part of the station needs.

    hash_key: secret of this station; pseudonyms are made with it, so that they cannot be guessed.
    """

    settings: StationSettings
    database: Database
    protocol: Protocol
    clock: Clock
    hash_key: bytes

    @property
    def marks(self) -> Marks:
        """When readers see the software's marks."""
        return arm_of(self.protocol, self.settings.marks)

    def pseudonym(self, kind: str, value: str) -> str:
        """A keyed hash of an identifier: the same for the same value, of no use outside this station."""
        text = f"{kind}\x1f{value}".encode()
        return hmac.new(self.hash_key, text, hashlib.sha256).hexdigest()[:_KEY_CHARACTERS]

    def incoming(self, study_id: str) -> Path:
        """Folder of a study's images."""
        return self.settings.folder / "studies" / study_id / "incoming"

    def results(self, study_id: str) -> Path:
        """Folder of a study's results."""
        return self.settings.folder / "studies" / study_id / "results"


def open_station(settings: StationSettings, clock: Clock, *, may_migrate: bool = True) -> Station:
    """Open the folder and the database, and bring the tables up to date.

    Raises:
        DatabaseError: the database cannot be used, or is of another version and may not be migrated.
        StationSettingsError: the protocol cannot be read.
        OSError: the folder cannot be made.
    """
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(database_url(settings))
    if may_migrate:
        migrate(database)
    elif not is_current(database):
        raise DatabaseError("the database is of another version: run `spondyl station migrate` first")
    with database.writing() as session:
        hash_key = _hash_key(session)
    return Station(
        settings=settings,
        database=database,
        protocol=_protocol(settings.protocol),
        clock=clock,
        hash_key=hash_key,
    )


def database_url(settings: StationSettings) -> str:
    """The URL that is set, else that of a file in the folder."""
    return settings.database or sqlite_url(settings.folder / "station.db")


def _hash_key(session: Session) -> bytes:
    kept = session.get(Setting, _SECRET)
    if kept is None:
        kept = Setting(name=_SECRET, value=secrets.token_hex(32))
        session.add(kept)
    return bytes.fromhex(kept.value)


def protocol_text(path: Path | None) -> str:
    """The text of the station's protocol.

    Raises:
        OSError: it cannot be read.
    """
    return shipped_protocol_text(_SHIPPED_PROTOCOL) if path is None else path.read_text(encoding="utf-8")


def _protocol(path: Path | None) -> Protocol:
    name = _SHIPPED_PROTOCOL if path is None else path.name
    try:
        return parse_protocol(protocol_text(path), name=name)
    except (OSError, UnicodeDecodeError, ProtocolError) as error:
        raise StationSettingsError(f"the protocol cannot be read: {error}") from error
