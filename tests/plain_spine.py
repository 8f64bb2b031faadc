"""Vertebrae of plain geometry for tests: patches and label maps whose heights can be derived by hand."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from spondyl.adapters.label_maps import LabelMap
from spondyl.domain.level import Level
from spondyl.domain.measurement import Heights, Measured
from spondyl.domain.spine import BodyCandidate
from spondyl.domain.vertebra import BodyPatch, LabelledSpine, LevelName, Vertebra, VertebraMasks
from spondyl.geometry.affine import patch_affine, to_points
from spondyl.geometry.arrays import Float64Array
from spondyl.synthetic.plain_body import PlainBody, body_share, local_points

PATCH_SHAPE = (60, 64, 68)
CENTRE_MM = np.array([12.0, -30.0, 45.0])


def turn(pitch_deg: float = 0.0, roll_deg: float = 0.0, yaw_deg: float = 0.0) -> Float64Array:
    """(3, 3) frame turned about the left, the posterior and the superior axis, in this order."""
    a, b, c = np.radians([pitch_deg, roll_deg, yaw_deg])
    about_left = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_posterior = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_superior = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(about_left @ about_posterior @ about_superior)


def candidate(centre_mm: Float64Array) -> BodyCandidate:
    """A candidate that knows the place and nothing of the tilt."""
    return BodyCandidate(
        centre_lps_mm=centre_mm,
        frame=np.eye(3),
        body_probability=1.0,
        level_estimate=19.0,
        level_estimate_sd=0.5,
        rib_evidence=0.0,
        sacrum_evidence=0.0,
    )


@lru_cache(maxsize=64)
def patch_of(
    body: PlainBody,
    turned_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
    *,
    slice_spacing_mm: float = 1.0,
) -> BodyPatch:
    """A 1 mm patch along the patient's axes that holds a turned body, off the voxel grid."""
    frame = turn(*turned_deg)
    affine = patch_affine(CENTRE_MM, np.eye(3), PATCH_SHAPE, 1.0)
    middle = CENTRE_MM + np.array([0.3, -0.2, 0.4])
    points = local_points(PATCH_SHAPE, affine, middle, frame)
    return BodyPatch(
        occupancy=body_share(body, PATCH_SHAPE, affine, middle, frame),
        posterior=body.is_posterior(points).reshape(PATCH_SHAPE).astype(np.float32),
        hu=np.full(PATCH_SHAPE, 140.0, dtype=np.float32),
        in_scan=np.ones(PATCH_SHAPE, dtype=np.bool_),
        affine=affine,
        slice_spacing_mm=slice_spacing_mm,
    )


def vertebra_of(
    patch: BodyPatch, *, cut: bool = False, metal_fraction: float = 0.0, quality: float = 1.0
) -> Vertebra:
    """A vertebra round a patch."""
    return Vertebra(
        candidate=candidate(CENTRE_MM),
        patch=patch,
        cut_by_border=cut,
        metal_fraction=metal_fraction,
        outline_quality=quality,
    )


def spine_of(
    *vertebrae: tuple[Level, Vertebra], series_id: str = "series", sure: bool = True
) -> LabelledSpine:
    """A labelled spine of given vertebrae."""
    return LabelledSpine(
        masks=VertebraMasks(vertebrae=tuple(vertebra for _, vertebra in vertebrae), series_id=series_id),
        names=tuple(
            LevelName(level=level, probability=0.95 if sure else 0.5, is_uncertain=not sure)
            for level, _ in vertebrae
        ),
    )


def measured(
    level: Level,
    heights_mm: tuple[float, float, float],
    *,
    lowest_mm: float | None = None,
    sd_mm: float = 0.5,
    slice_spacing_mm: float = 1.0,
    centre_mm: Float64Array | None = None,
) -> Measured:
    """A measurement whose windows agree with its six points, and whose lowest place is its middle."""
    centre = np.array([0.0, 0.0, -30.0 * level.order]) if centre_mm is None else centre_mm
    heights = Heights.from_array(np.array(heights_mm))
    half = 0.5 * heights.as_array()
    back = np.array([-15.0, 0.0, 15.0])
    superior = np.column_stack([np.zeros(3), back, half]) + centre
    inferior = np.column_stack([np.zeros(3), back, -half]) + centre
    return Measured(
        level=level,
        heights=heights,
        heights_sd=Heights(anterior_mm=sd_mm, middle_mm=sd_mm, posterior_mm=sd_mm),
        window_heights=heights,
        landmarks_lps_mm=np.vstack([superior, inferior]),
        frame=np.eye(3),
        centre_lps_mm=centre,
        depth_mm=30.0,
        width_mm=40.0,
        lateral_heights_mm=np.array([heights_mm[1], heights_mm[1]]),
        endplate_depression_mm=np.array([0.5, 0.5]),
        attenuation_hu=150.0,
        lowest_height_mm=heights_mm[1] if lowest_mm is None else lowest_mm,
        slice_spacing_mm=slice_spacing_mm,
    )


def label_map_of(
    bodies: list[tuple[int, PlainBody, Float64Array]],
    frame: Float64Array,
    spacing_mm: tuple[float, float, float],
    *,
    with_posterior: bool = True,
) -> LabelMap:
    """A binary label map (k, j, i) along the patient's axes.

    bodies: label number, body, centre in LPS mm; all stand in the same frame.
    """
    centres = np.array([centre for _, _, centre in bodies])
    low, high = centres.min(axis=0) - 62.0, centres.max(axis=0) + 62.0
    sizes = np.array(spacing_mm)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, sizes[2]], [0, sizes[1], 0], [sizes[0], 0, 0]])
    affine[:3, 3] = low
    shape = tuple(int(n) for n in np.ceil((high - low)[::-1] / sizes))
    labels = np.zeros(shape, dtype=np.int16)
    points = to_points(affine, np.indices(shape).reshape(3, -1).T.astype(np.float64))
    for number, body, centre in bodies:
        near = np.flatnonzero(np.linalg.norm(points - centre, axis=1) < 60.0)
        local = (points[near] - centre) @ frame
        inside = body.is_body(local)
        if with_posterior:
            inside |= body.is_posterior(local)
        labels.reshape(-1)[near[inside]] = number
    return LabelMap(labels=labels, affine=affine)
