from __future__ import annotations

import numpy as np
import pytest

from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.geometry.affine import patch_affine
from spondyl.synthetic import Deformity
from spondyl.synthetic.anatomy import LEVELS
from spondyl.synthetic.body import BodyShape, Dent, Endplate, Outline
from spondyl.synthetic.fracture import column_factors, draw_deformity
from spondyl.synthetic.render import render
from spondyl.synthetic.scene import SceneWishes, draw_scene

OUTLINE = Outline(half_width_mm=20.0, front_y_mm=-15.0, back_y_mm=13.0)
FRACTURES = [Shape.WEDGE, Shape.BICONCAVE, Shape.CRUSH]
LEADING = {Shape.WEDGE: 0, Shape.BICONCAVE: 1, Shape.CRUSH: 0}


def plate(**changes: object) -> Endplate:
    values: dict[str, object] = {
        "anterior_mm": 12.0,
        "middle_mm": 9.0,
        "posterior_mm": 14.0,
        "cup_y_mm": 2.0,
        "cup_exponent": 2.5,
        "rim_fraction": 0.0,
        "lateral_slope": 0.0,
        "uncus_mm": 0.0,
        "dents": (),
    }
    return Endplate(**(values | changes))  # type: ignore[arg-type]  # a test changes any field


def at(endplate: Endplate, x: float, y: float) -> float:
    return float(endplate.height(np.array([x], np.float32), np.array([y], np.float32), OUTLINE)[0])


def body_of(level: Level, seed: int, *fractures: tuple[Level, Deformity]) -> BodyShape:
    scene = draw_scene(np.random.default_rng(seed), SceneWishes(deformities=fractures, is_exact=True))
    return scene.bodies[LEVELS.index(level)]


@pytest.mark.parametrize("exponent", [1.0, 2.5, 6.0])
def test_an_endplate_has_its_three_heights_in_the_midline(exponent: float) -> None:
    endplate = plate(cup_exponent=exponent)
    for y, height in ((-15.0, 12.0), (-1.0, 9.0), (13.0, 14.0)):  # front wall, half-way, back wall
        assert at(endplate, 0.0, y) == pytest.approx(height, abs=1e-4)


def test_an_endplate_slopes_to_the_left_by_its_lateral_slope() -> None:
    level, sloped = plate(), plate(lateral_slope=0.1)
    assert at(sloped, 8.0, 3.0) - at(level, 8.0, 3.0) == pytest.approx(0.8, abs=1e-4)


def test_a_dent_is_deepest_in_its_middle_and_falls_off_as_a_gaussian() -> None:
    dent = Dent(x_mm=4.0, y_mm=-3.0, width_x_mm=5.0, width_y_mm=3.0, depth_mm=2.0)
    whole, dented = plate(), plate(dents=(dent,))
    assert at(whole, 4.0, -3.0) - at(dented, 4.0, -3.0) == pytest.approx(2.0, abs=1e-4)
    assert at(whole, 9.0, -3.0) - at(dented, 9.0, -3.0) == pytest.approx(2.0 / np.e, abs=1e-4)


@pytest.mark.parametrize("shape", FRACTURES)
@pytest.mark.parametrize(("level", "loss"), [(Level.T4, 0.2), (Level.T12, 0.3), (Level.L3, 0.6)])
def test_a_fracture_loses_what_was_asked_at_its_leading_height(
    shape: Shape, level: Level, loss: float
) -> None:
    for seed in range(3):
        body = body_of(level, seed, (level, Deformity(shape=shape, loss_fraction=loss)))
        lost = 1.0 - body.heights_mm() / np.array(body.normal_heights_mm)
        assert lost[LEADING[shape]] == pytest.approx(loss, abs=1e-4)
        assert lost.max() == pytest.approx(loss, abs=1e-4)
        assert body.loss_fraction == pytest.approx(loss, abs=1e-4)
        assert body.shape == shape


def test_an_unbroken_exact_body_has_its_normal_heights() -> None:
    for seed in range(5):
        body = body_of(Level.T8, seed, (Level.T12, Deformity(shape=Shape.WEDGE, loss_fraction=0.5)))
        np.testing.assert_allclose(body.heights_mm(), body.normal_heights_mm, atol=1e-4)
        assert body.shape == Shape.NORMAL


