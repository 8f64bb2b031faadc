"""The state of a training run: in memory, and as a file from which a stopped run goes on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any  # torch's state dictionaries hold anything

import numpy as np
import torch

from spondyl.networks.unet import BlockUNet
from spondyl.training.make_network import make_network

FILE_NAME = "checkpoint.pt"


@dataclass(slots=True, kw_only=True, eq=False)
class TrainingState:
    """What changes while a network learns.

    average: running mean of the weights; it is what gets exported.
    seconds: wall time spent over all resumed parts.
    """

    net: BlockUNet
    average: BlockUNet
    optimiser: torch.optim.Optimizer
    iterations: int = 0
    seconds: float = 0.0


def open_state(folder: Path, network: str, learning_rate: float, device: str) -> TrainingState:
    """The state saved in the folder, or a fresh one where there is none."""
    net, average = make_network(network).to(device), make_network(network).to(device)
    average.load_state_dict(net.state_dict())
    for parameter in net.parameters():
        if parameter.dim() == 5:  # the layout in which 3D convolutions run fastest on a CPU
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)
    optimiser = torch.optim.AdamW(net.parameters(), lr=learning_rate, weight_decay=1e-4)
    state = TrainingState(net=net, average=average, optimiser=optimiser)
    path = folder / FILE_NAME
    if path.exists():
        saved = read_checkpoint(path, device)
        net.load_state_dict(saved["net"])
        average.load_state_dict(saved["average"])
        optimiser.load_state_dict(saved["optimiser"])
        state.iterations, state.seconds = int(saved["iterations"]), float(saved["seconds"])
    return state


def read_checkpoint(path: Path, device: str = "cpu") -> dict[str, Any]:
    """The checkpoint's entries: net, average, optimiser, iterations, seconds, settings."""
    # nothing but numbers is unpickled; the first runs kept their learning rate as a numpy scalar
    numpy_scalar: Any = np.float64(0.0).__reduce__()[0]
    allowed: list[Any] = [numpy_scalar, np.dtype, type(np.dtype(np.float64))]
    with torch.serialization.safe_globals(allowed):
        saved: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    return saved


def save_state(state: TrainingState, folder: Path, settings: dict[str, str]) -> None:
    """Write the checkpoint; a crash while writing leaves the old one."""
    path = folder / FILE_NAME
    temporary = path.with_suffix(".tmp")
    torch.save(
        {
            "net": state.net.state_dict(),
            "average": state.average.state_dict(),
            "optimiser": state.optimiser.state_dict(),
            "iterations": state.iterations,
            "seconds": state.seconds,
            "settings": settings,
        },
        temporary,
    )
    temporary.replace(path)
