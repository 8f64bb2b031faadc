"""Names of vertebral levels, their order from head to foot, and their VerSe label numbers."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """A vertebral level. T13 and L6 are numbering variants; S1 is the first sacral segment."""

    C1 = "C1"
    C2 = "C2"
    C3 = "C3"
    C4 = "C4"
    C5 = "C5"
    C6 = "C6"
    C7 = "C7"
    T1 = "T1"
    T2 = "T2"
    T3 = "T3"
    T4 = "T4"
    T5 = "T5"
    T6 = "T6"
    T7 = "T7"
    T8 = "T8"
    T9 = "T9"
    T10 = "T10"
    T11 = "T11"
    T12 = "T12"
    T13 = "T13"
    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"
    L5 = "L5"
    L6 = "L6"
    S1 = "S1"

    @property
    def order(self) -> int:
        """Position from head to foot: C1 = 0 ... S1 = 26."""
        return _ORDER[self]

    @property
    def verse_label(self) -> int:
        """Number of this level in the VerSe label scheme (T13 = 28, sacrum = 26)."""
        return _VERSE[self]

    @property
    def is_graded(self) -> bool:
        """Whether this level is measured and graded: T1 to L6."""
        return Level.T1.order <= self.order <= Level.L6.order


_ORDER: dict[Level, int] = {level: index for index, level in enumerate(Level)}
_VERSE: dict[Level, int] = {
    **{level: number for number, level in enumerate([x for x in Level if x != Level.T13], start=1)},
    Level.T13: 28,
}
STANDARD_LEVELS: tuple[Level, ...] = tuple(x for x in Level if x not in {Level.T13, Level.L6})
