"""Whether values are Hounsfield units of a patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.domain.refusal import Refusal, RefusalCode
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.ingest.pixels import Decoded
from spondyl.stages.ingest.refused import make_refusal
from spondyl.stages.ingest.settings import Settings

_STEP = 4  # every fourth row and column is enough to judge a slice


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shares:
    lowest_hu: float
    highest_hu: float
    soft_tissue: float
    dense: float


def check_values(decoded: Decoded, settings: Settings) -> Refusal | None:
    """Refuse values no CT of a patient has: constants, label maps, 8-bit windows, 0..1 floats, inverted."""
    shares = _measure(decoded, settings)
    if shares is None:
        return _refuse("Nothing but padding.")
    if shares.lowest_hu > settings.air_or_fat_hu:
        return _refuse(
            f"No value at or below {settings.air_or_fat_hu:g}; the lowest is {shares.lowest_hu:g}."
        )
    if shares.highest_hu < settings.bone_hu:
        return _refuse(f"No value at or above {settings.bone_hu:g}; the highest is {shares.highest_hu:g}.")
    if shares.soft_tissue < settings.soft_tissue_fraction:
        return _refuse(f"Only {shares.soft_tissue:.1%} of the values lie near those of soft tissue.")
    if shares.dense > settings.dense_fraction:
        return _refuse(f"{shares.dense:.0%} of the values lie above {settings.dense_hu:g}.")
    return None


def _measure(decoded: Decoded, settings: Settings) -> _Shares | None:
    n_all, n_soft, n_dense = 0, 0, 0
    lowest, highest = np.inf, -np.inf
    for k in range(len(decoded.stored)):
        hu = _sample_hu(decoded, k)
        if not hu.size:
            continue
        n_all += hu.size
        n_soft += int(np.count_nonzero(np.abs(hu) <= settings.soft_tissue_hu))
        n_dense += int(np.count_nonzero(hu > settings.dense_hu))
        lowest, highest = min(lowest, float(hu.min())), max(highest, float(hu.max()))
    if not n_all:
        return None
    return _Shares(lowest_hu=lowest, highest_hu=highest, soft_tissue=n_soft / n_all, dense=n_dense / n_all)


def _sample_hu(decoded: Decoded, k: int) -> Float64Array:
    sample = decoded.stored[k, ::_STEP, ::_STEP]
    if decoded.padding is not None:
        sample = sample[sample != decoded.padding]
    return np.asarray(sample * decoded.slope[k] + decoded.intercept[k], dtype=np.float64)


def _refuse(got: str) -> Refusal:
    return make_refusal(
        RefusalCode.IMPLAUSIBLE_VALUES,
        got,
        "Hounsfield units: air near -1000, water 0, bone above 100; not a label map, mask or rescaled image.",
    )
