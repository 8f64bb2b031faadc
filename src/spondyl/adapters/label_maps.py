"""A LabelledSpine out of somebody else's label map: VerSe, TotalSegmentator, or bodies alone.

A whole-vertebra mask is split into body and posterior elements by geometry: the spinal canal is the
first gap behind the body in the mid-sagittal plane, and what lies behind its front wall is posterior.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import nibabel as nib
import numpy as np
from scipy import ndimage

from spondyl.domain.level import STANDARD_LEVELS, Level
from spondyl.domain.spine import BodyCandidate
from spondyl.domain.vertebra import BodyPatch, LabelledSpine, LevelName, Vertebra, VertebraMasks
from spondyl.geometry.affine import patch_affine, to_index, to_points
from spondyl.geometry.arrays import BoolArray, Float32Array, Float64Array, Int16Array
from spondyl.geometry.columns import crossings, first_exit, median_seen
from spondyl.geometry.planes import (
    fit_robust,
    frame_from,
    plane_design,
    plane_normal,
    polynomial_design,
    rotation_about,
)
from spondyl.geometry.resample import grid_points, sample
from spondyl.geometry.symmetry import mirror_angle_rad

VERSE: Mapping[int, Level] = MappingProxyType(
    {level.verse_label: level for level in Level if level != Level.S1}
)
"""VerSe numbers: 1-7 C1-C7, 8-19 T1-T12, 20-25 L1-L6, 28 T13. Also TotalSegmentator's pp_refined."""
TOTALSEGMENTATOR: Mapping[int, Level] = MappingProxyType(
    {50 - number: level for number, level in enumerate(STANDARD_LEVELS) if level != Level.S1}
)
"""Ids of TotalSegmentator v2's task ``total``: 27-31 L5-L1, 32-43 T12-T1, 44-50 C7-C1."""

_PATCH_SHAPE = (64, 72, 80)
_PATCH_SPACING_MM = 1.0
_MARGIN_MM = 8.0
_SMOOTHING_OF_SPACING = 0.5  # ours: takes the steps away, leaves planes in place, rounds rims least
_SMOOTHING_FLOOR_MM = 0.35  # about the standard deviation of a 1 mm voxel's own box
_SMALLEST_VERTEBRA_MM3 = 1500.0  # ours: a tenth of the smallest thoracic vertebra
_POSTERIOR_PULL_MM = (
    5.0  # ours: a whole vertebra's centroid lies 7-12 mm behind its body's, a lone body's within 3
)
_DEEP_OF_DEEPEST = 0.85
_ASIDE_SD_MM = 12.0  # ours: pedicles stand 11-24 mm beside the midline (anatomy-and-norms §4.7)
_BEHIND_SD_MM = 8.0  # ours: half the distance between a body's centre and its pedicles
_MIRROR_RADIUS_MM = 30.0
_LARGEST_YAW_DEG = 30.0
_LEVEL_RADIUS_MM = 9.0
_LEVEL_ROUNDS = 3
_FEWEST_COLUMNS = 40  # ours: of 113
_CANAL_SLAB_MM = 3.0
_BEHIND_WALL_MM = 1.5  # the body's real outline decides in the slab; this only cuts the pedicles
_FEWEST_WALL_RAYS = 20  # ours: of 7 × 13
_SPLIT_DOUBTFUL_QUALITY = 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelMap:
    """Labels on a CT's grid. labels: (k, j, i) integers; affine: (4, 4) index to LPS mm."""

    labels: Int16Array
    affine: Float64Array

    @property
    def spacing_mm(self) -> Float64Array:
        """(3,) voxel size along k, j, i."""
        return np.asarray(np.linalg.norm(self.affine[:3, :3], axis=0))


def read_label_map(path: Path) -> LabelMap:
    """Read a 3D label map from a NIfTI file.

    Raises:
        ValueError: the image has not three dimensions.
    """
    image = nib.load(path)
    assert isinstance(image, nib.spatialimages.SpatialImage)
    array = np.asanyarray(image.dataobj)
    if array.ndim != 3:
        raise ValueError(f"{path.name} has {array.ndim} dimensions; a label map of 3 is needed")
    ras = np.asarray(image.affine, dtype=np.float64)
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ ras
    lps[:, :3] = lps[:, 2::-1]
    return LabelMap(labels=np.ascontiguousarray(array.T.astype(np.int16)), affine=lps)


