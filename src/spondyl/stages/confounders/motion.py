"""Motion between slices: the spine jumps aside and comes back (§2)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.geometry.affine import to_index
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.confounders.case import Case

_HALF_MM = 32.0
_STEP_MM = 1.0
_CLIP_HU = (-100.0, 500.0)
_TREND = 9  # slices over which the spine's own lean is taken off
_FEWEST_SLICES = 20
_SHARP_PEAK = 0.85  # of the perfect match: below it the two slices show different things


def find(case: Case) -> Iterator[Confounder]:
    """One word for the whole series."""
    settings = case.settings
    if case.ct.spacing_mm[case.ct.slice_axis] > settings.not_graded_mm:
        return
    jumps = jumps_mm(case)
    far = jumps[jumps > settings.motion_mm]
    if len(far) < settings.motion_slices:
        return
    yield Confounder(
        kind=Kind.MOTION,
        level=None,
        value=float(np.max(far)),
        threshold=settings.motion_mm,
        unit="mm",
        effect=Effect.FLAG,
        text=f"The spine jumps by up to {np.max(far):.1f} mm between slices in {len(far)} places: the patient moved.",
    )


def jumps_mm(case: Case) -> Float64Array:
    """(n,) how far the spine lies aside of its trend from each slice to the next, mm."""
    windows = _windows(case)
    if len(windows) < _FEWEST_SLICES:
        return np.zeros(0)
    low, high = _CLIP_HU
    clipped = np.clip(windows, low, high) - low
    hann = np.outer(np.hanning(clipped.shape[1]), np.hanning(clipped.shape[2]))
    centred = (clipped - clipped.mean(axis=(1, 2), keepdims=True)) * hann
    spectra = np.fft.rfft2(centred)
    overlap = np.fft.irfft2(spectra[1:] * np.conj(spectra[:-1]), centred.shape[1:])
    energy = np.sqrt(np.sum(centred**2, axis=(1, 2)))
    flat = overlap.reshape(len(overlap), -1)
    peak = np.argmax(flat, axis=1)
    likeness = np.max(flat, axis=1) / np.maximum(energy[1:] * energy[:-1], 1.0)
    shift = np.stack(np.unravel_index(peak, centred.shape[1:]), axis=1).astype(np.float64)
    size = np.array(centred.shape[1:])
    shift = np.where(shift > size / 2, shift - size, shift) * _STEP_MM
    trend = np.stack([_running_median(column) for column in shift.T], axis=1)
    off = np.linalg.norm(shift - trend, axis=1)
    return np.asarray(off[likeness > _SHARP_PEAK])


def _running_median(values: Float64Array) -> Float64Array:
    padded = np.pad(values, _TREND // 2, mode="edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, _TREND), axis=1))


def _windows(case: Case) -> Float64Array:
    """(n, rows, columns) squares of the slices at a fixed place in the middle of the spine, on 1 mm."""
    ct, axis = case.ct, case.ct.slice_axis
    centres = np.array([view.centre_lps_mm for view in case.views])
    if not len(centres):
        return np.zeros((0, 1, 1))
    index = to_index(ct.affine, centres)
    order = np.argsort(index[:, axis])
    first, last = int(np.ceil(index[order[0], axis])), int(index[order[-1], axis])
    numbers = np.arange(max(first, 0), min(last + 1, ct.hu.shape[axis]))
    others = [x for x in range(3) if x != axis]
    along = [np.interp(numbers, index[order, axis], index[order, x]) for x in others]
    steps = [_STEP_MM / ct.spacing_mm[x] for x in others]
    n_side = int(_HALF_MM / _STEP_MM)
    offsets = np.arange(-n_side, n_side)
    slices = np.moveaxis(ct.hu, axis, 0)
    windows = np.zeros((len(numbers), len(offsets), len(offsets)))
    for n, number in enumerate(numbers):
        rows = np.clip(np.rint(along[0][n] + offsets * steps[0]).astype(int), 0, slices.shape[1] - 1)
        columns = np.clip(np.rint(along[1][n] + offsets * steps[1]).astype(int), 0, slices.shape[2] - 1)
        windows[n] = slices[number][np.ix_(rows, columns)]
    return windows
