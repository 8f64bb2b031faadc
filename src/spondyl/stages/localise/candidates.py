"""From the finder's maps to single bodies: cores by the superior coordinate, frames by its gradient."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from spondyl.domain import channels
from spondyl.domain.spine import BodyCandidate
from spondyl.geometry.affine import to_index, to_points
from spondyl.geometry.arrays import Float32Array, Float64Array
from spondyl.stages.localise.settings import Settings
from spondyl.stages.localise.sweep import SweepMaps


def find_candidates(maps: SweepMaps, settings: Settings) -> list[BodyCandidate]:
    """Every connected core that is large enough, with its frame and the evidence for its level."""
    core = (maps.body > settings.core_probability) & (
        np.abs(maps.superior_coordinate) < settings.core_coordinate
    )
    parts, _ = ndimage.label(core)
    voxel_ml = channels.FINDER_SPACING_MM**3 / 1000.0
    candidates = []
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        index = np.argwhere(parts[box] == number)
        if len(index) * voxel_ml < settings.core_volume_ml:
            continue
        index = index + np.array([s.start for s in box])
        candidates.append(_candidate(maps, index, settings))
    return candidates


def _candidate(maps: SweepMaps, index: Float64Array, settings: Settings) -> BodyCandidate:
    place = tuple(index.T)
    points = to_points(maps.affine, index.astype(np.float64))
    probability = maps.body[place].astype(np.float64)
    weight = probability / probability.sum()
    centre = weight @ points
    frame = _frame(points - centre, weight, maps, place)
    level = maps.level[place].astype(np.float64)
    mean_level = float(weight @ level)
    spread = float(np.sqrt(weight @ (level - mean_level) ** 2))
    return BodyCandidate(
        centre_lps_mm=centre,
        frame=frame,
        body_probability=float(np.clip(probability.mean(), 0.0, 1.0)),
        level_estimate=mean_level,
        level_estimate_sd=float(np.hypot(settings.level_sd, spread)),
        rib_evidence=_rib_evidence(maps, centre, frame, _half_width(points - centre, frame), settings),
        sacrum_evidence=_sacrum_evidence(maps, centre, frame),
    )


def _frame(
    offsets: Float64Array, weight: Float64Array, maps: SweepMaps, place: tuple[Float64Array, ...]
) -> Float64Array:
    """Axes along which the regressed coordinates rise: superior first, posterior made orthogonal to it."""
    design = np.column_stack([np.ones(len(offsets)), offsets])
    normal = design.T @ (design * weight[:, None]) + np.diag([1e-9, 1e-3, 1e-3, 1e-3])
    superior = np.linalg.solve(normal, design.T @ (weight * maps.superior_coordinate[place]))[1:]
    posterior = np.linalg.solve(normal, design.T @ (weight * maps.posterior_coordinate[place]))[1:]
    superior = _unit(superior, np.array([0.0, 0.0, 1.0]))
    posterior = posterior - superior * (superior @ posterior)
    posterior = _unit(posterior, np.array([0.0, 1.0, 0.0]) - superior * superior[1])
    posterior = posterior / np.linalg.norm(posterior)
    return np.stack([np.cross(posterior, superior), posterior, superior], axis=1)


def _unit(vector: Float64Array, usual: Float64Array) -> Float64Array:
    """The unit vector, or the usual direction where the fit points more than 60 degrees away from it."""
    usual = usual / np.linalg.norm(usual)
    size = np.linalg.norm(vector)
    if size < 1e-9 or vector @ usual < 0.5 * size:
        return usual
    return np.asarray(vector / size)


def _half_width(offsets: Float64Array, frame: Float64Array) -> float:
    return float(np.percentile(np.abs(offsets @ frame[:, 0]), 95))


def _sample(array: Float32Array, affine: Float64Array, points: Float64Array) -> Float64Array:
    index = to_index(affine, points)
    return np.asarray(ndimage.map_coordinates(array, index.T, order=1, mode="constant", cval=0.0), np.float64)


def _rib_evidence(
    maps: SweepMaps, centre: Float64Array, frame: Float64Array, half_width: float, settings: Settings
) -> float:
    """Mean over both sides of the strongest rib signal beside the body's upper half and behind its middle."""
    sides = []
    for side in (-1.0, 1.0):
        left = side * (half_width + np.arange(2.0, settings.rib_window_mm + 6.1, 2.0))
        grid = np.array(
            np.meshgrid(left, np.arange(4.0, 26.1, 2.0), np.arange(-6.0, 16.1, 2.0), indexing="ij")
        )
        values = _sample(maps.rib, maps.affine, centre + grid.reshape(3, -1).T @ frame.T)
        sides.append(float(np.mean(np.sort(values)[-12:])))
    return float(np.clip(np.mean(sides), 0.0, 1.0))


def _sacrum_evidence(maps: SweepMaps, centre: Float64Array, frame: Float64Array) -> float:
    """Mean probability of sacrum where the next body below would lie."""
    grid = np.array(
        np.meshgrid(
            np.arange(-12.0, 12.1, 4.0),
            np.arange(-8.0, 20.1, 4.0),
            np.arange(-42.0, -25.9, 4.0),
            indexing="ij",
        )
    )
    values = _sample(maps.sacrum, maps.affine, centre + grid.reshape(3, -1).T @ frame.T)
    return float(np.clip(np.mean(np.sort(values)[len(values) // 2 :]), 0.0, 1.0))
