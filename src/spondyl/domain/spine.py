"""SpineRegion: where the vertebral bodies are, as the coarse network sees them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spondyl.domain.coarse_maps import CoarseMaps
from spondyl.geometry.arrays import Float64Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BodyCandidate:
    """One vertebral body found by the coarse network.

    centre_lps_mm: (3,) centre of the body.
    frame: (3, 3) columns are unit vectors to the vertebra's left, posterior and superior, in LPS.
    body_probability: mean probability of "body" in the core of the instance, 0-1.
    level_estimate: the network's own running number of this body (C1 = 0 ... S1 = 24,
        standard anatomy), a real number with the sd ``level_estimate_sd``.
    rib_evidence: 0-1, how surely a rib leaves this body (both sides); 0.5 where nobody has looked yet.
    sacrum_evidence: 0-1, how surely this is S1.
    """

    centre_lps_mm: Float64Array
    frame: Float64Array
    body_probability: float
    level_estimate: float
    level_estimate_sd: float
    rib_evidence: float
    sacrum_evidence: float

    def __post_init__(self) -> None:
        if self.centre_lps_mm.shape != (3,) or self.frame.shape != (3, 3):
            raise ValueError("centre_lps_mm must be (3,), frame (3, 3)")
        if np.max(np.abs(self.frame.T @ self.frame - np.eye(3))) > 1e-6:
            raise ValueError("frame must be orthonormal")
        for name in ("body_probability", "rib_evidence", "sacrum_evidence"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} = {getattr(self, name)} is outside 0-1")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpineRegion:
    """The chain of bodies of one volume, ordered from head to foot.

    maps: what the coarse network saw, for bodies that are found later; None where nothing was kept.
    """

    bodies: tuple[BodyCandidate, ...]
    maps: CoarseMaps | None = None

    def __post_init__(self) -> None:
        if not self.bodies:
            raise ValueError("a SpineRegion holds at least one body; use Refusal NO_SPINE_FOUND")
        heights = [float(body.centre_lps_mm[2]) for body in self.bodies]
        if any(upper <= lower for upper, lower in pairwise(heights)):
            raise ValueError("bodies must be ordered from head to foot (falling z)")
