"""Five plain bodies in a row, T11 to L3, in a quiet CT; what is painted is known to the voxel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from plain_spine import CENTRE_MM, candidate, patch_of, spine_of
from spondyl.domain.body_view import BodyView, see_bodies
from spondyl.domain.confounder import Confounder
from spondyl.domain.grading import Graded, NotGraded
from spondyl.domain.level import Level
from spondyl.domain.measurement import Measured, NotMeasured
from spondyl.domain.signs import Signs
from spondyl.domain.vertebra import LabelledSpine, Vertebra
from spondyl.domain.volume import CtVolume
from spondyl.geometry.affine import to_points
from spondyl.geometry.arrays import Float32Array, Float64Array
from spondyl.stages.confounders import Settings, find_confounders
from spondyl.stages.grade import Settings as GradeSettings
from spondyl.stages.grade import grade
from spondyl.stages.measure import Settings as MeasureSettings
from spondyl.stages.measure import measure
from spondyl.stages.signs import Settings as SignsSettings
from spondyl.stages.signs import read_signs
from spondyl.synthetic.plain_body import PlainBody

LEVELS = (Level.T11, Level.T12, Level.L1, Level.L2, Level.L3)
BODY = PlainBody(anterior_mm=25.0, middle_mm=24.0, posterior_mm=26.0)
STEP_MM = 33.0
SOFT_HU, BONE_HU = 50.0, 140.0
Paint = Callable[[Float64Array, Float32Array], Float32Array]
"""From (k, j, i, 3) mm from the body's middle (left, posterior, superior) and HU to the painted HU."""


def centre_of(level: Level) -> Float64Array:
    return CENTRE_MM - np.array([0.0, 0.0, STEP_MM * LEVELS.index(level)])


def ball(middle_mm: tuple[float, float, float], radius_mm: float, hu: float) -> Paint:
    def paint(local: Float64Array, before: Float32Array) -> Float32Array:
        inside = np.linalg.norm(local - np.array(middle_mm), axis=-1) <= radius_mm
        return np.where(inside, np.float32(hu), before)

    return paint


@dataclass(frozen=True, kw_only=True)
class Series:
    ct: CtVolume
    spine: LabelledSpine
    measurements: tuple[Measured | NotMeasured, ...]
    grades: tuple[Graded | NotGraded, ...]
    views: tuple[BodyView, ...]
    signs: tuple[Signs, ...]

    def confounders(self, settings: Settings | None = None) -> tuple[Confounder, ...]:
        return find_confounders(
            self.ct, self.spine, self.views, self.grades, self.signs, settings or Settings()
        )

    def kinds_at(self, level: Level | None) -> set[str]:
        return {str(one.kind) for one in self.confounders() if one.level == level}


def series(
    paint: dict[Level, Paint] | None = None,
    bodies: dict[Level, PlainBody] | None = None,
    *,
    cut: frozenset[Level] = frozenset(),
    spacing_mm: float = 1.0,
    ct: CtVolume | None = None,
) -> Series:
    """The row with some of its bodies painted, of another shape, or cut."""
    vertebrae = [
        (
            level,
            replace(
                _vertebra(level, (bodies or {}).get(level, BODY), (paint or {}).get(level), spacing_mm),
                cut_by_border=level in cut,
            ),
        )
        for level in LEVELS
    ]
    spine = spine_of(*vertebrae)
    measurements = measure(spine, MeasureSettings())
    grades = grade(measurements, GradeSettings())
    views = see_bodies(spine, measurements)
    volume = ct or quiet_ct(spacing_mm)
    signs = read_signs(volume, views, grades, SignsSettings())
    return Series(ct=volume, spine=spine, measurements=measurements, grades=grades, views=views, signs=signs)


def _vertebra(level: Level, body: PlainBody, paint: Paint | None, spacing_mm: float) -> Vertebra:
    patch = patch_of(body, slice_spacing_mm=spacing_mm)
    affine = patch.affine.copy()
    affine[:3, 3] += centre_of(level) - CENTRE_MM
    rng = np.random.default_rng(level.order)
    inside = patch.occupancy
    hu = (SOFT_HU + (BONE_HU - SOFT_HU) * inside + rng.normal(0.0, 8.0, inside.shape)).astype(np.float32)
    surface = (inside > 0.3) & (inside < 0.9)
    hu[surface] = 300.0  # a cortex
    if paint is not None:
        points = to_points(affine, np.indices(hu.shape).reshape(3, -1).T.astype(np.float64))
        local = (points - centre_of(level) - np.array([0.3, -0.2, 0.4])).reshape(*hu.shape, 3)
        hu = paint(local, hu).astype(np.float32)
    return Vertebra(
        candidate=replace(
            candidate(centre_of(level)), rib_evidence=0.95 if level.order <= Level.T12.order else 0.05
        ),
        patch=replace(patch, hu=hu, affine=affine),
        cut_by_border=False,
        metal_fraction=0.0,
        outline_quality=1.0,
    )


@lru_cache(maxsize=4)
def quiet_ct(spacing_mm: float = 1.0, noise_hu: float = 10.0) -> CtVolume:
    """Soft tissue with a little noise, round the row."""
    span = STEP_MM * (len(LEVELS) - 1) + 80.0
    shape = (int(span / spacing_mm), 155, 155)
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = spacing_mm, 0.9, 0.9, 1.0
    affine[:3, 3] = CENTRE_MM - np.array([70.0, 70.0, span - 40.0])
    rng = np.random.default_rng(1)
    hu = np.rint(SOFT_HU + rng.normal(0.0, noise_hu, shape)).astype(np.int16)
    return CtVolume(hu=hu, affine=affine, series_id="series")
