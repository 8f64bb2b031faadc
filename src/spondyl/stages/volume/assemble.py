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
    """Add a whole number; clipping first keeps every step within the stored type."""
    limits = np.iinfo(stored.dtype)
    low = min(max(HU_FLOOR - intercept, limits.min), limits.max)
    high = min(max(_HU_CEILING - intercept, limits.min), limits.max)
    clipped = np.clip(stored, low, high)
    np.clip(np.add(clipped, intercept, dtype=np.int32), HU_FLOOR, _HU_CEILING, out=out, casting="unsafe")
