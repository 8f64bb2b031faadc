"""Age and severity of a term, shared among its levels where they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from spondyl.domain.level import Level
from spondyl.study.mentions.levels import LevelGroup
from spondyl.study.mentions.marks import Line, Span
from spondyl.study.mentions.model import Age
from spondyl.study.mentions.segments import Segment
from spondyl.study.mentions.terms import Found

_FRACTIONS_PERCENT = {"quarter": 25, "third": 33, "half": 50, "two_thirds": 67, "three_quarters": 75}
_AGE_OF = {"recent": Age.RECENT, "chronic": Age.CHRONIC, "old_change": Age.CHRONIC}
_WORDS = ("mild", "moderate", "severe")
_PERCENT = "percent:"
_REACH = 6  # words between a severity and its noun
_MOST_PERCENT = 100
_AFTER_POINTER = 4  # words between "the latter" and its quality
_BEFORE_INSERTED = 2  # words between a comma and its quality: ", more severe,"
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """A word of age or severity: words start to end (excluded), and what it says."""

    start: int
    end: int
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What holds for some levels of a term: None where nothing is said. levels is empty without a level."""

    levels: tuple[Level, ...]
    age: Age
    severity: str | None


def find_ages(line: Line, segment: Segment) -> list[Quality]:
    """The words of age in a segment. Source: the labelling guideline, "Age"."""
    excluded = list(line.spans("not_chronic"))
    found = [
        Quality(start=span.start, end=span.end, value=age.value)
        for kind, age in _AGE_OF.items()
        for span in line.spans(kind, segment.start, segment.end)
        if not any(x.start <= span.start and span.end <= x.end for x in excluded)
        and not _is_of_noun(line, span)
    ]
    return sorted(found, key=lambda quality: quality.start)


def _is_of_noun(line: Line, span: Span) -> bool:
    """Whether an age stands beside another noun, on the side of its language: "new pain"."""
    if line.language.adjective_after:
        return any(noun.end == span.start for noun in line.spans("noun"))
    return any(noun.start == span.end for noun in line.spans("noun"))


def find_severities(line: Line, segment: Segment, groups: Sequence[LevelGroup]) -> list[Quality]:
    """The words and numbers of severity of the vertebral body in a segment. Source: guideline, "Severity"."""
    percents = [x for x in _percents(line, segment) if _is_of_body(line, segment, groups, x)]
    excluded = line.marks.get("not_graded", ())
    words = [
        Quality(start=span.start, end=span.end, value=kind)
        for kind in _WORDS
        for span in line.spans(kind, segment.start, segment.end)
        if not any(x.start < span.end and span.start < x.end for x in excluded)
    ]
    words = [x for x in words if not segment.term.is_treatment and _is_of_body(line, segment, groups, x)]
    if segment.term.is_severe:
        words.append(Quality(start=segment.term.start, end=segment.term.end, value="severe"))
    return sorted([*percents, *words], key=lambda quality: quality.start)


def share(
    line: Line, segment: Segment, groups: Sequence[LevelGroup], ages: list[Quality], severities: list[Quality]
) -> list[Shared]:
    """Age and severity for each level of a term; levels of which the same is said stay together."""
    levels = list(dict.fromkeys(level for group in groups for level in group.levels))
    if len(levels) < len("ab") or not (ages or severities):
        only = Shared(levels=tuple(levels), age=_age(line, segment, ages), severity=_severity(severities))
        return [only]
    by_level_severity = _by_level(line, groups, levels, severities, _severity)
    by_level_age = _by_level(line, groups, levels, ages, lambda found: _age(line, segment, found))
    shared: dict[tuple[Age, str | None], list[Level]] = {}
    for level in levels:
        shared.setdefault((by_level_age[level], by_level_severity[level]), []).append(level)
    return [
        Shared(levels=tuple(some), age=age, severity=severity) for (age, severity), some in shared.items()
    ]


# -------------------------------------------------------------------------------------- values
def _age(line: Line, segment: Segment, found: list[Quality]) -> Age:
    """One age of several words: none where a choice is left open, else that nearest to the term."""
    values = {x.value for x in found}
    if not values:
        return Age.UNSPECIFIED
    if len(values) > 1 and _is_choice(line, found):
        return Age.UNSPECIFIED
    if len(values) > 1:
        nearest = min(found, key=lambda x: (_distance(x, segment.term), x.start))
        return Age(nearest.value)
    return Age(found[0].value)


def _is_choice(line: Line, found: list[Quality]) -> bool:
    """As in "recent or old"."""
    return any(
        a.value != b.value and line.has("or", a.end, b.start) and b.start - a.end <= _REACH
        for a, b in pairwise(found)
    )


def _distance(one: Quality, other: Found) -> int:
    return max(one.start - other.end, other.start - one.end, 0)


