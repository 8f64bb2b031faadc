"""The two networks by name: untrained, and written as ONNX."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from spondyl.domain import channels
from spondyl.networks.unet import BlockUNet

OPSET = 17


def make_network(name: str) -> BlockUNet:
    """The network of that name, untrained.

    Raises:
        ValueError: no such network.
    """
    if name == "finder":
        return BlockUNet(channels.FINDER_OUTPUTS)
    if name == "refiner":
        return BlockUNet(channels.REFINER_OUTPUTS, full_resolution_channels=10)
    raise ValueError(f"network {name!r}: 'finder' or 'refiner' is needed")


def patch_shape(name: str) -> tuple[int, int, int]:
    """(k, j, i) of the network's fixed input."""
    return channels.FINDER_PATCH if name == "finder" else channels.REFINER_PATCH


def export_onnx(network: BlockUNet, name: str, path: Path) -> Path:
    """Write the network as ONNX with fixed patch shape, input ``patch``, output ``output``."""
    fixed = make_network(name)
    fixed.load_state_dict({key: value.cpu() for key, value in network.state_dict().items()})
    fixed.eval()
    temporary = path.with_suffix(".tmp.onnx")
    with warnings.catch_warnings():
        # the older exporter is asked for on purpose: it needs no onnxscript and writes a plain graph
        warnings.simplefilter("ignore", DeprecationWarning)
        # shapes are fixed on purpose, so what the trace takes for constant is constant
        warnings.filterwarnings("ignore", message="Converting a tensor to a Python", category=Warning)
        # instance normalisation has no other mode; the exporter wonders about it at every layer
        warnings.filterwarnings("ignore", message="ONNX export mode is set", category=UserWarning)
        torch.onnx.export(
            fixed,
            (torch.zeros(1, 1, *patch_shape(name)),),
            str(temporary),
            input_names=["patch"],
            output_names=["output"],
            opset_version=OPSET,
            dynamo=False,
        )
    temporary.replace(path)
    return path
