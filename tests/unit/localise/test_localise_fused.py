"""Bodies that the coarse network joins, and a column that it parts: both are one spine of single bodies."""

from __future__ import annotations

import numpy as np
import pytest

from spondyl.domain.coarse_maps import CoarseMaps
from spondyl.stages.localise import Settings
from spondyl.stages.localise.candidates import find_candidates
from spondyl.stages.localise.sweep import SweepMaps

SPACING_MM = 2.0
PITCH = 12  # voxels from body to body: 10 of body, 2 of disc


def maps_of(n_bodies: int, *, disc_is_body: bool, head_first: bool = False) -> SweepMaps:
    """Bodies 20 mm high one above the other; a network that joins them lets the coordinate fall in the disc.

    head_first: the stack is stored from head to foot.
    """
    shape = (n_bodies * PITCH + 4, 24, 24)
    within = (np.arange(shape[0]) - 2) % PITCH
    rise = np.where(within < 10, -1.0 + 2.0 * within / 9.0, 1.0 - 2.0 * (within - 9) / 3.0)
    k = np.arange(shape[0])
    in_column = (k >= 2) & (k < 2 + n_bodies * PITCH - 2) & (disc_is_body | (within < 10))
    body = np.zeros(shape, np.float32)
    body[in_column, 6:18, 6:18] = 0.95
    superior = np.broadcast_to(rise[:, None, None], shape).astype(np.float32)
    affine = np.diag([0.0, 0.0, 0.0, 1.0])
    affine[0, 2], affine[1, 1], affine[2, 0] = SPACING_MM, SPACING_MM, SPACING_MM
    if head_first:
        body, superior = body[::-1].copy(), superior[::-1].copy()
        affine[2, 0], affine[2, 3] = -SPACING_MM, SPACING_MM * (shape[0] - 1)
    nothing = np.zeros(shape, np.float32)
    back = np.broadcast_to(np.linspace(-1.0, 1.0, shape[1])[None, :, None], shape).astype(np.float32)
    return SweepMaps(
        body=body,
        sacrum=nothing,
        rib=nothing.copy(),
        posterior_coordinate=back,
        superior_coordinate=superior,
        level=nothing.copy(),
        in_scan=np.ones(shape, np.bool_),
        affine=affine,
    )


def coarse(maps: SweepMaps) -> CoarseMaps:
    return CoarseMaps(
        body=maps.body, rib=maps.rib, sacrum=maps.sacrum, level=maps.level, affine=maps.affine.copy()
    )


def middle_mm(number: int) -> float:
    """Height of the middle of a body's ten layers, whose first layer is at 2 + 12 per body."""
    return SPACING_MM * (2 + PITCH * number + 4.5)


@pytest.mark.parametrize("head_first", [False, True])
@pytest.mark.parametrize("disc_is_body", [False, True])
def test_each_body_is_a_candidate_though_no_disc_is_seen(*, disc_is_body: bool, head_first: bool) -> None:
    maps = maps_of(4, disc_is_body=disc_is_body, head_first=head_first)
    candidates = find_candidates(maps, coarse(maps), Settings())
    heights = sorted(float(x.centre_lps_mm[2]) for x in candidates)
    assert heights == pytest.approx([middle_mm(number) for number in range(4)], abs=1.0)


def test_the_column_runs_over_bodies_that_discs_part() -> None:
    maps = maps_of(5, disc_is_body=False)
    column = coarse(maps).column_lps_mm(0.5, 5.0)
    assert column[0, 2] > middle_mm(4)
    assert column[-1, 2] < middle_mm(0)


def test_a_body_far_from_the_others_is_not_of_their_column() -> None:
    maps = maps_of(5, disc_is_body=False)
    body = maps.body.copy()
    body[2 + 2 * PITCH : 2 + 4 * PITCH] = 0.0  # two bodies are missing: 52 mm of nothing
    column = CoarseMaps(
        body=body, rib=maps.rib, sacrum=maps.sacrum, level=maps.level, affine=maps.affine.copy()
    ).column_lps_mm(0.5, 5.0)
    assert column[0, 2] < middle_mm(2)
