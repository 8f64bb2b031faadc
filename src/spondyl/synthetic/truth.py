"""What is known of each vertebra of a synthetic CT, and which of them a volume shows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.domain.measurement import Heights
from spondyl.domain.volume import CtVolume
from spondyl.geometry.affine import to_index
from spondyl.geometry.arrays import Float64Array
from spondyl.synthetic.body import BodyShape

# Genant 1993, lower bounds inclusive. Said again here on purpose: the truth must not depend on the code
# that is measured against it.
GRADE_BOUNDS = (0.20, 0.25, 0.40)
_ROUNDING = 1e-5  # surfaces are 32-bit floats: a loss of exactly a bound must not fall below it
_N_ANGLES = 24


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrueVertebra:
    """One vertebra as it was made.

    centre_lps_mm: (3,). frame: (3, 3) columns left, posterior, superior.
    landmarks_lps_mm: (6, 3), order of ``LANDMARK_NAMES``; surface_lps_mm: (n, 3) points of both rims.
    heights: distances of the landmark pairs; normal_heights: before the fracture.
    loss_fraction: largest loss of the three. grade: Genant's, of that loss. shape: the fracture made.
    is_cut: part of the body lies outside the volume. S1 is told too; its heights mean nothing.
    """

    level: Level
    centre_lps_mm: Float64Array
    frame: Float64Array
    landmarks_lps_mm: Float64Array
    surface_lps_mm: Float64Array
    heights: Heights
    normal_heights: Heights
    loss_fraction: float
    shape: Shape
    grade: int
    is_cut: bool


def true_vertebra(body: BodyShape, rotation: Float64Array) -> TrueVertebra:
    """Truth of one body of a scene that was turned by a (3, 3) rotation about the origin."""
    landmarks = body.landmarks_lps_mm() @ rotation.T
    heights = np.linalg.norm(landmarks[:3] - landmarks[3:], axis=1)
    loss = max(0.0, float(np.max(1.0 - heights / np.array(body.normal_heights_mm))))
    return TrueVertebra(
        level=body.level,
        centre_lps_mm=rotation @ body.centre_mm,
        frame=rotation @ body.frame,
        landmarks_lps_mm=landmarks,
        surface_lps_mm=_rims(body) @ rotation.T,
        heights=Heights.from_array(heights),
        normal_heights=Heights.from_array(np.array(body.normal_heights_mm)),
        loss_fraction=loss,
        shape=body.shape,
        grade=sum(loss + _ROUNDING >= bound for bound in GRADE_BOUNDS),
        is_cut=False,
    )


def _rims(body: BodyShape) -> Float64Array:
    """(n, 3) LPS points of the two rims: an ellipse as wide and deep as the body on each endplate."""
    angles = np.linspace(0.0, 2.0 * np.pi, _N_ANGLES, endpoint=False)
    x = (0.5 * body.width_mm * np.cos(angles)).astype(np.float32)
    y = (0.5 * body.depth_mm * np.sin(angles)).astype(np.float32)
    top, bottom = body.top.height(x, y, body.outline), -body.bottom.height(x, y, body.outline)
    local = np.concatenate([np.stack([x, y, z], axis=1) for z in (top, bottom)])
    return np.asarray(local @ body.frame.T + body.centre_mm, np.float64)


def seen_in(truth: tuple[TrueVertebra, ...], volume: CtVolume) -> tuple[TrueVertebra, ...]:
    """The vertebrae of which the volume shows at least a part, ``is_cut`` said anew."""
    last = np.array(volume.hu.shape) - 0.5
    seen: list[TrueVertebra] = []
    for vertebra in truth:
        index = to_index(volume.affine, vertebra.surface_lps_mm)
        inside = np.all((index >= -0.5) & (index <= last), axis=1)
        if inside.any():
            seen.append(replace(vertebra, is_cut=not bool(inside.all())))
    return tuple(seen)
