from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: `make train-extra` installs it")

from spondyl.domain import channels
from spondyl.synthetic.anatomy import LEVELS
from spondyl.synthetic.render import render
from spondyl.synthetic.scene import SceneWishes, draw_scene
from spondyl.training.examples import EXAMPLES, Example
from spondyl.training.pool import Pool, StoredPatch

pytestmark = pytest.mark.torch
PATCHES = {"finder": channels.FINDER_PATCH, "refiner": channels.REFINER_PATCH}
CLASSES = {"finder": channels.FINDER_CLASSES, "refiner": channels.REFINER_CLASSES}


@pytest.fixture(scope="module", params=["finder", "refiner"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def examples(name: str) -> list[Example]:
    return list(islice(EXAMPLES[name](5, 4, 0.0), 12))


def test_examples_have_the_shapes_that_the_networks_take(name: str, examples: list[Example]) -> None:
    shape = PATCHES[name]
    n_coordinates = (channels.FINDER_OUTPUTS if name == "finder" else channels.REFINER_OUTPUTS) - len(
        CLASSES[name]
    )
    for example in examples:
        assert example.patch.shape == example.classes.shape == example.body.shape == shape
        assert example.other.shape == shape
        assert example.coordinates.shape == (n_coordinates, *shape)
        assert example.patch.dtype == example.body.dtype == example.coordinates.dtype == np.float32


def test_values_lie_in_their_ranges(name: str, examples: list[Example]) -> None:
    low, high = channels.scale_hu(np.array([-5000.0, 5000.0], np.float32))
    for example in examples:
        assert low <= example.patch.min()
        assert example.patch.max() <= high
        assert example.classes.max() < len(CLASSES[name])
        for share in (example.body, example.other):
            assert share.min() >= 0.0
            assert share.max() <= 1.0
        assert np.all(example.body + example.other <= 1.0)
        inside = example.body > 0.5
        within = example.coordinates[:2][:, inside] if name == "finder" else example.coordinates[:, inside]
        assert np.abs(within).max(initial=0.0) <= 1.31


def test_the_regressed_level_is_that_of_a_vertebra() -> None:
    numbers = set(range(1, 25))
    seen: set[int] = set()
    for example in islice(EXAMPLES["finder"](6, 3, 0.0), 3):
        inside = (example.body > 0.5) | (example.other > 0.5)
        level = example.coordinates[2][inside] * channels.LEVEL_SCALE + channels.LEVEL_CENTRE
        np.testing.assert_allclose(level, np.rint(level), atol=1e-4)
        seen |= {int(x) for x in np.unique(np.rint(level))}
    assert seen
    assert seen <= numbers


def test_the_refiner_learns_the_body_in_the_middle() -> None:
    examples = list(islice(EXAMPLES["refiner"](8, 4, 0.0), 12))
    middle = tuple(slice(n // 2 - 4, n // 2 + 4) for n in channels.REFINER_PATCH)
    hits = [example.body[middle].mean() > 0.3 for example in examples]
    assert np.mean(hits) >= 0.75  # a deep fracture or the end of the scan may empty the middle
    for example in examples:
        assert np.all(example.classes[example.body > 0.5] == 1)


def test_the_refiners_coordinates_grow_to_left_posterior_superior_mirrored_or_not() -> None:
    # array axes run k to superior, j to posterior, i to the left, but for turns of some degrees
    n_compared = 0
    for example in islice(EXAMPLES["refiner"](9, 6, 0.0), 18):
        inside = example.body > 0.9
        if inside.sum() < 2000:  # cut, or crushed to a wafer
            continue
        places = np.argwhere(inside)
        for channel, axis in enumerate((2, 1, 0)):
            values = example.coordinates[channel][inside]
            assert np.corrcoef(values, places[:, axis])[0, 1] > 0.7
        n_compared += 1
    assert n_compared >= 9


def test_the_same_seed_gives_the_same_examples(name: str) -> None:
    first, again, other = (next(EXAMPLES[name](seed, 2, 0.5)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.patch, again.patch)
    np.testing.assert_array_equal(first.coordinates, again.coordinates)
    assert not np.array_equal(first.patch, other.patch)


def stored(value: float) -> StoredPatch:
    shape = (2, 3, 4)
    return StoredPatch(
        hu=np.full(shape, value, np.float16),
        tissue=np.zeros(shape, np.uint8),
        occupancy=np.zeros(shape, np.float16),
        instance=np.zeros(shape, np.uint8),
        along=np.zeros((3, *shape), np.float16),
        target=0,
        normal=np.array([1.0, 0.0, 0.0]),
    )


def test_a_pool_fills_first_and_then_renews_a_share_of_the_draws() -> None:
    made: list[StoredPatch] = []

    def make() -> StoredPatch:
        made.append(stored(float(len(made))))
        return made[-1]

    pool = Pool(np.random.default_rng(0), 5, 0.2, make)
    assert [float(pool.draw().hu[0, 0, 0]) for _ in range(5)] == [0, 1, 2, 3, 4]
    for _ in range(500):
        pool.draw()
    assert 60 <= len(made) - 5 <= 140  # a fifth of 500, three standard deviations and more either way
    with pytest.raises(ValueError, match="are needed"):
        Pool(np.random.default_rng(0), 0, 0.2, make)


def test_a_stored_patch_keeps_its_values_to_half_precision() -> None:
    scene = draw_scene(np.random.default_rng(0), SceneWishes())
    affine = np.eye(4)
    affine[:3, 3] = scene.bodies[LEVELS.index(scene.bodies[12].level)].centre_mm - 8.0
    rendered = render(scene, (16, 16, 16), affine, 0)
    kept = StoredPatch.of(rendered, 3, np.array([2.0, 0.0, 0.0]))
    np.testing.assert_allclose(kept.hu_32(), rendered.hu, rtol=1e-3, atol=0.5)
    np.testing.assert_allclose(kept.occupancy_32(), rendered.occupancy, atol=1e-3)
    np.testing.assert_allclose(kept.along_32(), rendered.along, atol=1e-3)
    np.testing.assert_array_equal(kept.normal, [1.0, 0.0, 0.0])
