"""An outline that stands aslant in the row of its neighbours: not a vertebral body, or not its own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spondyl.domain.body_view import BodyView
from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.domain.measurement import Measured
from spondyl.stages.confounders.case import Case

_FEWEST_BODIES = 3


def find(case: Case) -> Iterator[Confounder]:
    """Measured bodies whose axis does not follow the row."""
    limit = case.settings.askew_deg
    bodies = list(case.measured())
    for n, angle in enumerate(off_row_deg(bodies)):
        if angle <= limit:
            continue
        level, grade = bodies[n][0].level, case.graded(bodies[n][0].level)
        before = "" if grade is None or grade.grade < 1 else f" Grade {grade.grade} by height."
        yield Confounder(
            kind=Kind.OUTLINE_ASKEW,
            level=level,
            value=angle,
            threshold=limit,
            unit="deg",
            effect=Effect.REJECT,
            text=f"The outline stands {angle:.0f}° aslant in the row of its neighbours: it is "
            f"not that of a body.{before}",
            excludes_from_references=True,
        )


def off_row_deg(bodies: list[tuple[BodyView, Measured]]) -> list[float]:
    """Angle of each body's axis to the line from the next lower to the next upper centre; 0 for too few."""
    if len(bodies) < _FEWEST_BODIES:
        return [0.0] * len(bodies)
    centres = np.array([measured.centre_lps_mm for _, measured in bodies])
    angles = []
    for n, (_, measured) in enumerate(bodies):
        row = centres[max(n - 1, 0)] - centres[min(n + 1, len(bodies) - 1)]
        cosine = float(measured.frame[:, 2] @ row / np.linalg.norm(row))
        angles.append(float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))))
    return angles
