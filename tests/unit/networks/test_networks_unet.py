from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: `make train-extra` installs it")

from spondyl.networks.unet import BlockUNet

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("full_resolution_channels", [0, 3])
@pytest.mark.parametrize("shape", [(16, 32, 48), (32, 16, 16)])
def test_the_output_has_the_shape_of_the_input(
    full_resolution_channels: int, shape: tuple[int, int, int]
) -> None:
    network = BlockUNet(5, (4, 6, 8, 8), full_resolution_channels)
    assert network(torch.zeros(2, 1, *shape)).shape == (2, 5, *shape)


def test_every_weight_learns() -> None:
    torch.manual_seed(0)
    network = BlockUNet(3, (4, 6, 8, 8), 2)
    network(torch.randn(1, 1, 16, 32, 16)).square().sum().backward()
    assert all(x.grad is not None and x.grad.abs().sum() > 0 for x in network.parameters())


def test_the_shipped_sizes_stay_small() -> None:
    n_weights = sum(x.numel() for x in BlockUNet(10).parameters())
    assert 1_000_000 < n_weights < 1_300_000
