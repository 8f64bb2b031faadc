"""Bone that flows over discs: bridging osteophytes and DISH (§2; S51, S52)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from spondyl.domain.body_view import BodyView
from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.domain.volume import HU_FLOOR
from spondyl.geometry.arrays import Float64Array
from spondyl.geometry.resample import sample
from spondyl.stages.confounders.case import Case

_ALONG = np.linspace(0.0, 1.0, 11)
_VESSEL_MM = 12.0  # a vessel is as bright there as beside the bone; a bridge has ended
_INSET_MM = 1.5
_STEADY = (3, 3, 2)  # angles, places outwards, along


def find(case: Case) -> Iterator[Confounder]:
    """Runs of bridged discs that are long enough."""
    run: list[tuple[BodyView, BodyView]] = []
    pairs = list(case.pairs())
    for n, pair in enumerate(pairs):
        is_next = bool(run) and run[-1][1] is pair[0]
        if is_bridged(case, *pair):
            run = [*run, pair] if is_next else [pair]
            if n + 1 < len(pairs):
                continue
        yield from _told(case, run)
        run = []


def _told(case: Case, run: list[tuple[BodyView, BodyView]]) -> Iterator[Confounder]:
    if len(run) < case.settings.bridge_discs:
        return
    first, last = run[0][0].level, run[-1][1].level
    yield Confounder(
        kind=Kind.BRIDGING,
        level=None,
        value=float(len(run)),
        threshold=float(case.settings.bridge_discs),
        unit="discs",
        effect=Effect.FLAG,
        text=f"Bone bridges {len(run)} discs in a row, {first} to {last} (DISH or ankylosis): a "
        "fracture of such a "
        "spine may be unstable.",
    )


def is_bridged(case: Case, upper: BodyView, lower: BodyView) -> bool:
    """Whether bone runs without a gap over the front or the sides of one disc."""
    settings = case.settings
    one, other = upper.measured, lower.measured
    assert one is not None
    assert other is not None
    angles = np.radians(settings.bridge_angles_deg)
    out = np.array([*settings.bridge_out_mm, _VESSEL_MM])
    above = _rim(upper, angles, out, at=3, sign=1.0)
    below = _rim(lower, angles, out, at=0, sign=-1.0)
    points = above[:, :, None] + _ALONG[:, None] * (below - above)[:, :, None]
    hu = sample(case.ct.hu, case.ct.affine, points, order=1, outside=float(HU_FLOOR))
    # beside a vessel the wall of the vessel is as near as a bridge would be
    is_vessel = ndimage.binary_dilation(np.median(hu[:, -1], axis=1) > settings.disc_hu)
    # single voxels are noise: a bridge is some millimetres wide, thick and long
    steady = ndimage.uniform_filter(hu[:, :-1], _STEADY, mode="nearest")
    strongest = np.max(steady[~is_vessel], axis=1)  # it may lie nearer or farther out from place to place
    if not strongest.size:
        return False
    weakest = np.max(np.min(strongest, axis=1))
    return bool(weakest > settings.bridge_hu)


def _rim(view: BodyView, angles: Float64Array, out: Float64Array, *, at: int, sign: float) -> Float64Array:
    """(angle, out, 3) LPS points round the front of one rim; ``at``: the first landmark of its endplate."""
    measured = view.measured
    assert measured is not None
    landmarks = view.local(measured.landmarks_lps_mm)
    front, back = landmarks[at, 1], landmarks[at + 2, 1]
    middle_y, half_depth, half_width = 0.5 * (front + back), 0.5 * (back - front), 0.5 * measured.width_mm
    direction = np.stack([np.sin(angles), -np.cos(angles)], axis=1)
    radius = 1.0 / np.hypot(direction[:, 0] / half_width, direction[:, 1] / half_depth)
    reach = radius[:, None] + out
    height = np.full(reach.shape, landmarks[at : at + 3 : 2, 2].mean() + sign * _INSET_MM)
    local = np.stack(
        [
            landmarks[:, 0].mean() + direction[:, :1] * reach,
            middle_y + direction[:, 1:] * reach,
            height,
        ],
        axis=-1,
    )
    return np.asarray(local @ view.frame.T + view.centre_lps_mm)
