"""Vertebrae made by hand: the evidence a spine of known levels would give, without a CT."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spondyl.domain.level import STANDARD_LEVELS, Level
from spondyl.domain.spine import BodyCandidate
from spondyl.domain.vertebra import BodyPatch, Vertebra, VertebraMasks

# distance to the next lower centre of an ordinary spine, mm: anatomy-and-norms 4.7, rounded to halves here
PITCH_MM = {
    "C": 17.5, "T1": 20.5, "T2": 21.0, "T3": 21.0, "T4": 21.5, "T5": 22.0, "T6": 22.5, "T7": 23.5, "T8": 24.0,
    "T9": 25.5, "T10": 27.5, "T11": 29.5, "T12": 32.5, "T13": 33.0, "L1": 34.5, "L2": 36.0, "L3": 36.5,
    "L4": 36.5, "L5": 34.0, "L6": 32.0,
}  # fmt: skip
# lean of the step up to a body's centre from the next lower one, degrees to the back: VID medians, rounded
LEAN_DEG = {
    "C1": -16, "C2": -9, "C3": -12, "C4": -15, "C5": -15, "C6": -19, "C7": -28, "T1": -27, "T2": -26,
    "T3": -22, "T4": -17, "T5": -10, "T6": -3, "T7": 4, "T8": 10, "T9": 12, "T10": 13, "T11": 14, "T12": 14,
    "T13": 14, "L1": 15, "L2": 13, "L3": 6, "L4": -7, "L5": -32, "L6": -32, "S1": 0,
}  # fmt: skip
RIB_SEEN, NO_RIB_SEEN = 0.95, 0.03
SACRUM_SEEN, NO_SACRUM_SEEN = 0.95, 0.02


def levels(first: str, last: str, *, without: Sequence[str] = (), extra: Sequence[str] = ()) -> list[Level]:
    """The levels of a column from first to last; ``extra`` are T13 or L6, ``without`` are absent in it."""
    known = set(STANDARD_LEVELS) - {Level(x) for x in without} | {Level(x) for x in extra}
    return [x for x in Level if x in known and Level(first).order <= x.order <= Level(last).order]


def body(
    centre_mm: Sequence[float] | np.ndarray,
    *,
    number: float,
    number_sd: float = 1.3,
    rib: float = NO_RIB_SEEN,
    sacrum: float = NO_SACRUM_SEEN,
) -> BodyCandidate:
    return BodyCandidate(
        centre_lps_mm=np.array(centre_mm, dtype=np.float64),
        frame=np.eye(3),
        body_probability=0.9,
        level_estimate=number,
        level_estimate_sd=number_sd,
        rib_evidence=rib,
        sacrum_evidence=sacrum,
    )


def vertebra(candidate: BodyCandidate, *, cut: bool = False) -> Vertebra:
    empty = np.zeros((2, 2, 2), np.float32)
    patch = BodyPatch(
        occupancy=empty,
        posterior=empty.copy(),
        hu=empty.copy(),
        in_scan=np.ones((2, 2, 2), np.bool_),
        affine=np.eye(4),
        slice_spacing_mm=1.0,
    )
    return Vertebra(
        candidate=candidate, patch=patch, cut_by_border=cut, metal_fraction=0.0, outline_quality=0.9
    )


def pitch_mm(level: Level) -> float:
    return PITCH_MM["C" if level.startswith("C") else level]


def running_numbers(column: Sequence[Level], first: float | None = None) -> list[float]:
    """One more per body, from the first one's number (its place in the standard column)."""
    start = float(STANDARD_LEVELS.index(column[0])) if first is None else first
    return [start + place for place in range(len(column))]


def spine(
    column: Sequence[Level],
    *,
    numbers: Sequence[float] | None = None,
    number_sd: float = 1.3,
    cut: Sequence[Level] = (),
    missed: Sequence[Level] = (),
    sacrum_below: str | None = "L5",
    size: float = 1.0,
) -> VertebraMasks:
    """What a perfect finder would tell of a column of levels: ribs on T, the sacrum below one lumbar body.

    cut: bodies cut by the scan's border.
    missed: bodies that nobody found.
    sacrum_below: the last lumbar level of this patient; None where the sacrum is not in view.
    size: of the whole patient, as a factor on the pitch.
    """
    numbers = running_numbers(column) if numbers is None else numbers
    vertebrae, centre = [], np.zeros(3)
    for level, number in zip(column, numbers, strict=True):
        has_sacrum_below = sacrum_below is not None and level.order >= Level(sacrum_below).order
        candidate = body(
            centre,
            number=number,
            number_sd=number_sd,
            rib=RIB_SEEN if level.startswith("T") else NO_RIB_SEEN,
            sacrum=SACRUM_SEEN if has_sacrum_below else NO_SACRUM_SEEN,
        )
        if level not in missed:
            vertebrae.append(vertebra(candidate, cut=level in cut))
        lean = np.radians(LEAN_DEG[level])
        step = 0.0 if level == Level.S1 else pitch_mm(level) * size
        centre = centre - step * np.array([0.0, np.sin(lean), np.cos(lean)])
    return VertebraMasks(vertebrae=tuple(vertebrae), series_id="made")