def _severity(found: list[Quality]) -> str | None:
    """Percent beats words; the highest of several."""
    percents = [int(x.value.removeprefix(_PERCENT)) for x in found if x.value.startswith(_PERCENT)]
    if percents:
        return f"{_PERCENT}{max(percents)}"
    words = [_WORDS.index(x.value) for x in found]
    return _WORDS[max(words)] if words else None


def _percents(line: Line, segment: Segment) -> Iterator[Quality]:
    """Percentages and fractions in a segment; of a range the upper bound, none of the past."""
    for at in range(segment.start, segment.end):
        if line.words[at][0].isdigit() and _is_percent(line, at + 1):
            start = _range_start(line, at)
            value = round(float(line.words[at].replace(",", ".")))
            if not _is_past(line, start, at + 2) and value <= _MOST_PERCENT:
                yield Quality(start=start, end=at + 2, value=f"{_PERCENT}{value}")
    excluded = list(line.spans("not_fraction"))
    for kind, percent in _FRACTIONS_PERCENT.items():
        for span in line.spans(kind, segment.start, segment.end):
            inside = any(x.start < span.end and span.start < x.end for x in excluded)
            if not inside and not _is_within_longer(line, kind, span):
                yield Quality(start=span.start, end=span.end, value=f"{_PERCENT}{percent}")


def _is_within_longer(line: Line, kind: str, span: Span) -> bool:
    """As in "third" in "two thirds"."""
    return any(
        other.start <= span.start and span.end <= other.end and other != span
        for name in _FRACTIONS_PERCENT
        if name != kind
        for other in line.spans(name)
    )


def _is_percent(line: Line, at: int) -> bool:
    if line.words[at : at + 1] == ["%"] or (
        at < len(line.words) and line.words[at] in line.language.word_sets["percent"]
    ):
        return True
    return "_".join(line.words[at : at + 2]) in {"per_cent", "pour_cent"}


def _range_start(line: Line, at: int) -> int:
    """The first word of a range that ends in a number: "30 % to 40 %", "30-40 %"."""
    joins = line.language.word_sets["joins_range"]
    if at >= len("30 to") - 3 and line.words[at - 1] in joins:
        before = at - 2 - (line.words[at - 2] == "%")
        if before >= 0 and line.words[before].isdigit():
            return before
    return at


def _is_past(line: Line, start: int, end: int) -> bool:
    """Whether a percentage is that of an earlier examination: "previously 40 %", "40 % auparavant".

    A word of the past with a percentage on either side is of the second: "70 % compared with 40 %".
    """
    if any(span.end == start for span in line.spans("past")):
        return True
    return any(span.start == end and not _is_percentage(line, span.end) for span in line.spans("past"))


def _is_percentage(line: Line, at: int) -> bool:
    return at < len(line.words) and line.words[at][0].isdigit() and _is_percent(line, at + 1)


# --------------------------------------------------------------------- whose severity it is
def _is_of_body(line: Line, segment: Segment, groups: Sequence[LevelGroup], quality: Quality) -> bool:
    """Whether a severity is of the vertebra, not of kyphosis, canal, retropulsion or pain."""
    start, end = _chunk(line, segment, quality)
    nouns = [span for span in line.spans("noun", start, end) if not _covers(span, segment.term)]
    if not nouns:
        return quality.value.startswith(_PERCENT) or not _is_of_unknown(
            line, segment, groups, quality, start, end
        )
    own = [
        Span(segment.term.start, segment.term.end),
        *(Span(g.start, g.end) for g in groups),
    ]
    own = [span for span in own if start <= span.start and span.end <= end]
    return _pull(line, quality, own) < _pull(line, quality, nouns)


def _is_of_unknown(
    line: Line, segment: Segment, groups: Sequence[LevelGroup], quality: Quality, start: int, end: int
) -> bool:
    """Whether "with" leads to a noun that is not known: "in a patient with severe COPD"."""
    if not any(span.start == start for span in line.spans("with")):
        return False
    small = line.language.word_sets["transparent"] | line.language.word_sets["preposition"]
    taken = {*range(segment.term.start, segment.term.end), *range(quality.start, quality.end), start}
    taken |= {at for group in groups for at in range(group.start, group.end)}
    inside = range(start, end)
    has_own = any(at in inside for at in range(segment.term.start, segment.term.end))
    return not has_own and any(
        line.words[at].isalpha() and line.words[at] not in small for at in inside if at not in taken
    )


def _chunk(line: Line, segment: Segment, quality: Quality) -> tuple[int, int]:
    """The words around a severity up to the next boundaries; past an "and" where it stands alone."""
    boundaries = line.boundaries(segment.start, segment.end)
    start = max((at for at in boundaries if at < quality.start), default=segment.start)
    later = [at for at in boundaries if at >= quality.end]
    if (
        later
        and later[0] == quality.end
        and quality.start - start <= 1
        and line.words[later[0]] not in {",", ")"}
    ):
        later = later[1:]
    return start, later[0] if later else segment.end


