"""``spondyl study``: the report of a study, and a simulated study to try it on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import failures_told, stop
from spondyl.cli.notice import NOTICE

study = typer.Typer(
    name="study",
    help=f"Make the report of a study from its tables, records and report texts.\n\n{NOTICE}",
    no_args_is_help=True,
    add_completion=False,
)

FolderArgument = Annotated[Path, typer.Argument(help="Folder of the study: tables, records, protocol.toml.")]
PdfOption = Annotated[bool, typer.Option("--pdf/--no-pdf", help="Also write report.pdf.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Of the simulation; any other makes others.")]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")]


@study.command()
def report(folder: FolderArgument, pdf: PdfOption = True) -> None:
    """Write report.html, report.pdf, tables/*.csv and figures/*.svg into the folder. Research use only."""
    with failures_told():
        _report(folder, with_pdf=pdf)


@study.command()
def example(
    name: Annotated[str, typer.Argument(help="Study to simulate: mniai2025.")],
    out: OutOption,
    seed: SeedOption = 2025,
    pdf: PdfOption = True,
) -> None:
    """Simulate a published study at the level of its records, and report on it as on any other."""
    from spondyl.adapters.study_example import write_example
    from spondyl.adapters.study_folder import StudyFolderError
    from spondyl.study.simulation import SHIPPED

    if name not in SHIPPED:
        stop(f"no study {name!r} can be simulated; there is {', '.join(SHIPPED)}", ExitCode.USAGE)
    with failures_told():
        try:
            write_example(name, out, seed)
        except StudyFolderError as error:
            stop(str(error), ExitCode.NOT_EVALUABLE)
        _report(out, with_pdf=pdf)


@study.command()
def protocol(
    name: Annotated[str, typer.Argument(help="Protocol that comes with Spondyl: mniai2025.")],
) -> None:
    """Print a protocol, to copy and change."""
    from spondyl.study.protocol import ProtocolError, shipped_protocol_text

    try:
        typer.echo(shipped_protocol_text(name), nl=False)
    except ProtocolError as error:
        stop(str(error), ExitCode.USAGE)


def _report(folder: Path, *, with_pdf: bool) -> None:
    from spondyl import __version__
    from spondyl.adapters.study_folder import StudyFolderError, read_study
    from spondyl.adapters.study_pages import write_report
    from spondyl.study.protocol import ProtocolError
    from spondyl.study.report import assemble, work_out
    from spondyl.study.tables import TableError

    if not folder.is_dir():
        stop(f"{folder}: there is no such folder", ExitCode.NOT_EVALUABLE)
    try:
        data = read_study(folder)
    except (StudyFolderError, ProtocolError, TableError) as error:
        stop(str(error), ExitCode.NOT_EVALUABLE)
    made = assemble(work_out(data), __version__)
    write_report(made, folder, with_pdf=with_pdf)
    for row in made.headline.rows:
        typer.echo(f"{row.labels[0]:26} {row.counts:>11}  {row.value}  ({row.interval})")
    for remark in made.remarks:
        typer.echo(f"note: {remark}")
    typer.echo(f"{folder / 'report.html'}\n{NOTICE}")