def labelled_spine(
    label_map: LabelMap,
    scheme: Mapping[int, Level],
    *,
    series_id: str,
    body: BoolArray | None = None,
    hu: Float32Array | None = None,
) -> LabelledSpine:
    """Turn a label map into vertebrae on patches of 1 mm, head to foot.

    scheme: label number to level, ``VERSE`` or ``TOTALSEGMENTATOR``.
    body: (k, j, i) True in vertebral bodies, where the source tells them apart; else the split is made here.
    hu: (k, j, i) Hounsfield units on the same grid; without it no attenuation can be measured.

    Raises:
        ValueError: no label of the scheme covers enough space.
    """
    voxel_mm3 = float(np.prod(label_map.spacing_mm))
    counts = np.bincount(label_map.labels.ravel().clip(0))
    present = sorted(
        (level, number)
        for number, level in scheme.items()
        if number < counts.size and counts[number] * voxel_mm3 >= _SMALLEST_VERTEBRA_MM3
    )
    present.sort(key=lambda pair: pair[0].order)
    if not present:
        raise ValueError(
            "no vertebra of the label scheme is in the map; choose the scheme the map was made with"
        )
    boxes = ndimage.find_objects(label_map.labels)
    soft = [_soften(label_map, number, boxes[number - 1]) for _, number in present]
    depths = [_depth(crop) for crop in soft]
    seeds = np.array([_seed(depth) for depth in depths])
    vertebrae = []
    for crop, seed, frame, (level, _) in zip(soft, seeds, _frames(depths, seeds), present, strict=True):
        split = _split(crop, seed, frame)
        vertebrae.append(_vertebra(label_map, crop, split, level, body=body, hu=hu))
    names = tuple(LevelName(level=level, probability=1.0, is_uncertain=False) for level, _ in present)
    return LabelledSpine(masks=VertebraMasks(vertebrae=tuple(vertebrae), series_id=series_id), names=names)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Soft:
    """One vertebra's mask, smoothed, cropped. values: (k, j, i) float32 0-1; affine to LPS mm."""

    values: Float32Array
    affine: Float64Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Split:
    """Where body ends and posterior elements begin, in a frame at the body's centre.

    wall: coefficients of the posterior wall y = a + b z + c z², mm; None where no canal was found.
    """

    centre_mm: Float64Array
    frame: Float64Array
    wall: Float64Array | None


def _soften(label_map: LabelMap, number: int, box: tuple[slice, ...]) -> _Soft:
    spacing = label_map.spacing_mm
    margin = np.ceil(_MARGIN_MM / spacing).astype(int)
    slices = tuple(
        slice(max(0, part.start - m), min(n, part.stop + m))
        for part, m, n in zip(box, margin, label_map.labels.shape, strict=True)
    )
    sigma = np.maximum(_SMOOTHING_FLOOR_MM, _SMOOTHING_OF_SPACING * spacing) / spacing
    mask = (label_map.labels[slices] == number).astype(np.float32)
    affine = label_map.affine.copy()
    affine[:3, 3] = to_points(label_map.affine, np.array([[part.start for part in slices]], dtype=float))[0]
    return _Soft(values=ndimage.gaussian_filter(mask, sigma, mode="nearest"), affine=affine)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Depth:
    """Points inside a vertebra, (n, 3) LPS mm, and their (n,) distance to its surface, mm."""

    points_mm: Float64Array
    depth_mm: Float64Array

    def deepest(self, weights: Float64Array) -> Float64Array:
        """(3,) mean of the points around the one of greatest weighted depth."""
        score = self.depth_mm * weights
        peak = int(np.argmax(score))
        is_near = np.linalg.norm(self.points_mm - self.points_mm[peak], axis=1) < self.depth_mm[peak]
        is_deep = score > _DEEP_OF_DEEPEST * score[peak]
        return np.asarray(self.points_mm[is_near & is_deep].mean(axis=0))


def _depth(soft: _Soft) -> _Depth:
    spacing = np.linalg.norm(soft.affine[:3, :3], axis=0)
    stride = np.maximum(1, np.floor(_PATCH_SPACING_MM / spacing)).astype(int)
    thinned = soft.values[:: stride[0], :: stride[1], :: stride[2]]
    depth = ndimage.distance_transform_edt(thinned > 0.5, sampling=spacing * stride)
    index = np.argwhere(depth > 0)
    return _Depth(points_mm=to_points(soft.affine, index * stride), depth_mm=depth[tuple(index.T)])


def _seed(depth: _Depth) -> Float64Array:
    """(3,) a point in the body: the thickest place near the midline and not behind the vertebra's centroid.

    A severely fractured body is thinner than its own pedicles; they lie to the side and behind.
    """
    offset = depth.points_mm - depth.points_mm.mean(axis=0)
    aside = np.exp(-0.5 * (offset[:, 0] / _ASIDE_SD_MM) ** 2)
    behind = np.exp(-0.5 * (np.clip(offset[:, 1], 0.0, None) / _BEHIND_SD_MM) ** 2)
    return depth.deepest(aside * behind)


