"""Schmorl's node: a short, deep pit of an endplate whose rims keep their height (§2; S47, S2)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from spondyl.domain.body_view import BodyView
from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.domain.grading import Graded, Shape
from spondyl.domain.measurement import Measured
from spondyl.geometry.arrays import BoolArray, Float64Array
from spondyl.stages.confounders.case import Case, parts_of
from spondyl.stages.confounders.outline_short import effect_of
from spondyl.stages.confounders.surfaces import front_and_back, pitting

_FEWEST_COLUMNS = 6
_LOCAL_COLUMNS = 3
_CENTRAL = (0.25, 0.75)


def find(case: Case) -> Iterator[Confounder]:
    """Bodies with a node in one or both endplates; a biconcave loss that is only the node is rejected."""
    for view, measured in case.measured():
        sides = [_node(case, view, measured, surface) for surface in (view.top_mm, -view.bottom_mm)]
        if all(node is None for node in sides):
            continue
        depth_mm = max(depth for node in sides if node is not None for depth in (node[1],))
        place = "both endplates" if all(sides) else "the upper endplate" if sides[0] else "the lower endplate"
        effect, changed = _effect(case, view, measured, sides)
        yield Confounder(
            kind=Kind.SCHMORL,
            level=view.level,
            value=depth_mm,
            threshold=case.settings.schmorl_depth_mm,
            unit="mm",
            effect=effect,
            text=f"Schmorl's node in {place}, {depth_mm:.1f} mm deep; the rims keep their height.{changed}"
            if changed
            else f"Schmorl's node in {place}, {depth_mm:.1f} mm deep.",
            place_lps_mm=_place(view, sides),
        )


_Node = tuple[BoolArray, float, Float64Array]


def _node(case: Case, view: BodyView, measured: Measured, surface_mm: Float64Array) -> _Node | None:
    """Columns, depth and filling of the deepest pit that is short enough; None where there is none."""
    pits = pitting(view, measured, surface_mm)
    if pits is None:
        return None
    settings = case.settings
    front, back = front_and_back(view, measured)
    deep = np.nan_to_num(pits.depth_mm) > settings.schmorl_outside * settings.schmorl_depth_mm
    for part in parts_of(deep, _FEWEST_COLUMNS):
        depth_mm = float(np.nanmax(pits.depth_mm[part]))
        along = view.along_mm[np.any(part, axis=0)]
        extent = float(np.ptp(along)) / (back - front)
        least_mm = max(settings.schmorl_depth_mm, settings.schmorl_spacings * view.spacing_mm)
        if least_mm <= depth_mm <= settings.schmorl_most_mm and extent < settings.schmorl_extent:
            return part, depth_mm, np.where(part, np.nan_to_num(pits.depth_mm), 0.0)
    return None


def _effect(case: Case, view: BodyView, measured: Measured, sides: list[_Node | None]) -> tuple[Effect, str]:
    grade, losses = case.graded(view.level), case.losses(view, measured)
    if grade is None or losses is None or grade.grade < 1 or grade.shape != Shape.BICONCAVE:
        return Effect.FLAG, ""
    if max(losses[0], losses[2]) >= case.settings.schmorl_rim_loss:
        return Effect.FLAG, ""
    filled = _filled_loss(view, measured, grade, sides)
    effect = effect_of(filled, grade)
    if effect is None:
        return Effect.FLAG, ""
    return effect, (
        f" Without it the loss of {grade.loss_fraction:.0%} (grade {grade.grade}) is {max(filled, 0.0):.0%}."
    )


def _filled_loss(view: BodyView, measured: Measured, grade: Graded, sides: list[_Node | None]) -> float:
    """Loss of the lowest place of the middle when the nodes are filled up to the smooth endplate."""
    heights = view.top_mm - view.bottom_mm
    for node in sides:
        if node is not None:
            heights = heights + node[2]
    front, back = front_and_back(view, measured)
    share = (view.along_mm - front) / (back - front)
    aside = np.abs(view.across_mm) <= 0.25 * measured.width_mm
    low, high = _CENTRAL
    steady = ndimage.uniform_filter(np.where(np.isfinite(heights), heights, np.nan), _LOCAL_COLUMNS)
    central = steady[aside][:, (share >= low) & (share <= high)]
    seen = central[np.isfinite(central)]
    if not seen.size:
        return grade.loss_fraction
    return min(grade.loss_fraction, float(1.0 - np.min(seen) / grade.expected.middle_mm))


def _place(view: BodyView, sides: list[_Node | None]) -> tuple[float, float, float] | None:
    for node, surface in zip(sides, (view.top_mm, view.bottom_mm), strict=True):
        if node is not None:
            a, b = np.nonzero(node[0])
            local = [[view.across_mm[a].mean(), view.along_mm[b].mean(), np.nanmean(surface[node[0]])]]
            x, y, z = (float(value) for value in view.to_lps(np.array(local))[0])
            return x, y, z
    return None
