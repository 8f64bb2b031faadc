"""Where a term is: the vertebrae it names, a word for the spine, or another bone."""

from __future__ import annotations

from dataclasses import dataclass

from spondyl.study.mentions.levels import LevelGroup, part_of
from spondyl.study.mentions.marks import Line, Span
from spondyl.study.mentions.model import Term
from spondyl.study.mentions.segments import Segment
from spondyl.study.mentions.terms import Found

_ADJECTIVES = 2  # words that may stand between a bone and the term it belongs to


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a term of a sentence is.

    groups: the levels it names. is_spine: a word of the spine speaks of it. is_elsewhere: another bone, a
    process of a vertebra, or a disc.
    """

    groups: tuple[LevelGroup, ...]
    is_spine: bool
    is_elsewhere: bool


def find_site(line: Line, segment: Segment, *, is_negated: bool) -> Site:
    """Where the term of a segment is. A level that is said to be normal is not the term's."""
    groups = tuple(
        kept
        for group in segment.levels
        for kept in _kept_part(line, group, is_negated=is_negated)
        if not _is_corrected(line, group)
    )
    groups = _of_the_term(line, segment, groups)
    spine = _spine_words(line, segment.start, segment.end)
    is_elsewhere = _is_process(line, segment, groups, spine) or _is_other_bone(line, segment, groups, spine)
    return Site(groups=groups, is_spine=bool(spine), is_elsewhere=is_elsewhere)


def _kept_part(line: Line, group: LevelGroup, *, is_negated: bool) -> tuple[LevelGroup, ...]:
    """A group, without the levels right before "normal" or "intact"."""
    at = group.end
    small = line.language.levels.between_items | line.language.word_sets["transparent"]
    while at < len(line.words) and line.words[at] in small:
        at += 1
    if is_negated:
        return (group,)
    if any(span.end == group.start for span in line.spans("normal")):
        return ()
    if not any(span.start == at for span in line.spans("normal")):
        return (group,)
    for i in range(len(group.atoms) - 1, 0, -1):
        descends = group.atoms[i].level.order < group.atoms[i - 1].level.order
        is_new_item = line.words[group.atoms[i - 1].end : group.atoms[i].start] == [","]
        if descends or is_new_item:
            return (part_of(group, group.atoms[:i]),)
    return ()


def _is_corrected(line: Line, group: LevelGroup) -> bool:
    """As in "L2, not L1": the level behind the words is the wrong one."""
    small = line.language.levels.between_items
    if any(0 <= group.start - span.end <= 1 for span in line.spans("ellipsis")):
        return False
    for span in line.spans("wrong_level", 0, group.start):
        between = line.words[span.end : group.start]
        others = [x for x in line.levels if x is not group]
        if others and all(
            word in small or word in line.language.word_sets["preposition"] for word in between
        ):
            return True
    return False


def _of_the_term(line: Line, segment: Segment, groups: tuple[LevelGroup, ...]) -> tuple[LevelGroup, ...]:
    """The groups that the term names, not those of a noun between ("with kyphosis at T12")."""
    end = segment.term.end
    near = [group for group in groups if not _has_noun_between(line, end, group)]
    return tuple(near) if near else groups


def _has_noun_between(line: Line, end: int, group: LevelGroup) -> bool:
    if group.start < end:
        return False
    return any(not _is_in_brackets(line, span) for span in line.spans("noun", end, group.start))


def _is_in_brackets(line: Line, span: Span) -> bool:
    opened = [at for at in range(span.start) if line.words[at] == "("]
    closed = [at for at in range(span.start) if line.words[at] == ")"]
    return len(opened) > len(closed)


def _spine_words(line: Line, start: int, end: int) -> list[Span]:
    """Words of the spine, without those of the canal, its content and the joints."""
    masks = list(line.spans("site_not_spine"))
    return [
        span
        for span in line.spans("site_spine", start, end)
        if not any(mask.start < span.end and span.start < mask.end for mask in masks)
    ]


