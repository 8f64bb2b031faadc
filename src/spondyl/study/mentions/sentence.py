"""From one sentence to the mentions in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from spondyl.study.mentions.doubts import split_doubt
from spondyl.study.mentions.drafts import Draft, clause_start, make_drafts, merged, slipped
from spondyl.study.mentions.marks import Line, Span
from spondyl.study.mentions.model import Section, Status, Term
from spondyl.study.mentions.scope import Statement, read_statement
from spondyl.study.mentions.segments import Segment, cut_segments
from spondyl.study.mentions.sites import find_site
from spondyl.study.mentions.stated import Before, Stated
from spondyl.study.mentions.terms import Found, find_terms

_NOT_NOW = frozenset({Section.INDICATION, Section.HISTORY, Section.COMPARISON})
_NEEDS_VERTEBRA = frozenset({
    "strong_of_vertebra", "weak_of_vertebra", "weak_local", "kept", "treated_of_vertebra",
    "other_of_vertebra", "degenerative",
})  # fmt: skip
_FEW_WORDS = 3


def read_sentence(
    line: Line, before: Callable[[], Before], earlier: Found | None = None, *, is_implied: bool = False
) -> list[Draft]:
    """The mentions of a sentence, in order. earlier, is_implied: see find_terms."""
    segments = cut_segments(line, find_terms(line, earlier, is_implied=is_implied))
    stated = list(_stated(line, segments))
    _settle_versus(line, stated)
    _inherit(line, stated, before)
    stated = [part for one in stated for part in split_doubt(line, one)]
    kept = [one for one in stated if _is_vertebral(line, one, before)]
    for one, other in pairwise(kept):
        is_shared = other.is_inherited or not (one.levels or other.levels)
        one.has_other_cause = is_shared and _is_cause_of(line, one.term, other.term)
    drafts = [draft for one in kept for draft in make_drafts(line, one)]
    return merged(drafts)


def _stated(line: Line, segments: list[Segment]) -> Iterator[Stated]:
    for index, segment in enumerate(segments):
        statement = read_statement(line, segments, index)
        is_other = segment.term.term is Term.OTHER_DIAGNOSIS
        is_unsaid = statement.status is None or (
            is_other and (statement.status is Status.NEGATED or line.section in _NOT_NOW)
        )
        if is_unsaid:
            statement = Statement(status=None)
        site = find_site(line, segment, is_negated=statement.status is Status.NEGATED)
        levels = tuple(dict.fromkeys(level for group in site.groups for level in group.levels))
        if segment.term.kind == "slip":
            levels = tuple(x for group in site.groups[:1] for x in slipped(line, group).levels)
        yield Stated(segment=segment, site=site, statement=statement, groups=site.groups, levels=levels)


# ------------------------------------------------------------------------------- which levels
def _inherit(line: Line, stated: list[Stated], before: Callable[[], Before]) -> None:
    """Give a term without levels those of the term it hangs on, or of the sentence before."""
    for index, one in enumerate(stated):
        if one.levels or one.site.is_elsewhere:
            continue
        if index and _hangs_on(line, stated[index - 1], one):
            _lend(line, stated[index - 1], one)
        elif index + 1 < len(stated) and _shares_with(line, one, stated[index + 1]):
            one.levels, one.is_inherited = stated[index + 1].levels, True
        elif not index and _points_back(line, one, before):
            one.levels, one.is_inherited = before().levels, True


def _lend(line: Line, left: Stated, right: Stated) -> None:
    right.levels, right.is_inherited = left.levels, True
    right.hangs_on_fracture = left.term.term is Term.STRONG
    if line.has("latter", left.term.end, right.segment.end):
        right.levels = left.levels[-1:]
    elif line.has("former", left.term.end, right.segment.end):
        right.levels = left.levels[:1]
    right.lent_groups = left.groups if len(right.levels) > 1 else ()
    if right.statement.status is Status.NEGATED and left.statement.status is not None:
        left.evidence_end = right.term.end
        right.shares_clause_from = clause_start(line, left.segment.start, left.term.start)


def _hangs_on(line: Line, left: Stated, right: Stated) -> bool:
    """As in "metastasis of T7 with collapse", "sclerosis of T5 without fracture"."""
    is_slip = right.term.kind == "slip"  # "spondylolysis of L5 with anterolisthesis"
    if not left.levels or (left.site.is_elsewhere and not is_slip) or _is_general(line, right):
        return False
    joint = (left.term.end, right.term.start)
    is_negated = right.statement.status is Status.NEGATED
    if is_negated:
        if any(_denies(line, cue) for cue in right.statement.cues):
            return True
        if left.is_inherited and left.statement.status is Status.NEGATED and line.has("or", *joint):
            return True
        if ":" in line.words[left.term.end : right.term.start] and left.term.term is Term.OTHER_DIAGNOSIS:
            return True
        is_same = left.term.term is Term.STRONG and right.term.term is Term.STRONG
        is_with = line.has("with", *joint) and "," not in line.words[right.segment.start : right.term.start]
        is_with = is_with or any(_is_without(line, cue) for cue in right.statement.cues)
        return is_with and not is_same and not right.statement.negates_new
    return True


def _is_without(line: Line, cue: Span) -> bool:
    """Whether a negation is itself the word that joins: without, sans."""
    return any(span.start == cue.start for span in line.spans("with"))


def _denies(line: Line, cue: Span) -> bool:
    """Whether a negation denies what stands before it: "limbus vertebra, not a fracture"."""
    return any(span.start == cue.start for span in line.spans("denies"))


def _is_general(line: Line, one: Stated) -> bool:
    """Whether a term speaks of the spine as a whole, or of other vertebrae."""
    is_negated = one.statement.status is Status.NEGATED
    others = line.has("other", one.segment.start, one.segment.end if is_negated else one.term.start)
    others = others or (is_negated and line.has("beside", one.segment.start, one.segment.end))
    return others or (_names_spine(line, one) and one.term.kind != "weak_local")


def _names_spine(line: Line, one: Stated) -> bool:
    """Whether a word of the spine stands by a term that is neither part of it nor of one vertebra."""
    body = list(line.spans("site_body"))
    spine = [
        x
        for x in line.spans("site_spine", one.segment.start, one.segment.end)
        if not any(b.start < x.end and x.start < b.end for b in body)
    ]
    inside = [x for x in spine if not (one.term.start <= x.start and x.end <= one.term.end)]
    if not _is_plural(line, one) and one.statement.status is not Status.NEGATED:
        inside = [x for x in inside if x.end != one.term.start]  # "a vertebral fracture" is one vertebra's
    return bool(inside) and one.site.is_spine


def _shares_with(line: Line, left: Stated, right: Stated) -> bool:
    """As in "wedging and height loss of T8": the levels behind the second term are those of both."""
    if not right.levels or left.statement.status is None or _names_spine(line, left):
        return False
    joint = (left.term.end, right.term.start)
    is_joined = any(line.has(kind, *joint) for kind in ("and", "or", "with"))
    both_other = left.term.term is right.term.term is Term.OTHER_DIAGNOSIS
    is_joined = is_joined or (both_other and not line.boundaries(*joint))
    is_denied = any(_denies(line, cue) for cue in right.statement.cues)
    is_same = left.statement.status is right.statement.status or is_denied
    is_joined = is_joined or is_denied
    if _is_within(line, left.term, right.term):
        return is_same and left.term.term is not Term.OTHER_DIAGNOSIS
    levels_behind = all(group.start >= right.term.end for group in right.groups)
    return is_joined and is_same and levels_behind and "," not in line.words[joint[0] : joint[1]]


def _is_within(line: Line, left: Found, right: Found) -> bool:
    """As in "fracture through the lytic T8 deposit": only small words and the levels lead on."""
    small = line.language.levels.between_items | line.language.word_sets["preposition"]
    small |= line.language.word_sets["definite"]
    levels = {at for group in line.levels for at in range(group.start, group.end)}
    between = [at for at in range(left.end, right.start) if at not in levels]
    is_led = bool(between) and line.words[between[0]] in line.language.word_sets["preposition"]
    return is_led and all(line.words[at] in small for at in between)


def _points_back(line: Line, one: Stated, before: Callable[[], Before]) -> bool:
    """A single fracture without a level right behind a sentence with one: it is that one."""
    term = one.term
    if one.statement.status in {None, Status.NEGATED, Status.HISTORY} or _is_general(line, one):
        return False
    if line.disc_levels or line.has("site_disc") or term.is_treatment or line.section in _NOT_NOW:
        return False
    is_definite = _is_definite(line, term)
    if term.term is Term.OTHER_DIAGNOSIS and not is_definite:
        return False
    levels = before().levels
    if _is_plural(line, one):
        return len(levels) > 1 and is_definite
    return len(levels) == 1 or (is_definite and bool(levels))


def _is_definite(line: Line, term: Found) -> bool:
    start = max(0, term.start - _FEW_WORDS)
    return any(word in line.language.word_sets["definite"] for word in line.words[start : term.start])


def _is_plural(line: Line, one: Stated) -> bool:
    plural = line.language.word_sets["plural"]
    return any(word in plural for word in line.words[one.segment.start : one.term.end])


# ------------------------------------------------------------------------------ is it a vertebra
def _is_vertebral(line: Line, one: Stated, before: Callable[[], Before]) -> bool:
    """Whether a term is a mention of a vertebra. Source: the labelling guideline, "Not mentions"."""
    term, site = one.term, one.site
    if one.statement.status is None or site.is_elsewhere or not _has_what_its_kind_needs(line, one):
        return False
    if one.levels or site.is_spine:
        return not _is_disc(line, one)
    if term.kind in _NEEDS_VERTEBRA:
        return line.heading == "spine" or (one.statement.status is Status.NEGATED and before().is_spine)
    if term.kind != "fracture":
        return True
    return _is_bone_statement(line, one, before)


def _has_what_its_kind_needs(line: Line, one: Stated) -> bool:
    """A lesion needs a level beside it, a degeneration a vertebral body, a dent a level or an endplate."""
    match one.term.kind:
        case "other_of_level":
            return bool(one.site.groups) and _is_beside_level(line, one)
        case "degenerative":
            return line.has("site_body", one.segment.start, one.segment.end)
        case "weak_local":
            return bool(one.site.groups) or one.site.is_spine or one.hangs_on_fracture
        case _:
            return True


def _is_beside_level(line: Line, one: Stated) -> bool:
    """As in "lesion in L2", "L2 lesion": nothing but small words between."""
    small = line.language.levels.between_items | line.language.word_sets["preposition"]
    term = one.term
    for group in one.site.groups:
        between = (
            line.words[term.end : group.start]
            if group.start >= term.end
            else line.words[group.end : term.start]
        )
        if all(word in small or word in {"body", "corps", "vertebral"} for word in between):
            return True
    return False


def _is_disc(line: Line, one: Stated) -> bool:
    """A weak term under a heading of the discs, or beside a disc's name without a vertebra's."""
    if one.term.kind in {"strong", "fracture", "treated", "other"}:
        return False
    named = line.has("site_body", one.segment.start, one.segment.end)
    return line.heading == "disc" and not named


def _is_bone_statement(line: Line, one: Stated, before: Callable[[], Before]) -> bool:
    """Whether "fracture" without a site is about the spine: negated in any of bones, else near it."""
    if line.heading in {"other_bone", "disc"}:
        return False
    if one.statement.status is Status.NEGATED:
        return True
    return line.heading == "spine" or before().is_spine or any(True for _ in line.spans("site_spine"))


# ----------------------------------------------------------------------------------- versus
def _settle_versus(line: Line, stated: list[Stated]) -> None:
    """As in "Schmorl's node versus fracture": only the fracture counts, and it is uncertain."""
    for left, right in pairwise(stated):
        pair = {left.term.term is Term.OTHER_DIAGNOSIS, right.term.term is Term.OTHER_DIAGNOSIS}
        joint = (left.term.end, right.term.start)
        if pair != {True, False} or not _is_choice(line, joint, left, right):
            continue
        other, fracture = (left, right) if left.term.term is Term.OTHER_DIAGNOSIS else (right, left)
        cues = fracture.statement.cues or other.statement.cues
        if fracture.statement.status not in {None, Status.NEGATED}:
            fracture.statement = Statement(status=Status.UNCERTAIN, cues=cues)
            fracture.levels = fracture.levels or other.levels
            fracture.groups = fracture.groups or other.groups
            other.statement = Statement(status=None)


def _is_choice(line: Line, joint: tuple[int, int], left: Stated, right: Stated) -> bool:
    doubt = {left.statement.status, right.statement.status} & {Status.UNCERTAIN}
    words = [line.words[span.start] for span in line.spans("versus", *joint)]
    is_or = line.has("or", *joint)
    is_shared = not (left.levels and right.levels) and joint[1] - joint[0] <= _FEW_WORDS
    return bool(words) and (bool(doubt) or not is_or or is_shared)


def _is_cause_of(line: Line, weak: Found, term: Found) -> bool:
    """As in "endplate irregularity T8-T12, Scheuermann", but not "with an adjacent Schmorl's node"."""
    if not any(term.start <= span.start < term.end for span in line.spans("cause_other")):
        return False
    is_given = any(
        term.start - span.end <= _FEW_WORDS and not line.has("with", span.end, term.start)
        for span in line.spans("because", weak.end, term.start)
    )
    return is_given or not line.has("with", weak.end, term.start)
