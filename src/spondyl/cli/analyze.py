"""``spondyl analyze``: read one study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import failures_told
from spondyl.domain.network import Engine

if TYPE_CHECKING:
    from spondyl.domain.finding import StudyFinding
    from spondyl.settings import Settings
    from spondyl.wiring import Answer

DICOM_FOLDER = "dicom"  # below the folder of the results
INPUT_HELP = "DICOM folder, zip of one, one DICOM file, or .nii / .nii.gz."
InputArgument = Annotated[Path, typer.Argument(help=INPUT_HELP, metavar="INPUT", show_default=False)]
OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder for the results; without it nothing is written.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print finding.json instead of the table.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but failures.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Print all series, versions and times.")]
EngineOption = Annotated[
    Engine | None, typer.Option("--engine", help="Inference engine (auto: OpenVINO where installed).")
]
ThreadsOption = Annotated[
    int | None, typer.Option("--threads", min=1, max=256, help="Threads of the engine.")
]
SettingsOption = Annotated[Path | None, typer.Option("--settings", help="TOML file with settings.")]
ExitFlagOption = Annotated[bool, typer.Option("--exit-flag", help="End with exit code 10 on FLAG.")]


DicomOutOption = Annotated[
    Path | None,
    typer.Option(
        "--dicom-out", help="Folder for the DICOM objects; default: OUT/dicom where INPUT is DICOM."
    ),
]
NoDicomOption = Annotated[bool, typer.Option("--no-dicom", help="Write no DICOM objects.")]


def analyze(
    study: InputArgument,
    out: OutOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    engine: EngineOption = None,
    threads: ThreadsOption = None,
    settings: SettingsOption = None,
    exit_flag: ExitFlagOption = False,
    dicom_out: DicomOutOption = None,
    no_dicom: NoDicomOption = False,
) -> None:
    """Read one CT study: name, measure and grade its vertebrae. Research use only."""
    with failures_told():
        chosen = load_settings(settings, engine, threads)
        objects = None if no_dicom else dicom_out or (out and out / DICOM_FOLDER)
        answer = read_and_show(
            study, out, chosen, as_json=as_json, quiet=quiet, verbose=verbose, dicom_out=objects
        )
        if dicom_out is not None and not answer.dicom_files:
            typer.echo("spondyl: no DICOM objects: INPUT is not one DICOM study, or --no-dicom", err=True)
    raise typer.Exit(exit_code(answer.finding, exit_flag=exit_flag))


def read_and_show(
    study: Path,
    out: Path | None,
    settings: Settings,
    *,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    dicom_out: Path | None = None,
) -> Answer:
    """Read a study, write its results where a folder is given, and print the answer."""
    from spondyl.cli.console import answers, asides
    from spondyl.cli.progress import shown_progress
    from spondyl.cli.table import print_answer
    from spondyl.wiring import open_reader

    reader = open_reader(settings)
    with shown_progress(asides(), quiet=quiet) as progress:
        answer = reader.read(study, out, progress, dicom_out)
    if as_json:
        typer.echo(_json_text(answer), nl=False)
    elif not quiet:
        console = answers()
        print_answer(console, answer.finding, verbose=verbose)
        for path in answer.files:
            if path.name == "report.html":
                console.print(f"report: {path}", soft_wrap=True)
        if answer.dicom_files:
            console.print(
                f"DICOM objects: {len(answer.dicom_files)} in {answer.dicom_files[0].parent}", soft_wrap=True
            )
    return answer


def _json_text(answer: Answer) -> str:
    """The text of finding.json: of the file where one was written, so that both are the same."""
    for path in answer.files:
        if path.name == "finding.json":
            return path.read_text(encoding="utf-8")
    return answer.finding.model_dump_json(indent=2) + "\n"


def exit_code(finding: StudyFinding, *, exit_flag: bool) -> ExitCode:
    """The exit code of an answer."""
    from spondyl.domain.finding import State

    if finding.state is State.NOT_EVALUABLE:
        return ExitCode.NOT_EVALUABLE
    if exit_flag and finding.state is State.FLAG:
        return ExitCode.FLAGGED
    return ExitCode.ANSWERED


def load_settings(path: Path | None, engine: Engine | None, threads: int | None) -> Settings:
    """Settings from file and environment, with the command line's over them."""
    from spondyl.settings import load

    return load(path, engine=engine, threads=threads)
