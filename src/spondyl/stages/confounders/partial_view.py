"""Vertebrae that the scan cuts: never graded, nobody's reference (§2)."""

from __future__ import annotations

from collections.abc import Iterator

from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.stages.confounders.case import Case


def find(case: Case) -> Iterator[Confounder]:
    """Bodies that reach the end of the scanned space."""
    for name, vertebra in zip(case.spine.names, case.spine.masks.vertebrae, strict=True):
        if vertebra.cut_by_border:
            yield Confounder(
                kind=Kind.PARTIAL_VIEW,
                level=name.level,
                value=1.0,
                threshold=1.0,
                unit="contact",
                effect=Effect.FLAG,
                text="The scan ends within this vertebra.",
                excludes_from_references=True,
            )
