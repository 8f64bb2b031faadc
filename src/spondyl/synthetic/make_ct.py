"""A whole CT of a synthetic spine with its truth: drawn, rendered finely, averaged to slices, scanned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from spondyl.domain.level import Level
from spondyl.domain.volume import CtVolume
from spondyl.geometry.arrays import Float32Array, Float64Array, UInt8Array
from spondyl.synthetic.acquisition import CLEAN, Protocol, acquire_slices
from spondyl.synthetic.anatomy import LEVELS
from spondyl.synthetic.fracture import Deformity
from spondyl.synthetic.paint_body import BodyTruth
from spondyl.synthetic.render import paint_bones, render_soft
from spondyl.synthetic.scene import Scene, SceneWishes, draw_scene
from spondyl.synthetic.truth import TrueVertebra, seen_in, true_vertebra

SERIES_ID = "synthetic"
FINEST_PIXEL_MM, COARSEST_PIXEL_MM = 0.3, 1.0  # coarser pixels would blur the truth below 0.1 mm
_SOFT_VOXEL_MM = 2.0  # soft tissue needs no finer edges, and most of the volume is soft tissue
_SLAB_VOXELS = 4_000_000
_MARGIN_MM = 30.0  # above the first and below the last vertebra
_SIDE_MARGIN_MM = 60.0  # from the outermost body's centre to the side of the field of view
_HU_RANGE = (-1024, 3071)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SyntheticCt:
    """A CT nobody was scanned for.

    truth: vertebrae of which at least a part is in view, head to foot.
    labels: (k, j, i) VerSe number of the body that fills more than half of the voxel, 0 for none.
    """

    volume: CtVolume
    truth: tuple[TrueVertebra, ...]
    labels: UInt8Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Field:
    """Where the scan lies: fine voxels of the size of a pixel, and slices along k.

    origin_mm: (3,) LPS of the first fine voxel. shape: of the fine grid. thickness_mm: of a slice.
    to_scene: (3, 3) from the scanner's axes to the scene's.
    """

    origin_mm: Float64Array
    shape: tuple[int, int, int]
    pixel_mm: float
    n_slices: int
    slice_spacing_mm: float
    thickness_mm: float
    to_scene: Float64Array

    def affine(self, first_plane: float, voxel_mm: float) -> Float64Array:
        """Affine (k, j, i) to scene mm of a grid that starts at a fine plane."""
        affine = np.eye(4)
        affine[:3, :3] = self.to_scene[:, ::-1] * voxel_mm
        start = self.origin_mm + np.array([0.0, 0.0, first_plane * self.pixel_mm])
        affine[:3, 3] = self.to_scene @ start
        return affine

    def slice_middle(self, number: int) -> float:
        """Middle of a slice, counted in fine planes."""
        first = 0.5 * self.thickness_mm / self.pixel_mm
        return first + number * self.slice_spacing_mm / self.pixel_mm


def make_ct(
    seed: int,
    slice_spacing_mm: float = 1.0,
    *,
    fractures: tuple[tuple[Level, Deformity], ...] = (),
    first: Level = Level.T1,
    last: Level = Level.L5,
    pixel_spacing_mm: float = 0.8,
    field_of_view_mm: float = 220.0,
    noise_hu: float = 12.0,
    protocol: Protocol | None = None,
    rotation_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> SyntheticCt:
    """Make the CT of a spine; the same arguments give the same CT to the bit.

    Args:
        seed: of the patient and of the noise.
        slice_spacing_mm: distance of the slices; without a protocol they are as thick as that.
        fractures: levels and what happened to them; every other vertebra is whole.
        first: uppermost level wholly in view, C2 to S1; the scan begins some cm above it.
        last: lowest level wholly in view.
        pixel_spacing_mm: 0.3 to 1.0.
        field_of_view_mm: side of the square picture, widened where the spine would leave it.
        noise_hu: noise of the picture where no protocol is given.
        protocol: scanner setting; its slice spacing is replaced by ``slice_spacing_mm``.
        rotation_deg: the patient turned about the left, posterior and superior axis, in this order.

    Raises:
        ValueError: levels, spacing or pixels are outside what is said above.
    """
    _check(slice_spacing_mm, pixel_spacing_mm, first, last, fractures)
    rng = np.random.default_rng(seed)
    scene = draw_scene(rng, SceneWishes(deformities=fractures, is_exact=True))
    rotation = np.asarray(Rotation.from_euler("xyz", rotation_deg, degrees=True).as_matrix())
    truth = tuple(true_vertebra(body, rotation) for body in scene.bodies)
    if protocol is None:
        protocol = replace(CLEAN, noise_hu=noise_hu, slice_thickness_mm=slice_spacing_mm)
    protocol = replace(protocol, slice_spacing_mm=slice_spacing_mm)
    wanted = truth[LEVELS.index(first) : LEVELS.index(last) + 1]
    field = _field(wanted, protocol, pixel_spacing_mm, field_of_view_mm, rotation)
    slices, labels = _slices(scene, field, rng)
    hu = acquire_slices(slices, pixel_spacing_mm, protocol, rng)
    volume = CtVolume(
        hu=np.clip(np.rint(hu), *_HU_RANGE).astype(np.int16),
        affine=_volume_affine(field),
        series_id=SERIES_ID,
    )
    return SyntheticCt(volume=volume, truth=seen_in(truth, volume), labels=labels)


def _check(
    slice_spacing_mm: float,
    pixel_spacing_mm: float,
    first: Level,
    last: Level,
    fractures: tuple[tuple[Level, Deformity], ...],
) -> None:
    """Stop what cannot be made.

    Raises:
        ValueError: see ``make_ct``.
    """
    if not FINEST_PIXEL_MM <= pixel_spacing_mm <= COARSEST_PIXEL_MM:
        raise ValueError(
            f"pixel spacing {pixel_spacing_mm} mm: {FINEST_PIXEL_MM} to {COARSEST_PIXEL_MM} are rendered; "
            "use spondyl.synthetic.resampled for coarser ones"
        )
    if slice_spacing_mm <= 0:
        raise ValueError(f"slice spacing {slice_spacing_mm} mm: it must be positive")
    for level in (first, last, *(level for level, _ in fractures)):
        if level not in LEVELS:
            raise ValueError(f"level {level}: one of {', '.join(LEVELS)} is needed")
    if first.order > last.order:
        raise ValueError(f"first {first}, last {last}: the first level lies above the last")


def _field(
    wanted: tuple[TrueVertebra, ...],
    protocol: Protocol,
    pixel_mm: float,
    field_of_view_mm: float,
    rotation: Float64Array,
) -> _Field:
    """The scan that holds the wanted vertebrae with a margin."""
    points = np.concatenate([x.surface_lps_mm for x in wanted])
    centres = np.array([x.centre_lps_mm for x in wanted])
    low, high = centres.min(axis=0)[:2], centres.max(axis=0)[:2]
    side = max(field_of_view_mm, float(np.max(high - low)) + 2 * _SIDE_MARGIN_MM)
    n_pixels = round(side / pixel_mm)
    bottom, top = points[:, 2].min() - _MARGIN_MM, points[:, 2].max() + _MARGIN_MM
    thickness = max(protocol.slice_thickness_mm, pixel_mm)
    n_slices = int(np.ceil((top - bottom - thickness) / protocol.slice_spacing_mm)) + 1
    n_planes = int(np.ceil(((n_slices - 1) * protocol.slice_spacing_mm + thickness) / pixel_mm)) + 1
    middle = 0.5 * (low + high)
    corner = middle - 0.5 * (n_pixels - 1) * pixel_mm
    return _Field(
        origin_mm=np.array([corner[0], corner[1], bottom]),
        shape=(n_planes, n_pixels, n_pixels),
        pixel_mm=pixel_mm,
        n_slices=n_slices,
        slice_spacing_mm=protocol.slice_spacing_mm,
        thickness_mm=thickness,
        to_scene=rotation.T,
    )


def _volume_affine(field: _Field) -> Float64Array:
    """(4, 4) affine of the slices in the scanner's axes: k to the head, j to posterior, i to the left."""
    affine = np.diag([0.0, 0.0, 0.0, 1.0])
    affine[2, 0], affine[1, 1], affine[0, 2] = field.slice_spacing_mm, field.pixel_mm, field.pixel_mm
    affine[:3, 3] = field.origin_mm + np.array([0.0, 0.0, field.slice_middle(0) * field.pixel_mm])
    return affine


