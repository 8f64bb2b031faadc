"""A doubt that is about some of a term's levels only: "fractures of T8 and possibly T9"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from spondyl.study.mentions.levels import LevelGroup, part_of
from spondyl.study.mentions.marks import Line, Span
from spondyl.study.mentions.model import Status, Term
from spondyl.study.mentions.scope import Statement
from spondyl.study.mentions.stated import Stated

_DOUBTS = (
    (Status.UNCERTAIN, "uncertain_before", "uncertain_after"),
    (Status.PROBABLE, "probable_before", "probable_after"),
)
_DOUBTABLE = frozenset({Status.AFFIRMED, Status.UNCERTAIN, Status.PROBABLE})


def split_doubt(line: Line, one: Stated) -> Iterator[Stated]:
    """The term once for the levels that are doubted and once for the rest; itself where all are alike."""
    one = _with_last_apart(line, one)
    parts = list(_doubted(line, one)) if _may_differ(one) else []
    if not parts or len(parts) == len(one.groups):
        yield one
        return
    taken = {group for group, _ in parts}
    cues = {cue for _, statement in parts for cue in statement.cues}
    rest = one.statement if set(one.statement.cues) - cues else Statement(status=Status.AFFIRMED)
    yield _part(one, tuple(group for group in one.groups if group not in taken), rest)
    for group, statement in parts:
        yield _part(one, (group,), statement)


def _with_last_apart(line: Line, one: Stated) -> Stated:
    """The last level of a list as a group of its own where "the latter" speaks of it."""
    last = one.groups[-1] if one.groups else None
    if last is None or len(last.atoms) < len("ab") or last.is_pair or not line.has("latter", last.end):
        return one
    apart = (part_of(last, last.atoms[:-1]), part_of(last, last.atoms[-1:]))
    return replace(one, groups=(*one.groups[:-1], *apart))


def _may_differ(one: Stated) -> bool:
    is_fracture = one.term.term is not Term.OTHER_DIAGNOSIS and not one.term.is_treatment
    return is_fracture and len(one.groups) > 1 and one.statement.status in _DOUBTABLE


def _part(one: Stated, groups: tuple[LevelGroup, ...], statement: Statement) -> Stated:
    levels = tuple(dict.fromkeys(level for group in groups for level in group.levels))
    return replace(one, groups=groups, levels=levels, statement=statement)


def _doubted(line: Line, one: Stated) -> Iterator[tuple[LevelGroup, Statement]]:
    """The groups with a doubt of their own: right before them, in brackets behind, or by "the latter"."""
    for before, group in zip((None, *one.groups[:-1]), one.groups, strict=True):
        low = one.term.end if before is None else before.end
        for status, leading, following in _DOUBTS:
            cues = [
                *(x for x in line.spans(leading, low, group.start) if before and _leads_to(line, x, group)),
                *(x for x in line.spans(following, low, group.start) if before and _leads_to(line, x, group)),
                *(x for x in line.spans(following, group.end) if _is_behind(line, group, x)),
            ]
            if cues:
                yield group, Statement(status=status, cues=(cues[0],))
                break


def _leads_to(line: Line, cue: Span, group: LevelGroup) -> bool:
    small = line.language.levels.between_items | line.language.word_sets["preposition"] | {","}
    return all(word in small for word in line.words[cue.end : group.start])


def _is_behind(line: Line, group: LevelGroup, cue: Span) -> bool:
    """As in "T9 (possible)", "and T9, the latter doubtful"."""
    between = line.words[group.end : cue.start]
    pointers = list(line.spans("latter", group.end, cue.start))
    return between == ["("] or any(between[:1] == [","] and cue.start - x.end <= 1 for x in pointers)
