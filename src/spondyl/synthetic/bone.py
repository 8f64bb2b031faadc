"""Bone of one patient, and the capsules of bone that are not vertebral bodies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.geometry.arrays import Float64Array
from spondyl.synthetic.shapes import Capsule, Tissue


@dataclass(frozen=True, slots=True, kw_only=True)
class BoneQuality:
    """Bone of one patient: trabecular HU at L1 and its rise to the head, cortex, texture."""

    trabecular_hu: float
    rise: float
    cortex_hu: float
    cortex_mm: float
    endplate_mm: float
    texture_hu: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> BoneQuality:
        """Draw from osteoporotic to dense."""
        return cls(
            trabecular_hu=float(rng.uniform(20, 280)),
            rise=float(rng.uniform(0.0, 1.1)),
            cortex_hu=float(rng.uniform(350, 1300)),
            cortex_mm=float(rng.uniform(0.3, 1.1)),
            endplate_mm=float(rng.uniform(0.35, 2.6) if rng.random() < 0.5 else rng.uniform(0.35, 1.2)),
            texture_hu=float(rng.uniform(5, 60)),
        )


def bone_capsule(
    rng: np.random.Generator,
    bone: BoneQuality,
    a: Float64Array,
    b: Float64Array,
    radii: tuple[float, float],
    tissue: Tissue,
    flat: tuple[Float64Array, float] | None = None,
) -> Capsule:
    """A capsule of bone with a cortex, its HU and cortex drawn from the patient's bone."""
    axis, flatness = flat if flat is not None else (np.array([1.0, 0.0, 0.0]), 1.0)
    return Capsule(
        a_mm=a,
        b_mm=b,
        radius_a_mm=radii[0],
        radius_b_mm=radii[1],
        tissue=tissue,
        core_hu=bone.trabecular_hu * float(rng.uniform(0.5, 1.6)),
        shell_hu=bone.cortex_hu * float(rng.uniform(0.7, 1.3)),
        shell_mm=float(rng.uniform(0.6, 2.2)),
        flat_axis=axis / np.linalg.norm(axis),
        flatness=flatness,
    )
