"""One body: run the refiner, find the body's own frame from its regressed coordinates, run it again there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from spondyl.domain import channels
from spondyl.domain.network import Network
from spondyl.domain.spine import BodyCandidate
from spondyl.domain.volume import CtVolume
from spondyl.geometry.affine import patch_affine, to_points
from spondyl.geometry.arrays import BoolArray, Float32Array, Float64Array
from spondyl.geometry.canonical import extract_patch
from spondyl.stages.segment.field import Field
from spondyl.stages.segment.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outline:
    """A segmented body on its patch, before it is judged. Arrays are (k, j, i)."""

    candidate: BodyCandidate
    centre_lps_mm: Float64Array
    frame: Float64Array
    volume_ml: float
    certainty: float
    half_width_mm: float
    half_height_mm: float
    target: Float32Array
    posterior: Float32Array
    hu: Float32Array
    in_scan: BoolArray
    affine: Float64Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scan:
    """What an outline is made from: the CT, what of it holds data, the refiner, the thresholds."""

    volume: CtVolume
    field: Field
    refiner: Network
    settings: Settings


def outline_body(scan: Scan, candidate: BodyCandidate, known: Sequence[Outline] = ()) -> Outline | None:
    """Outline the body at a candidate's place, None where there is none, or one of the known ones.

    The patch is cut anew round what was found until it stays where it is: an outline begun aside or aslant
    is not to be trusted. The last one counts, as the mean with that of the mirrored patch.
    """
    settings, refiner = scan.settings, scan.refiner
    centre, frame = candidate.centre_lps_mm, candidate.frame
    for _ in range(settings.most_passes):
        view = _View.cut(scan, centre, frame)
        patch = channels.scale_hu(view.hu)
        output = _probabilities(refiner.run(patch))
        target = _own_part(output[1], view.in_scan)
        if _volume_ml(target) < settings.smallest_volume_ml:
            return None
        before = (centre, frame)
        centre, frame = _place(target, output[channels.REFINER_COORDINATES :], view.affine, frame)
        if np.linalg.norm(centre - candidate.centre_lps_mm) > settings.largest_shift_mm:
            return None
        if any(np.linalg.norm(centre - x.centre_lps_mm) < settings.duplicate_mm for x in known):
            return None
        if _stays(before, (centre, frame), settings):
            break
    output = 0.5 * (output + _mirrored(refiner, patch))
    target = _own_part(output[1], view.in_scan)
    if _volume_ml(target) < settings.smallest_volume_ml:
        return None
    centre, frame = _place(target, output[channels.REFINER_COORDINATES :], view.affine, before[1])
    return Outline(
        candidate=candidate,
        centre_lps_mm=centre,
        frame=frame,
        volume_ml=_volume_ml(target),
        certainty=_certainty(target),
        half_width_mm=_half_extent(target, axis=2),
        half_height_mm=_half_extent(target, axis=0),
        target=target,
        posterior=output[3],
        hu=view.hu,
        in_scan=view.in_scan,
        affine=view.affine,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _View:
    """The CT on one patch. Arrays are (k, j, i)."""

    hu: Float32Array
    in_scan: BoolArray
    affine: Float64Array

    @classmethod
    def cut(cls, scan: Scan, centre: Float64Array, frame: Float64Array) -> _View:
        """Cut the patch of that centre and frame out of the CT."""
        volume, shape = scan.volume, scan.refiner.patch_shape
        affine = patch_affine(centre, frame, shape, channels.REFINER_SPACING_MM)
        hu, in_scan = extract_patch(volume.hu, volume.affine, shape, affine, outside=channels.AIR_HU)
        return cls(hu=hu, in_scan=in_scan & ~scan.field.holds_no_data(hu, affine), affine=affine)


def _volume_ml(target: Float32Array) -> float:
    return float(target.sum()) * channels.REFINER_SPACING_MM**3 / 1000.0


def _stays(
    before: tuple[Float64Array, Float64Array], after: tuple[Float64Array, Float64Array], settings: Settings
) -> bool:
    """Whether centre and axes moved by less than counts."""
    moved = float(np.linalg.norm(after[0] - before[0]))
    cosine = min(float(before[1][:, axis] @ after[1][:, axis]) for axis in (1, 2))
    return moved < settings.still_mm and cosine > np.cos(np.radians(settings.still_deg))


def _mirrored(refiner: Network, patch: Float32Array) -> Float32Array:
    """What the refiner says of the scaled patch mirrored left to right, turned back."""
    mirrored = _probabilities(refiner.run(np.ascontiguousarray(patch[:, :, ::-1])))[:, :, :, ::-1].copy()
    mirrored[channels.REFINER_COORDINATES] *= -1.0
    return mirrored


def _probabilities(output: Float32Array) -> Float32Array:
    """Softmax over the classes; the coordinates as they are."""
    n = channels.REFINER_COORDINATES
    logits = output[:n]
    exponent = np.exp(logits - logits.max(axis=0))
    return np.concatenate([exponent / exponent.sum(axis=0), output[n:]])


def _own_part(target: Float32Array, in_scan: BoolArray) -> Float32Array:
    """The target within the scan, without pieces that are not joined to its main part."""
    target = np.where(in_scan, target, np.float32(0.0))
    parts, n_parts = ndimage.label(target > 0.5)
    if n_parts == 0:
        return np.zeros_like(target)
    main = int(np.argmax(np.bincount(parts.ravel())[1:])) + 1
    near = ndimage.binary_dilation(parts == main, iterations=2)
    return np.where(near, target, np.float32(0.0))


def _place(
    target: Float32Array, coordinates: Float32Array, affine: Float64Array, frame: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Centre of the body, and its frame: the directions in which the regressed coordinates rise.

    A second-order fit over the body's voxels, so that wedges and cups do not turn the axes.
    """
    index = np.argwhere(target > 0.5)
    place = tuple(index.T)
    points = to_points(affine, index.astype(np.float64))
    centre = points.mean(axis=0)
    local = (points - centre) @ frame / 10.0
    design = np.column_stack(
        [np.ones(len(local)), local, local**2, local[:, :1] * local[:, 1:], local[:, 1] * local[:, 2]]
    )
    values = np.stack([coordinates[axis][place] for axis in range(3)], axis=1).astype(np.float64)
    # a touch of ridge: a body of a few voxels does not fix all terms
    normal = design.T @ design + 1e-6 * len(local) * np.eye(design.shape[1])
    solution = np.linalg.solve(normal, design.T @ values)
    superior = frame @ _near(solution[1:4, 2], 2)
    posterior = frame @ _near(solution[1:4, 1], 1)
    posterior = posterior - superior * (superior @ posterior)
    posterior /= np.linalg.norm(posterior)
    return centre, np.stack([np.cross(posterior, superior), posterior, superior], axis=1)


def _near(direction: Float64Array, axis: int) -> Float64Array:
    """The unit vector, or the old axis where the fit turns by more than 30 degrees (a failed fit)."""
    usual: Float64Array = np.eye(3)[axis]
    size = float(np.linalg.norm(direction))
    if size < 1e-9 or direction[axis] < 0.866 * size:
        return usual
    return np.asarray(direction / size)


def _certainty(target: Float32Array) -> float:
    """Mean of |2p - 1| inside the outline and 2 mm round it, as compared with a sharp edge: 0-1."""
    body = target > 0.5
    if not body.any():
        return 0.0
    box = tuple(
        slice(max(one.start - 2, 0), one.stop + 2) for one in ndimage.find_objects(body.astype(np.uint8))[0]
    )
    ring = ndimage.binary_dilation(body[box], iterations=2)
    return float(np.mean(np.abs(2.0 * target[box][ring] - 1.0)))


def _half_extent(target: Float32Array, *, axis: int) -> float:
    """Half of the body's extent along an axis of its patch, by the middle 90 % of its voxels, mm."""
    low, high = np.percentile(np.nonzero(target > 0.5)[axis], [5, 95])
    return float(high - low) * channels.REFINER_SPACING_MM / 2.0
