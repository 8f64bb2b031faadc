"""Runs the finder over the whole volume at 2 mm in overlapping windows and blends the outputs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import ndimage

from spondyl.domain import channels
from spondyl.domain.network import Network
from spondyl.domain.volume import CtVolume
from spondyl.geometry.arrays import BoolArray, Float32Array, Float64Array
from spondyl.geometry.canonical import canonical_grid, resample
from spondyl.stages.localise.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SweepMaps:
    """Blended outputs on the 2 mm grid, (k, j, i) each; probabilities 0-1, coordinates as in domain.channels.

    level: running number of the vertebra (C1 = 0).
    """

    body: Float32Array
    sacrum: Float32Array
    rib: Float32Array
    posterior_coordinate: Float32Array
    superior_coordinate: Float32Array
    level: Float32Array
    in_scan: BoolArray
    affine: Float64Array


def sweep(volume: CtVolume, finder: Network, settings: Settings) -> SweepMaps:
    """Resample to 2 mm along the patient's axes and run the finder wherever there is bone."""
    shape, grid = canonical_grid(_shape3(volume.hu.shape), volume.affine, channels.FINDER_SPACING_MM)
    hu, in_scan = resample(volume.hu, volume.affine, shape, grid, outside=channels.AIR_HU)
    bone = ndimage.uniform_filter((hu > settings.bone_hu).astype(np.float32), 3) > 0.2
    scaled = channels.scale_hu(hu)
    window = _window(finder.patch_shape)
    names = _KEPT
    total = np.zeros((len(names), *shape), np.float32)
    weight = np.zeros(shape, np.float32)
    for corner in _corners(shape, finder.patch_shape, settings.overlap_fraction):
        place = tuple(
            slice(c, min(c + p, n)) for c, p, n in zip(corner, finder.patch_shape, shape, strict=True)
        )
        if np.count_nonzero(bone[place]) < settings.bone_voxels:
            continue
        part = scaled[place]
        padded = np.full(finder.patch_shape, channels.SCALED_AIR, np.float32)
        padded[tuple(slice(0, n) for n in part.shape)] = part
        wanted = _wanted(finder.run(padded))
        cut = tuple(slice(0, n) for n in part.shape)
        total[(slice(None), *place)] += wanted[(slice(None), *cut)] * window[cut]
        weight[place] += window[cut]
    total /= np.maximum(weight, 1e-6)
    maps = dict(zip(names, total, strict=True))
    maps["level"] = maps["level"] * channels.LEVEL_SCALE + channels.LEVEL_CENTRE
    for name in ("body", "sacrum", "rib"):
        maps[name][~in_scan] = 0.0
    return SweepMaps(in_scan=in_scan, affine=grid, **maps)


_KEPT = ("body", "sacrum", "rib", "posterior_coordinate", "superior_coordinate", "level")


def _shape3(shape: tuple[int, ...]) -> tuple[int, int, int]:
    return shape[0], shape[1], shape[2]


def _wanted(output: Float32Array) -> Float32Array:
    """(6, k, j, i): the three probabilities and three regressed values that are used further on."""
    n_classes = len(channels.FINDER_CLASSES)
    logits = output[:n_classes]
    exponent = np.exp(logits - logits.max(axis=0))
    total = exponent.sum(axis=0)
    classes = [channels.FINDER_CLASSES.index(name) for name in ("body", "sacrum", "rib")]
    regressed = output[
        [channels.FINDER_POSTERIOR_COORDINATE, channels.FINDER_SUPERIOR_COORDINATE, channels.FINDER_LEVEL]
    ]
    return np.concatenate([exponent[classes] / total, regressed])


def _corners(
    shape: tuple[int, int, int], patch: tuple[int, int, int], overlap: float
) -> list[tuple[int, int, int]]:
    """First voxels of the windows: evenly spread, the last one ending at the border."""
    axes = []
    for n, p in zip(shape, patch, strict=True):
        count = 1 if n <= p else int(np.ceil((n - p) / (p * (1 - overlap)))) + 1
        axes.append([round(x) for x in np.linspace(0, max(n - p, 0), count)])
    return [(a, b, c) for a, b, c in product(*axes)]


def _window(patch: tuple[int, int, int]) -> Float32Array:
    """Weights of a window: high in its middle, never zero."""
    axes = [np.exp(-0.5 * ((np.arange(n) - (n - 1) / 2) / (0.22 * n)) ** 2) for n in patch]
    window = axes[0][:, None, None] * axes[1][None, :, None] * axes[2][None, None, :]
    return np.asarray(np.maximum(window, 1e-3), np.float32)
