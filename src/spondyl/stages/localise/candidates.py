"""From the finder's maps to single bodies: cores by the superior coordinate, frames by its gradient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from spondyl.domain import channels
from spondyl.domain.coarse_maps import UNKNOWN, CoarseMaps
from spondyl.domain.spine import BodyCandidate
from spondyl.geometry.affine import to_points
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.localise.settings import Settings
from spondyl.stages.localise.sweep import SweepMaps


def find_candidates(maps: SweepMaps, coarse: CoarseMaps, settings: Settings) -> list[BodyCandidate]:
    """Every connected core that is large enough, with its frame and the evidence for its level.

    Within a body the coordinate rises to the head; between two bodies it falls back, through the same values.
    """
    rises = np.gradient(maps.superior_coordinate, axis=0) * maps.affine[2, 0] > 0.0
    core = (
        (maps.body > settings.core_probability)
        & (np.abs(maps.superior_coordinate) < settings.core_coordinate)
        & rises
    )
    parts, _ = ndimage.label(core)
    voxel_ml = channels.FINDER_SPACING_MM**3 / 1000.0
    candidates = []
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        index = np.argwhere(parts[box] == number)
        if len(index) * voxel_ml < settings.core_volume_ml:
            continue
        index = index + np.array([s.start for s in box])
        candidates.append(_candidate(maps, coarse, index, settings))
    return candidates


def middle_of_column(coarse: CoarseMaps, settings: Settings) -> list[BodyCandidate]:
    """One upright candidate half-way down the column of bodies, or none where the column is short."""
    column = coarse.column_lps_mm(settings.column_probability, settings.column_step_mm)
    if len(column) < settings.column_points:
        return []
    return [_body(coarse, column[len(column) // 2], np.eye(3), settings)]


def _candidate(maps: SweepMaps, coarse: CoarseMaps, index: Float64Array, settings: Settings) -> BodyCandidate:
    place = tuple(index.T)
    points = to_points(maps.affine, index.astype(np.float64))
    probability = maps.body[place].astype(np.float64)
    weight = probability / probability.sum()
    centre = weight @ points
    frame = _frame(points - centre, weight, maps, place)
    return replace(
        _body(coarse, centre, frame, settings), body_probability=float(np.clip(probability.mean(), 0.0, 1.0))
    )


def _body(coarse: CoarseMaps, centre: Float64Array, frame: Float64Array, settings: Settings) -> BodyCandidate:
    """A candidate with what the maps say at its place."""
    evidence = coarse.evidence_at(centre, frame)
    return BodyCandidate(
        centre_lps_mm=centre,
        frame=frame,
        body_probability=float(np.clip(evidence.body_probability, 0.0, 1.0)),
        level_estimate=evidence.level_estimate,
        level_estimate_sd=float(np.hypot(settings.level_sd, evidence.level_estimate_sd)),
        rib_evidence=UNKNOWN,
        sacrum_evidence=evidence.sacrum_evidence,
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
