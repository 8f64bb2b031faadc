"""Noise of the picture round the spine (§2: standard deviation in muscle)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.geometry.affine import to_index
from spondyl.geometry.arrays import Float64Array
from spondyl.geometry.planes import MAD_TO_SD
from spondyl.stages.confounders.case import Case

_HALF_MM = 45.0
_LAG_MM = 4.0  # farther than the kernel's texture, nearer than muscles change
_BLOCK_MM = 6.0
_SOFT_HU = (0.0, 110.0)
_ALIKE_HU = 25.0
_FEWEST = 400
_MOST_SLICES = 8


def find(case: Case) -> Iterator[Confounder]:
    """One word for the whole series."""
    noise = noise_hu(case)
    if noise is None or noise <= case.settings.noise_hu:
        return
    yield Confounder(
        kind=Kind.NOISE,
        level=None,
        value=noise,
        threshold=case.settings.noise_hu,
        unit="HU",
        effect=Effect.FLAG,
        text=f"Noise of {noise:.0f} HU in soft tissue beside the spine: endplates are less surely seen.",
    )


def noise_hu(case: Case) -> float | None:
    """Standard deviation of soft tissue round the spine, HU; None where too little of it is seen.

    Differences over a short way within the slice, where both ends are soft tissue alike: what is left of
    them is noise, whatever the organs.
    """
    step = max(1, len(case.views) // _MOST_SLICES)
    differences = [_differences(case, view.centre_lps_mm) for view in case.views[::step]]
    every = np.concatenate(differences) if differences else np.zeros(0)
    if every.size < _FEWEST:
        return None
    return MAD_TO_SD * float(np.median(np.abs(every - np.median(every)))) / float(np.sqrt(2.0))


def _differences(case: Case, centre_mm: Float64Array) -> Float64Array:
    """HU differences between soft pixels of one slice round a body."""
    ct = case.ct
    slices = np.moveaxis(ct.hu, ct.slice_axis, 0)
    spacing = [size for axis, size in enumerate(ct.spacing_mm) if axis != ct.slice_axis]
    index = np.rint(to_index(ct.affine, centre_mm[None])[0]).astype(int)
    number = int(np.clip(index[ct.slice_axis], 0, len(slices) - 1))
    row, column = (int(x) for axis, x in enumerate(index) if axis != ct.slice_axis)
    half = [round(_HALF_MM / size) for size in spacing]
    window = slices[
        number, max(0, row - half[0]) : row + half[0], max(0, column - half[1]) : column + half[1]
    ].astype(np.float64)
    lag = max(1, round(_LAG_MM / spacing[1]))
    if window.shape[0] < lag or window.shape[1] <= 2 * lag:
        return np.zeros(0)
    mean = ndimage.uniform_filter(window, max(1, round(_BLOCK_MM / spacing[1])))
    low, high = _SOFT_HU
    is_soft = (mean > low) & (mean < high)
    alike = np.abs(mean[:, lag:] - mean[:, :-lag]) < _ALIKE_HU
    both = is_soft[:, lag:] & is_soft[:, :-lag] & alike
    return np.asarray((window[:, lag:] - window[:, :-lag])[both])
