from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.geometry.affine import to_index, to_points
from spondyl.synthetic import (
    Deformity,
    SyntheticCt,
    TrueVertebra,
    cropped,
    flipped,
    make_ct,
    resampled,
    seen_in,
)
from spondyl.synthetic.acquisition import CLEAN

BROKEN = (Level.L2, Deformity(shape=Shape.WEDGE, loss_fraction=0.45))


def small(seed: int = 3, slice_spacing_mm: float = 1.5, **options: object) -> SyntheticCt:
    asked: dict[str, object] = {
        "first": Level.L1,
        "last": Level.L3,
        "fractures": (BROKEN,),
        "pixel_spacing_mm": 1.0,
        "field_of_view_mm": 140.0,
    }
    return make_ct(seed, slice_spacing_mm, **(asked | options))  # type: ignore[arg-type]  # any option


@pytest.fixture(scope="module")
def ct() -> SyntheticCt:
    return small()


def named(ct: SyntheticCt, level: Level) -> TrueVertebra:
    return next(x for x in ct.truth if x.level == level)


def test_the_volume_has_the_asked_spacing_and_axes(ct: SyntheticCt) -> None:
    assert ct.volume.spacing_mm == pytest.approx((1.5, 1.0, 1.0))
    directions = ct.volume.affine[:3, :3] / np.array([1.5, 1.0, 1.0])
    np.testing.assert_allclose(directions, [[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    assert ct.volume.hu.dtype == np.int16
    assert ct.labels.shape == ct.volume.hu.shape


def test_the_same_arguments_give_the_same_bits(ct: SyntheticCt) -> None:
    again = small()
    np.testing.assert_array_equal(ct.volume.hu, again.volume.hu)
    np.testing.assert_array_equal(ct.labels, again.labels)
    np.testing.assert_array_equal(ct.volume.affine, again.volume.affine)
    for first, second in zip(ct.truth, again.truth, strict=True):
        np.testing.assert_array_equal(first.landmarks_lps_mm, second.landmarks_lps_mm)


def test_the_asked_levels_are_whole_and_the_neighbours_are_cut(ct: SyntheticCt) -> None:
    levels = [x.level for x in ct.truth]
    assert {Level.L1, Level.L2, Level.L3} <= set(levels)
    assert [x.order for x in levels] == sorted(x.order for x in levels)
    assert not any(named(ct, level).is_cut for level in (Level.L1, Level.L2, Level.L3))
    assert ct.truth[0].is_cut
    assert ct.truth[-1].is_cut


def test_the_fracture_is_told_as_it_was_asked(ct: SyntheticCt) -> None:
    broken, whole = named(ct, Level.L2), named(ct, Level.L1)
    assert (broken.shape, broken.grade) == (Shape.WEDGE, 3)
    assert broken.loss_fraction == pytest.approx(0.45, abs=1e-4)
    assert (whole.shape, whole.grade) == (Shape.NORMAL, 0)
    assert whole.loss_fraction == pytest.approx(0.0, abs=1e-4)
    distances = np.linalg.norm(broken.landmarks_lps_mm[:3] - broken.landmarks_lps_mm[3:], axis=1)
    np.testing.assert_allclose(broken.heights.as_array(), distances)
    assert broken.heights.anterior_mm / broken.normal_heights.anterior_mm == pytest.approx(0.55, abs=1e-4)


@pytest.mark.parametrize(("loss", "grade"), [(0.19, 0), (0.20, 1), (0.25, 2), (0.39, 2), (0.40, 3)])
def test_a_grade_begins_at_its_bound(loss: float, grade: int) -> None:
    fracture = (Level.L2, Deformity(shape=Shape.CRUSH, loss_fraction=loss))
    ct = small(fractures=(fracture,), first=Level.L2, last=Level.L2, slice_spacing_mm=5.0)
    assert named(ct, Level.L2).grade == grade


def test_the_labels_lie_on_the_true_vertebrae(ct: SyntheticCt) -> None:
    for level in (Level.L1, Level.L2, Level.L3):
        vertebra = named(ct, level)
        voxels = np.argwhere(ct.labels == level.verse_label)
        points = to_points(ct.volume.affine, voxels.astype(np.float64))
        assert np.linalg.norm(points.mean(axis=0) - vertebra.centre_lps_mm) < 3.0
        local = (points - vertebra.centre_lps_mm) @ vertebra.frame
        corners = (vertebra.landmarks_lps_mm - vertebra.centre_lps_mm) @ vertebra.frame
        in_midline = local[np.abs(local[:, 0]) < 3.0]
        # half a slice, and the rounded corners
        assert in_midline[:, 2].max() == pytest.approx(corners[:3, 2].max(), abs=1.5)
        assert in_midline[:, 2].min() == pytest.approx(corners[3:, 2].min(), abs=1.5)


def test_the_endplates_lie_in_the_picture_where_the_truth_says() -> None:
    # bone against disc without noise: the sharpest change along the column lies on the endplate
    quiet = replace(CLEAN, noise_hu=0.0, psf_sigma_mm=0.2)
    ct = small(slice_spacing_mm=1.0, first=Level.L1, last=Level.L1, protocol=quiet)
    vertebra = named(ct, Level.L1)
    superior = vertebra.frame[:, 2]
    middle = vertebra.landmarks_lps_mm[[1, 4]]
    for point, outwards in ((middle[0], superior), (middle[1], -superior)):
        outside, inside = point + 3.0 * outwards, point - 0.4 * outwards
        hu = [
            float(ct.volume.hu[tuple(np.rint(to_index(ct.volume.affine, x[None])[0]).astype(int))])
            for x in (outside, inside)
        ]
        assert hu[1] > hu[0] + 60.0


@pytest.mark.parametrize("spacing_mm", [3.0, 5.0])
def test_thicker_slices_show_the_same_patient(ct: SyntheticCt, spacing_mm: float) -> None:
    thick = small(slice_spacing_mm=spacing_mm)
    assert thick.volume.spacing_mm[0] == pytest.approx(spacing_mm)
    np.testing.assert_array_equal(
        named(thick, Level.L2).landmarks_lps_mm, named(ct, Level.L2).landmarks_lps_mm
    )
    centre = named(ct, Level.L1).centre_lps_mm
    means = []
    for one in (ct, thick):
        k, j, i = np.rint(to_index(one.volume.affine, centre[None])[0]).astype(int)
        means.append(float(one.volume.hu[k, j - 4 : j + 5, i - 4 : i + 5].mean()))
    assert means[0] == pytest.approx(means[1], abs=60.0)


def test_a_turned_patient_keeps_the_heights_and_turns_the_landmarks(ct: SyntheticCt) -> None:
    turned = small(rotation_deg=(20.0, 0.0, 0.0))
    before, after = named(ct, Level.L2), named(turned, Level.L2)
    np.testing.assert_allclose(after.heights.as_array(), before.heights.as_array(), atol=1e-6)
    c, s = np.cos(np.radians(20.0)), np.sin(np.radians(20.0))
    about_left = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    np.testing.assert_allclose(after.landmarks_lps_mm, before.landmarks_lps_mm @ about_left.T, atol=1e-6)
    centre = to_index(turned.volume.affine, after.centre_lps_mm[None])[0]
    k, j, i = np.rint(centre).astype(int)
    assert turned.labels[k, j, i] == Level.L2.verse_label


def test_flipped_axes_leave_every_voxel_at_its_place(ct: SyntheticCt) -> None:
    turned = flipped(ct.volume, (0, 2))
    index = np.array([[3.0, 7.0, 11.0]])
    shape = ct.volume.hu.shape
    other = np.array([[shape[0] - 4.0, 7.0, shape[2] - 12.0]])
    np.testing.assert_allclose(to_points(turned.affine, other), to_points(ct.volume.affine, index))
    assert turned.hu[shape[0] - 4, 7, shape[2] - 12] == ct.volume.hu[3, 7, 11]
    assert [x.is_cut for x in seen_in(ct.truth, turned)] == [x.is_cut for x in ct.truth]


def test_a_crop_cuts_what_it_cuts(ct: SyntheticCt) -> None:
    middle = int(np.rint(to_index(ct.volume.affine, named(ct, Level.L2).centre_lps_mm[None])[0, 0]))
    shape = ct.volume.hu.shape
    lower = cropped(ct.volume, (0, 0, 0), (middle, shape[1], shape[2]))
    seen = {x.level: x.is_cut for x in seen_in(ct.truth, lower)}
    assert seen[Level.L2]
    assert not seen[Level.L3]
    assert Level.L1 not in seen or seen[Level.L1]
    upper = cropped(ct.volume, (middle, 5, 6), shape)
    np.testing.assert_allclose(
        to_points(upper.affine, np.zeros((1, 3))), to_points(ct.volume.affine, np.array([[middle, 5.0, 6.0]]))
    )
    with pytest.raises(ValueError, match="must lie inside"):
        cropped(ct.volume, (0, 0, 0), (shape[0] + 1, 4, 4))


def test_resampling_leaves_an_edge_at_its_place(ct: SyntheticCt) -> None:
    edge = replace(
        ct.volume, hu=np.repeat(np.arange(40, dtype=np.int16) // 20 * 1000, 600).reshape(40, 20, 30)
    )
    other = resampled(edge, (0.7, 2.0, 1.3))
    assert other.spacing_mm == pytest.approx((0.7, 2.0, 1.3))
    profile = other.hu[:, 2, 3].astype(float)
    n = int(np.argmax(profile >= 500))
    crossing = n - 1 + (500 - profile[n - 1]) / (profile[n] - profile[n - 1])
    assert crossing * 0.7 == pytest.approx(19.5 * 1.5, abs=0.05)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pixel_spacing_mm": 1.5}, "0.3 to 1.0"),
        ({"slice_spacing_mm": 0.0}, "must be positive"),
        ({"first": Level.T13}, "level T13"),
        ({"first": Level.L4, "last": Level.L1}, "lies above"),
        ({"fractures": ((Level.L6, BROKEN[1]),)}, "level L6"),
    ],
)
def test_what_cannot_be_made_is_told(options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        small(**options)  # type: ignore[arg-type]  # any option
