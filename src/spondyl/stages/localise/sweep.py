"""Runs the finder at 2 mm along the spine, row of windows by row, and blends the outputs.

The spine is followed: a row (a band of the patient's height) needs one window, centred where the row beside
it found bodies. Only where that window does not hold the column well inside are all windows of the row run.
"""

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

Corner = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SweepMaps:
    """Blended outputs on the 2 mm grid, (k, j, i) each; probabilities 0-1, coordinates as in domain.channels.

    level: running number of the vertebra (C1 = 0). Where no window was run, all probabilities are 0.
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
    """Resample to 2 mm along the patient's axes and run the finder along the spine."""
    shape, grid = canonical_grid(_shape3(volume.hu.shape), volume.affine, channels.FINDER_SPACING_MM)
    hu, in_scan = resample(volume.hu, volume.affine, shape, grid, outside=channels.AIR_HU)
    sum_of_windows = _Blend(hu, finder, settings)
    guess = _usual_place(hu, settings)
    rows = _starts(shape[0], finder.patch_shape[0], settings.overlap_fraction)
    middle = len(rows) // 2
    found: dict[int, tuple[float, float]] = {}
    for number in [*range(middle, len(rows)), *range(middle - 1, -1, -1)]:
        near = found.get(number - 1, found.get(number + 1, guess))
        place = sum_of_windows.run_row(rows[number], near)
        if place is not None:
            found[number] = place
    maps = sum_of_windows.maps()
    for name in ("body", "sacrum", "rib"):
        maps[name][~in_scan] = 0.0
    return SweepMaps(in_scan=in_scan, affine=grid, **maps)


class _Blend:
    """Weighted sum of window outputs over one volume."""

    _names = ("body", "sacrum", "rib", "posterior_coordinate", "superior_coordinate", "level")

    def __init__(self, hu: Float32Array, finder: Network, settings: Settings) -> None:
        self._shape = _shape3(hu.shape)
        self._scaled = channels.scale_hu(hu)
        self._bone = hu > settings.bone_hu
        self._finder, self._settings = finder, settings
        self._window = _window(finder.patch_shape)
        self._total = np.zeros((len(self._names), *self._shape), np.float32)
        self._weight = np.zeros(self._shape, np.float32)

    def maps(self) -> dict[str, Float32Array]:
        """The blended maps by name."""
        blended = self._total / np.maximum(self._weight, 1e-6)
        maps = dict(zip(self._names, blended, strict=True))
        maps["level"] = maps["level"] * channels.LEVEL_SCALE + channels.LEVEL_CENTRE
        return maps

    def run_row(self, k: int, near: tuple[float, float]) -> tuple[float, float] | None:
        """Run one row; gives the (j, i) middle of its column of bodies, None where it has none."""
        for _ in range(2):
            corner = (k, *(self._start(axis, near[axis - 1]) for axis in (1, 2)))
            column = self._run((corner[0], corner[1], corner[2]))
            if column is None:
                break
            if self._is_well_inside(column, corner[1:]):
                return float(np.median(column[:, 0])), float(np.median(column[:, 1]))
            near = (float(np.median(column[:, 0])), float(np.median(column[:, 1])))
        return self._run_whole_row(k)

    def _run_whole_row(self, k: int) -> tuple[float, float] | None:
        overlap = self._settings.overlap_fraction
        starts = [_starts(self._shape[a], self._finder.patch_shape[a], overlap) for a in (1, 2)]
        columns = [self._run((k, j, i)) for j, i in product(*starts)]
        seen = [x for x in columns if x is not None]
        if not seen:
            return None
        column = max(seen, key=len)
        return float(np.median(column[:, 0])), float(np.median(column[:, 1]))

    def _start(self, axis: int, middle: float) -> int:
        patch = self._finder.patch_shape[axis]
        return int(np.clip(round(middle - patch / 2), 0, max(self._shape[axis] - patch, 0)))

    def _is_well_inside(self, column: Float64Array, corner: tuple[int, ...]) -> bool:
        """Whether hardly any body voxel lies near a side of the window that is not the volume's."""
        margin = self._settings.window_margin_mm / channels.FINDER_SPACING_MM
        outside = np.zeros(len(column), np.bool_)
        for axis, start in enumerate(corner):
            size, patch = self._shape[axis + 1], self._finder.patch_shape[axis + 1]
            if start > 0:
                outside |= column[:, axis] < start + margin
            if start + patch < size:
                outside |= column[:, axis] > start + patch - 1 - margin
        return bool(outside.mean() < self._settings.margin_share)

    def _run(self, corner: Corner) -> Float64Array | None:
        """Run one window; gives the (n, 2) places (j, i) of its body voxels, None where too few."""
        patch_shape = self._finder.patch_shape
        place = tuple(
            slice(c, min(c + p, n)) for c, p, n in zip(corner, patch_shape, self._shape, strict=True)
        )
        if np.count_nonzero(self._bone[place]) < self._settings.bone_voxels:
            return None
        part = self._scaled[place]
        cut = tuple(slice(0, n) for n in part.shape)
        padded = np.full(patch_shape, channels.SCALED_AIR, np.float32)
        padded[cut] = part
        wanted = _wanted(self._finder.run(padded))[(slice(None), *cut)]
        self._total[(slice(None), *place)] += wanted * self._window[cut]
        self._weight[place] += self._window[cut]
        body = np.argwhere(wanted[0] > self._settings.core_probability)[:, 1:]
        if len(body) * channels.FINDER_SPACING_MM**3 / 1000.0 < self._settings.row_volume_ml:
            return None
        return np.asarray(body + np.array(corner[1:]), np.float64)


def _usual_place(hu: Float32Array, settings: Settings) -> tuple[float, float]:
    """(j, i) where a spine usually lies: the middle of the trunk, some way in front of its back."""
    trunk = ndimage.binary_opening(hu[hu.shape[0] // 2] > settings.trunk_hu, iterations=3)
    if not trunk.any():
        return hu.shape[1] / 2, hu.shape[2] / 2
    j, i = np.nonzero(trunk)
    back = float(np.percentile(j, 99)) - settings.usual_depth_mm / channels.FINDER_SPACING_MM
    return back, float(np.median(i))


def _shape3(shape: tuple[int, ...]) -> Corner:
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


def _starts(size: int, patch: int, overlap: float) -> list[int]:
    """First voxels of windows along one axis: evenly spread, the last one ending at the border."""
    count = 1 if size <= patch else int(np.ceil((size - patch) / (patch * (1 - overlap)))) + 1
    return [round(x) for x in np.linspace(0, max(size - patch, 0), count)]


def _window(patch: Corner) -> Float32Array:
    """Weights of a window: high in its middle, never zero."""
    axes = [np.exp(-0.5 * ((np.arange(n) - (n - 1) / 2) / (0.22 * n)) ** 2) for n in patch]
    window = axes[0][:, None, None] * axes[1][None, :, None] * axes[2][None, None, :]
    return np.asarray(np.maximum(window, 1e-3), np.float32)
