"""A patient made of boxes, and two networks that read boxes: bodies, ribs and sacrum told by brightness.

The networks work on the patch alone, as the shipped ones do: they threshold it, take its connected parts,
and tell from each part's own moments where its centre, its axes and its ends lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import TypeAlias

import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation

from spondyl.domain import channels
from spondyl.domain.spine import BodyCandidate
from spondyl.domain.volume import CtVolume
from spondyl.geometry.affine import to_index, to_points

Vector: TypeAlias = Sequence[float] | np.ndarray

SOFT_HU = 40
BODY_HU = 250  # of running number 0; each number further adds LEVEL_HU
LEVEL_HU = 10
RIB_HU = 650
SACRUM_HU = 900
_BONE_HU = 150.0  # what the networks take for bone: half-way between soft tissue and a body
_LOGIT = 6.0
BODY_SIZE_MM = (42.0, 32.0, 24.0)  # width, depth, height


@dataclass(frozen=True, kw_only=True)
class Box:
    """A bright block. ``frame``: columns to its left, posterior, superior; ``size_mm`` along them."""

    centre_mm: np.ndarray
    hu: float
    frame: np.ndarray = field(default_factory=lambda: np.eye(3))
    size_mm: tuple[float, float, float] = BODY_SIZE_MM


def body_box(centre_mm: Vector, number: int, *, bend_deg: float = 0.0, lean_deg: float = 0.0) -> Box:
    """A body of a running number, bent forward (about the left axis) and leaning sideways."""
    frame = Rotation.from_euler("xy", [bend_deg, lean_deg], degrees=True).as_matrix()
    return Box(centre_mm=np.array(centre_mm, float), hu=BODY_HU + LEVEL_HU * number, frame=frame)


def column(numbers: Sequence[int], *, top_mm: Vector = (0.0, 0.0, 0.0), pitch_mm: float = 32.0) -> list[Box]:
    """Bodies from head to foot along a gentle S, each tilted as its place in the curve asks."""
    boxes = []
    centre = np.array(top_mm, float)
    for place, number in enumerate(numbers):
        bend = 14.0 * np.cos(0.8 * place)
        lean = 5.0 * np.sin(0.9 * place)
        box = body_box(centre, number, bend_deg=bend, lean_deg=lean)
        boxes.append(box)
        centre = centre - pitch_mm * box.frame[:, 2]
    return boxes


def sacrum_below(box: Box) -> Box:
    """The sacrum where the next body would lie."""
    centre = box.centre_mm + box.frame @ np.array([0.0, 6.0, -36.0])
    return Box(centre_mm=centre, hu=SACRUM_HU, frame=box.frame, size_mm=(60.0, 36.0, 30.0))


@dataclass(frozen=True, kw_only=True)
class Scan:
    """The stack that a patient is scanned with. ``directions``: columns of k, j, i in LPS."""

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    middle_mm: tuple[float, float, float]
    directions: np.ndarray = field(default_factory=lambda: np.eye(3)[:, ::-1])

    @property
    def affine(self) -> np.ndarray:
        affine = np.eye(4)
        affine[:3, :3] = self.directions * np.array(self.spacing_mm)
        affine[:3, 3] = np.array(self.middle_mm) - affine[:3, :3] @ ((np.array(self.shape) - 1) / 2)
        return affine


def scan_round(
    boxes: Sequence[Box],
    spacing_mm: tuple[float, float, float],
    *,
    margin_mm: float = 20.0,
    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
    order: tuple[int, int, int] = (0, 1, 2),
    signs: tuple[int, int, int] = (1, 1, 1),
) -> Scan:
    """A stack that holds the boxes with a margin. ``spacing_mm`` along head, back, left before permuting."""
    upright = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix() @ np.eye(3)[:, ::-1]
    directions = upright[:, list(order)] * np.array(signs)
    spacing = np.array(spacing_mm)[list(order)]
    ends = np.concatenate([corners(box) for box in boxes]) @ directions
    low, high = ends.min(axis=0) - margin_mm, ends.max(axis=0) + margin_mm
    shape = np.ceil((high - low) / spacing).astype(int) + 1
    middle = directions @ ((low + high) / 2)
    return Scan(
        shape=(int(shape[0]), int(shape[1]), int(shape[2])),
        spacing_mm=(float(spacing[0]), float(spacing[1]), float(spacing[2])),
        middle_mm=(float(middle[0]), float(middle[1]), float(middle[2])),
        directions=directions,
    )


def corners(box: Box) -> np.ndarray:
    """(8, 3) corners in LPS."""
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    return np.asarray(box.centre_mm + (0.5 * signs * np.array(box.size_mm)) @ box.frame.T)


def ct(boxes: Sequence[Box], scan: Scan) -> CtVolume:
    """The boxes in soft tissue, their surfaces smeared over one voxel (partial volume)."""
    affine = scan.affine
    hu = np.full(scan.shape, float(SOFT_HU), np.float32)
    for box in boxes:
        reach = corners(box)
        reach = box.centre_mm + (reach - box.centre_mm) * (1.0 + 8.0 / np.min(box.size_mm))
        index = to_index(affine, reach)
        low = np.clip(np.floor(index.min(axis=0)).astype(int), 0, np.array(scan.shape))
        high = np.clip(np.ceil(index.max(axis=0)).astype(int) + 1, 0, np.array(scan.shape))
        if np.any(high <= low):
            continue
        part = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        places = (np.indices(high - low).reshape(3, -1).T + low).astype(float)
        local = np.abs((to_points(affine, places) - box.centre_mm) @ box.frame)
        blur = np.linalg.norm((scan.directions * np.array(scan.spacing_mm)).T @ box.frame, axis=0)
        share = np.clip((np.array(box.size_mm) / 2 - local) / blur + 0.5, 0.0, 1.0).prod(axis=1)
        share = share.reshape(tuple(high - low))
        hu[part] = np.where(share > 0, SOFT_HU + share * (box.hu - SOFT_HU), hu[part])
    return CtVolume(hu=np.round(hu).astype(np.int16), affine=affine, series_id="boxes")


def _hu(patch: np.ndarray) -> np.ndarray:
    return patch * 250.0 + 100.0


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One connected bright part of a patch, as a box: axes by its moments. Lengths in voxels.

    place: the slices that hold it and a voxel round it; mask, near, coordinates are on these.
    mask: its voxels; near: one voxel further.
    coordinates: (3, k, j, i) left, posterior, superior in -1..1 from end to end.
    """

    place: tuple[slice, ...]
    mask: np.ndarray
    near: np.ndarray
    hu: float
    centre: np.ndarray
    coordinates: np.ndarray
    touches_end: bool


