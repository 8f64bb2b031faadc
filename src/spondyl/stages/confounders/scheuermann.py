"""Scheuermann's disease: wedges in a row with irregular endplates in a round back (§2; S48, S49)."""

from __future__ import annotations

from collections.abc import Iterator

from spondyl.domain.body_view import BodyView
from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.domain.level import Level
from spondyl.domain.measurement import Measured
from spondyl.stages.confounders.case import Case
from spondyl.stages.confounders.surfaces import pitting

_FEWEST_IRREGULAR = 2


def find(case: Case) -> Iterator[Confounder]:
    """Runs of wedged thoracic bodies; each of them is named."""
    settings = case.settings
    run: list[tuple[BodyView, Measured]] = []
    for view, measured in [*case.measured(), (None, None)]:
        if view is not None and measured is not None and _is_wedged(case, view, measured):
            run.append((view, measured))
            continue
        if len(run) >= settings.scheuermann_levels:
            yield from _told(case, run)
        run = []


def _is_wedged(case: Case, view: BodyView, measured: Measured) -> bool:
    """Wedged in degrees, and more than its level in health: T6 and T7 have five degrees of their own."""
    if not Level.T1.order <= view.level.order <= Level.L1.order:
        return False
    losses = case.losses(view, measured)
    is_lower = losses is not None and losses[0] - max(losses[2], 0.0) >= case.settings.alike_loss
    return case.signs[view.level].own_wedge_deg >= case.settings.scheuermann_deg and is_lower


def _told(case: Case, run: list[tuple[BodyView, Measured]]) -> Iterator[Confounder]:
    settings = case.settings
    irregular = sum(_is_irregular(case, view, measured) for view, measured in run)
    kyphosis = _kyphosis_deg(case)
    if irregular < _FEWEST_IRREGULAR or kyphosis < settings.scheuermann_kyphosis_deg:
        return
    for view, _ in run:
        wedge = case.signs[view.level].own_wedge_deg
        yield Confounder(
            kind=Kind.SCHEUERMANN,
            level=view.level,
            value=wedge,
            threshold=settings.scheuermann_deg,
            unit="deg",
            effect=Effect.DOWNGRADE,
            text=f"One of {len(run)} wedged bodies in a row ({wedge:.0f}°) with irregular endplates in a "
            f"kyphosis of {kyphosis:.0f}°: Scheuermann's disease is likely.",
        )


def _is_irregular(case: Case, view: BodyView, measured: Measured) -> bool:
    plates = [pitting(view, measured, surface) for surface in (view.top_mm, -view.bottom_mm)]
    return any(x is not None and x.rough_mm >= case.settings.scheuermann_irregular_mm for x in plates)


def _kyphosis_deg(case: Case) -> float:
    """Sum of the bends from the first to the last thoracic body: its own wedges and those of its discs."""
    bodies = [pair for pair in case.measured() if Level.T1.order <= pair[0].level.order <= Level.T12.order]
    if len(bodies) < 2:
        return 0.0
    first, last = bodies[0], bodies[-1]
    above = _tilt_deg(first[1].landmarks_lps_mm[0], first[1].landmarks_lps_mm[2])
    below = _tilt_deg(last[1].landmarks_lps_mm[3], last[1].landmarks_lps_mm[5])
    return above - below


def _tilt_deg(front: object, back: object) -> float:
    """Rise of a line from front to back in the sagittal plane, degrees."""
    import numpy as np

    step = np.asarray(back) - np.asarray(front)
    return float(np.degrees(np.arctan2(step[2], step[1])))
