"""A small 3D U-Net on 2x2x2 blocks: fast on CPUs, because no layer but the head works at full resolution."""

from __future__ import annotations

import torch
from torch import nn


class _Block(nn.Module):
    """Two 3x3x3 convolutions with instance normalisation."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv3d(n_in, n_out, 3, padding=1, bias=False),
            nn.InstanceNorm3d(n_out, affine=True),
            nn.LeakyReLU(0.01, inplace=True),
            nn.Conv3d(n_out, n_out, 3, padding=1, bias=False),
            nn.InstanceNorm3d(n_out, affine=True),
            nn.LeakyReLU(0.01, inplace=True),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (b, n_in, k, j, i) to (b, n_out, k, j, i)."""
        out: torch.Tensor = self.layers(x)
        return out


class BlockUNet(nn.Module):
    """U-Net with a stride-2 stem and a stride-2 transposed head.

    Input (1, 1, k, j, i), output (1, n_outputs, k, j, i); k, j, i are multiples of 16.
    ``full_resolution_channels`` > 0 adds one convolution at full resolution that sees the input again:
    sharper edges at small patch sizes.
    """

    def __init__(
        self, n_outputs: int, channels: tuple[int, ...] = (16, 32, 64, 96), full_resolution_channels: int = 0
    ) -> None:
        super().__init__()
        self.stem = nn.Conv3d(1, channels[0], 4, stride=2, padding=1)
        self.down = nn.ModuleList()
        previous = channels[0]
        for width in channels:
            self.down.append(_Block(previous, width))
            previous = width
        self.pool = nn.MaxPool3d(2)
        self.up = nn.ModuleList()
        for width in reversed(channels[:-1]):
            self.up.append(_Block(previous + width, width))
            previous = width
        self.enlarge = nn.Upsample(scale_factor=2, mode="nearest")
        head_outputs = full_resolution_channels or n_outputs
        self.head = nn.ConvTranspose3d(previous, head_outputs, 2, stride=2)
        self.finish = (
            nn.Conv3d(head_outputs + 1, n_outputs, 3, padding=1) if full_resolution_channels else None
        )

    def forward(self, patch: torch.Tensor) -> torch.Tensor:
        """Map (b, 1, k, j, i) to (b, n_outputs, k, j, i)."""
        x = self.stem(patch)
        skips = []
        for number, block in enumerate(self.down):
            x = block(x if number == 0 else self.pool(x))
            skips.append(x)
        skips.pop()
        for block in self.up:
            x = block(torch.cat([self.enlarge(x), skips.pop()], dim=1))
        out: torch.Tensor = self.head(x)
        if self.finish is not None:
            out = self.finish(torch.cat([nn.functional.leaky_relu(out, 0.01), patch], dim=1))
        return out