def test_a_crush_loses_all_heights_and_a_wedge_spares_the_back() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        crush = 1 - column_factors(rng, Deformity(shape=Shape.CRUSH, loss_fraction=0.4))
        wedge = 1 - column_factors(rng, Deformity(shape=Shape.WEDGE, loss_fraction=0.4))
        assert crush.min() >= 0.75 * 0.4
        assert wedge[2] <= 0.2 * 0.4 + 1e-12
        assert wedge[0] == pytest.approx(0.4)


def test_drawn_fractures_keep_to_the_range_and_have_all_shapes() -> None:
    rng = np.random.default_rng(1)
    drawn = [draw_deformity(rng, (0.2, 0.5)) for _ in range(200)]
    assert {x.shape for x in drawn} == set(FRACTURES)
    assert min(x.loss_fraction for x in drawn) >= 0.2
    assert max(x.loss_fraction for x in drawn) <= 0.5


@pytest.mark.parametrize(
    ("shape", "loss", "share"),
    [(Shape.NORMAL, 0.3, 0.5), (Shape.WEDGE, 0.0, 0.5), (Shape.WEDGE, 0.9, 0.5), (Shape.CRUSH, 0.3, 1.1)],
)
def test_a_fracture_that_cannot_be_is_refused(shape: Shape, loss: float, share: float) -> None:
    with pytest.raises(ValueError, match=r"leave the level out|are needed"):
        Deformity(shape=shape, loss_fraction=loss, top_share=share)


def columns_mm(body: BodyShape, voxel_mm: float, x: float, y: float) -> float:
    """Height of the rendered column at (x, y) in the body's frame: shares summed, between four columns."""
    scene = draw_scene(np.random.default_rng(7), SceneWishes(is_exact=True))
    n = round(60.0 / voxel_mm) // 2 * 2 + 1
    affine = patch_affine(body.centre_mm, body.frame, (n, n, n), voxel_mm)
    rendered = render(scene, (n, n, n), affine, 0)
    number = [b.level for b in scene.bodies].index(body.level) + 1
    heights = (rendered.occupancy * (rendered.instance == number)).sum(axis=0) * voxel_mm
    j, i = (n // 2 + v / voxel_mm for v in (y, x))
    low = int(np.floor(j)), int(np.floor(i))
    b, a = j - low[0], i - low[1]
    square = heights[low[0] : low[0] + 2, low[1] : low[1] + 2]
    return float(
        (1 - b) * ((1 - a) * square[0, 0] + a * square[0, 1])
        + b * ((1 - a) * square[1, 0] + a * square[1, 1])
    )


@pytest.mark.parametrize("level", [Level.T5, Level.L2])
def test_a_rendered_column_is_as_high_as_the_truth(level: Level) -> None:
    body = body_of(level, 7)
    middle = body.outline.middle_y_mm
    assert columns_mm(body, 0.5, 0.0, middle) == pytest.approx(body.heights_mm()[1], abs=0.1)


def test_the_column_does_not_change_with_the_voxels() -> None:
    body = body_of(Level.L2, 7)
    assert columns_mm(body, 1.5, 3.0, 2.0) == pytest.approx(columns_mm(body, 0.6, 3.0, 2.0), abs=0.1)


def test_shares_of_voxels_sum_to_the_same_volume_on_any_grid() -> None:
    scene = draw_scene(np.random.default_rng(3), SceneWishes(is_exact=True))
    body = scene.bodies[LEVELS.index(Level.T9)]
    tilt = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    volumes = []
    for voxel_mm, frame in ((0.6, np.eye(3)), (1.3, np.eye(3)), (1.0, tilt)):
        n = round(72.0 / voxel_mm)
        affine = patch_affine(body.centre_mm, body.frame @ frame, (n, n, n), voxel_mm)
        rendered = render(scene, (n, n, n), affine, 0)
        inside = rendered.instance == LEVELS.index(Level.T9) + 1
        volumes.append(float(rendered.occupancy[inside].sum()) * voxel_mm**3)
    assert max(volumes) / min(volumes) < 1.02
    # a cylinder of the same size is somewhat larger, a cone's third much smaller
    cylinder = np.pi / 4 * body.width_mm * body.depth_mm * body.heights_mm().mean()
    assert 0.6 * cylinder < volumes[0] < 1.15 * cylinder
