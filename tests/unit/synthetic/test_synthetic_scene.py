from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from spondyl.domain.level import Level
from spondyl.geometry.affine import patch_affine, to_points
from spondyl.synthetic.anatomy import LEVELS, NORMS, draw_pose, level_number
from spondyl.synthetic.bone import BoneMaker, BoneQuality, merged
from spondyl.synthetic.grid import Grid, inside_share
from spondyl.synthetic.paint_shapes import paint_capsules
from spondyl.synthetic.render import Rendered, render
from spondyl.synthetic.scene import Scene, SceneWishes, draw_scene
from spondyl.synthetic.shapes import Tissue

SHAPE = (60, 50, 55)


def scene_of(seed: int, fracture_share: float = 0.3) -> Scene:
    return draw_scene(np.random.default_rng(seed), SceneWishes(fracture_share=fracture_share))


def picture(scene: Scene, level: Level, seed: int = 0) -> Rendered:
    body = scene.bodies[LEVELS.index(level)]
    return render(scene, SHAPE, patch_affine(body.centre_mm, np.eye(3), SHAPE, 2.0), seed)


@pytest.mark.parametrize("seed", range(6))
def test_frames_are_right_handed_left_posterior_superior(seed: int) -> None:
    for frame in scene_of(seed).pose.frames:
        np.testing.assert_allclose(frame.T @ frame, np.eye(3), atol=1e-9)
        left, posterior, superior = frame.T
        np.testing.assert_allclose(np.cross(left, posterior), superior, atol=1e-9)
        assert left[0] > 0.7
        assert superior[2] > 0.2  # the sacrum may lie nearly flat


def test_bodies_go_from_head_to_foot_at_the_pitch_of_their_levels() -> None:
    pitches = []
    for seed in range(60):
        pose = draw_pose(np.random.default_rng(seed), kyphosis_deg={}, body_scales=np.ones(len(LEVELS)))
        assert all(upper > lower for upper, lower in pairwise(pose.centres_mm[:, 2]))
        pitches.append(np.linalg.norm(np.diff(pose.centres_mm, axis=0), axis=1))
    expected = np.array([NORMS[level].pitch_mm for level in LEVELS[:-1]])
    np.testing.assert_allclose(np.mean(pitches, axis=0), expected, rtol=0.08)


