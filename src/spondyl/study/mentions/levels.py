"""Vertebral levels in a line of words: T11-L1, D8 et D9, T7, 8 and 9, the first lumbar vertebra."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from spondyl.domain.level import STANDARD_LEVELS, Level
from spondyl.study.mentions.language import LevelWords

_LETTERS_AND_NUMBER = re.compile(r"([a-z]{1,2})(\d{1,2})")
_ROMAN = {
    "lii": "L2", "liii": "L3", "liv": "L4", "dvi": "T6", "dvii": "T7", "dviii": "T8", "dxi": "T11",
    "dxii": "T12", "txi": "T11", "txii": "T12",
}  # fmt: skip
_LAST = {"C": "C7", "T": "T12", "L": "L5"}
# what a number before them counts, so that it is no level
# fmt: off
_UNITS = frozenset({
    "%", "mm", "cm", "ml", "hu", "uh", "ho", "mg", "x", "deg", "percent", "per", "pour", "year",
    "years", "month", "months", "week", "weeks", "day", "days", "an", "ans", "mois", "semaines",
    "jours", "tiers", "quarts", "thirds", "th", "rd", "nd",
})
# fmt: on
_MOST_SMALL_WORDS = 3  # between a join and the next level: "to the level of L1"
_WORDS_TO_REGION = 3  # "first and second lumbar vertebrae"


@dataclass(frozen=True, slots=True, kw_only=True)
class Atom:
    """One level as written: words start to end (excluded)."""

    start: int
    end: int
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelGroup:
    """Levels written as one list or range, in the order written.

    atoms: the levels as written, without those that a range fills in. is_pair: two levels joined by a dash
    or a stroke, as a disc is named.
    """

    start: int
    end: int
    levels: tuple[Level, ...]
    atoms: tuple[Atom, ...]
    is_pair: bool


def find_levels(words: list[str], spoken: LevelWords) -> list[LevelGroup]:
    """Every group of levels in the words, in order."""
    groups = []
    at = 0
    while at < len(words):
        word = words[at]
        if not word[-1].isdigit() and word not in spoken.starters and word not in _ROMAN:
            at += 1
            continue
        group = _group(words, at, spoken)
        if group is None:
            at += 1
        else:
            groups.append(group)
            at = group.end
    return groups


def part_of(group: LevelGroup, atoms: tuple[Atom, ...]) -> LevelGroup:
    """A group of only some of another one's levels as written; ranges between them stay."""
    first, last = atoms[0].level.order, atoms[-1].level.order
    inside = tuple(x for x in group.levels if min(first, last) <= x.order <= max(first, last))
    written = {atom.level for atom in atoms}
    levels = tuple(x for x in inside if x in written or x not in {a.level for a in group.atoms})
    return LevelGroup(start=atoms[0].start, end=atoms[-1].end, levels=levels, atoms=atoms, is_pair=False)


def _group(words: list[str], at: int, spoken: LevelWords) -> LevelGroup | None:
    atoms = _ordinal_atoms(words, at, spoken)
    levels = [atom.level for atom in atoms]
    if not atoms:
        first = _atom(words, at, spoken)
        if first is None:
            return None
        atoms, levels = [first], [first.level]
    joined_by: list[str] = []
    while True:
        follower = _follower(words, atoms[-1], spoken, between=_is_between(words, atoms[0].start, spoken))
        if follower is None:
            break
        atom, is_range, join = follower
        if atom.level in levels:
            break  # "metastasis of T3, T3 not fractured"
        joined_by.append(join)
        levels.extend(_between(levels[-1], atom.level) if is_range else ())
        levels.append(atom.level)
        atoms.append(atom)
    pair = len(atoms) == len("ab") and joined_by[-1:] in (["-"], ["/"])
    unique = tuple(dict.fromkeys(levels))
    return LevelGroup(
        start=atoms[0].start, end=atoms[-1].end, levels=unique, atoms=tuple(atoms), is_pair=pair
    )


def _is_between(words: list[str], start: int, spoken: LevelWords) -> bool:
    """Whether "between" stands before the first level: then "and" joins a range."""
    return any(word in spoken.range_pair for word in words[max(0, start - 2) : start])


def _atom(words: list[str], at: int, spoken: LevelWords) -> Atom | None:
    """A level that begins at a word."""
    word = words[at]
    if word in spoken.named:
        return Atom(start=at, end=at + 1, level=spoken.named[word])
    if word in _ROMAN:
        return Atom(start=at, end=at + 1, level=Level(_ROMAN[word]))
    match = _LETTERS_AND_NUMBER.fullmatch(word)
    if match:
        level = _level(spoken.prefixes.get(match[1]), match[2])
        return Atom(start=at, end=at + 1, level=level) if level else None
    if word in spoken.prefixes:
        return _spaced_atom(words, at, spoken.prefixes[word])
    return None


def _spaced_atom(words: list[str], at: int, region: str) -> Atom | None:
    """L 1 and L-1."""
    number_at = at + 1 + (words[at + 1 : at + 2] == ["-"])
    if number_at >= len(words) or (number_at + 1 < len(words) and words[number_at + 1] in _UNITS):
        return None
    level = _level(region, words[number_at])
    return Atom(start=at, end=number_at + 1, level=level) if level else None


