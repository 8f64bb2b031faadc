"""Which words of a sentence belong to which term, and which levels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from spondyl.study.mentions.levels import LevelGroup, part_of
from spondyl.study.mentions.marks import Line
from spondyl.study.mentions.terms import Found

_MOST_WORDS_BEFORE_TERM = 2  # between a level and the term that it leads to

_ADJECTIVES = ("mild", "moderate", "severe", "chronic", "recent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A term and the words that speak of it: start to end (excluded), with the levels among them."""

    term: Found
    start: int
    end: int
    levels: tuple[LevelGroup, ...]


def cut_segments(line: Line, terms: list[Found]) -> list[Segment]:
    """Share a sentence's words and levels among its terms, in order.

    Between two terms the cut is at the last conjunction, comma or bracket; levels that lead straight to the
    second term ("old fracture of L1, L3 collapse") go with it.
    """
    if not terms:
        return []
    groups = list(line.levels)
    cuts = [0]
    for left, right in pairwise(terms):
        groups = _split_shared_list(line, left, right, groups)
        cuts.append(max(_cut(line, left, right, groups), cuts[-1]))
    cuts.append(len(line.words))
    return [
        Segment(
            term=term,
            start=start,
            end=end,
            levels=tuple(g for g in groups if start <= g.start and g.end <= end),
        )
        for term, start, end in zip(terms, cuts[:-1], cuts[1:], strict=True)
    ]


def _split_shared_list(line: Line, left: Found, right: Found, groups: list[LevelGroup]) -> list[LevelGroup]:
    """As in "fracture of T12 and L1 metastasis": the last level of the list belongs to the term behind it."""
    for i, group in enumerate(groups):
        is_between = left.end <= group.start and group.end <= right.start
        is_shared = (
            is_between
            and len(group.atoms) > 1
            and not group.is_pair
            and _is_open(line, left.end, group.start)
            and _leads_to(line, group.end, right.start)
        )
        if is_shared and line.words[group.atoms[-1].start - 1] in {",", *_and_words(line)}:
            return [
                *groups[:i],
                part_of(group, group.atoms[:-1]),
                part_of(group, group.atoms[-1:]),
                *groups[i + 1 :],
            ]
    return groups


def _and_words(line: Line) -> set[str]:
    return {line.words[span.start] for span in line.spans("and")}


def _is_open(line: Line, start: int, end: int) -> bool:
    """Whether no boundary lies between two words."""
    return not line.boundaries(start, end)


def _leads_to(line: Line, start: int, end: int) -> bool:
    """Whether words after a level lead straight to a term: no boundary, no preposition, no verb."""
    between = line.words[start:end]
    is_plain = not any(word in line.language.word_sets["preposition"] for word in between)
    is_near = len(between) <= _MOST_WORDS_BEFORE_TERM
    return is_plain and is_near and _is_open(line, start, end) and not _has_cue(line, start, end)


def _has_cue(line: Line, start: int, end: int) -> bool:
    kinds = ("negation_before", "uncertain_before", "probable_before")
    return any(line.has(kind, start, end) for kind in kinds)


def _cut(line: Line, left: Found, right: Found, groups: list[LevelGroup]) -> int:
    """The first word of the right term's segment."""
    boundaries = line.boundaries(left.end, right.start)
    between = [g for g in groups if left.end <= g.start and g.end <= right.start]
    if between and _leads_to(line, between[-1].end, right.start):
        last = between[-1]
        before = [at for at in boundaries if at < last.start]
        earlier = between[-2].end if len(between) > 1 else left.end
        if any(at >= earlier for at in before) or last.start == earlier:
            return _run_start(before, last.start)
        if len(between) > 1 and last.start - earlier <= 1:
            return earlier
    exceptions = [span.start for span in line.spans("scope_end", left.end, right.start)]
    if between and any(at < between[-1].start for at in exceptions):
        return _run_start([at for at in boundaries if at < between[-1].start], exceptions[0])
    if right.is_proxy and boundaries:
        return boundaries[-1]
    if boundaries:
        return _run_start(boundaries, right.start)
    cues = [
        span.start
        for kind in ("negation_before", "uncertain_before", "probable_before")
        for span in line.spans(kind, left.end, right.start)
    ]
    return min(cues, default=_first_adjective(line, right.start, left.end))


def _first_adjective(line: Line, start: int, low: int) -> int:
    """Where the adjectives begin that stand directly before a term: "resulted in complete collapse"."""
    if line.language.adjective_after:
        return start
    while True:
        before = [
            span.start for kind in _ADJECTIVES for span in line.spans(kind, low, start) if span.end == start
        ]
        if not before:
            return start
        start = min(before)


def _run_start(boundaries: list[int], default: int) -> int:
    """The first of the last boundaries that stand side by side (", and with")."""
    if not boundaries:
        return default
    start = boundaries[-1]
    for at in reversed(boundaries[:-1]):
        if at != start - 1:
            break
        start = at
    return start
