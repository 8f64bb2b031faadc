"""Segmented vertebrae, each on its own small grid, and their level names."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spondyl.domain.level import Level
from spondyl.domain.spine import BodyCandidate
from spondyl.geometry.arrays import BoolArray, Float32Array, Float64Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BodyPatch:
    """One vertebral body on a small grid aligned with the vertebra.

    Axis k runs to superior, j to posterior, i to the left; the grid is isotropic.

    occupancy: (k, j, i) float32 in 0-1, share of the voxel that is the target's body; the body's
        surface is the 0.5 level (sub-voxel).
    posterior: (k, j, i) float32 in 0-1, posterior elements (any vertebra).
    hu: (k, j, i) float32 Hounsfield units, resampled from the CT; unusable where ``in_scan`` is False.
    in_scan: (k, j, i) bool, False where the scan holds no data.
    affine: (4, 4) patch index (k, j, i) to LPS mm.
    slice_spacing_mm: slice spacing of the CT the patch was cut from.
    """

    occupancy: Float32Array
    posterior: Float32Array
    hu: Float32Array
    in_scan: BoolArray
    affine: Float64Array
    slice_spacing_mm: float

    def __post_init__(self) -> None:
        shapes = {self.occupancy.shape, self.posterior.shape, self.hu.shape, self.in_scan.shape}
        if len(shapes) != 1 or self.occupancy.ndim != 3:
            raise ValueError(f"the patch's arrays differ in shape: {shapes}")
        if self.affine.shape != (4, 4):
            raise ValueError("affine must be (4, 4)")
        for array in (self.occupancy, self.posterior, self.hu, self.in_scan, self.affine):
            array.setflags(write=False)

    @property
    def spacing_mm(self) -> float:
        """Voxel size of the (isotropic) patch."""
        return float(np.linalg.norm(self.affine[:3, 0]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vertebra:
    """One instance: its candidate, its patch, and whether the scan cuts it.

    cut_by_border: the body reaches the end of the scanned space: never graded.
    metal_fraction: share of the body and its near surroundings (5 mm) above the metal threshold.
    outline_quality: 0-1, how sharply the network decided on this outline, less where the networks disagree.
    """

    candidate: BodyCandidate
    patch: BodyPatch
    cut_by_border: bool
    metal_fraction: float
    outline_quality: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VertebraMasks:
    """All vertebrae segmented in one volume, head to foot."""

    vertebrae: tuple[Vertebra, ...]
    series_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelName:
    """The name given to one vertebra.

    probability: that this name is right, given everything seen.
    is_uncertain: True where no anchor (first rib, last rib, sacrum) supports the numbering or
        the probability is below the settings' limit.
    """

    level: Level
    probability: float
    is_uncertain: bool

    def __post_init__(self) -> None:
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"probability {self.probability} is outside 0-1")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledSpine:
    """Vertebrae with names, head to foot; names are unique and in order."""

    masks: VertebraMasks
    names: tuple[LevelName, ...]

    def __post_init__(self) -> None:
        if len(self.names) != len(self.masks.vertebrae):
            raise ValueError(f"{len(self.names)} names for {len(self.masks.vertebrae)} vertebrae")
        orders = [name.level.order for name in self.names]
        if any(upper >= lower for upper, lower in pairwise(orders)):
            raise ValueError("levels must be unique and ordered from head to foot")
