"""Depth over width of the bodies: wide at T1, nearly round in the middle thorax, wide again in the loin."""

from __future__ import annotations

import numpy as np

from spondyl.domain.level import Level
from spondyl.domain.vertebra import Vertebra
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.label.settings import Settings

# label maps of ten subjects (anatomy-and-norms §4.4), smoothed along the spine; above T1, below L4 estimated
RATIO: dict[Level, float] = {
    Level.C1: 0.75, Level.C2: 0.80, Level.C3: 0.80, Level.C4: 0.78, Level.C5: 0.74, Level.C6: 0.69,
    Level.C7: 0.64, Level.T1: 0.61, Level.T2: 0.70, Level.T3: 0.80, Level.T4: 0.88, Level.T5: 0.92,
    Level.T6: 0.95, Level.T7: 0.97, Level.T8: 0.95, Level.T9: 0.93, Level.T10: 0.88, Level.T11: 0.82,
    Level.T12: 0.78, Level.T13: 0.78, Level.L1: 0.77, Level.L2: 0.77, Level.L3: 0.77, Level.L4: 0.76,
    Level.L5: 0.70, Level.L6: 0.69, Level.S1: 0.62,
}  # fmt: skip
_FEWEST_VOXELS = 500


def depth_to_width(vertebra: Vertebra) -> float | None:
    """Spread of the body's voxels from front to back over that from left to right; None where it is cut."""
    index = np.argwhere(vertebra.patch.occupancy > 0.5)
    if vertebra.cut_by_border or len(index) < _FEWEST_VOXELS:
        return None
    local = index @ vertebra.patch.affine[:3, :3].T @ vertebra.candidate.frame
    width, depth = local[:, 0].std(), local[:, 1].std()
    return float(depth / width)


def ratio_score(ratios: tuple[float | None, ...], levels: tuple[Level, ...], settings: Settings) -> float:
    """Log score of the ratios against the norms: one offset of the patient, then each body's own spread."""
    pairs = [(np.log(ratio), np.log(RATIO[x])) for ratio, x in zip(ratios, levels, strict=True) if ratio]
    if not pairs:
        return 0.0
    off: Float64Array = np.array([seen - norm for seen, norm in pairs])
    precision = len(off) / settings.ratio_sd**2
    common = off.sum() / settings.ratio_sd**2 / (precision + settings.patient_ratio_sd**-2.0)
    misfit = np.minimum(((off - common) / settings.ratio_sd) ** 2, 9.0).sum()
    return float(-0.5 * settings.ratio_weight * (misfit + (common / settings.patient_ratio_sd) ** 2))