def _covers(span: Span, term: Found) -> bool:
    return span.start < term.end and term.start < span.end


def _pull(line: Line, quality: Quality, nouns: list[Span]) -> float:
    """How far a noun is from its adjective; a boundary between, and the unusual side, count as distance."""
    return min((_distance_to(line, quality, noun) for noun in nouns), default=float("inf"))


def _distance_to(line: Line, quality: Quality, noun: Span) -> float:
    is_before = quality.end <= noun.start
    start, end = (quality.end, noun.start) if is_before else (noun.end, quality.start)
    steps = max(end - start, 0) + len(line.boundaries(start, end)) * _REACH
    is_unusual = is_before == line.language.adjective_after
    return steps + (1.5 if is_unusual and not line.language.adjective_after else 0.5 if is_unusual else 0)


# ----------------------------------------------------------------------------- per level
def _by_level(
    line: Line,
    groups: Sequence[LevelGroup],
    levels: list[Level],
    found: list[Quality],
    value: Callable[[list[Quality]], _Value],
) -> dict[Level, _Value]:
    """The value of each level: shared out where words stand beside single levels, else one for all."""
    if line.has("respectively") and len(found) == len(levels):
        return {level: value([quality]) for level, quality in zip(levels, found, strict=True)}
    owned: dict[Level, list[Quality]] = {}
    for_all = []
    are_many = len({quality.value for quality in found}) > 1
    all_lead = all(_next_group(line, groups, quality) is not None for quality in found)
    for quality in found:
        following = _next_group(line, groups, quality) if are_many and all_lead else None
        owners = following.levels if following else _owners(line, groups, quality, are_many=are_many)
        for level in owners:
            owned.setdefault(level, []).append(quality)
        if not owners:
            for_all.append(quality)
    return {level: value(owned.get(level) or for_all) for level in levels}


def _next_group(line: Line, groups: Sequence[LevelGroup], quality: Quality) -> LevelGroup | None:
    """The levels that a quality leads to: "severe T9", "severe de T9"."""
    after = next((g for g in groups if quality.end <= g.start), None)
    return after if after is not None and _leads_to(line, quality.end, after.start) else None


def _owners(
    line: Line, groups: Sequence[LevelGroup], quality: Quality, *, are_many: bool
) -> tuple[Level, ...]:
    """The levels that a word of age or severity is about, none where it is about all."""
    for kind, at in (("latter", -1), ("former", 0)):
        if any(0 <= quality.start - span.end <= _AFTER_POINTER for span in line.spans(kind)):
            earlier = [level for g in groups if g.end <= quality.start for level in g.levels]
            return (earlier[at],) if earlier else ()
    before = next((g for g in reversed(groups) if g.end <= quality.start), None)
    after = next((g for g in groups if quality.end <= g.start), None)
    leads = after is not None and _leads_to(line, quality.end, after.start)
    if are_many or _is_bracketed(line, quality, before, groups):
        chosen = after if leads and (before is None or quality.start - before.end > 1) else before
        return chosen.levels if chosen else ()
    if leads and after is not None and _is_repeated(after, groups):
        return after.levels
    if before is not None and after is not None and _is_inserted(line, quality, before, after):
        return after.levels
    is_beside = before is not None and quality.start - before.end <= 1 and _is_repeated(before, groups)
    return before.levels if before is not None and is_beside else ()


def _leads_to(line: Line, start: int, end: int) -> bool:
    """Whether only small words stand between a quality and the levels behind it: "severe at L1"."""
    small = line.language.levels.between_items | line.language.word_sets["preposition"]
    return all(word in small for word in line.words[start:end])


def _is_bracketed(
    line: Line, quality: Quality, before: LevelGroup | None, groups: Sequence[LevelGroup]
) -> bool:
    """As in "T11 (severe) and L2": in brackets behind a level that is not the last."""
    if before is None or line.words[before.end : before.end + 1] != ["("]:
        return False
    others = [
        group for group in groups if group is not before and line.words[group.end : group.end + 1] == ["("]
    ]
    if before is groups[-1] and not others:
        return False
    return ")" not in line.words[before.end : quality.start]


def _is_inserted(line: Line, quality: Quality, before: LevelGroup, after: LevelGroup) -> bool:
    """As in "T4-6 and, more severe, T9": between commas, right before the levels."""
    small = line.language.levels.between_items | line.language.word_sets["preposition"] | {","}
    opened = "," in line.words[max(before.end, quality.start - _BEFORE_INSERTED) : quality.start]
    closed = line.words[quality.end : quality.end + 1] == [","]
    return opened and closed and all(word in small for word in line.words[quality.end : after.start])


def _is_repeated(group: LevelGroup, groups: Sequence[LevelGroup]) -> bool:
    """Whether all levels of a group have been named before it."""
    earlier = {level for other in groups if other.end <= group.start for level in other.levels}
    return set(group.levels) < earlier