def test_two_patients_differ_and_the_same_seed_is_the_same_patient() -> None:
    first, again, other = (picture(scene_of(seed), Level.T9) for seed in (4, 4, 5))
    for name in ("hu", "tissue", "occupancy", "instance", "along"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert np.mean(first.hu != other.hu) > 0.9


@pytest.mark.parametrize("level", [Level.C4, Level.T2, Level.T8, Level.L4])
def test_instances_are_neighbours_and_agree_with_tissue_and_occupancy(level: Level) -> None:
    scene = scene_of(2)
    rendered = picture(scene, level)
    numbers = np.unique(rendered.instance[rendered.instance > 0])
    assert LEVELS.index(level) + 1 in numbers
    np.testing.assert_array_equal(numbers, np.arange(numbers[0], numbers[-1] + 1))
    np.testing.assert_array_equal(rendered.occupancy > 0, rendered.instance > 0)
    is_bone = np.isin(rendered.tissue, [Tissue.BODY, Tissue.SACRUM])
    assert np.all(rendered.instance[rendered.tissue == Tissue.BODY] > 0)
    assert np.all(is_bone[rendered.occupancy > 0.5])
    assert rendered.occupancy.min() >= 0.0
    assert rendered.occupancy.max() <= 1.0


def test_the_coordinates_inside_a_body_run_left_posterior_superior() -> None:
    scene = scene_of(1, 0.0)
    rendered = picture(scene, Level.L1)
    body = scene.bodies[LEVELS.index(Level.L1)]
    mine = (rendered.instance == LEVELS.index(Level.L1) + 1) & (rendered.occupancy > 0.9)
    points = to_points(rendered.affine, np.argwhere(mine).astype(np.float64)) - body.centre_mm
    local = points @ body.frame
    for axis, half in ((0, body.width_mm / 2), (1, body.depth_mm / 2)):
        np.testing.assert_allclose(rendered.along[axis][mine], local[:, axis] / half, atol=1e-3)
    superior = rendered.along[2][mine]
    assert np.corrcoef(superior, local[:, 2])[0, 1] > 0.95
    assert -1.1 < superior.min() < -0.8
    assert 0.8 < superior.max() < 1.1


def test_every_tissue_class_is_painted_somewhere() -> None:
    scene = scene_of(0)
    seen = {int(x) for level in (Level.T6, Level.L5) for x in np.unique(picture(scene, level).tissue)}
    assert seen == {int(x) for x in Tissue}


def test_ribs_begin_at_t1_and_most_patients_have_twelve() -> None:
    for seed in range(8):
        scene = scene_of(seed, 0.0)
        ribs = [x for x in scene.bones if x.tissue == Tissue.RIB]
        assert len(ribs) == scene.rib_numbers * 2 * 8
        t1 = scene.bodies[LEVELS.index(Level.T1)]
        assert np.linalg.norm(ribs[0].a_mm - t1.centre_mm) < t1.width_mm


def test_a_voxel_is_filled_by_its_distance_to_the_surface() -> None:
    distance = np.array([-2.0, -0.5, 0.0, 0.5, 2.0], np.float32)
    np.testing.assert_allclose(inside_share(distance, 2.0), [1.0, 0.75, 0.5, 0.25, 0.0])


def test_a_box_of_the_grid_holds_what_it_should_and_no_other_grid_is_taken() -> None:
    grid = Grid((20, 30, 40), patch_affine(np.zeros(3), np.eye(3), (20, 30, 40), 1.5))
    box = grid.box(np.array([3.0, -4.5, 1.5]), np.eye(3), np.array([3.0, 6.0, 4.5]))
    assert box is not None
    assert (box.x.min(), box.x.max()) == pytest.approx((-3.75, 3.75))
    assert box.y.min() <= -6.0
    assert box.z.max() >= 4.5
    assert grid.box(np.array([500.0, 0.0, 0.0]), np.eye(3), np.ones(3)) is None
    uneven = np.diag([1.0, 1.0, 2.0, 1.0])
    with pytest.raises(ValueError, match="cubes are needed"):
        Grid((4, 4, 4), uneven)


def test_a_capsule_far_away_is_left_out_and_a_near_one_is_not() -> None:
    grid = Grid((10, 10, 10), patch_affine(np.zeros(3), np.eye(3), (10, 10, 10), 1.0))
    ends = np.array([[[0.0, 0, 0], [1, 0, 0]], [[9.0, 0, 0], [30, 0, 0]], [[60.0, 0, 0], [90, 0, 0]]])
    np.testing.assert_array_equal(grid.are_near(ends, np.full(3, 5.0)), [True, True, False])


def test_a_ball_is_painted_with_its_volume_and_cortex() -> None:
    quality = BoneQuality(
        trabecular_hu=100.0,
        rise=0.0,
        cortex_hu=800.0,
        cortex_mm=1.0,
        endplate_mm=1.0,
        texture_hu=0.0,
        dense_zone_hu=0.0,
        dense_zone_mm=1.0,
    )
    maker = BoneMaker(rng=np.random.default_rng(0), quality=quality, tissue=Tissue.RIB)
    ball = maker.capsule(np.array([0.3, 0.1, -0.2]), np.array([0.3, 0.1, -0.2]), (8.0, 8.0))
    shape = (30, 30, 30)
    grid = Grid(shape, patch_affine(np.zeros(3), np.eye(3), shape, 0.8))
    hu, tissue = np.zeros(shape, np.float32), np.zeros(shape, np.uint8)
    paint_capsules(grid, [ball], hu, tissue)
    inner = 4 / 3 * np.pi * (8.0 - ball.shell_mm) ** 3
    shell = 4 / 3 * np.pi * 8.0**3 - inner
    assert hu.sum() * 0.8**3 == pytest.approx(ball.core_hu * inner + ball.shell_hu * shell, rel=0.01)
    assert np.count_nonzero(tissue == Tissue.RIB) * 0.8**3 == pytest.approx(inner + shell, rel=0.02)


def test_merged_bones_have_no_cortex_between_them() -> None:
    quality = BoneQuality(
        trabecular_hu=50.0,
        rise=0.0,
        cortex_hu=1000.0,
        cortex_mm=1.0,
        endplate_mm=1.0,
        texture_hu=0.0,
        dense_zone_hu=0.0,
        dense_zone_mm=1.0,
    )
    maker = BoneMaker(rng=np.random.default_rng(0), quality=quality, tissue=Tissue.SACRUM)
    ends = [np.array([x, 0.0, 0.0]) for x in (-6.0, 6.0)]
    balls = [maker.capsule(x, x, (9.0, 9.0)) for x in ends]
    shape = (31, 31, 41)
    grid = Grid(shape, patch_affine(np.zeros(3), np.eye(3), shape, 1.0))
    hu = np.zeros(shape, np.float32)
    paint_capsules(grid, merged(balls), hu, None)
    assert hu[15, 15, 10:31].max() < 200.0  # marrow from the middle of one to the middle of the other
    assert hu.max() > 500.0


def test_the_running_number_skips_t13_and_l6() -> None:
    assert [level_number(x) for x in (Level.C1, Level.T12, Level.L1, Level.S1)] == [0, 18, 19, 24]
