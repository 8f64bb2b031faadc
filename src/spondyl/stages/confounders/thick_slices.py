"""Slices that are too thick for sharp heights (§1.8; S5)."""

from __future__ import annotations

from collections.abc import Iterator

from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.stages.confounders.case import Case


def find(case: Case) -> Iterator[Confounder]:
    """One word for the whole series."""
    settings = case.settings
    spacing = case.ct.spacing_mm[case.ct.slice_axis]
    if spacing <= settings.thick_mm:
        return
    is_ungraded = spacing > settings.not_graded_mm
    yield Confounder(
        kind=Kind.THICK_SLICES,
        level=None,
        value=spacing,
        threshold=settings.thick_mm,
        unit="mm",
        effect=Effect.FLAG,
        text=f"Slices of {spacing:.1f} mm: "
        + ("only severe losses can be told." if is_ungraded else "heights and grades are less sure."),
    )
