"""The station's database: SQLite in one file by default, PostgreSQL by its URL; the same tables on both.

SQLite runs with a write-ahead log, and every transaction that writes begins with BEGIN IMMEDIATE: one that
reads first and writes later would otherwise fail at once with "database is locked", whatever the timeout.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session

_BUSY_TIMEOUT_MS = (
    20_000  # a writer waits for another one this long. Ours: longer than any of our transactions
)
_WRITES = "spondyl_writes"
# file systems on which a write-ahead log is not safe: its index is shared memory
_NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "glusterfs", "ceph"}
)


class DatabaseError(Exception):
    """The database cannot be used as it is; the message says why and what to do."""


class Database:
    """An engine and the two kinds of transaction."""

    def __init__(self, url: str) -> None:
        """Open the database; its tables are made by ``migrate``.

        Raises:
            DatabaseError: no such kind of database, its driver is missing, it lies on a network file system.
        """
        try:
            parsed = make_url(url)
            self.is_sqlite = parsed.get_backend_name() == "sqlite"
            if self.is_sqlite and parsed.database:
                _refuse_network_file_system(Path(parsed.database))
            self.engine = _sqlite_engine(url) if self.is_sqlite else _server_engine(url)
        except (ArgumentError, ModuleNotFoundError) as error:
            raise DatabaseError(
                f"the database URL cannot be used ({type(error).__name__}). Allowed: "
                "sqlite:////folder/station.db, or postgresql+psycopg://user:password@host/name with the "
                "extra: pip install 'spondyl[station]'"
            ) from error
        self.url = url

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that writes: all of it is kept, or, where an exception leaves it, nothing."""
        with (
            Session(self.engine.execution_options(**{_WRITES: True}), expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def is_ready(self) -> bool:
        """Whether the database answers."""
        try:
            with self.reading() as session:
                session.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return True

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def sqlite_url(path: Path) -> str:
    """The URL of a database file."""
    return f"sqlite:///{path.resolve()}"


def server_url(url: str) -> str:
    """A PostgreSQL URL as people write it, with the driver that we use."""
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    return url


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(url, connect_args={"check_same_thread": False}, pool_size=12, max_overflow=20)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _server_engine(url: str) -> Engine:
    return create_engine(server_url(url), pool_size=12, max_overflow=20, pool_pre_ping=True)


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own connection
    connection.isolation_level = None  # the driver sends no BEGIN of its own; _begin_sqlite does
    cursor = connection.cursor()
    mode = cursor.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode not in ("wal", "memory"):
        raise DatabaseError(
            f"SQLite answered journal mode {mode}; wal is needed. Put the file on a local disk"
        )
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:  # noqa: ANN401 - as the event gives it
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _refuse_network_file_system(path: Path) -> None:
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return
    folder = path.resolve().parent
    best = ("", "")
    for line in mounts.read_text(encoding="utf-8").splitlines():
        point, kind = line.split()[1:3]
        if folder.is_relative_to(point) and len(point) > len(best[0]):
            best = (point, kind)
    if best[1] in _NETWORK_FILE_SYSTEMS:
        raise DatabaseError(
            f"the database file lies on a network file system ({best[1]}), where SQLite's log is not safe. "
            "Use a local disk, or PostgreSQL by its URL"
        )
