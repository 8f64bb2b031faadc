"""What became of inserted fractures: sensitivity by loss, level, shape and CT, and the error of the loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spondyl.domain.finding import State
from spondyl.domain.grading import COUNTED_GRADE, Shape
from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float64Array
from spondyl.study.statistics import Answer, bootstrap_totals, ratio_of_totals, vertebra_proportion

_SEVERE = 0.25  # Genant's lower bound of grade 2
LOSS_BOUNDS = (0.15, 0.20, 0.25, 0.30, 0.40, 0.61)  # Genant's, and the two of the acceptance bars
REGIONS: dict[str, tuple[Level, Level]] = {
    "T4-T7": (Level.T4, Level.T7),
    "T8-T10": (Level.T8, Level.T10),
    "T11-L1": (Level.T11, Level.L1),
    "L2-L4": (Level.L2, Level.L4),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertionReading:
    """One inserted fracture, and how the CT with it was read.

    loss_fraction: as realised, of the leading height. state: of the study.
    read_level, read_grade, read_shape, read_loss_fraction, probability: of the vertebra found at that
        place; None where none was found or it carries no such figure. refused: its code then.
    is_asked_for: the study is flagged because this very vertebra may be of grade 2, or could not be read.
    others_flagged: levels elsewhere that were read as grade 2 or more.
    baseline_loss_fraction: what was read at this vertebra before the insertion.
    """

    ct: str
    level: Level
    shape: Shape
    loss_fraction: float
    state: State
    read_level: str | None
    read_grade: int | None
    read_shape: str | None
    read_loss_fraction: float | None
    probability: float | None
    refused: str | None
    is_asked_for: bool
    others_flagged: tuple[str, ...]
    baseline_loss_fraction: float | None

    @property
    def is_seen(self) -> bool:
        """Whether the study was flagged for this very vertebra: of grade 2 or more, perhaps, or not read."""
        return self.state is State.FLAG and (self.is_asked_for or (self.read_grade or 0) >= COUNTED_GRADE)

    @property
    def loss_error(self) -> float | None:
        """Read minus inserted loss, both as fractions."""
        return None if self.read_loss_fraction is None else self.read_loss_fraction - self.loss_fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalReading:
    """A CT as it is, without insertion: what was read as grade 2 or more in it, of how many graded."""

    ct: str
    slice_spacing_mm: float
    is_flagged: bool
    n_graded: int
    false_levels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertionRow:
    """Figures of one group of insertions.

    n_asked: of those seen, the ones without a grade of 2 or more. loss_mae, loss_bias: fractions; None where
    nothing was read.
    """

    group: str
    n: int
    n_seen: int
    n_asked: int
    n_read: int
    sensitivity: Answer
    loss_mae: Answer
    loss_bias: Answer


def row(group: str, readings: Sequence[InsertionReading], seed: int = 1) -> InsertionRow:
    """The figures of one group; the CT is the cluster."""
    cts = sorted({x.ct for x in readings})
    seen = np.array([sum(x.is_seen for x in readings if x.ct == ct) for ct in cts], dtype=np.int64)
    made = np.array([sum(x.ct == ct for x in readings) for ct in cts], dtype=np.int64)
    errors = [[x.loss_error for x in readings if x.ct == ct and x.loss_error is not None] for ct in cts]
    return InsertionRow(
        group=group,
        n=len(readings),
        n_seen=int(seen.sum()),
        n_asked=sum(x.is_seen and x.is_asked_for for x in readings),
        n_read=sum(len(x) for x in errors),
        sensitivity=vertebra_proportion("sensitivity", seen, made),
        loss_mae=_mean("loss_mae", [[abs(e) for e in x] for x in errors], seed),
        loss_bias=_mean("loss_bias", errors, seed),
    )


def rows(readings: Sequence[InsertionReading], seed: int = 1) -> tuple[InsertionRow, ...]:
    """All groups that hold any: the bars first, then by loss, level, shape and CT."""
    severe = [x for x in readings if x.loss_fraction >= _SEVERE]
    groups = {
        "loss ≥ 30 %": [x for x in readings if x.loss_fraction >= 0.30],
        "loss ≥ 25 %": severe,
        "all": list(readings),
    }
    for low, high in pairwise(LOSS_BOUNDS):
        groups[f"loss {low:.0%} to {high:.0%}"] = [x for x in readings if low <= x.loss_fraction < high]
    for name, (first, last) in REGIONS.items():
        groups[f"{name}, loss ≥ 25 %"] = [x for x in severe if first.order <= x.level.order <= last.order]
    for shape in (Shape.WEDGE, Shape.BICONCAVE, Shape.CRUSH):
        groups[f"{shape.value}, loss ≥ 25 %"] = [x for x in severe if x.shape is shape]
    for ct in dict.fromkeys(x.ct for x in readings):
        groups[f"{ct}, loss ≥ 25 %"] = [x for x in severe if x.ct == ct]
    return tuple(row(name, members, seed) for name, members in groups.items() if members)


def _mean(measure: str, per_ct: list[list[float]], seed: int) -> Answer:
    totals: Float64Array = np.array([[float(sum(x)), float(len(x))] for x in per_ct]).reshape(-1, 2)
    return bootstrap_totals(measure, totals, ratio_of_totals, seed=seed, n=int(totals[:, 1].sum()) or None)
