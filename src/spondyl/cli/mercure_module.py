"""``spondyl mercure-module``: the entry point of a container that mercure runs on one series or study.

mercure names an input folder with the DICOM files and task.json, and an output folder, whose files it sends
on and whose result.json it keeps and shows (docs/how-to/dicom-network.md).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spondyl.cli.analyze import EngineOption, SettingsOption, ThreadsOption, exit_code, load_settings
from spondyl.cli.failures import failures_told

if TYPE_CHECKING:
    from spondyl.domain.finding import StudyFinding


def mercure_module(
    in_folder: Annotated[
        Path, typer.Option("--in", envvar="MERCURE_IN_DIR", help="Folder of the DICOM files.")
    ],
    out_folder: Annotated[
        Path, typer.Option("--out", envvar="MERCURE_OUT_DIR", help="Folder for the results.")
    ],
    engine: EngineOption = None,
    threads: ThreadsOption = None,
    settings: SettingsOption = None,
) -> None:
    """Read one study as a mercure module: DICOM results and result.json into the output folder."""
    with failures_told():
        from spondyl.wiring import open_reader

        answer = open_reader(load_settings(settings, engine, threads)).read(in_folder, dicom_out=out_folder)
        text = json.dumps(result_of(answer.finding), ensure_ascii=False, indent=2)
        (out_folder / "result.json").write_text(text + "\n", encoding="utf-8")
    # a study that cannot be read is an answer, not a failed job
    typer.echo(
        f"{answer.finding.state}, exit code of analyze: {int(exit_code(answer.finding, exit_flag=False))}"
    )


def result_of(finding: StudyFinding) -> dict[str, object]:
    """What mercure keeps of a study: its state, and a notification that is asked for where it is flagged."""
    from spondyl.domain.finding import State

    levels = [x.level for x in finding.vertebrae if (x.genant_grade or 0) >= 2]
    reasons = "; ".join(reason.text for reason in finding.reasons)
    return {
        "state": finding.state.value,
        "score": finding.score,
        "levels_grade_2_or_more": levels,
        "reasons": [reason.code for reason in finding.reasons],
        "notice": finding.notice,
        "__mercure_notification": {
            "text": f"{finding.state.value}: {reasons} {finding.notice}",
            "requested": finding.state is State.FLAG,
        },
    }