def _parts(hu: np.ndarray) -> list[_Part]:
    parts, _ = ndimage.label(hu > _BONE_HU)
    found = []
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        place = tuple(
            slice(max(s.start - 1, 0), min(s.stop + 1, n)) for s, n in zip(box, hu.shape, strict=True)
        )
        mask = parts[place] == number
        if np.count_nonzero(mask) < 8:
            continue
        values = hu[place]
        brightness = float(np.percentile(values[mask], 75))
        near = ndimage.binary_dilation(mask)
        weight = np.clip((values[near] - SOFT_HU) / (brightness - SOFT_HU), 0.0, 1.0)
        corner = np.array([s.start for s in place])
        places = np.argwhere(near) + corner
        centre = weight @ places / weight.sum()
        offsets = places - centre
        spread, axes = np.linalg.eigh((offsets * weight[:, None]).T @ offsets / weight.sum())
        order = _order(axes)
        half = np.sqrt(3.0 * np.maximum(spread[order], 0.1))  # of a box with this second moment
        every = np.indices(mask.shape).reshape(3, -1).T + corner - centre
        coordinates = ((every @ _towards_patch(axes[:, order])) / half).T.reshape(3, *mask.shape)
        found.append(
            _Part(
                place=place,
                mask=mask,
                near=near,
                hu=brightness,
                centre=centre,
                coordinates=coordinates.astype(np.float32),
                touches_end=any(s.start == 0 or s.stop == n for s, n in zip(box, hu.shape, strict=True)),
            )
        )
    return found


