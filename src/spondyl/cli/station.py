"""``spondyl station``: what an operator does to a station: accounts, backup, retention, audit, migration."""

from __future__ import annotations

import getpass
import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from spondyl.adapters.station.opened import Station

_DEMO_STUDIES = ((1, 0.35), (2, 0.5), (3, 0.0))  # seed, and which share of its height L1 has lost

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
        from spondyl.adapters.station import accounts, audit
        from spondyl.worklist.roles import Role

        strange = [one for one in role if one not in set(Role)]
        if strange:
            stop(f"{strange[0]!r} is no role; allowed are {', '.join(Role)}", ExitCode.USAGE)
        password = sys.stdin.readline().rstrip("\n") if password_stdin else getpass.getpass("Password: ")
        with opened(station_settings(config, folder, database)) as place, place.database.writing() as session:
            made = accounts.create_account(
                session, place.clock(), name=name, roles=[Role(one) for one in role], password=password
            )
            audit.record(session, place.clock(), "command", "account.created", name)
            typer.echo(f"{made.name}: {made.roles}, pseudonym {made.pseudonym}")


@station.command()
def demo(
    folder: Annotated[Path, typer.Option("--folder", help="Folder of the trial station.")] = Path(
        "demo-station"
    ),
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the pages.")] = 8080,
) -> None:
    """Try the station: the demo CT, synthetic studies, an account for each role; ends with Ctrl-C."""
    with station_failures_told():
        from spondyl.cli.serve import serve

        with opened(station_settings(None, folder, None)) as place:
            lines = _demo_accounts(place)
            _demo_studies(place)
        for line in lines:
            typer.echo(line)
        typer.echo(f"open http://127.0.0.1:{port}/ ; the studies are analysed one after the other")
        serve(folder=folder, port=port)


def _demo_accounts(place: Station) -> list[str]:
    """An account for each role, with passwords that were drawn; those that are there stay as they are."""
    from spondyl.adapters.station import accounts
    from spondyl.worklist.roles import Role

    people = {role.value: role for role in Role} | {
        "reader2": Role.READER,
        "interventional2": Role.INTERVENTIONAL,
    }
    lines = []
    for name, role in people.items():
        password = secrets.token_urlsafe(9)
        try:
            with place.database.writing() as session:
                accounts.create_account(session, place.clock(), name=name, roles=[role], password=password)
        except accounts.AccountError:
            lines.append(f"{name:16} is there already")
        else:
            lines.append(f"{name:16} {password}")
    return lines


def _demo_studies(place: Station) -> None:
    """The demo CT and three synthetic spines; the queue finds them when the station starts.

    A second time nothing is taken in: what was read in the trial stays as it is.
    """
    from sqlalchemy import func, select

    from spondyl.adapters.station.incoming import take_study
    from spondyl.adapters.station.tables import Study
    from spondyl.wiring import write_synthetic_study

    with place.database.reading() as session:
        if session.scalar(select(func.count()).select_from(Study)):
            return
    _demo_ct(place)
    for seed, loss_fraction in _DEMO_STUDIES:
        typer.echo(f"making a synthetic CT, seed {seed}, loss of L1 {loss_fraction:.0%}", err=True)
        with tempfile.TemporaryDirectory() as temporary:
            series = write_synthetic_study(Path(temporary) / "ct", seed, loss_fraction)
            packed = Path(shutil.make_archive(f"{temporary}/study", "zip", series))
            with packed.open("rb") as stream:
                take_study(place, stream, "demo", "demo")


def _demo_ct(place: Station) -> None:
    """The real CT of `spondyl demo`, where it can be had."""
    from spondyl.adapters import demo_ct
    from spondyl.adapters.station.incoming import take_study

    try:
        path = demo_ct.fetch(demo_ct.cache_folder())
    except demo_ct.DemoCtUnavailableError as error:
        typer.echo(f"the real CT cannot be had: {error}", err=True)
        return
    typer.echo(demo_ct.CREDIT, err=True)
    with path.open("rb") as stream:
        take_study(place, stream, "demo", "demo")


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
        from spondyl.adapters.station.keeping import write_backup

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
        from spondyl.adapters.station.keeping import restore_backup

        with opened(station_settings(config, folder, database)) as place:
            count = restore_backup(place, file)
        typer.echo(f"{count} studies restored")


@station.command()
def retain(config: ConfigOption = None, folder: FolderOption = None, database: DatabaseOption = None) -> None:
    """Remove the files whose time has come by the rule of retention; `serve` does it every hour."""
    with station_failures_told():
        from spondyl.adapters.station.keeping import apply_retention

        with opened(station_settings(config, folder, database)) as place:
            images, results = apply_retention(place)
        typer.echo(f"images of {images} studies and results of {results} removed")


@station.command("verify-audit")
def verify_audit(
    config: ConfigOption = None, folder: FolderOption = None, database: DatabaseOption = None
) -> None:
    """Verify the audit chain from its first entry; ends with 1 where it breaks."""
    with station_failures_told():
        from spondyl.adapters.station import audit
        from spondyl.worklist.audit import first_fault

        with opened(station_settings(config, folder, database)) as place, place.database.reading() as session:
            fault = first_fault(audit.chain(session))
            last = audit.latest(session, 1)
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
        from spondyl.adapters.station import audit
        from spondyl.adapters.station.export import export_folder

        with opened(station_settings(config, folder, database)) as place, place.database.writing() as session:
            files = export_folder(session, place, out)
            audit.record(session, place.clock(), "command", "study.exported")
        for path in files:
            typer.echo(str(path))


@station.command("report")
def write_study_report(
    out: Annotated[Path, typer.Argument(help="Folder for the study records and the report.")],
    pdf: Annotated[bool, typer.Option("--pdf/--no-pdf", help="Also write report.pdf.")] = True,
    config: ConfigOption = None,
    folder: FolderOption = None,
    database: DatabaseOption = None,
) -> None:
    """The study report of what the database holds now: `export`, then `spondyl study report`."""
    from spondyl.cli.study import report

    export(out, config, folder, database)
    report(out, pdf)


@station.command()
def migrate(
    config: ConfigOption = None, folder: FolderOption = None, database: DatabaseOption = None
) -> None:
    """Bring the tables to this version; `serve` does it when it starts."""
    with station_failures_told():
        from spondyl.adapters.station.schema import version_of

        with opened(station_settings(config, folder, database)) as place:
            typer.echo(f"tables of version {version_of(place.database)}")
