"""Rescale slice by slice, in the narrowest type that holds the values."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt

from spondyl.domain.series import AcceptedSeries
from spondyl.domain.volume import HU_FLOOR, CtVolume
from spondyl.geometry.arrays import Int16Array

_HU_CEILING = int(np.iinfo(np.int16).max)


def assemble(series: AcceptedSeries) -> CtVolume:
    """Build the CT volume of a series.

    Values are rounded to whole Hounsfield units and clipped to HU_FLOOR ... 32767. int16 values
    that need no change are taken over without a copy.
    """
    hu = cast("Int16Array", series.stored) if _is_hu_already(series) else _rescale(series)
    return CtVolume(hu=hu, affine=series.affine.copy(), series_id=series.summary.series_id)


def _is_hu_already(series: AcceptedSeries) -> bool:
    return (
        series.stored.dtype == np.int16
        and series.padding is None
        and bool(np.all(series.slope == 1.0) and np.all(series.intercept == 0.0))
        and int(series.stored.min()) >= HU_FLOOR
    )


def _rescale(series: AcceptedSeries) -> Int16Array:
    hu = np.empty(series.stored.shape, dtype=np.int16)
    for k, stored in enumerate(series.stored):
        slope, intercept = float(series.slope[k]), float(series.intercept[k])
        if slope == 1.0 and intercept.is_integer() and stored.dtype.kind in "iu":
            _shift(stored, int(intercept), hu[k])
        else:
            hu[k] = np.clip(np.rint(stored * slope + intercept), HU_FLOOR, _HU_CEILING)
        if series.padding is not None:
            hu[k][stored == series.padding] = HU_FLOOR
    return hu


def _shift(stored: npt.NDArray[Any], intercept: int, out: Int16Array) -> None:
    """Add a whole number within 16 bits.

    Values are clipped to what becomes HU_FLOOR ... 32767 first; reducing them and the intercept
    modulo 2**16 then cannot change the sum.
    """
    limits = np.iinfo(stored.dtype)
    low, high = HU_FLOOR - intercept, _HU_CEILING - intercept
    if low > limits.max or high < limits.min:
        out[:] = HU_FLOOR if low > limits.max else _HU_CEILING
        return
    out[:] = np.clip(stored, max(low, limits.min), min(high, limits.max)).astype(np.int16)
    out += np.int16((intercept + 2**15) % 2**16 - 2**15)
