"""Motion between slices: the whole trunk jumps aside from one slice to the next (§2)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.geometry.arrays import Float64Array
from spondyl.geometry.columns import median_seen
from spondyl.stages.confounders.case import Case

_STEP_MM = 2.0
_CLIP_HU = (-300.0, 300.0)  # skin, lungs and bone; the table's edge is weaker than the skin
_TREND = 9  # slices over which the trunk's own lean is taken off
_FEWEST_SLICES = 20


def find(case: Case) -> Iterator[Confounder]:
    """One word for the whole series."""
    settings = case.settings
    if case.ct.spacing_mm[case.ct.slice_axis] > settings.not_graded_mm:
        return
    jumps = jumps_mm(case)
    far = jumps[jumps > settings.motion_mm]
    if not far.size:
        return
    yield Confounder(
        kind=Kind.MOTION,
        level=None,
        value=float(np.max(far)),
        threshold=settings.motion_mm,
        unit="mm",
        effect=Effect.FLAG,
        text=f"The trunk jumps by up to {np.max(far):.1f} mm between slices ({len(far)} places): "
        "the patient moved.",
    )


def jumps_mm(case: Case) -> Float64Array:
    """(n - 1,) how far each slice lies aside of the one before, against the slices around, mm."""
    pictures, pixel_mm = _pictures(case)
    if len(pictures) < _FEWEST_SLICES:
        return np.zeros(0)
    low, high = _CLIP_HU
    window = np.outer(np.hanning(pictures.shape[1]), np.hanning(pictures.shape[2]))
    clipped = np.clip(pictures, low, high)
    centred = (clipped - clipped.mean(axis=(1, 2), keepdims=True)) * window
    spectra = np.fft.rfft2(centred)
    overlap = np.fft.irfft2(spectra[1:] * np.conj(spectra[:-1]), centred.shape[1:])
    shift = np.array([_peak(one) for one in overlap]) * pixel_mm
    trend = np.stack([_running_median(column) for column in shift.T], axis=1)
    energy = np.sqrt(np.sum(centred**2, axis=(1, 2)))
    likeness = np.max(overlap, axis=(1, 2)) / np.maximum(energy[1:] * energy[:-1], 1.0)
    off = np.linalg.norm(shift - trend, axis=1)
    # where the next slice shows something else (the end of a lung, of the table), nothing can be said
    return np.asarray(np.where(likeness >= case.settings.motion_likeness, off, 0.0))


def _peak(overlap: Float64Array) -> tuple[float, float]:
    """Place of the maximum of a circular correlation, by parabolas through its neighbours; pixels."""
    row, column = np.unravel_index(int(np.argmax(overlap)), overlap.shape)
    places = []
    for line, at in ((overlap[:, column], int(row)), (overlap[row], int(column))):
        before, here, after = (float(line[(at + step) % len(line)]) for step in (-1, 0, 1))
        curvature = before - 2.0 * here + after
        place = at + (0.5 * (before - after) / curvature if curvature < 0 else 0.0)
        places.append(place - len(line) if place > len(line) / 2 else place)
    return places[0], places[1]


def _running_median(values: Float64Array) -> Float64Array:
    padded = np.pad(values, _TREND // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _TREND)
    return median_seen(np.asarray(windows.T, dtype=np.float64))


def _pictures(case: Case) -> tuple[Float64Array, Float64Array]:
    """(n, rows, columns) every slice on coarse pixels, and their (2,) size in mm."""
    ct, axis = case.ct, case.ct.slice_axis
    sizes = np.array([size for a, size in enumerate(ct.spacing_mm) if a != axis])
    steps = np.maximum(1, np.round(_STEP_MM / sizes)).astype(int)
    slices = np.moveaxis(ct.hu, axis, 0)
    return slices[:, :: steps[0], :: steps[1]].astype(np.float64), sizes * steps