def _is_process(line: Line, segment: Segment, groups: tuple[LevelGroup, ...], spine: list[Span]) -> bool:
    """As in "fracture of the transverse process of L2", "L2 transverse process fracture"."""
    term = segment.term
    if term.term is Term.OTHER_DIAGNOSIS or term.is_treatment:
        return False
    if any(not _is_of_process(line, group) for group in groups if group.start >= term.end):
        return False
    sites = [*(g.start for g in groups), *(span.start for span in spine if not _in_process(line, span))]
    for span in line.spans("site_process", segment.start, segment.end):
        if _is_beside_before(line, span, term) or _is_beside_after(line, span, term):
            return True
        is_after = span.start >= term.end and not _has_word(line, term.end, span.start, ("with", "scope_end"))
        if is_after and not any(term.end <= at < span.start or at < term.start for at in sites):
            return True
        if is_after and (any(group.end == span.start for group in groups) or _leads_on(line, term, span)):
            return True
    return False


def _is_of_process(line: Line, group: LevelGroup) -> bool:
    """Whether levels stand beside a process: "pedicles of L3", "L3 transverse process"."""
    small = line.language.levels.between_items | line.language.word_sets["preposition"]
    for span in line.spans("site_process"):
        between = line.words[span.end : group.start] if span.end <= group.start else []
        if span.start == group.end or (span.end <= group.start and _is_plain(line, between, small)):
            return True
    return False


def _is_plain(line: Line, words: list[str], small: frozenset[str]) -> bool:
    """Whether words between a process and its levels are small, or sides: "processes on the left of L1"."""
    joins = {line.words[span.start] for kind in ("and", "with") for span in line.spans(kind)}
    return all(word in small or word not in joins for word in words) and "," not in words


def _leads_on(line: Line, term: Found, span: Span) -> bool:
    """As in "irregularities of the lumbar facets": only small words and those of the spine between."""
    small = line.language.levels.between_items | line.language.word_sets["preposition"]
    spine = {at for x in line.spans("site_spine") for at in range(x.start, x.end)}
    return all(line.words[at] in small or at in spine for at in range(term.end, span.start))


def _in_process(line: Line, span: Span) -> bool:
    return any(x.start <= span.start < x.end for x in line.marks.get("site_process", ()))


def _has_word(line: Line, start: int, end: int, kinds: tuple[str, ...]) -> bool:
    return any(line.has(kind, start, end) for kind in kinds)


def _is_other_bone(line: Line, segment: Segment, groups: tuple[LevelGroup, ...], spine: list[Span]) -> bool:
    """Whether the term is of another bone: "rib fracture", "fracture of the hip", with no vertebra beside."""
    term = segment.term
    bones = list(line.spans("site_other_bone", segment.start, segment.end))
    if not bones:
        return False
    direct = [b for b in bones if _is_beside_before(line, b, term) or _is_beside_after(line, b, term)]
    named = [span for span in spine if span.start < term.start or _is_added(line, span, term)]
    own = [*groups, *spine]
    if direct:
        levels = [g for g in groups if g.end <= term.start or _is_added_at(line, g.start, term)]
        return not named and not levels
    return not own


def _is_added(line: Line, span: Span, term: Found) -> bool:
    return span.start >= term.end and _is_added_at(line, span.start, term)


def _is_added_at(line: Line, at: int, term: Found) -> bool:
    """Whether a site behind a term is added to the first one: "fractures costales et vertebrales"."""
    between = range(term.end, at)
    joins = {span.start for kind in ("and", "or") for span in line.spans(kind, term.end, at)}
    return any(i in joins or line.words[i] == "," for i in between)


def _is_beside_before(line: Line, span: Span, term: Found) -> bool:
    """A site right before its term: "rib fracture", "rib and sternal fractures"."""
    between = line.words[span.end : term.start]
    plain = not any(word in line.language.word_sets["preposition"] | {",", ":", "("} for word in between)
    is_near = 0 <= term.start - span.end <= _ADJECTIVES
    return is_near and plain and not any(g.start >= span.end and g.end <= term.start for g in line.levels)


def _is_beside_after(line: Line, span: Span, term: Found) -> bool:
    """A site as an adjective right behind its term: "fracture ancienne costale"."""
    between = line.words[term.end : span.start]
    plain = not any(word in line.language.word_sets["preposition"] | {",", ":", "("} for word in between)
    return 0 <= span.start - term.end < _ADJECTIVES and plain
