"""What is minimised: cross-entropy and Dice on soft class targets, and coordinates inside bodies."""

from __future__ import annotations

import torch
from torch.nn import functional

from spondyl.domain import channels

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
"""patch (b, 1, k, j, i), classes (b, k, j, i), body and other (b, k, j, i), coordinates (b, c, k, j, i)."""

# weights of the classes in the cross-entropy, order of domain.channels
_CLASS_WEIGHTS = {
    "finder": (0.6, 1.3, 1.0, 1.2, 1.0, 1.3, 1.0),
    "refiner": (0.7, 1.3, 1.0, 0.8, 0.9, 0.8),
}
_DICE_SMOOTHING = 20.0  # voxels; keeps the Dice of a class that is hardly there from jumping
# of each regressed coordinate, order of domain.channels: the finder parts neighbours by the superior one
_PLACE_WEIGHTS = {"finder": (0.4, 2.0, 0.6), "refiner": (0.5, 0.5, 0.5)}
_PLACE_BETA = 0.1


def soft_targets(name: str, classes: torch.Tensor, body: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """(b, c, k, j, i) class probabilities: bodies by their share of the voxel, the rest by hard class."""
    n_classes = len(channels.FINDER_CLASSES if name == "finder" else channels.REFINER_CLASSES)
    is_body = classes == 1
    if name == "refiner":
        is_body |= classes == 2
    rest = classes.masked_fill(is_body, 0)
    target = functional.one_hot(rest, n_classes).movedim(-1, 1).to(body.dtype)
    if name == "finder":  # "other" is S1 there, which stays a hard class
        other = torch.zeros_like(other)
    target = target * (1.0 - (body + other).clamp(max=1.0))[:, None]
    target[:, 1] += body
    target[:, 2] += other
    return target


def loss(name: str, output: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
    """The loss of one batch and its parts: weighted cross-entropy, Dice, coordinates."""
    _, classes, body, other, coordinates = batch
    weights = torch.tensor(_CLASS_WEIGHTS[name], device=output.device)
    n_classes = len(weights)
    target = soft_targets(name, classes, body, other)
    logits, regressed = output[:, :n_classes].float(), output[:, n_classes:].float()
    log_p = functional.log_softmax(logits, 1)
    entropy = -(target * log_p * weights.view(1, -1, 1, 1, 1)).sum(1).mean()
    p = log_p.exp()
    axes = (0, 2, 3, 4)
    overlap = 2 * (p * target).sum(axes) + _DICE_SMOOTHING
    dice = 1 - overlap / ((p + target).sum(axes) + _DICE_SMOOTHING)
    inside = _where_placed(name, body, other, coordinates)
    offset = functional.smooth_l1_loss(regressed, coordinates, reduction="none", beta=_PLACE_BETA)
    placed = (offset * inside).sum(axes) / inside.sum(axes).clamp(min=1.0)
    total = entropy + dice[1:].mean() + placed @ torch.tensor(_PLACE_WEIGHTS[name], device=placed.device) / 3
    if name == "refiner":  # its one job is the target's outline
        total = total + dice[1]
    named = {"loss": total, "ce": entropy, "dice_body": 1 - dice[1], "place": placed.mean()}
    return total, {key: float(value.detach()) for key, value in named.items()}


def _where_placed(
    name: str, body: torch.Tensor, other: torch.Tensor, coordinates: torch.Tensor
) -> torch.Tensor:
    """(b, c, k, j, i) 1 where a coordinate is learnt: inside bodies; the finder's level on S1 too."""
    is_body = body > 0.5
    if name == "finder":
        return torch.stack([is_body, is_body, is_body | (other > 0.5)], 1).float()
    return is_body.float()[:, None].expand_as(coordinates)
