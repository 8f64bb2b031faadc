"""What the coarse network saw of a body and the outline left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from box_spine import BODY_SIZE_MM, BoxRefiner, body_box, candidate_at, column, ct, scan_round
from spondyl.domain.coarse_maps import CoarseMaps
from spondyl.domain.refusal import Refusal
from spondyl.domain.spine import SpineRegion
from spondyl.domain.volume import CtVolume
from spondyl.geometry.affine import to_points
from spondyl.geometry.canonical import canonical_grid
from spondyl.stages.segment import Settings, segment
from spondyl.stages.segment.agreement import missed_share
from spondyl.stages.segment.field import find_field
from spondyl.stages.segment.outline import Outline, Scan, outline_body

WIDTH_MM = BODY_SIZE_MM[0]


def maps_of(volume: CtVolume) -> CoarseMaps:
    """A finder that sees every body exactly: bone of the boxes, on its 2 mm grid."""
    shape, grid = canonical_grid(volume.hu.shape, volume.affine, 2.0)
    points = to_points(grid, np.indices(shape).reshape(3, -1).T.astype(float))
    index = np.rint((points - volume.affine[:3, 3]) @ np.linalg.inv(volume.affine[:3, :3]).T).astype(int)
    inside = tuple(np.clip(index, 0, np.array(volume.hu.shape) - 1).T)
    body = (volume.hu[inside] > 200).astype(np.float32).reshape(shape)
    none = [np.zeros_like(body) for _ in range(3)]
    return CoarseMaps(body=body, rib=none[0], sacrum=none[1], level=none[2], affine=grid)


def the_outline(volume: CtVolume, box_number: int = 0) -> Outline:
    boxes = column((14, 15, 16))
    scan = Scan(volume=volume, field=find_field(volume), refiner=BoxRefiner(), settings=Settings())
    outline = outline_body(scan, candidate_at(boxes[box_number]))
    assert outline is not None
    return outline


@pytest.fixture(scope="module")
def volume() -> CtVolume:
    boxes = column((14, 15, 16))
    return ct(boxes, scan_round(boxes, (1.5, 1.0, 1.0), margin_mm=25.0))


def without_left(outline: Outline, mm: float) -> Outline:
    """The same outline, its left-most part left out."""
    last = int(np.nonzero(outline.target > 0.5)[2].max())
    target = outline.target.copy()
    target[:, :, last + 1 - round(mm) :] = 0.0
    return replace(outline, target=target)


def test_a_whole_outline_leaves_out_nothing(volume: CtVolume) -> None:
    upper, middle = the_outline(volume, 0), the_outline(volume, 1)
    assert missed_share(middle, [upper], maps_of(volume)) < 0.02


def test_the_neighbour_next_to_it_is_not_missed(volume: CtVolume) -> None:
    """Nor is it where nobody outlined it: only the body's own height counts."""
    assert missed_share(the_outline(volume, 1), [], maps_of(volume)) < 0.02


@pytest.mark.parametrize("mm", [8.0, 12.0])
def test_what_is_left_out_counts_but_for_the_finders_own_voxel(volume: CtVolume, mm: float) -> None:
    """A slice of mm, less the 2 mm next to the outline, over what is left of the width of 42 mm."""
    expected = (mm - 2.0) / (WIDTH_MM - mm)
    share = missed_share(without_left(the_outline(volume), mm), [], maps_of(volume))
    assert share == pytest.approx(expected, abs=0.07)


class HalfBlind(BoxRefiner):
    """Leaves out everything to one side of the patch's middle, on the patch and on its mirror image alike."""

    def run(self, patch: np.ndarray) -> np.ndarray:
        out = super().run(patch)
        out[1, :, :, [*range(22), *range(42, 64)]] = -20.0
        return out


@pytest.mark.parametrize("refiner", [BoxRefiner(), HalfBlind()], ids=["whole", "half-blind"])
def test_an_outline_that_leaves_out_much_of_its_body_is_doubted(refiner: BoxRefiner) -> None:
    """Of a body 42 mm wide 20 mm are outlined: more is left out than is there."""
    box = body_box((0.0, 0.0, 0.0), 15)
    volume = ct([box], scan_round([box], (1.5, 1.0, 1.0), margin_mm=40.0))
    region = SpineRegion(bodies=(candidate_at(box),), maps=maps_of(volume))
    masks = segment(volume, region, refiner, Settings())
    assert not isinstance(masks, Refusal)
    (vertebra,) = masks.vertebrae
    if isinstance(refiner, HalfBlind):
        assert vertebra.outline_quality == 0.0
    else:
        assert vertebra.outline_quality > 0.8
