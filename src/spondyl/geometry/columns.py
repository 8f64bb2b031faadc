"""Where a sampled profile crosses a level, between the samples: surfaces along parallel columns."""

from __future__ import annotations

import numpy as np

from spondyl.geometry.arrays import BoolArray, Float64Array


def longest_run(inside: BoolArray) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.intp]], ...]:
    """First and last sample of the longest run of True along the last axis; (-1, -1) where none."""
    n_samples = inside.shape[-1]
    position = np.arange(n_samples)
    last_false = np.maximum.accumulate(np.where(inside, -1, position), axis=-1)
    length = np.where(inside, position - last_false, 0)
    last = np.argmax(length, axis=-1)
    longest = np.take_along_axis(length, last[..., None], axis=-1)[..., 0]
    is_empty = longest == 0
    return np.where(is_empty, -1, last - longest + 1), np.where(is_empty, -1, last)


def crossings(
    profiles: Float64Array, positions: Float64Array, level: float
) -> tuple[Float64Array, Float64Array]:
    """Positions where each profile enters and leaves its longest run above ``level``.

    profiles: (..., n) samples; positions: (n,) rising. Linear between neighbouring samples.
    NaN where a profile never exceeds the level, or where the run touches the end of the profile
    (the surface then lies outside what was sampled).
    """
    n_samples = positions.shape[0]
    first, last = longest_run(profiles > level)
    entered = _crossing(profiles, positions, level, outer=first - 1, inner=first)
    left = _crossing(profiles, positions, level, outer=last + 1, inner=last)
    entered[(first <= 0)] = np.nan
    left[(last < 0) | (last >= n_samples - 1)] = np.nan
    return entered, left


def first_exit(profiles: Float64Array, positions: Float64Array, level: float) -> Float64Array:
    """Position where each profile first falls below ``level``, counted from its first sample.

    NaN where the first sample already lies below, or where the profile never falls.
    """
    is_below = profiles <= level
    outer = np.argmax(is_below, axis=-1)
    exits = _crossing(profiles, positions, level, outer=outer, inner=outer - 1)
    return np.where(outer == 0, np.nan, exits)


def _crossing(
    profiles: Float64Array,
    positions: Float64Array,
    level: float,
    *,
    outer: np.ndarray[tuple[int, ...], np.dtype[np.intp]],
    inner: np.ndarray[tuple[int, ...], np.dtype[np.intp]],
) -> Float64Array:
    n_samples = positions.shape[0]
    outer = np.clip(outer, 0, n_samples - 1)
    inner = np.clip(inner, 0, n_samples - 1)
    low = np.take_along_axis(profiles, outer[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(profiles, inner[..., None], axis=-1)[..., 0]
    step = np.where(high > low, high - low, 1.0)
    share = np.clip((level - low) / step, 0.0, 1.0)
    return np.asarray(positions[outer] + share * (positions[inner] - positions[outer]), dtype=np.float64)


def median_seen(values: Float64Array, *, fewest: int = 1) -> Float64Array:
    """Median over the first axis of what is not NaN; NaN where fewer than ``fewest`` are seen."""
    ordered = np.sort(values, axis=0)  # NaN goes to the end
    n_seen = np.count_nonzero(np.isfinite(values), axis=0)
    lower = np.take_along_axis(ordered, np.maximum(n_seen - 1, 0)[None] // 2, axis=0)[0]
    upper = np.take_along_axis(ordered, np.minimum(n_seen // 2, values.shape[0] - 1)[None], axis=0)[0]
    return np.where(n_seen >= max(1, fewest), 0.5 * (lower + upper), np.nan)
