"""What is known of a CT with truth: its vertebrae, and as much of each as the source tells."""

from __future__ import annotations

from dataclasses import dataclass

from spondyl.domain.grading import COUNTED_GRADE, Shape
from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float64Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownVertebra:
    """One vertebra of the truth.

    centre_lps_mm: (3,) of the body. points_lps_mm: (6, 3) in the order of LANDMARK_NAMES, or None.
    heights_mm: (3,) anterior, middle, posterior, or None. grade: Genant's, or None where nobody graded.
    shape: of the deformity; None where nobody said. loss_fraction: of the leading height, where it is known
    (inserted and made fractures). is_whole: fully in view.
    """

    level: Level
    centre_lps_mm: Float64Array
    points_lps_mm: Float64Array | None = None
    heights_mm: Float64Array | None = None
    grade: int | None = None
    shape: Shape | None = None
    loss_fraction: float | None = None
    is_whole: bool = True

    def __post_init__(self) -> None:
        if self.centre_lps_mm.shape != (3,):
            raise ValueError(f"the centre of {self.level} is {self.centre_lps_mm.shape}; (3,) is needed")
        if self.points_lps_mm is not None and self.points_lps_mm.shape != (6, 3):
            raise ValueError(f"the points of {self.level} are {self.points_lps_mm.shape}; (6, 3) is needed")
        if self.grade not in (None, 0, 1, 2, 3):
            raise ValueError(f"grade {self.grade} of {self.level}; 0, 1, 2, 3 or none is needed")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownCase:
    """The truth of one CT. vertebrae: head to foot, every one that is in view at least in part.

    levels_known: False where the names are a guess (``plus_minus_1``): they are then not compared.
    """

    name: str
    vertebrae: tuple[KnownVertebra, ...]
    levels_known: bool = True

    def __post_init__(self) -> None:
        levels = [x.level for x in self.vertebrae]
        if len(set(levels)) != len(levels):
            raise ValueError(f"{self.name}: a level stands twice in the truth")

    @property
    def is_positive(self) -> bool | None:
        """Whether a vertebra has grade 2 or more; None where too few were graded to say no."""
        if any((x.grade or 0) >= COUNTED_GRADE for x in self.vertebrae):
            return True
        judged = [x.grade is not None for x in self.vertebrae if x.is_whole and x.level.is_graded]
        return False if judged and all(judged) else None

    @property
    def points_by_level(self) -> dict[Level, Float64Array]:
        """The six points of the vertebrae that have them."""
        return {x.level: x.points_lps_mm for x in self.vertebrae if x.points_lps_mm is not None}
