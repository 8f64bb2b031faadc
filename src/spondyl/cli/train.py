"""``spondyl train``: make a network from synthetic CT. The work is done in ``spondyl.training``."""

from __future__ import annotations

from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import failures_told, stop
from spondyl.cli.notice import NOTICE


class NetworkName(StrEnum):
    """The two networks."""

    FINDER = "finder"
    REFINER = "refiner"


def train(
    network: Annotated[NetworkName, typer.Argument(help="Which network.", show_default=False)],
    folder: Annotated[Path, typer.Option("--folder", help="Checkpoints, log and the exported ONNX file.")],
    hours: Annotated[
        float, typer.Option("--hours", min=0.001, help="Wall time over all resumed runs.")
    ] = 1.0,
    seed: Annotated[int, typer.Option("--seed", help="Seed of examples and first weights.")] = 1,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads of PyTorch.")] = 2,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
) -> None:
    """Train a network on synthetic CT made on the way; no patient data is used. A stopped run goes on."""
    if find_spec("torch") is None:
        stop(
            "training needs PyTorch, which is not installed: pip install 'spondyl[train]'",
            ExitCode.INSTALLATION,
        )
    from spondyl.training import TrainingError, TrainingSettings
    from spondyl.training import train as run

    typer.echo(NOTICE, err=True)
    with failures_told():
        settings = TrainingSettings(
            network=network.value, folder=folder, hours=hours, seed=seed, threads=threads, device=device
        )
        try:
            typer.echo(f"written: {run(settings)}")
        except TrainingError as error:
            stop(str(error), ExitCode.ENVIRONMENT)
