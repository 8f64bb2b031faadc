"""One training loop for both networks: examples stream in, weights and checkpoints come out.

The budget is wall time: the learning rate follows it, a stopped run goes on from its checkpoint.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from spondyl.training.checkpoint import TrainingState, open_state, save_state
from spondyl.training.examples import EXAMPLES, Example
from spondyl.training.loss import Batch, loss
from spondyl.training.make_network import export_onnx

_SAVE_EVERY_S = 240.0
_WARM_UP = 100  # iterations
_AVERAGE_KEEP = 0.998
_MOST_LEFT_OUT = 20  # steps in a row


class TrainingError(RuntimeError):
    """Training cannot go on; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """A training run.

    network: "finder" or "refiner". folder: checkpoint, log and exported network.
    hours: wall time over all resumed parts. max_iterations: stops earlier, at so many in all.
    log_every: iterations between two lines of the log.
    pool_size, new_share: rendered patches kept, and share of draws that renders a new one.
    workers: processes that make examples; 0 makes them in the training's own.
    """

    network: str
    folder: Path
    hours: float = 1.0
    max_iterations: int | None = None
    seed: int = 1
    batch_size: int = 1
    learning_rate: float = 3e-3
    workers: int = 1
    threads: int = 2
    log_every: int = 50
    pool_size: int = 300
    new_share: float = 0.25
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.network not in EXAMPLES:
            raise ValueError(f"network {self.network!r}: one of {sorted(EXAMPLES)} is needed")
        if self.hours <= 0 or self.batch_size < 1 or self.threads < 1 or self.workers < 0:
            raise ValueError(f"{self}: hours, batch size and threads must be positive, workers 0 or more")


class _Stream(IterableDataset[Batch]):
    """Endless examples; every worker and every resumed part draws from its own seed."""

    def __init__(self, settings: TrainingSettings, start: int) -> None:
        super().__init__()
        self.settings, self.start = settings, start

    def __iter__(self) -> Iterator[Batch]:
        info = get_worker_info()
        if info is not None:
            torch.set_num_threads(1)
        seed = self.settings.seed * 1_000_003 + self.start * 101 + (info.id if info else 0)
        source = EXAMPLES[self.settings.network]
        for example in source(seed, self.settings.pool_size, self.settings.new_share):
            yield _to_tensors(example)


def _to_tensors(example: Example) -> Batch:
    return (
        torch.from_numpy(np.ascontiguousarray(example.patch))[None],
        torch.from_numpy(example.classes.astype(np.int64)),
        torch.from_numpy(np.ascontiguousarray(example.body)),
        torch.from_numpy(np.ascontiguousarray(example.other)),
        torch.from_numpy(np.ascontiguousarray(example.coordinates)),
    )


def train(settings: TrainingSettings) -> Path:
    """Train (or go on training) until the hours are spent; returns the exported ONNX file.

    Raises:
        TrainingError: the loss stays without a finite gradient.
    """
    settings.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    state = open_state(settings.folder, settings.network, settings.learning_rate, settings.device)
    began, spent = time.monotonic(), state.seconds
    saved = began
    log: list[dict[str, float]] = []
    left_out = 0
    for batch in _batches(settings, state.iterations):
        state.seconds = spent + time.monotonic() - began
        if _is_spent(settings, state):
            break
        _set_rate(settings, state)
        parts = _step(settings, state, batch)
        left_out = 0 if parts else left_out + 1
        if left_out > _MOST_LEFT_OUT:
            raise TrainingError(
                f"{left_out} steps in a row had no finite gradient; the checkpoint in {settings.folder} is "
                "sound: lower the learning rate and go on from it"
            )
        log += [parts] if parts else []
        state.iterations += 1
        if state.iterations % settings.log_every == 0 and log:
            _report(settings, state, log)
            log.clear()
        if time.monotonic() - saved > _SAVE_EVERY_S:
            saved = time.monotonic()
            _save(settings, state)
    return _save(settings, state)


def _batches(settings: TrainingSettings, start: int) -> DataLoader[Batch]:
    return DataLoader(
        _Stream(settings, start),
        batch_size=settings.batch_size,
        num_workers=settings.workers,
        prefetch_factor=4 if settings.workers else None,
    )


def _is_spent(settings: TrainingSettings, state: TrainingState) -> bool:
    if settings.max_iterations is not None and state.iterations >= settings.max_iterations:
        return True
    return state.seconds >= settings.hours * 3600


def _step(settings: TrainingSettings, state: TrainingState, batch: Batch) -> dict[str, float]:
    """One optimiser step; returns the parts of the loss, none where the step was left out."""
    patch, classes, body, other, coordinates = (x.to(settings.device) for x in batch)
    with torch.autocast(settings.device, dtype=torch.bfloat16):
        output = state.net(patch.contiguous(memory_format=torch.channels_last_3d))
    total, parts = loss(settings.network, output, (patch, classes, body, other, coordinates))
    state.optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(total)
    length = nn.utils.clip_grad_norm_(state.net.parameters(), 5.0)
    # one overflow in half precision would make every weight NaN, and the next checkpoint with it
    if not torch.isfinite(length):
        return {}
    state.optimiser.step()
    # early on the mean must forget fast, or the first random weights would stay in it
    keep = min(_AVERAGE_KEEP, (state.iterations + 1) / (state.iterations + 10))
    with torch.no_grad():
        for mine, theirs in zip(state.average.parameters(), state.net.parameters(), strict=True):
            mine.lerp_(theirs, 1.0 - keep)
    return parts


def _set_rate(settings: TrainingSettings, state: TrainingState) -> None:
    """Warm up over the first steps, then fall along a cosine of the time spent to one hundredth."""
    warm = min(1.0, (state.iterations + 1) / _WARM_UP)
    progress = min(state.seconds / (settings.hours * 3600), 1.0)
    rate = settings.learning_rate * warm * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * progress)))
    for group in state.optimiser.param_groups:
        group["lr"] = float(rate)


def _report(settings: TrainingSettings, state: TrainingState, log: list[dict[str, float]]) -> None:
    means = {key: round(float(np.mean([x[key] for x in log])), 4) for key in log[0]}
    line = json.dumps({"iteration": state.iterations, "seconds": round(state.seconds), **means})
    with (settings.folder / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def _save(settings: TrainingSettings, state: TrainingState) -> Path:
    """Checkpoint and export; returns the ONNX file."""
    save_state(state, settings.folder, {key: str(value) for key, value in asdict(settings).items()})
    return export_onnx(state.average, settings.network, settings.folder / f"{settings.network}.onnx")
