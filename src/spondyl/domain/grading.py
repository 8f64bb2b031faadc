"""Height loss of one vertebra against what is expected at its level: grade, shape, probability."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from spondyl.domain.level import Level
from spondyl.domain.measurement import Heights
from spondyl.domain.refusal import NotMeasuredCode

COUNTED_GRADE = 2  # the grade from which a fracture counts as one (clinical-methods §1.4)


class Shape(StrEnum):
    """Shape of a deformity (Genant): which of the three heights is lost."""

    NORMAL = "normal"
    WEDGE = "wedge"
    BICONCAVE = "biconcave"
    CRUSH = "crush"


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """The grade of one vertebra.

    expected: heights expected from level norms and neighbours, same definition as ``Measured.heights``.
    loss_fraction: largest loss of the three heights, 0-1 (negative values are clipped to 0).
    loss_sd: one standard deviation of the loss.
    grade: Genant 0-3; lower bounds 0.20, 0.25, 0.40 are inclusive.
    probability_grade_2_or_more: 0-1.
    neighbours_used: levels whose heights gave the reference.
    """

    level: Level
    expected: Heights
    loss_fraction: float
    loss_sd: float
    grade: int
    shape: Shape
    probability_grade_2_or_more: float
    neighbours_used: tuple[Level, ...]

    def __post_init__(self) -> None:
        if self.grade not in (0, 1, 2, 3):
            raise ValueError(f"grade {self.grade} is not one of 0, 1, 2, 3")
        if not 0.0 <= self.probability_grade_2_or_more <= 1.0:
            raise ValueError("probability_grade_2_or_more is outside 0-1")
        if (self.grade == 0) != (self.shape == Shape.NORMAL):
            raise ValueError(f"grade {self.grade} does not go with shape {self.shape}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotGraded:
    """There is no grade; ``code`` says why.

    expected, loss_fraction, loss_sd, probability_grade_2_or_more: given where slices are too thick for a
        grade but the heights still say how likely a fracture is; all None otherwise.
    """

    level: Level
    code: NotMeasuredCode
    text: str
    expected: Heights | None = None
    loss_fraction: float | None = None
    loss_sd: float | None = None
    probability_grade_2_or_more: float | None = None
    neighbours_used: tuple[Level, ...] = ()

    def __post_init__(self) -> None:
        given = (self.expected, self.loss_fraction, self.loss_sd, self.probability_grade_2_or_more)
        if len({value is None for value in given}) != 1:
            raise ValueError(
                "expected heights, loss, its sd and the probability are given together or not at all"
            )

    @property
    def is_read(self) -> bool:
        """Whether the vertebra was read for fracture, if only for a severe one."""
        return self.probability_grade_2_or_more is not None
