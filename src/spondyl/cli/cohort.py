"""``spondyl cohort``: read many cases, tell how far it is, and ask the tables."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spondyl.cli.analyze import EngineOption, SettingsOption, ThreadsOption, load_settings
from spondyl.cli.cohort_archive import ArchiveOptions, is_archive, keys_of, manifest_of
from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import failures_told, stop
from spondyl.cli.node_options import AuthoritiesOption, CertificateOption, KeyOption, OwnTitleOption
from spondyl.cli.notice import NOTICE
from spondyl.cli.worker import database_failures_told
from spondyl.domain.network import Engine

if TYPE_CHECKING:
    from spondyl.adapters.cohort import CaseOutcome, CohortStatus
    from spondyl.settings import Settings
    from spondyl.study.tables import CaseRow

FETCHED = "fetched"  # folder of the studies that come from a PACS
SourceArgument = Annotated[
    str,
    typer.Argument(
        help="Manifest (.csv, .parquet), folder whose entries are one case each, or a PACS: "
        "AETITLE@host:port or the http(s) address of a DICOMweb server, with --key.",
        show_default=False,
    ),
]
QueryOption = Annotated[
    list[str] | None,
    typer.Option("--key", help="Of a PACS: which studies, KEYWORD=VALUE as StudyDate=20260101-; repeat it."),
]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder of the cohort.")]
FolderArgument = Annotated[Path, typer.Argument(help="Folder of a cohort.")]
WorkersOption = Annotated[int, typer.Option("--workers", min=1, max=256, help="Processes that read.")]
ShardOption = Annotated[
    str | None, typer.Option("--shard", help="i/n: read every n-th case only, from the i-th (SLURM arrays).")
]
NamesOption = Annotated[
    bool, typer.Option("--keep-names", help="A folder's names become case ids; they may name patients.")
]
TimeoutOption = Annotated[
    float, typer.Option("--timeout-minutes", min=0.1, help="After this a case is given up.")
]
DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", help="postgresql://...: let `spondyl worker` on other machines read."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but failures.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SqlArgument = Annotated[
    str, typer.Argument(help="SQL; the tables of the folder are its names: studies, vertebrae, ...")
]

cohort = typer.Typer(
    name="cohort",
    help=f"Read many CT studies and make tables of them.\n\n{NOTICE}",
    no_args_is_help=True,
    add_completion=False,
)


@cohort.command()
def run(
    source: SourceArgument,
    out: OutOption,
    workers: WorkersOption = 1,
    shard: ShardOption = None,
    keep_names: NamesOption = False,
    key: QueryOption = None,
    own_title: OwnTitleOption = "SPONDYL",
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    tls_authorities: AuthoritiesOption = None,
    timeout_minutes: TimeoutOption = 60.0,
    database: DatabaseOption = None,
    engine: EngineOption = None,
    threads: ThreadsOption = None,
    settings: SettingsOption = None,
    quiet: QuietOption = False,
) -> None:
    """Read every case that has no result yet, and write the tables. Research use only.

    A case that was read with the same input, settings and networks is not read again; one that failed is. The
    studies of a PACS are fetched first, into OUT/fetched; those that are there already are not fetched again.
    """
    from spondyl.adapters import cohort as cohorts
    from spondyl.cli.cohort_progress import shown_outcomes

    with failures_told():
        place = Path(source)
        if is_archive(source):
            place = manifest_of(
                ArchiveOptions(
                    target=source,
                    keys=keys_of(key or ()),
                    own_title=own_title,
                    certificate=tls_certificate,
                    key=tls_key,
                    authorities=tls_authorities,
                ),
                out / FETCHED,
                quiet=quiet,
            )
        cases = _cases(place, keep_names=keep_names)
        mine = cohorts.shard_of(cases, *_shard(shard)) if shard else cases
        cohorts.keep_cases(out, cases)
        chosen = _settings(settings, engine, threads, workers)
        with (
            database_failures_told(),
            closing(_outcomes(mine, out, chosen, workers, timeout_minutes * 60.0, database)) as outcomes,
        ):
            shown_outcomes(outcomes, len(mine), quiet=quiet)
        is_whole = cohorts.collect(out, cases)
        status = cohorts.status_of(out)
    if not quiet:
        _print_status(out, status, is_whole=is_whole)
    raise typer.Exit(ExitCode.SOME_FAILED if status.failed else ExitCode.ANSWERED)


@cohort.command()
def status(folder: FolderArgument, as_json: JsonOption = False) -> None:
    """Tell how far a cohort is: cases by answer, failures by code. Research use only."""
    from dataclasses import asdict

    from spondyl.adapters import cohort as cohorts
    from spondyl.study.tables import TableError

    with failures_told():
        if not (folder / cohorts.CASES_FILE).is_file():
            text = f"{folder}: no cohort lies here ({cohorts.CASES_FILE} is missing); give the --out of a run"
            stop(text, ExitCode.NOT_EVALUABLE)
        try:
            now = cohorts.status_of(folder)
        except TableError as error:
            stop(str(error), ExitCode.NOT_EVALUABLE)
    if as_json:
        counts = {"answered": now.answered, "failed": now.failed, "waiting": now.waiting}
        typer.echo(json.dumps({**asdict(now), **counts, "notice": NOTICE}, indent=1))
    else:
        _print_status(folder, now, is_whole=(folder / cohorts.STUDIES_FILE).is_file())


@cohort.command()
def ask(folder: FolderArgument, sql: SqlArgument, as_json: JsonOption = False) -> None:
    """Ask the tables of a cohort or study in SQL (DuckDB). Research use only."""
    from spondyl.adapters.parquet_tables import TableQueryError, ask_tables
    from spondyl.cli.console import answers

    with failures_told():
        try:
            names, rows = ask_tables(folder, sql)
        except TableQueryError as error:
            stop(str(error), ExitCode.USAGE)
    if as_json:
        objects = [dict(zip(names, row, strict=True)) for row in rows]
        typer.echo(json.dumps({"rows": objects, "notice": NOTICE}, indent=1, default=str))
        return
    from rich.table import Table

    table = Table(*names)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console = answers()
    console.print(table)
    console.print(NOTICE, markup=False)


def _cases(source: Path, *, keep_names: bool) -> tuple[CaseRow, ...]:
    from spondyl.adapters.cohort import read_cases
    from spondyl.study.tables import TableError

    if not source.exists():
        stop(f"{source}: there is no such manifest or folder", ExitCode.NOT_EVALUABLE)
    try:
        return read_cases(source, keep_names=keep_names)
    except TableError as error:
        stop(str(error), ExitCode.NOT_EVALUABLE)


def _shard(text: str) -> tuple[int, int]:
    """The i and n of i/n."""
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        stop(f"--shard {text!r} is none; write i/n with i from 1 to n, such as 3/20", ExitCode.USAGE)
    return int(found[1]), int(found[2])


def _settings(path: Path | None, engine: Engine | None, threads: int | None, workers: int) -> Settings:
    """The settings; several processes share the cores unless the number of threads is told."""
    from spondyl.settings import available_threads

    shared = max(1, available_threads() // workers) if workers > 1 else None
    return load_settings(path, engine, threads or shared)


def _outcomes(
    cases: Sequence[CaseRow],
    out: Path,
    settings: Settings,
    workers: int,
    timeout_s: float,
    database: str | None,
) -> Generator[CaseOutcome, None, None]:
    """The outcomes as they come: read here, or by the workers of the database."""
    from spondyl.adapters.cohort import read_cohort
    from spondyl.wiring import ReaderOpener

    opener = ReaderOpener.of(settings)
    if database is None:
        return read_cohort(cases, out, opener, workers=workers, timeout_s=timeout_s)
    from spondyl.adapters.durable import let_workers_read

    return let_workers_read(cases, out.absolute(), opener().manifest, database)


def _print_status(folder: Path, status: CohortStatus, *, is_whole: bool) -> None:
    from spondyl.cli.console import answers

    console = answers()
    states = ", ".join(f"{number} {name}" for name, number in status.states.items()) or "none"
    console.print(f"{status.cases} cases: {status.answered} answered ({states})", markup=False)
    failures = ", ".join(f"{number} {code}" for code, number in status.failures.items())
    console.print(f"{status.failed} failed{f' ({failures})' if failures else ''}", markup=False)
    if status.waiting:
        console.print(f"{status.waiting} waiting, {status.reading} of them begun", markup=False)
    if status.answered + status.failed:
        per_case = status.seconds / (status.answered + status.failed)
        console.print(f"{per_case:.1f} s per case, {status.seconds / 3600:.2f} h of reading", markup=False)
    tables = (
        "studies.parquet, vertebrae.parquet and failures.csv" if is_whole else "not yet: cases are waiting"
    )
    console.print(f"tables in {folder}: {tables}", markup=False, soft_wrap=True)
    console.print(NOTICE, markup=False)
