"""Sclerotic and mixed metastasis, bone island, and bone that is dense everywhere (§2; S36, S37, S39, S40)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from spondyl.domain.body_view import BodyView
from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.geometry.arrays import BoolArray
from spondyl.stages.confounders.case import Case, Core, Normal, parts_of
from spondyl.stages.confounders.edges import corrected_loss
from spondyl.stages.confounders.outline_short import effect_of

_NEARLY_ALL = (5, 95)  # percentiles: the extent of a part without its fringe


def find(case: Case) -> Iterator[Confounder]:
    """Dense lesions body by body, and one word where all bodies are dense."""
    for view in case.views:
        core = case.cores.get(view.level)
        if core is not None and not view.vertebra.cut_by_border:
            yield from _in_body(case, view, core)
    yield from _everywhere(case)


def _in_body(case: Case, view: BodyView, core: Core) -> Iterator[Confounder]:
    settings = case.settings
    normal = case.normal_for(view.level)
    above = 0.0 if normal is None else normal.median_hu + settings.sclerotic_sd * normal.sd_hu
    limit_hu = max(settings.sclerotic_hu, above)
    dense = core.mask & (core.smooth_hu > limit_hu) & (core.smooth_hu < settings.cement_hu)
    fraction = float(np.count_nonzero(dense) / np.count_nonzero(core.mask))
    is_broken = (grade := case.graded(view.level)) is not None and grade.grade >= 1
    parts = [
        part
        for part in parts_of(dense, settings.sclerotic_ml / view.voxel_ml)
        if not (is_broken and _is_band(view, part, case))
    ]
    if not parts or np.max(view.hu[view.inside]) > settings.cement_hu:
        return
    lesion = np.logical_or.reduce(parts)
    volume_ml = np.count_nonzero(lesion) * view.voxel_ml
    middle = ndimage.binary_erosion(lesion)  # its rim is half bone
    mean_hu = float(np.mean(view.hu[middle if np.any(middle) else lesion]))
    most_hu = float(np.max(core.smooth_hu[lesion]))
    kind = _kind(case, view, core, normal, (mean_hu, most_hu, fraction))
    effect, changed = _effect(case, view)
    extent = "most of the body" if fraction >= settings.sclerotic_fraction else "a focus"
    words = {
        Kind.BONE_ISLAND: "Dense focus, as of a bone island (in a patient with cancer no reassurance)",
        Kind.MIXED_LESION: "Mixed sclerotic and lytic lesion",
        Kind.SCLEROTIC_LESION: "Sclerotic lesion",
    }[kind]
    yield Confounder(
        kind=kind,
        level=view.level,
        value=volume_ml,
        threshold=settings.sclerotic_ml,
        unit="ml",
        effect=effect,
        text=f"{words}: {volume_ml:.1f} ml ({extent}), mean {mean_hu:.0f} HU, above "
        f"{limit_hu:.0f} HU.{changed}",
        excludes_from_references=True,
        place_lps_mm=view.place_of(parts[0]),
    )


def _is_band(view: BodyView, part: BoolArray, case: Case) -> bool:
    """Whether a dense part is a flat layer along an endplate: compacted bone, not a lesion."""
    height, width, depth = (
        float(np.ptp(np.percentile(x[part], _NEARLY_ALL)))
        for x in (view.superior_mm, view.left_mm, view.posterior_mm)
    )
    settings = case.settings
    return height <= settings.band_height_mm and min(width, depth) >= settings.band_flatness * height


def _kind(
    case: Case, view: BodyView, core: Core, normal: Normal | None, seen: tuple[float, float, float]
) -> Kind:
    settings = case.settings
    mean_hu, most_hu, _ = seen
    if mean_hu > settings.island_mean_hu or most_hu > settings.island_max_hu:
        return Kind.BONE_ISLAND
    if normal is None:
        return Kind.SCLEROTIC_LESION
    low, high = settings.lytic_hu
    below = min(high, normal.median_hu - settings.lytic_sd * normal.sd_hu)
    lytic = core.mask & (core.smooth_hu < below) & (core.smooth_hu > low)
    parts = parts_of(lytic, settings.mixed_ml / view.voxel_ml)
    return Kind.MIXED_LESION if parts else Kind.SCLEROTIC_LESION


def _effect(case: Case, view: BodyView) -> tuple[Effect, str]:
    """A lesion alone changes nothing; one whose dense bone the outline missed takes the grade with it."""
    grade, measured = case.graded(view.level), view.measured
    if grade is None or measured is None or grade.grade < 1:
        return Effect.FLAG, ""
    loss, added_mm = corrected_loss(view, measured, grade, case.settings)
    effect = effect_of(loss, grade)
    if effect is None:
        return Effect.FLAG, ""
    return effect, (
        f" Its bone goes on {added_mm:.1f} mm beyond the outline; with it the loss of "
        f"{grade.loss_fraction:.0%} (grade {grade.grade}) is {loss:.0%}."
    )


def _everywhere(case: Case) -> Iterator[Confounder]:
    medians = [core.median_hu for core in case.cores.values()]
    if not medians or np.median(medians) <= case.settings.dense_hu:
        return
    value = float(np.median(medians))
    yield Confounder(
        kind=Kind.DENSE_BONE,
        level=None,
        value=value,
        threshold=case.settings.dense_hu,
        unit="HU",
        effect=Effect.FLAG,
        text=f"All bodies are dense (median {value:.0f} HU): diffuse sclerosis, contrast or a "
        "young skeleton; "
        "single lesions cannot be told by comparison.",
    )