def _frames(depths: list[_Depth], seeds: Float64Array) -> list[Float64Array]:
    """First frames: axis along the neighbouring bodies, posterior where the posterior elements lie.

    The posterior direction is averaged over the neighbours: a single vertebra's own is pulled aside
    by one long transverse process.
    """
    superiors, pulls = [], []
    for position, (depth, seed) in enumerate(zip(depths, seeds, strict=True)):
        superior = _tangent(seeds, position)
        pull = depth.points_mm.mean(axis=0) - seed
        superiors.append(superior)
        pulls.append(pull - (pull @ superior) * superior)
    frames = []
    for position, superior in enumerate(superiors):
        pull = np.mean(pulls[max(0, position - 2) : position + 3], axis=0)
        has_posterior = np.linalg.norm(pull) > _POSTERIOR_PULL_MM
        frames.append(frame_from(superior, pull if has_posterior else np.array([0.0, 1.0, 0.0])))
    return frames


def _tangent(seeds: Float64Array, position: int) -> Float64Array:
    """(3,) unit direction to the head along the chain; at an end the turn of the last step goes on."""
    last = len(seeds) - 1
    if last == 0:
        return np.array([0.0, 0.0, 1.0])
    inner = min(max(position, 1), last - 1) if last > 1 else 0
    centred = _unit(seeds[max(0, inner - 1)] - seeds[min(last, inner + 1)])
    if 0 < position < last or last == 1:
        return centred
    step = _unit(seeds[0] - seeds[1] if position == 0 else seeds[-2] - seeds[-1])
    return _unit(2.0 * step - centred)


def _unit(vector: Float64Array) -> Float64Array:
    return np.asarray(vector / np.linalg.norm(vector))


def _split(soft: _Soft, seed: Float64Array, first: Float64Array) -> _Split:
    """Level the first frame with the endplates, turn it to the mirror plane, then find the posterior wall."""
    levelled = _level(soft, seed, first)
    frame = levelled @ rotation_about(np.array([0.0, 0.0, 1.0]), _yaw(soft, seed, levelled))
    return _find_wall(soft, seed, frame)


def _level(soft: _Soft, seed: Float64Array, first: Float64Array) -> Float64Array:
    """Axis half-way between the normals of both endplates around the seed, where no pedicle is near."""
    offsets = np.arange(-_LEVEL_RADIUS_MM, _LEVEL_RADIUS_MM + 1.0, 1.5)
    heights = np.arange(-30.0, 31.0)
    left, back = np.meshgrid(offsets, offsets, indexing="ij")
    frame = first
    for _ in range(_LEVEL_ROUNDS):
        profiles = sample(
            soft.values,
            soft.affine,
            grid_points(seed, frame, offsets, offsets, heights),
            order=1,
            outside=0.0,
        )
        bottom, top = crossings(profiles, heights, 0.5)
        known = np.isfinite(bottom) & np.isfinite(top) & (np.hypot(left, back) <= _LEVEL_RADIUS_MM)
        if np.count_nonzero(known) < _FEWEST_COLUMNS:
            return first
        design = plane_design(np.column_stack([left[known], back[known]]))
        normals = [
            plane_normal(fit_robust(design, surface[known], scale_floor=0.5)) for surface in (bottom, top)
        ]
        frame = frame_from(frame @ (normals[0] + normals[1]), frame[:, 1])
    return frame


def _yaw(soft: _Soft, seed: Float64Array, frame: Float64Array) -> float:
    across = np.arange(-_MIRROR_RADIUS_MM, _MIRROR_RADIUS_MM + 1.0)
    up = np.arange(-8.0, 9.0, 2.0)
    seen_from_above = sample(
        soft.values, soft.affine, grid_points(seed, frame, across, across, up), order=1, outside=0.0
    ).sum(axis=2)
    seen_from_above[np.hypot(*np.meshgrid(across, across, indexing="ij")) > _MIRROR_RADIUS_MM] = 0.0
    return mirror_angle_rad(seen_from_above, _LARGEST_YAW_DEG)


def _find_wall(soft: _Soft, seed: Float64Array, frame: Float64Array) -> _Split:
    """The first gap behind the seed, near the mid-sagittal plane, is the spinal canal."""
    slab = np.arange(-_CANAL_SLAB_MM, _CANAL_SLAB_MM + 0.5)
    back = np.arange(0.0, 50.5, 0.5)
    heights = np.arange(-30.0, 31.0)
    column = sample(
        soft.values, soft.affine, grid_points(seed, frame, slab, np.zeros(1), heights), order=1, outside=0.0
    )
    bottom, top = (median_seen(surface[:, 0]) for surface in crossings(column, heights, 0.5))
    if not np.isfinite(bottom + top):
        return _Split(centre_mm=seed, frame=frame, wall=None)
    up = bottom + (top - bottom) * np.linspace(0.2, 0.8, 13)
    points = grid_points(seed, frame, slab, back, up)
    profiles = np.moveaxis(sample(soft.values, soft.affine, points, order=1, outside=0.0), 1, -1)
    exits = first_exit(profiles, back, 0.5)
    known = np.isfinite(exits)
    if np.count_nonzero(known) < _FEWEST_WALL_RAYS:
        return _Split(centre_mm=seed, frame=frame, wall=None)
    at = np.broadcast_to(up, exits.shape)[known]
    fit = fit_robust(polynomial_design(at, 1), exits[known], scale_floor=0.3)
    return _Split(centre_mm=seed, frame=frame, wall=fit.coefficients)


