from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: `make train-extra` installs it")

from spondyl.domain import channels
from spondyl.training.loss import Batch, loss, soft_targets

pytestmark = pytest.mark.torch
N_CLASSES = {"finder": len(channels.FINDER_CLASSES), "refiner": len(channels.REFINER_CLASSES)}


def batch(name: str) -> Batch:
    """Two voxels wide: background, a body voxel of share 0.7, a disc voxel."""
    classes = torch.zeros(1, 1, 1, 3, dtype=torch.int64)
    classes[..., 1], classes[..., 2] = 1, N_CLASSES[name] - 3
    body = torch.tensor([[[[0.0, 0.7, 0.0]]]])
    coordinates = torch.full((1, 3, 1, 1, 3), 0.25)
    return torch.zeros(1, 1, 1, 1, 3), classes, body, torch.zeros_like(body), coordinates


@pytest.mark.parametrize("name", ["finder", "refiner"])
def test_targets_are_shares_in_bodies_and_hard_elsewhere(name: str) -> None:
    _, classes, body, other, _ = batch(name)
    target = soft_targets(name, classes, body, other)
    assert target.shape == (1, N_CLASSES[name], 1, 1, 3)
    torch.testing.assert_close(target.sum(1), torch.ones(1, 1, 1, 3))
    torch.testing.assert_close(target[0, :2, 0, 0, 1], torch.tensor([0.3, 0.7]))
    assert target[0, N_CLASSES[name] - 3, 0, 0, 2] == 1.0


def test_s1_stays_a_hard_class_of_the_finder_and_another_body_a_soft_one_of_the_refiner() -> None:
    classes = torch.full((1, 1, 1, 1), 5)
    share = torch.full((1, 1, 1, 1), 0.4)
    none = torch.zeros_like(share)
    assert soft_targets("finder", classes, none, share)[0, 5].item() == 1.0
    refined = soft_targets("refiner", torch.full((1, 1, 1, 1), 2), none, share)
    torch.testing.assert_close(refined[0, :3, 0, 0, 0], torch.tensor([0.6, 0.0, 0.4]))


@pytest.mark.parametrize("name", ["finder", "refiner"])
def test_the_right_answer_costs_less_than_any_other(name: str) -> None:
    made = batch(name)
    target = soft_targets(name, *made[1:4])
    right = torch.cat([(target + 1e-6).log(), made[4]], 1)
    best, parts = loss(name, right, made)
    misplaced = right.clone()
    misplaced[:, N_CLASSES[name] :] += 0.5
    misnamed = right.clone()
    misnamed[:, 1] -= 3.0
    assert loss(name, misplaced, made)[0] > best + 0.1
    assert loss(name, misnamed, made)[0] > best + 0.1
    assert parts["place"] == pytest.approx(0.0, abs=1e-6)
    assert set(parts) == {"loss", "ce", "dice_body", "place"}


def test_coordinates_cost_nothing_outside_bodies() -> None:
    made = batch("refiner")
    output = torch.cat([(soft_targets("refiner", *made[1:4]) + 1e-6).log(), made[4]], 1)
    elsewhere = output.clone()
    elsewhere[:, channels.REFINER_COORDINATES :, :, :, 0] += 5.0
    assert loss("refiner", elsewhere, made)[0] == pytest.approx(float(loss("refiner", output, made)[0]))
