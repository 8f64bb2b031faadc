"""Two vertebrae outlined as one, or one as two (§2: the other misidentification)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.domain.measurement import Heights
from spondyl.stages.confounders.case import Case

_FEWEST_STEPS = 3


def find(case: Case) -> Iterator[Confounder]:
    """Bodies much higher than expected, and bodies closer together than two can be."""
    yield from _merged(case)
    yield from _split(case)


def _merged(case: Case) -> Iterator[Confounder]:
    limit = case.settings.merged_ratio
    for view, measured in case.measured():
        grade = case.grades.get(view.level)
        expected = None if grade is None else grade.expected
        if expected is None:
            continue
        ratio = _ratio(measured.window_heights, expected)
        if ratio <= limit:
            continue
        yield Confounder(
            kind=Kind.MERGED,
            level=view.level,
            value=ratio,
            threshold=limit,
            unit="ratio",
            effect=Effect.DOWNGRADE,
            text=f"{ratio:.1f} times as high as expected: two vertebrae may have been outlined as one.",
            excludes_from_references=True,
        )


def _ratio(heights: Heights, expected: Heights) -> float:
    return float(np.median(heights.as_array() / expected.as_array()))


def _split(case: Case) -> Iterator[Confounder]:
    centres = np.array([view.centre_lps_mm for view in case.views])
    if len(centres) <= _FEWEST_STEPS:
        return
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    for n, step in enumerate(steps):
        near = np.delete(steps, n)[max(0, n - 2) : n + 2]
        ratio = float(step / np.median(near))
        if ratio >= case.settings.split_ratio:
            continue
        # of the two, the one with less bone is the piece
        pair = case.views[n : n + 2]
        piece = min(pair, key=lambda view: int(np.count_nonzero(view.inside)))
        grade = case.graded(piece.level)
        before = "" if grade is None or grade.grade < 1 else f" Grade {grade.grade} by height."
        yield Confounder(
            kind=Kind.SPLIT,
            level=piece.level,
            value=ratio,
            threshold=case.settings.split_ratio,
            unit="ratio",
            effect=Effect.REJECT,
            text=f"Only {step:.0f} mm from its neighbour, {ratio:.0%} of the usual step: one "
            "vertebra may have been "
            f"outlined as two.{before}",
            excludes_from_references=True,
        )