def _vertebra(
    label_map: LabelMap,
    soft: _Soft,
    split: _Split,
    level: Level,
    *,
    body: BoolArray | None,
    hu: Float32Array | None,
) -> Vertebra:
    centre = _body_centre(soft, split)
    affine = patch_affine(centre, split.frame, _PATCH_SHAPE, _PATCH_SPACING_MM)
    points = to_points(affine, np.indices(_PATCH_SHAPE).reshape(3, -1).T.astype(np.float64))
    points = points.reshape(*_PATCH_SHAPE, 3)
    whole = sample(soft.values, soft.affine, points, order=1, outside=0.0)
    if body is None:
        share = _share_before_wall(points, split)
        occupancy = whole * share
    else:
        occupancy = np.minimum(whole, _soft_body(label_map, body, points))
    index = to_index(label_map.affine, points.reshape(-1, 3))
    last = np.array(label_map.labels.shape) - 1
    is_scanned = np.all((index >= 0) & (index <= last), axis=1).reshape(_PATCH_SHAPE)
    near_border = ndimage.binary_dilation(~is_scanned, iterations=1)
    values = np.zeros(_PATCH_SHAPE)
    if hu is not None:
        values = sample(hu, label_map.affine, points, order=1, outside=0.0)
    patch = BodyPatch(
        occupancy=occupancy.clip(0.0, 1.0).astype(np.float32),
        posterior=(whole - occupancy).clip(0.0, 1.0).astype(np.float32),
        hu=values.astype(np.float32),
        in_scan=is_scanned if hu is not None else np.zeros(_PATCH_SHAPE, dtype=np.bool_),
        affine=affine,
        slice_spacing_mm=float(np.max(label_map.spacing_mm)),
    )
    return Vertebra(
        candidate=_candidate(centre, split.frame, level),
        patch=patch,
        cut_by_border=bool(np.any(near_border & (occupancy > 0.5))),
        metal_fraction=0.0,
        outline_quality=1.0 if split.wall is not None or body is not None else _SPLIT_DOUBTFUL_QUALITY,
    )


def _share_before_wall(points: Float64Array, split: _Split) -> Float64Array:
    """1 before the posterior wall, 0 behind it, a ramp of one patch voxel between."""
    if split.wall is None:
        return np.ones(points.shape[:-1])
    offset = points - split.centre_mm
    back, up = offset @ split.frame[:, 1], offset @ split.frame[:, 2]
    wall_mm = split.wall[0] + split.wall[1] * up + _BEHIND_WALL_MM
    return np.asarray(np.clip((wall_mm - back) / _PATCH_SPACING_MM + 0.5, 0.0, 1.0))


def _body_centre(soft: _Soft, split: _Split) -> Float64Array:
    points = to_points(soft.affine, np.argwhere(soft.values > 0.5).astype(np.float64))
    is_body = _share_before_wall(points, split) > 0.5
    return np.asarray(points[is_body].mean(axis=0))


def _soft_body(label_map: LabelMap, body: BoolArray, points: Float64Array) -> Float64Array:
    sigma = (
        np.maximum(_SMOOTHING_FLOOR_MM, _SMOOTHING_OF_SPACING * label_map.spacing_mm) / label_map.spacing_mm
    )
    index = to_index(label_map.affine, points.reshape(-1, 3))
    first = np.clip(np.floor(index.min(axis=0)).astype(int) - 2, 0, None)
    last = np.ceil(index.max(axis=0)).astype(int) + 3
    crop = body[first[0] : last[0], first[1] : last[1], first[2] : last[2]].astype(np.float32)
    affine = label_map.affine.copy()
    affine[:3, 3] = to_points(label_map.affine, first[None].astype(np.float64))[0]
    smooth = ndimage.gaussian_filter(crop, sigma, mode="nearest")
    return sample(smooth, affine, points, order=1, outside=0.0)


def _candidate(centre_mm: Float64Array, frame: Float64Array, level: Level) -> BodyCandidate:
    return BodyCandidate(
        centre_lps_mm=centre_mm,
        frame=frame,
        body_probability=1.0,
        level_estimate=float(STANDARD_LEVELS.index(level))
        if level in STANDARD_LEVELS
        else float(level.order),
        level_estimate_sd=0.0,
        rib_evidence=0.0,
        sacrum_evidence=0.0,
    )
