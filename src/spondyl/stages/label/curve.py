"""The spine's curve in the patient: which way each step from body to body leans tells the lumbar levels."""

from __future__ import annotations

import numpy as np

from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.label.settings import Settings

# lean of the step from a body's centre up from the next lower one, degrees to the back, and its spread within
# one spine: medians and spreads of 2,116 CTs (ImFusion VID body centres, anatomy-and-norms §4.7).
# Below L5 (no data there), T13 and L6: our estimates.
_LEAN_DEG: dict[Level, tuple[float, float]] = {
    Level.C1: (-16.0, 10.0), Level.C2: (-9.0, 11.0), Level.C3: (-12.0, 10.0), Level.C4: (-15.0, 8.0),
    Level.C5: (-15.0, 7.0), Level.C6: (-19.0, 9.5), Level.C7: (-28.0, 9.0), Level.T1: (-27.0, 8.0),
    Level.T2: (-26.0, 7.0), Level.T3: (-22.0, 6.0), Level.T4: (-17.0, 5.0), Level.T5: (-10.0, 5.5),
    Level.T6: (-3.0, 6.0), Level.T7: (4.0, 6.0), Level.T8: (10.5, 6.0), Level.T9: (12.5, 5.5),
    Level.T10: (13.0, 5.0), Level.T11: (14.0, 5.0), Level.T12: (14.0, 4.5), Level.T13: (14.5, 4.5),
    Level.L1: (15.0, 4.5), Level.L2: (13.0, 4.5), Level.L3: (6.0, 6.0), Level.L4: (-6.5, 8.0),
    Level.L5: (-32.0, 10.0), Level.L6: (-32.0, 10.0),
}  # fmt: skip
_MOST_SPREADS = 9.0  # squared: what is further off is a fracture, an implant or a wrong centre


def lean_deg(centres_lps_mm: Float64Array) -> Float64Array:
    """(n - 1,) of (n, 3) centres from head to foot: how far each step leans to the back on its way up."""
    steps = centres_lps_mm[:-1] - centres_lps_mm[1:]
    upwards = np.hypot(steps[:, 0], steps[:, 2])
    return np.asarray(np.degrees(np.arctan2(steps[:, 1], upwards)))


def curve_score(leans: tuple[float | None, ...], levels: tuple[Level, ...], settings: Settings) -> float:
    """Log score of the steps against the norm: the patient lies turned as a whole, then each step's spread.

    leans: of each step, None where it cannot be used.
    """
    pairs = [(seen, *_LEAN_DEG[x]) for seen, x in zip(leans, levels[:-1], strict=True) if seen is not None]
    if not pairs:
        return 0.0
    values = np.array(pairs)
    off, precision = values[:, 0] - values[:, 1], values[:, 2] ** -2.0
    turned = float(off @ precision / (precision.sum() + settings.patient_turn_sd_deg**-2.0))
    misfit = float(np.minimum((off - turned) ** 2 * precision, _MOST_SPREADS).sum())
    misfit += min((turned / settings.patient_turn_sd_deg) ** 2, _MOST_SPREADS)
    return -0.5 * settings.curve_weight * misfit
