"""Bone of one patient, and the capsules of bone that are not vertebral bodies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spondyl.geometry.arrays import Float64Array
from spondyl.synthetic.shapes import Capsule, Tissue

_ROUND = (np.array([1.0, 0.0, 0.0]), 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoneQuality:
    """Bone of one patient: trabecular HU at L1 and its rise to the head, cortex, texture.

    dense_zone_hu, dense_zone_mm: what the marrow gains under an endplate, and over which depth it falls to
    1/e: real plates are a sharp outer edge with a slope inside (seen on the 1 mm CT of the data at hand).
    """

    trabecular_hu: float
    rise: float
    cortex_hu: float
    cortex_mm: float
    endplate_mm: float
    texture_hu: float
    dense_zone_hu: float
    dense_zone_mm: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> BoneQuality:
        """Draw from osteoporotic to dense: most patients by age (anatomy-and-norms §5.1), some at will."""
        by_age = float(rng.normal(226.0 - 2.1 * rng.uniform(4.0, 66.0), 40.0)) + float(rng.uniform(0, 20))
        return cls(
            trabecular_hu=max(by_age, 10.0) if rng.random() < 0.75 else float(rng.uniform(20, 280)),
            rise=float(rng.uniform(0.1, 1.2)),
            cortex_hu=float(rng.uniform(350, 1300)),
            cortex_mm=float(rng.uniform(0.3, 1.1)),
            endplate_mm=float(rng.uniform(0.4, 2.4) if rng.random() < 0.4 else rng.uniform(0.4, 1.3)),
            texture_hu=float(rng.uniform(5, 60)),
            dense_zone_hu=float(np.exp(rng.normal(np.log(90.0), 0.6))) * float(rng.random() < 0.85),
            dense_zone_mm=float(rng.uniform(0.8, 4.0)),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoneMaker:
    """Makes capsules of one patient's bone, each with its own random cortex and marrow."""

    rng: np.random.Generator
    quality: BoneQuality
    tissue: Tissue

    def capsule(
        self,
        a_mm: Float64Array,
        b_mm: Float64Array,
        radii_mm: tuple[float, float],
        flat: tuple[Float64Array, float] = _ROUND,
    ) -> Capsule:
        """A capsule from a to b; ``flat`` is the flattened direction and by how much."""
        axis, flatness = flat
        return Capsule(
            a_mm=a_mm,
            b_mm=b_mm,
            radius_a_mm=radii_mm[0],
            radius_b_mm=radii_mm[1],
            tissue=self.tissue,
            core_hu=self.quality.trabecular_hu * float(self.rng.uniform(0.5, 1.6)),
            shell_hu=self.quality.cortex_hu * float(self.rng.uniform(0.7, 1.3)),
            shell_mm=float(self.rng.uniform(0.6, 2.2)),
            flat_axis=axis / np.linalg.norm(axis),
            flatness=flatness,
        )


def merged(capsules: Sequence[Capsule]) -> list[Capsule]:
    """Capsules in painting order such that they become one bone: no cortex where one lies in another."""
    solid = [replace(x, core_hu=x.shell_hu, shell_mm=0.0) for x in capsules]
    marrow = [
        replace(
            x,
            radius_a_mm=x.radius_a_mm - _depth_of_cortex(x),
            radius_b_mm=x.radius_b_mm - _depth_of_cortex(x),
            shell_mm=0.0,
        )
        for x in capsules
        if min(x.radius_a_mm, x.radius_b_mm) > _depth_of_cortex(x) + 0.5
    ]
    return solid + marrow


def _depth_of_cortex(capsule: Capsule) -> float:
    """What the radius loses to the cortex; in the flattened direction the loss shrinks with the radius."""
    return capsule.shell_mm * math.sqrt(max(capsule.flatness, 1.0))
