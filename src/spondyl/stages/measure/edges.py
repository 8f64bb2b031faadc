"""Moves points towards the edge that a reader sees, half-way between an endplate's peak and its disc.

The outline tells where the bone should end, the picture where it seems to. On thick slices a blurred plate
looks taller than it is, and readers' points lie further out (+0.2 mm each, measured on thickened CT; see
docs/explanation/heights-and-grades.md). How far a point goes is a compromise between readers and true bone.
"""

from __future__ import annotations

import numpy as np

from spondyl.domain.vertebra import BodyPatch
from spondyl.geometry.arrays import Float32Array, Float64Array
from spondyl.geometry.resample import sample
from spondyl.stages.measure.settings import Settings

_STEP_MM = 0.25
_WITHIN_MM = 4.0  # how far the profile runs into the body and away from it
_PLACES_MM = np.arange(-_WITHIN_MM, _WITHIN_MM + _STEP_MM / 2, _STEP_MM)
_INWARD_MM = (2.5, 0.0, -2.5)  # corners are looked at just inside the rim
_PIECES = ((0, 1), (0, 2), (1, 2))  # a cupped plate is followed from a corner towards its middle
_ALONG_MM = np.array([-1.5, -0.75, 0.0, 0.75, 1.5])
_ACROSS_MM = np.array([-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0])
_SIDES = ((slice(0, 3), 1.0), (slice(3, 6), -1.0))


def move_towards_edges(
    landmarks_mm: Float64Array, axes: Float64Array, patch: BodyPatch, settings: Settings
) -> Float64Array:
    """(6, 3) landmarks moved along the vertebra's axis (third column of ``axes``) towards the seen edges.

    Where no edge is seen (bone bridges the disc, the disc is chalky, no picture) a point stays.
    """
    moved = landmarks_mm.copy()
    left, _, superior = axes.T
    hu = np.where(patch.in_scan, patch.hu, np.nan)
    for side, sign in _SIDES:
        plate = landmarks_mm[side]
        for number, (point, share) in enumerate(zip(plate, settings.edge_share, strict=True)):
            if share == 0.0:
                continue
            first, last = _PIECES[number]
            along = (plate[last] - plate[first]) / np.linalg.norm(plate[last] - plate[first])
            start = point + _INWARD_MM[number] * along
            profile = _profile(start, (left, along, sign * superior), hu, patch.affine)
            shift = edge_shift_mm(profile, settings)
            moved[side.start + number] += share * shift * sign * superior
    return moved


def _profile(
    start_mm: Float64Array,
    directions: tuple[Float64Array, Float64Array, Float64Array],
    hu: Float32Array,
    affine: Float64Array,
) -> Float64Array:
    """(p,) mean HU along an axis from inside the body outwards, the point half-way; NaN outside the scan."""
    left, along, outward = directions
    points = (
        start_mm
        + _ALONG_MM[:, None, None, None] * along
        + _ACROSS_MM[None, :, None, None] * left
        + _PLACES_MM[None, None, :, None] * outward
    )
    return np.asarray(sample(hu, affine, points, order=1, outside=np.nan).mean(axis=(0, 1)))


def edge_shift_mm(profile_hu: Float64Array, settings: Settings) -> float:
    """How far out, in mm, the half level between the plate's peak and the disc lies; 0 where none is seen.

    profile_hu: (p,) HU at steps of 0.25 mm from 4 mm inside a point to 4 mm outside it.
    """
    places = _PLACES_MM
    if not np.all(np.isfinite(profile_hu)):
        return 0.0
    inner, outer = settings.edge_peak_window_mm
    near = np.flatnonzero((places >= inner) & (places <= outer))
    peak = int(near[np.argmax(profile_hu[near])])
    beyond = np.flatnonzero((places > places[peak]) & (places <= places[peak] + settings.edge_disc_reach_mm))
    disc = int(beyond[np.argmin(profile_hu[beyond])])
    if profile_hu[peak] - profile_hu[disc] < settings.edge_least_contrast_hu:
        return 0.0
    half = 0.5 * (profile_hu[peak] + profile_hu[disc])
    after = peak + int(np.argmax(profile_hu[peak : disc + 1] <= half))
    before_hu, after_hu = profile_hu[after - 1], profile_hu[after]
    edge = places[after - 1] + _STEP_MM * (before_hu - half) / (before_hu - after_hu)
    return float(np.clip(edge, -settings.edge_reach_mm, settings.edge_reach_mm))