def _slices(scene: Scene, field: _Field, rng: np.random.Generator) -> tuple[Float32Array, UInt8Array]:
    """(k, j, i) true HU averaged over each slice's thickness, and the labels at its middle."""
    size = (field.n_slices, *field.shape[1:])
    slices, labels = np.zeros(size, np.float32), np.zeros(size, np.uint8)
    verse = np.array([0, *[body.level.verse_label for body in scene.bodies]], np.uint8)
    for first_plane, hu, truth in _slabs(scene, field, rng):
        for number in range(field.n_slices):
            middle = field.slice_middle(number) - first_plane
            weights = _plane_weights(len(hu), middle, field.thickness_mm / field.pixel_mm)
            used = np.flatnonzero(weights)
            if used.size:
                part = slice(int(used[0]), int(used[-1]) + 1)
                slices[number] += np.tensordot(weights[part], hu[part], axes=1)
            nearest = int(np.rint(middle))
            if 0 <= nearest < len(hu):
                labels[number] = verse[truth.instance[nearest]] * (truth.occupancy[nearest] > 0.5)
    return slices, labels


def _plane_weights(n_planes: int, middle: float, thickness: float) -> Float32Array:
    """(n,) part of a slice that each plane of a slab fills; lengths in planes, plane 0 from -0.5 to 0.5."""
    planes = np.arange(n_planes)
    low = np.maximum(planes - 0.5, middle - 0.5 * thickness)
    high = np.minimum(planes + 0.5, middle + 0.5 * thickness)
    return np.asarray(np.maximum(high - low, 0.0) / thickness, np.float32)


