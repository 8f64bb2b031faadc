"""Everything that is known of one series, put in order for those who look for confounders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import ndimage

from spondyl.domain.body_view import BodyView
from spondyl.domain.grading import Graded, NotGraded
from spondyl.domain.level import Level
from spondyl.domain.measurement import Measured
from spondyl.domain.signs import Signs
from spondyl.domain.vertebra import LabelledSpine
from spondyl.domain.volume import CtVolume
from spondyl.geometry.arrays import BoolArray, Float32Array, Float64Array
from spondyl.geometry.planes import MAD_TO_SD
from spondyl.stages.confounders.settings import Settings

_FEWEST_CORE_VOXELS = 150
_FEWEST_REFERENCES = 2
_LEAST_SD_HU = 12.0  # ours: smoothed trabecular bone never scatters less


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Core:
    """Trabecular inside of one body. smooth_hu: (k, j, i) steadied HU; mask: (k, j, i) its voxels."""

    smooth_hu: Float32Array
    mask: BoolArray
    median_hu: float
    sd_hu: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal:
    """What the nearest bodies say is normal bone here."""

    median_hu: float
    sd_hu: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """One series. Every mapping holds what is known, by level; cores only where there are enough voxels."""

    ct: CtVolume
    spine: LabelledSpine
    views: tuple[BodyView, ...]
    grades: Mapping[Level, Graded | NotGraded]
    signs: Mapping[Level, Signs]
    cores: Mapping[Level, Core]
    settings: Settings

    @classmethod
    def of(
        cls,
        ct: CtVolume,
        spine: LabelledSpine,
        views: tuple[BodyView, ...],
        grades: tuple[Graded | NotGraded, ...],
        signs: tuple[Signs, ...],
        settings: Settings,
    ) -> Case:
        """Bring it together, and look into each body's core once."""
        cores = {view.level: core for view in views if (core := _core(view, settings)) is not None}
        return cls(
            ct=ct,
            spine=spine,
            views=views,
            grades={one.level: one for one in grades},
            signs={one.level: one for one in signs},
            cores=cores,
            settings=settings,
        )

    def measured(self) -> Iterator[tuple[BodyView, Measured]]:
        """The bodies that carry heights, head to foot."""
        for view in self.views:
            if view.measured is not None:
                yield view, view.measured

    def graded(self, level: Level) -> Graded | None:
        """The grade of a level, where it has one."""
        grade = self.grades.get(level)
        return grade if isinstance(grade, Graded) else None

    def pairs(self) -> Iterator[tuple[BodyView, BodyView]]:
        """Upper and lower body of each disc between measured neighbours."""
        bodies = [view for view, _ in self.measured()]
        for upper, lower in pairwise(bodies):
            if abs(upper.level.order - lower.level.order) <= _NEXT:
                yield upper, lower

    def normal_for(self, level: Level) -> Normal | None:
        """Median and scatter of the nearest other bodies; None where there are too few."""
        others = [x for x in self.cores if x != level]
        nearest = sorted(others, key=lambda x: abs(x.order - level.order))[: self.settings.neighbours]
        if len(nearest) < _FEWEST_REFERENCES:
            return None
        cores = [self.cores[x] for x in nearest]
        return Normal(
            median_hu=float(np.median([x.median_hu for x in cores])),
            sd_hu=max(_LEAST_SD_HU, float(np.median([x.sd_hu for x in cores]))),
        )

    def losses(self, view: BodyView, measured: Measured) -> Float64Array | None:
        """(3,) anterior, middle, posterior loss by the averaged heights, against the expected ones."""
        grade = self.grades.get(view.level)
        if grade is None or grade.expected is None:
            return None
        return np.asarray(1.0 - measured.window_heights.as_array() / grade.expected.as_array())


_NEXT = 2  # T12 and L1 lie two names apart: T13 stands between them


def _core(view: BodyView, settings: Settings) -> Core | None:
    smooth = ndimage.uniform_filter(view.hu, max(1, round(settings.smooth_mm / view.voxel_mm)))
    depth = max(settings.core_depth_mm, settings.core_depth_spacings * view.spacing_mm)
    mask = view.inside & view.in_scan & (view.depth_mm > depth)
    values = smooth[mask]
    if values.size < _FEWEST_CORE_VOXELS:
        return None
    median = float(np.median(values))
    return Core(
        smooth_hu=smooth,
        mask=mask,
        median_hu=median,
        sd_hu=MAD_TO_SD * float(np.median(np.abs(values - median))),
    )


def parts_of(mask: BoolArray, least_voxels: float) -> list[BoolArray]:
    """The joined parts of a mask that are large enough, largest first."""
    parts, n_parts = ndimage.label(mask)
    if n_parts == 0:
        return []
    sizes = np.bincount(parts.ravel())[1:]
    order = np.argsort(-sizes)
    return [parts == number + 1 for number in order if sizes[number] >= least_voxels]
