"""Training examples: a scene rendered near a vertebra, then scanned anew each time it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from spondyl.domain import channels
from spondyl.domain.level import Level
from spondyl.geometry.affine import patch_affine
from spondyl.geometry.arrays import Float32Array, Float64Array, UInt8Array
from spondyl.synthetic.acquisition import acquire, draw_protocol
from spondyl.synthetic.anatomy import LEVELS, level_number
from spondyl.synthetic.body import BodyShape
from spondyl.synthetic.render import render
from spondyl.synthetic.scene import Scene, SceneWishes, draw_scene
from spondyl.training.pool import Pool, StoredPatch

ALONG_K = np.array([1.0, 0.0, 0.0])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Example:
    """One input patch and its targets; class targets are soft only for the body classes.

    patch: (k, j, i). classes: (k, j, i) hard class. body: (k, j, i) share inside the (target) body.
    other: (k, j, i) share inside another body (refiner) or inside S1 (finder).
    coordinates: (c, k, j, i) regressed inside the body, order of ``domain.channels``.
    """

    patch: Float32Array
    classes: UInt8Array
    body: Float32Array
    other: Float32Array
    coordinates: Float32Array


def finder_examples(seed: int, pool_size: int, new_share: float) -> Iterator[Example]:
    """Endless finder examples from a slowly renewed pool; the same seed gives the same examples."""
    rng = np.random.default_rng(seed)
    pool = Pool(rng, pool_size, new_share, _maker(rng, _finder_patch, scene_change=0.25))
    while True:
        yield _scan_finder(rng, pool.draw())


def refiner_examples(seed: int, pool_size: int, new_share: float) -> Iterator[Example]:
    """Endless refiner examples; about half of the targets are deformed."""
    rng = np.random.default_rng(seed)
    pool = Pool(rng, pool_size, new_share, _maker(rng, _refiner_patch, scene_change=0.2))
    while True:
        yield _scan_refiner(rng, pool.draw())


def _maker(
    rng: np.random.Generator,
    patch_of: Callable[[np.random.Generator, Scene], StoredPatch],
    *,
    scene_change: float,
) -> Callable[[], StoredPatch]:
    """Renders a patch of the present scene; with probability ``scene_change`` a new one is drawn first."""
    scenes: list[Scene] = []

    def make() -> StoredPatch:
        if not scenes or rng.random() < scene_change:
            scenes[:] = [_scene(rng)]
        return patch_of(rng, scenes[0])

    return make


def _scene(rng: np.random.Generator) -> Scene:
    share = float(rng.choice([0.0, 0.08, 0.3, 0.7], p=[0.3, 0.25, 0.25, 0.2]))
    return draw_scene(rng, SceneWishes(fracture_share=share))


def _rotation(rng: np.random.Generator, sd_deg: float) -> Float64Array:
    return np.asarray(Rotation.from_rotvec(np.radians(rng.normal(0, sd_deg, 3))).as_matrix())


def _finder_patch(rng: np.random.Generator, scene: Scene) -> StoredPatch:
    """A patch anywhere along the spine, the patient turned by up to about 20 degrees."""
    if rng.random() < 0.88:
        body = scene.bodies[int(rng.integers(len(scene.bodies)))]
        centre = body.centre_mm + rng.normal(0, 1, 3) * np.array([28.0, 30.0, 25.0])
        centre = centre + np.array([0, -15.0, 0])
    else:
        centre = rng.uniform([-130, -160, -330], [130, 60, 330])
    shape = channels.FINDER_PATCH
    affine = patch_affine(centre, _rotation(rng, 8.0), shape, channels.FINDER_SPACING_MM)
    return StoredPatch.of(render(scene, shape, affine, int(rng.integers(2**31))), 0, ALONG_K)


def _refiner_patch(rng: np.random.Generator, scene: Scene) -> StoredPatch:
    """A patch round one body, turned and shifted as the finder might err; in one of eight round none."""
    weights = np.array(
        [_weight(body.level) * (4.0 if body.loss_fraction > 0.12 else 1.0) for body in scene.bodies]
    )
    number = int(rng.choice(len(scene.bodies), p=weights / weights.sum()))
    body = scene.bodies[number]
    frame = body.frame @ _rotation(rng, 5.0 if rng.random() < 0.8 else 10.0)
    centre = body.centre_mm + rng.normal(0, 1, 3) * np.array([2.0, 2.0, 2.2])
    if rng.random() < 0.12:
        centre = _beside_the_spine(rng, scene, body)
    shape = channels.REFINER_PATCH
    affine = patch_affine(centre, frame, shape, channels.REFINER_SPACING_MM)
    head = _rotation(rng, 6.0) @ np.array([0.0, 0.0, 1.0])
    rendered = render(scene, shape, affine, int(rng.integers(2**31)))
    return StoredPatch.of(rendered, _target(rendered.instance, number + 1), (frame.T @ head)[::-1])


_NO_TARGET = 255  # instance number that no body has: the patch shows a place without a body
_CENTRE_HALF = 7  # voxels round the patch's centre in which the target must lie


def _target(instance: UInt8Array, wanted: int) -> int:
    """The wanted body if it lies at the patch's centre, else the body that does, else none."""
    seen = instance[tuple(slice(n // 2 - _CENTRE_HALF, n // 2 + _CENTRE_HALF) for n in instance.shape)]
    if np.any(seen == wanted):
        return wanted
    return int(np.bincount(seen[seen > 0]).argmax()) if np.any(seen) else _NO_TARGET


def _beside_the_spine(rng: np.random.Generator, scene: Scene, body: BodyShape) -> Float64Array:
    """Where a search along the spine may look in vain: beside, before or behind it, below S1, above C2."""
    if rng.random() < 0.3:
        end, way = (scene.bodies[-1], -1.0) if rng.random() < 0.7 else (scene.bodies[0], 1.0)
        return np.asarray(end.centre_mm + end.frame @ np.array([0.0, 5.0, way * rng.uniform(25, 55)]))
    angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(24, 70)
    return np.asarray(
        body.centre_mm + np.array([far * np.cos(angle), far * np.sin(angle), rng.normal(0, 15)])
    )


def _weight(level: Level) -> float:
    """How often a level is the refiner's target, before fractures are favoured."""
    if level == Level.S1:
        return 0.3
    return 1.0 if level.is_graded else 0.35


# instance number -> regressed level; instance 0 is no body
_LEVEL_TARGET = np.array(
    [0.0, *[(level_number(level) - channels.LEVEL_CENTRE) / channels.LEVEL_SCALE for level in LEVELS]],
    np.float32,
)


def _scan_finder(rng: np.random.Generator, stored: StoredPatch) -> Example:
    hu = acquire(stored.hu_32(), channels.FINDER_SPACING_MM, draw_protocol(rng), rng)
    is_s1 = stored.instance == len(LEVELS)
    occupancy, along = stored.occupancy_32(), stored.along_32()
    example = Example(
        patch=hu,
        classes=stored.tissue.copy(),
        body=occupancy * ~is_s1,
        other=occupancy * is_s1,
        coordinates=np.stack([along[1], along[2], _LEVEL_TARGET[stored.instance]]),
    )
    _cut_field_of_view(rng, example, ALONG_K)
    return _finished(rng, example, mirrored_signs=(1, 1, 1))


# tissue class -> refiner class, before the target is cut out of "body"
_REFINER_CLASS = np.array([0, 2, 3, 4, 5, 2, 5], np.uint8)


def _scan_refiner(rng: np.random.Generator, stored: StoredPatch) -> Example:
    hu = acquire(stored.hu_32(), channels.REFINER_SPACING_MM, draw_protocol(rng), rng, stored.normal)
    is_target = stored.instance == stored.target
    occupancy = stored.occupancy_32()
    body = occupancy * is_target
    classes = _REFINER_CLASS[stored.tissue]
    classes[body > 0.5] = 1
    example = Example(
        patch=hu, classes=classes, body=body, other=occupancy * ~is_target, coordinates=stored.along_32()
    )
    _cut_field_of_view(rng, example, stored.normal)
    return _finished(rng, example, mirrored_signs=(-1, 1, 1))


def _finished(rng: np.random.Generator, example: Example, *, mirrored_signs: tuple[int, int, int]) -> Example:
    """HU scaled for the network; half of the examples are mirrored left to right.

    mirrored_signs: factor on each coordinate in the mirror.
    """
    step = -1 if rng.random() < 0.5 else 1
    signs = np.array(mirrored_signs if step < 0 else (1, 1, 1), np.float32)[:, None, None, None]
    return Example(
        patch=channels.scale_hu(example.patch[:, :, ::step]),
        classes=example.classes[:, :, ::step],
        body=example.body[:, :, ::step],
        other=example.other[:, :, ::step],
        coordinates=example.coordinates[:, :, :, ::step] * signs,
    )


def _cut_field_of_view(rng: np.random.Generator, example: Example, normal: Float64Array) -> None:
    """In one example of four the scan ends within the patch; nothing is labelled beyond.

    Changes the arrays of ``example`` in place.
    """
    if rng.random() > 0.25:
        return
    shape = example.patch.shape
    k, j, i = (np.arange(n, dtype=np.float32) - (n - 1) / 2 for n in shape)
    place = normal[0] * k[:, None, None] + normal[1] * j[None, :, None] + normal[2] * i[None, None, :]
    if rng.random() < 0.15:
        place = place * 0 + j[None, :, None] * rng.normal() + i[None, None, :] * rng.normal()
    edge = rng.uniform(0.1, 0.5) * shape[0] * float(rng.choice([-1.0, 1.0]))
    outside = place > edge if edge > 0 else place < edge
    example.patch[outside] = channels.AIR_HU
    example.classes[outside] = 0
    example.body[outside] = 0.0
    example.other[outside] = 0.0


EXAMPLES = {"finder": finder_examples, "refiner": refiner_examples}
"""The stream of examples of each network: (seed, pool_size, new_share) -> endless examples."""