def _slabs(
    scene: Scene, field: _Field, rng: np.random.Generator
) -> Iterator[tuple[int, Float32Array, BodyTruth]]:
    """Slabs of the fine grid from below: first plane, true HU, truth of the bodies."""
    soft = _soft_tissue(scene, field, rng)
    n_planes, rows, columns = field.shape
    step = max(8, _SLAB_VOXELS // (rows * columns))
    for start in range(0, n_planes, step):
        shape = (min(step, n_planes - start), rows, columns)
        hu = _enlarged(soft, start, shape, field.pixel_mm / _SOFT_VOXEL_MM)
        truth = BodyTruth(
            occupancy=np.zeros(shape, np.float32), instance=np.zeros(shape, np.uint8), along=None
        )
        tissue = np.zeros(shape, np.uint8)
        paint_bones(scene, field.affine(start, field.pixel_mm), rng, hu, tissue, truth)
        yield start, hu, truth


def _soft_tissue(scene: Scene, field: _Field, rng: np.random.Generator) -> Float32Array:
    """Soft tissue of the whole field on coarse voxels; both grids begin at the same point."""
    k, j, i = (int(np.ceil((n - 1) * field.pixel_mm / _SOFT_VOXEL_MM)) + 2 for n in field.shape)
    return render_soft(scene, (k, j, i), field.affine(0, _SOFT_VOXEL_MM), rng)


def _enlarged(
    coarse: Float32Array, first_plane: int, shape: tuple[int, int, int], step: float
) -> Float32Array:
    """Linear interpolation at fine voxels, ``step`` coarse ones apart, from a fine plane onwards."""
    out = coarse
    for axis, (start, n) in enumerate(zip((first_plane, 0, 0), shape, strict=True)):
        position = (start + np.arange(n)) * step
        low = np.minimum(position.astype(int), out.shape[axis] - 2)
        weight = (position - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        out = np.take(out, low, axis) * (1 - weight) + np.take(out, low + 1, axis) * weight
    return np.asarray(out, np.float32)
