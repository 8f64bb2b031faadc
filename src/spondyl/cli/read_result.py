"""``spondyl read-result``: the finding out of the structured reports that ``analyze`` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import failures_told, stop

ReportsArgument = Annotated[
    list[Path],
    typer.Argument(help="DICOM structured reports that Spondyl wrote.", metavar="SR...", show_default=False),
]
TableOption = Annotated[bool, typer.Option("--table", help="Print the table instead of finding.json.")]


def read_result(reports: ReportsArgument, table: TableOption = False) -> None:
    """Print the finding.json that a structured report carries, checked against the report's codes."""
    from spondyl.cli.console import answers
    from spondyl.cli.table import print_answer
    from spondyl.domain.report import NotOurReportError
    from spondyl.wiring import read_result as read

    with failures_told():
        for path in reports:
            try:
                finding, document = read(path)
            except NotOurReportError as error:
                stop(
                    f"{path}: {error} Needed: report.dcm as `spondyl analyze` wrote it.",
                    ExitCode.NOT_EVALUABLE,
                )
            if table:
                print_answer(answers(), finding, verbose=False)
            else:
                typer.echo(document.decode(), nl=False)
