"""Normal heights by level: how the posterior height grows, and the ratios of the other two to it.

Sources: T1-L2 from 3,607 six-point readings on 100 chest CTs (neuro-ml; anatomy-and-norms §4.1).
L3-L5 anterior: dry-spine wedging and CT of L5 (clinical-methods §1.3, anatomy-and-norms §4.4).
Middle height: +0.02 on the readings' ratio, and level from L1 to L5 (ours: own measurement of the
label maps and annotations at hand). Only ratios between levels matter: the patient sets the size.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float64Array

# level: anterior / posterior, middle / posterior, posterior of the next lower / this posterior
_ROWS: tuple[tuple[Level, float, float, float], ...] = (
    (Level.T1, 0.952, 0.877, 1.067),
    (Level.T2, 0.970, 0.880, 1.032),
    (Level.T3, 0.943, 0.863, 1.030),
    (Level.T4, 0.931, 0.864, 1.035),
    (Level.T5, 0.908, 0.868, 1.021),
    (Level.T6, 0.875, 0.857, 1.025),
    (Level.T7, 0.861, 0.862, 1.011),
    (Level.T8, 0.890, 0.867, 1.021),
    (Level.T9, 0.924, 0.878, 1.055),
    (Level.T10, 0.941, 0.884, 1.083),
    (Level.T11, 0.900, 0.879, 1.059),
    (Level.T12, 0.905, 0.884, 1.042),
    (Level.L1, 0.927, 0.879, 1.003),
    (Level.L2, 0.969, 0.877, 0.990),
    (Level.L3, 1.000, 0.886, 0.970),
    (Level.L4, 1.050, 0.913, 0.930),
    (Level.L5, 1.160, 0.982, 1.000),
)


def _table() -> dict[Level, Float64Array]:
    table = {}
    posterior = 1.0
    for level, anterior_ratio, middle_ratio, growth in _ROWS:
        table[level] = posterior * np.array([anterior_ratio, middle_ratio, 1.0])
        posterior *= growth
    table[Level.T13] = np.sqrt(table[Level.T12] * table[Level.L1])
    table[Level.L6] = table[Level.L5]
    return table


NORMAL_HEIGHTS = MappingProxyType(_table())
"""(3,) anterior, middle, posterior height by level, in posterior heights of T1."""


def ladder(levels: tuple[Level, ...]) -> Float64Array:
    """(n,) places of levels on the spine, counted in vertebrae; T13 counts only where it is there."""
    has_t13 = Level.T13 in levels
    return np.array(
        [level.order - (not has_t13 and level.order > Level.T13.order) for level in levels], dtype=np.float64
    )