def _order(axes: np.ndarray) -> list[int]:
    """Which moment axis runs along left (i), posterior (j), superior (k): the best of all pairings."""

    orders = [(a, b, c) for a, b, c in permutations(range(3))]
    fits = [abs(axes[2, a]) + abs(axes[1, b]) + abs(axes[0, c]) for a, b, c in orders]
    return list(orders[int(np.argmax(fits))])


def _towards_patch(axes: np.ndarray) -> np.ndarray:
    """The same axes, each pointing the way that the patch's own does."""
    return np.asarray(axes * np.sign([axes[2, 0], axes[1, 1], axes[0, 2]]))


@dataclass
class BoxFinder:
    """Sees bodies, ribs and sacrum in a 2 mm patch; a part that the patch cuts is not seen at all."""

    patch_shape: tuple[int, int, int] = channels.FINDER_PATCH
    seen: int = 0

    def run(self, patch: np.ndarray) -> np.ndarray:
        self.seen += 1
        out = np.zeros((channels.FINDER_OUTPUTS, *patch.shape), np.float32)
        out[channels.FINDER_CLASSES.index("background")] = _LOGIT
        for part in _parts(_hu(patch)):
            if part.touches_end:
                continue
            name = "sacrum" if part.hu > 780 else "rib" if part.hu > 570 else "body"
            here = out[:, *part.place]
            here[0][part.mask] = 0.0
            here[channels.FINDER_CLASSES.index(name)][part.mask] = _LOGIT
            if name == "body":
                _, posterior, superior = part.coordinates
                here[channels.FINDER_POSTERIOR_COORDINATE][part.mask] = posterior[part.mask]
                here[channels.FINDER_SUPERIOR_COORDINATE][part.mask] = superior[part.mask]
                number = (part.hu - BODY_HU) / LEVEL_HU
                here[channels.FINDER_LEVEL][part.mask] = (
                    number - channels.LEVEL_CENTRE
                ) / channels.LEVEL_SCALE
        return out


@dataclass
class BoxRefiner:
    """Outlines the bright part at the middle of a 1 mm patch, with partial volume at its surface.

    shy_mm: how far from the end of what it sees the network gives up a body that runs out of the scan.
    """

    patch_shape: tuple[int, int, int] = channels.REFINER_PATCH
    shy_mm: int = 0
    patches: list[np.ndarray] = field(default_factory=list)

    def run(self, patch: np.ndarray) -> np.ndarray:
        self.patches.append(patch)
        hu = _hu(patch)
        out = np.zeros((channels.REFINER_OUTPUTS, *patch.shape), np.float32)
        out[1 : channels.REFINER_COORDINATES] = -4 * _LOGIT
        parts = [part for part in _parts(hu) if part.hu < 570]
        if not parts:
            return out
        middle = (np.array(patch.shape) - 1) / 2
        target = min(parts, key=lambda part: float(np.linalg.norm(part.centre - middle)))
        for part in parts:
            here = out[:, *part.place]
            share = np.clip((hu[part.place] - SOFT_HU) / (part.hu - SOFT_HU), 1e-3, 1.0 - 1e-3)
            name = "target" if part is target else "other_body"
            channel = channels.REFINER_CLASSES.index(name)
            here[channel][part.near] = np.log(share / (1.0 - share))[part.near]
        if self.shy_mm:
            unsure = ndimage.binary_dilation(hu < -250.0, iterations=self.shy_mm)
            out[1, unsure] = -4 * _LOGIT
        out[channels.REFINER_COORDINATES :, *target.place] = target.coordinates
        return out


def candidate_at(
    box: Box, off_mm: Vector = (0.0, 0.0, 0.0), turn_deg: Vector = (0.0, 0.0, 0.0)
) -> BodyCandidate:
    """What a finder would say of a box, that far off and turned that much."""
    return BodyCandidate(
        centre_lps_mm=box.centre_mm + np.asarray(off_mm, float),
        frame=box.frame @ Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix(),
        body_probability=0.9,
        level_estimate=(box.hu - BODY_HU) / LEVEL_HU,
        level_estimate_sd=1.3,
        rib_evidence=0.9,
        sacrum_evidence=0.1,
    )
