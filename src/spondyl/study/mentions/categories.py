"""From mentions to a category per level and per case, and the three definitions of "not reported"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from spondyl.domain.level import STANDARD_LEVELS, Level
from spondyl.study.mentions.model import UNSPECIFIED, Category, Mention, Status, Term

_ORDER = (*(level.value for level in Level), UNSPECIFIED)
_STATED = frozenset({Status.AFFIRMED, Status.PROBABLE})
# place among the standard levels; a variant (T13, L6) stands where the level before it does
_PLACES = {level: sum(x.order <= level.order for x in STANDARD_LEVELS) for level in Level}


class NotReported(StrEnum):
    """Which categories count as a fracture that the report leaves out. Source: clinical-methods 5.3.

    The seed study says "absent from radiology reports"; whether another diagnosis at that level is absence
    it leaves open, so its reading is given both ways.
    """

    STRICT = "strict"
    SEED_LIKE = "seed_like"
    SEED_LIKE_WITH_OTHER_DIAGNOSIS = "seed_like_with_other_diagnosis"
    BROAD = "broad"

    @property
    def categories(self) -> frozenset[Category]:
        """The categories that count as not reported."""
        return _NOT_REPORTED[self]


_NOT_REPORTED = {
    NotReported.STRICT: frozenset({Category.N, Category.X}),
    NotReported.SEED_LIKE: frozenset({Category.N, Category.X}),
    NotReported.SEED_LIKE_WITH_OTHER_DIAGNOSIS: frozenset({Category.N, Category.X, Category.R0B}),
    NotReported.BROAD: frozenset(Category) - {Category.R1, Category.R2},
}


def per_level(mentions: Iterable[Mention]) -> dict[str, Category]:
    """Category of each level named, from head to foot; mentions without a level under "unspecified"."""
    by_level: dict[str, list[Mention]] = {}
    for mention in mentions:
        for level in mention.levels or (UNSPECIFIED,):
            by_level.setdefault(level, []).append(mention)
    names = [name for name in _ORDER if name in by_level] if by_level else []
    found = {name: _category(by_level[name], has_level=name != UNSPECIFIED) for name in names}
    return {name: category for name, category in found.items() if category != Category.N}


def case_category(levels: Mapping[str, Category]) -> Category:
    """The highest category of any level, N where none is named."""
    return min(levels.values(), key=lambda category: category.rank, default=Category.N)


def vertebra_category(levels: Mapping[str, Category], level: Level, tolerance_levels: int = 1) -> Category:
    """What the report says of one vertebra: the highest category within a numbering tolerance of levels.

    A fracture reported without its level counts as R1 for each vertebra, since it names none wrongly.
    """
    near = {x.value for x in Level if abs(_PLACES[x] - _PLACES[level]) <= tolerance_levels} | {UNSPECIFIED}
    return case_category({name: category for name, category in levels.items() if name in near})


def _category(mentions: list[Mention], *, has_level: bool) -> Category:
    stated = [m for m in mentions if m.status in _STATED]
    if any(m.term is Term.STRONG for m in stated):
        graded = any(m.severity is not None and m.term is not Term.OTHER_DIAGNOSIS for m in stated)
        return Category.R2 if graded and has_level else Category.R1
    others = [(m.term is Term.OTHER_DIAGNOSIS, m.term is Term.STRONG, m.status) for m in mentions]
    if any(m.term is Term.WEAK for m in stated) or any(
        status is Status.UNCERTAIN and not is_other for is_other, _, status in others
    ):
        return Category.R0A
    if any(is_other for is_other, _, _ in others):
        return Category.R0B
    if any(status is Status.HISTORY for _, _, status in others):
        return Category.R0C
    if any(is_strong and status is Status.NEGATED for _, is_strong, status in others):
        return Category.X
    return Category.N
