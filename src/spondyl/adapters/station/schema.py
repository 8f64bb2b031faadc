"""Bringing the station's database to this version's tables, and telling which version it has."""

from __future__ import annotations

from importlib.resources import files

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from spondyl.adapters.station.database import Database, DatabaseError
from spondyl.adapters.station.tables import Base

_LOCK = 7_023_391  # of PostgreSQL's advisory locks: any number that no other program uses


def migrate(database: Database, revision: str = "head") -> None:
    """Bring the tables to ``revision``; one process at a time, others wait and find the work done.

    Raises:
        DatabaseError: the database was written by a later version of the station.
    """
    options = {"spondyl_writes": True}
    with database.engine.execution_options(**options).begin() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        _refuse_later(connection)
        command.upgrade(_config(connection), revision)


def version_of(database: Database) -> str | None:
    """The revision of the tables that are there, None for an empty database."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_current(database: Database) -> bool:
    """Whether the tables are those of this version."""
    return version_of(database) == _scripts().get_current_head()


def revisions() -> tuple[str, ...]:
    """Every revision, the first one first."""
    return tuple(reversed([script.revision for script in _scripts().walk_revisions()]))


def differences_from_tables(database: Database) -> list[object]:
    """What the migrated database has that the tables of the code have not, and the other way round."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))


def _refuse_later(connection: Connection) -> None:
    there = MigrationContext.configure(connection).get_current_revision()
    if there is not None and there not in revisions():
        raise DatabaseError(
            f"the database has version {there}, which this station does not know: it was written by a later "
            "one. Install that version, or restore a backup made before"
        )


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(None))


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("spondyl.adapters.station") / "migrations"))
    config.attributes["connection"] = connection
    return config
