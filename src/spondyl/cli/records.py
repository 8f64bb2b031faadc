"""``spondyl records``: take reading records and reports into a study, and give them out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import failures_told, stop
from spondyl.cli.notice import NOTICE

if TYPE_CHECKING:
    from spondyl.adapters.parquet_records import Records

FileArgument = Annotated[
    Path, typer.Argument(help="Records: .csv or .parquet; reports also .jsonl, .hl7, ...")
]
StudyOption = Annotated[
    Path, typer.Option("--study", help="Folder of the study; studies.parquet lies in it.")
]
StudyArgument = Annotated[Path, typer.Argument(help="Folder of the study.")]
KindOption = Annotated[str, typer.Option("--kind", help="readings, interventions or reports.")]
CheckOption = Annotated[bool, typer.Option("--only-check", help="Say what is wrong; take nothing in.")]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="File to write: .csv or .parquet.")]
CurrentOption = Annotated[bool, typer.Option("--current", help="Without the records that were superseded.")]

records = typer.Typer(
    name="records",
    help=f"Reading records and report texts of a study.\n\n{NOTICE}",
    no_args_is_help=True,
    add_completion=False,
)


@records.command("import")
def import_(
    file: FileArgument, study: StudyOption, kind: KindOption = "readings", only_check: CheckOption = False
) -> None:
    """Take all records of a file into the study, or none and say why. Research use only."""
    from spondyl.adapters.parquet_records import import_records

    with failures_told(), _faults_told():
        _needed(file, "there is no such file")
        _needed(study / "studies.parquet", "the study has no cases; `spondyl cohort run` writes them")
        new, total = import_records(file, study, _kind(kind), only_check=only_check)
    done = "would be new" if only_check else "new"
    typer.echo(f"{file.name}: {new} {kind} {done}, {total} in the study\n{NOTICE}")


@records.command()
def export(
    study: StudyArgument, out: OutOption, kind: KindOption = "readings", only_current: CurrentOption = False
) -> None:
    """Write the records of a study as CSV or Parquet. Research use only."""
    from spondyl.adapters.parquet_records import export_records

    with failures_told(), _faults_told():
        chosen = _kind(kind)
        _needed(
            study / f"{chosen}.parquet", f"the study has no {chosen}; `spondyl records import` takes them in"
        )
        number = export_records(study, chosen, out, only_current=only_current)
    typer.echo(f"{out}: {number} {kind}\n{NOTICE}")


def _kind(name: str) -> Records:
    from spondyl.adapters.parquet_records import Records

    try:
        return Records(name)
    except ValueError:
        stop(f"--kind {name!r} is not known; allowed are {', '.join(Records)}", ExitCode.USAGE)


def _needed(path: Path, otherwise: str) -> None:
    if not path.is_file():
        stop(f"{path}: {otherwise}", ExitCode.NOT_EVALUABLE)


@contextmanager
def _faults_told() -> Iterator[None]:
    """Faults of what is taken in: each with its row and column."""
    from spondyl.adapters.study_folder import StudyFolderError
    from spondyl.study.protocol import ProtocolError
    from spondyl.study.tables import TableError

    try:
        yield
    except (StudyFolderError, ProtocolError, TableError) as error:
        stop(str(error), ExitCode.NOT_EVALUABLE)
