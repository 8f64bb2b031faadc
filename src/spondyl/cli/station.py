"""``spondyl station``: what an operator does to a station: accounts, backup, retention, audit, migration."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer

from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import stop
from spondyl.cli.serve import (
    ConfigOption,
    DatabaseOption,
    FolderOption,
    opened,
    station_failures_told,
    station_settings,
)

station = typer.Typer(
    name="station",
    help="Look after a reading station: accounts, backup, audit, retention.",
    no_args_is_help=True,
)


@station.command()
def account(
    name: Annotated[str, typer.Argument(help="Name to log in with.")],
    role: Annotated[
        list[str],
        typer.Option(
            "--role", "-r", help="reader, adjudicator, interventional, coordinator, admin, service."
        ),
    ],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    config: ConfigOption = None,
    folder: FolderOption = None,
    database: DatabaseOption = None,
) -> None:
    """Add an account; the first one must be made here, with the role admin."""
    with station_failures_told():
        from spondyl.adapters import station_accounts, station_audit
        from spondyl.worklist.roles import Role

        strange = [one for one in role if one not in set(Role)]
        if strange:
            stop(f"{strange[0]!r} is no role; allowed are {', '.join(Role)}", ExitCode.USAGE)
        password = sys.stdin.readline().rstrip("\n") if password_stdin else getpass.getpass("Password: ")
        with opened(station_settings(config, folder, database)) as place, place.database.writing() as session:
            made = station_accounts.create_account(
                session, place.clock(), name=name, roles=[Role(one) for one in role], password=password
            )
            station_audit.record(session, place.clock(), "command", "account.created", name)
            typer.echo(f"{made.name}: {made.roles}, pseudonym {made.pseudonym}")


@station.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Tar file to write.")],
    without_images: Annotated[bool, typer.Option("--without-images", help="Leave the CTs out.")] = False,
    config: ConfigOption = None,
    folder: FolderOption = None,
    database: DatabaseOption = None,
) -> None:
    """Write tables, results and images into one file; the station may go on meanwhile."""
    with station_failures_told():
        from spondyl.adapters.station_keeping import write_backup

        with opened(station_settings(config, folder, database)) as place:
            count = write_backup(place, file, with_images=not without_images)
        typer.echo(f"{file}: {count} studies")


@station.command()
def restore(
    file: Annotated[Path, typer.Argument(help="Tar file that `backup` wrote.")],
    config: ConfigOption = None,
    folder: FolderOption = None,
    database: DatabaseOption = None,
) -> None:
    """Fill an empty station from a backup, of SQLite or PostgreSQL."""
    with station_failures_told():
        from spondyl.adapters.station_keeping import restore_backup

        with opened(station_settings(config, folder, database)) as place:
            count = restore_backup(place, file)
        typer.echo(f"{count} studies restored")


@station.command()
def retain(config: ConfigOption = None, folder: FolderOption = None, database: DatabaseOption = None) -> None:
    """Remove the files whose time has come by the rule of retention; `serve` does it every hour."""
    with station_failures_told():
        from spondyl.adapters.station_keeping import apply_retention

        with opened(station_settings(config, folder, database)) as place:
            images, results = apply_retention(place)
        typer.echo(f"images of {images} studies and results of {results} removed")


@station.command("verify-audit")
def verify_audit(
    config: ConfigOption = None, folder: FolderOption = None, database: DatabaseOption = None
) -> None:
    """Verify the audit chain from its first entry; ends with 1 where it breaks."""
    with station_failures_told():
        from spondyl.adapters import station_audit
        from spondyl.worklist.audit import first_fault

        with opened(station_settings(config, folder, database)) as place, place.database.reading() as session:
            fault = first_fault(station_audit.chain(session))
            last = station_audit.latest(session, 1)
        if fault is not None:
            stop(f"the audit chain breaks at entry {fault.number}: {fault.text}", ExitCode.BUG)
        if last:
            typer.echo(f"the chain holds: {last[0].number} entries, last hash {last[0].own_hash}")
        else:
            typer.echo("the chain is empty")


@station.command()
def export(
    out: Annotated[Path, typer.Argument(help="Folder for the study records.")],
    config: ConfigOption = None,
    folder: FolderOption = None,
    database: DatabaseOption = None,
) -> None:
    """Write the study records; `spondyl study report FOLDER` makes the report of them."""
    with station_failures_told():
        from spondyl.adapters import station_audit
        from spondyl.adapters.station_export import export_folder

        with opened(station_settings(config, folder, database)) as place, place.database.writing() as session:
            files = export_folder(session, place, out)
            station_audit.record(session, place.clock(), "command", "study.exported")
        for path in files:
            typer.echo(str(path))


@station.command()
def migrate(
    config: ConfigOption = None, folder: FolderOption = None, database: DatabaseOption = None
) -> None:
    """Bring the tables to this version; `serve` does it when it starts."""
    with station_failures_told():
        from spondyl.adapters.database_schema import version_of

        with opened(station_settings(config, folder, database)) as place:
            typer.echo(f"tables of version {version_of(place.database)}")
