"""What a comparison says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What became of one vertebra since the prior."""

    NEW = "new"  # whole before, height lost since
    WORSE = "worse"  # broken before, lost more since
    OLD = "old"  # broken before, no further loss: known to the scans
    STABLE = "stable"  # whole before and now
    NOT_COMPARABLE = "not_comparable"  # not measured in one of the two, or the two contradict one another


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a height counts as lost (clinical-methods §1.5, §1.8, §10 incident).

    loss_fraction and loss_mm: both reached. sds: or so many combined standard deviations, together with
        least_fraction and least_mm (ours: below them no change is believed, however sure it seems).
    gain_fraction: a body that grew by more contradicts its prior (ours).
    broken_loss: loss of a vertebra that counts as broken (Genant's grade 1).
    scale_range: how far one scan's heights may be off the other's as a whole (ours: slices and kernels).
    same_name_probability: that both scans were numbered alike, where all names are sure; unsure_probability:
        where some are not (ours). largest_slip: levels that numbers may be off.
    """

    loss_fraction: float = 0.20
    loss_mm: float = 4.0
    sds: float = 3.0
    least_fraction: float = 0.125
    least_mm: float = 2.5
    gain_fraction: float = 0.20
    broken_loss: float = 0.20
    scale_range: tuple[float, float] = (0.93, 1.07)
    same_name_probability: float = 0.97
    unsure_probability: float = 0.6
    largest_slip: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One vertebra of the current scan against the prior.

    level: name in the current scan; prior_level: its name there, None where it was not found.
    loss_fractions, loss_mm: (anterior, middle, posterior) since the prior, the scans' scale taken off;
        sd_mm of each loss. attenuation_change_hu: current less prior.
    prior_loss_fraction, loss_fraction: against the expected heights, as each finding has them.
    """

    level: str
    prior_level: str | None
    status: Status
    loss_fractions: tuple[float, float, float] | None
    loss_mm: tuple[float, float, float] | None
    sd_mm: tuple[float, float, float] | None
    prior_loss_fraction: float | None
    loss_fraction: float | None
    prior_grade: int | None
    grade: int | None
    attenuation_change_hu: float | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything that two scans say together.

    slip: levels by which the prior's names lie below the current ones (0: numbered alike);
        slip_probability: of that slip. scale: prior's heights times this are the current ones as a whole.
    """

    slip: int
    slip_probability: float
    scale: float
    n_matched: int
    changes: tuple[Change, ...]
    reasons: tuple[str, ...]

    def with_status(self, status: Status) -> tuple[Change, ...]:
        """The vertebrae of one status, head to foot."""
        return tuple(change for change in self.changes if change.status == status)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrajectoryPoint:
    """One vertebra in one scan of several: level as the latest scan names it."""

    level: str
    scan: int
    anterior_mm: float | None
    middle_mm: float | None
    posterior_mm: float | None
    loss_fraction: float | None
    grade: int | None
    attenuation_hu: float | None
