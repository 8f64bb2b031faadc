"""One body: run the refiner, find the body's own frame from its regressed coordinates, run it again there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from spondyl.domain import channels
from spondyl.domain.network import Network
from spondyl.domain.spine import BodyCandidate
from spondyl.domain.volume import HU_FLOOR, CtVolume
from spondyl.geometry.affine import patch_affine, to_points
from spondyl.geometry.arrays import BoolArray, Float32Array, Float64Array
from spondyl.geometry.canonical import extract_patch
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
    target: Float32Array
    posterior: Float32Array
    hu: Float32Array
    in_scan: BoolArray
    affine: Float64Array


def outline_body(
    volume: CtVolume, candidate: BodyCandidate, refiner: Network, settings: Settings
) -> Outline | None:
    """Outline the body at a candidate's place, None where there is none."""
    centre, frame = candidate.centre_lps_mm, candidate.frame
    for number in range(settings.passes):
        is_last = number == settings.passes - 1
        affine = patch_affine(centre, frame, refiner.patch_shape, channels.REFINER_SPACING_MM)
        hu, in_scan = extract_patch(
            volume.hu, volume.affine, refiner.patch_shape, affine, outside=channels.AIR_HU
        )
        in_scan &= hu > HU_FLOOR + 0.5
        output = _run(refiner, hu, mirrored_too=is_last)
        target = _own_part(output[1])
        target[~in_scan] = 0.0
        amount = float(target.sum()) / 1000.0
        if amount < settings.smallest_volume_ml:
            return None
        centre, frame = _place(target, output[channels.REFINER_COORDINATES :], affine, frame)
        if np.linalg.norm(centre - candidate.centre_lps_mm) > settings.largest_shift_mm:
            return None
    return Outline(
        candidate=candidate,
        centre_lps_mm=centre,
        frame=frame,
        volume_ml=amount,
        certainty=_certainty(target),
        half_width_mm=_half_width(target),
        target=target,
        posterior=output[3],
        hu=hu,
        in_scan=in_scan,
        affine=affine,
    )


def _run(refiner: Network, hu: Float32Array, *, mirrored_too: bool) -> Float32Array:
    """Class probabilities and coordinates; the mean with the left-right mirrored patch where asked."""
    patch = channels.scale_hu(hu)
    output = _probabilities(refiner.run(patch))
    if not mirrored_too:
        return output
    mirrored = _probabilities(refiner.run(np.ascontiguousarray(patch[:, :, ::-1])))[:, :, :, ::-1].copy()
    mirrored[channels.REFINER_COORDINATES] *= -1.0
    return np.asarray(0.5 * (output + mirrored), np.float32)


def _probabilities(output: Float32Array) -> Float32Array:
    """Softmax over the classes; the coordinates as they are."""
    n = channels.REFINER_COORDINATES
    logits = output[:n]
    exponent = np.exp(logits - logits.max(axis=0))
    return np.concatenate([exponent / exponent.sum(axis=0), output[n:]])


def _own_part(target: Float32Array) -> Float32Array:
    """The target without pieces that are not joined to its main part; nothing where nothing is likely."""
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
    solution = np.linalg.lstsq(design, values, rcond=None)[0]
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
    ring = ndimage.binary_dilation(body, iterations=2)
    return float(np.mean(np.abs(2.0 * target[ring] - 1.0)))


def _half_width(target: Float32Array) -> float:
    """Half of the body's extent from left to right, by the middle 90 % of its voxels, mm."""
    left = np.nonzero(target > 0.5)[2]
    low, high = np.percentile(left, [5, 95])
    return float(high - low) * channels.REFINER_SPACING_MM / 2.0