def _level(region: str | None, number: str) -> Level | None:
    """The level of a region letter and a number, None where there is no such vertebra."""
    name = f"{region}{number}"
    return Level(name) if name in _NAMES else None


_NAMES = frozenset(level.value for level in Level)


def _ordinal_atoms(words: list[str], at: int, spoken: LevelWords) -> list[Atom]:
    """First and second lumbar; 12e dorsale; derniere vertebre thoracique."""
    ordinals = list(_ordinals(words, at, spoken))
    if not ordinals:
        return []
    after = ordinals[-1][1]
    for place in range(after, min(after + _WORDS_TO_REGION, len(words))):
        region = spoken.region_words.get(words[place])
        if region is not None:
            return _region_atoms(words, ordinals, place, region, spoken)
        if words[place] not in spoken.between_items:
            return []
    return []


def _region_atoms(
    words: list[str], ordinals: list[tuple[int, int, int | None]], place: int, region: str, spoken: LevelWords
) -> list[Atom]:
    if any(word in spoken.not_word_level for word in words[place + 1 : place + 2]):
        return []
    atoms = []
    for i, (start, end, number) in enumerate(ordinals):
        level = Level(_LAST[region]) if number is None else _level(region, str(number))
        if level is None:
            return []
        atoms.append(Atom(start=start, end=place + 1 if i + 1 == len(ordinals) else end, level=level))
    return atoms


def _ordinals(words: list[str], at: int, spoken: LevelWords) -> Iterator[tuple[int, int, int | None]]:
    """Ordinals from a word on, joined by a list's joins: start, end and number, None for the last one."""
    while at < len(words):
        found = _ordinal(words, at, spoken)
        if found is None:
            return
        end, number = found
        yield at, end, number
        if end >= len(words) or spoken.joins.get((words[end],), True):
            return
        at = end + 1
        while at < len(words) and words[at] in spoken.between_items:
            at += 1


def _ordinal(words: list[str], at: int, spoken: LevelWords) -> tuple[int, int | None] | None:
    word = words[at]
    if word in spoken.last:
        return at + 1, None
    if word in spoken.numbers:
        return at + 1, spoken.numbers[word]
    if word.isdigit() and at + 1 < len(words) and words[at + 1] in spoken.ordinal_suffixes:
        return at + 2, int(word)
    return None


def _follower(
    words: list[str], before: Atom, spoken: LevelWords, *, between: bool
) -> tuple[Atom, bool, str] | None:
    """The next level of a list or range, whether it ends a range, and the join's first word."""
    join_end, is_range = _join(words, before.end, spoken)
    place = join_end
    for _ in range(_MOST_SMALL_WORDS + 1):
        if place >= len(words):
            return None
        atom = _atom(words, place, spoken) or _bare_number(words, place, join_end, before, is_range=is_range)
        if atom is not None:
            join = words[before.end] if join_end > before.end else ""
            return atom, is_range or (between and join_end > before.end), join
        if words[place] not in spoken.between_items:
            return None
        place += 1
    return None


def _join(words: list[str], at: int, spoken: LevelWords) -> tuple[int, bool]:
    """The longest join at a word, after which small words may stand; none is a join of no words."""
    best, is_range = at, False
    # "T8 vertebra and T9": words of the vertebra may stand before the join
    start = at
    while start < len(words) and start - at < _MOST_SMALL_WORDS and words[start] in spoken.between_items:
        start += 1
    for begin in {at, start}:
        for length in range(1, 5):
            known = spoken.joins.get(tuple(words[begin : begin + length]))
            if known is not None and begin + length > best:
                best, is_range = begin + length, known
    if words[best : best + 1] and tuple(words[best : best + 1]) in spoken.joins and words[best - 1] == ",":
        is_range, best = spoken.joins[words[best],], best + 1  # ", and"
    return best, is_range


def _bare_number(words: list[str], at: int, join_end: int, before: Atom, *, is_range: bool) -> Atom | None:
    """T10-12 and T7, 8 and 9: a number alone takes the region of the level before it."""
    word = words[at]
    if at != join_end or join_end == before.end or not word.isdigit():
        return None
    follows = words[at + 1] if at + 1 < len(words) else ""
    is_alone = follows not in _UNITS and not follows.startswith("mm")
    if words[join_end - 1] == "," and not is_range:
        is_alone = is_alone and follows in {",", "and", "et", "&", "-", "or", "ou"}
    level = _level(before.level.value[0], word) if is_alone else None
    return Atom(start=at, end=at + 1, level=level) if level and level.order > before.level.order else None


def _between(one: Level, other: Level) -> Iterator[Level]:
    """The standard levels strictly between two, in the direction written."""
    low, high = sorted((one.order, other.order))
    inside = [level for level in STANDARD_LEVELS if low < level.order < high]
    return iter(inside if one.order < other.order else inside[::-1])
