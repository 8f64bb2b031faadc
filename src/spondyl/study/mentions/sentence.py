"""From one sentence to the mentions in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from spondyl.domain.level import Level
from spondyl.study.mentions.levels import LevelGroup, part_of
from spondyl.study.mentions.marks import Line, Span
from spondyl.study.mentions.model import Age, Section, Status, Term
from spondyl.study.mentions.qualities import Quality, find_ages, find_severities, share
from spondyl.study.mentions.scope import Statement, read_statement
from spondyl.study.mentions.segments import Segment, cut_segments
from spondyl.study.mentions.sites import Site, find_site
from spondyl.study.mentions.terms import Found, find_terms

_NOT_NOW = frozenset({Section.INDICATION, Section.HISTORY, Section.COMPARISON})
_NEEDS_VERTEBRA = frozenset({
    "strong_of_vertebra", "weak_of_vertebra", "weak_local", "kept", "treated_of_vertebra",
    "other_of_vertebra", "degenerative",
})  # fmt: skip
_FEW_WORDS = 3
_OPEN_SIGNS = frozenset({",", "(", ":", "-", "•"})


@dataclass(slots=True, kw_only=True)
class Draft:
    """A mention in the making; words first to last (included) of the text are its evidence."""

    levels: tuple[Level, ...]
    status: Status
    age: Age
    severity: str | None
    term: Term
    treated: bool
    section: Section
    first: int
    last: int
    negates_new: bool = False
    is_lent: bool = False  # its levels are those of the term before, shared out anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What the sentence before leaves: the levels it names, and whether it is about the spine."""

    levels: tuple[Level, ...] = ()
    is_spine: bool = False


@dataclass(slots=True, kw_only=True)
class _Stated:
    """A term with its segment, site and statement."""

    segment: Segment
    site: Site
    statement: Statement
    groups: tuple[LevelGroup, ...] = field(default=())
    levels: tuple[Level, ...] = ()
    is_inherited: bool = False
    lent_groups: tuple[LevelGroup, ...] = ()
    evidence_start: int = 0  # where it begins, as far as is known before its qualities
    evidence_end: int = 0  # where the evidence ends at the earliest
    shares_clause_from: int | None = None  # "sclerosis of T5 without collapse": where the clause begins
    has_other_cause: bool = False  # the term behind it names a cause that is no fracture

    @property
    def term(self) -> Found:
        return self.segment.term


def read_sentence(line: Line, before: Callable[[], Before], earlier: Found | None = None) -> list[Draft]:
    """The mentions of a sentence, in order. earlier: see find_terms."""
    segments = cut_segments(line, find_terms(line, earlier))
    stated = list(_stated(line, segments))
    _settle_versus(line, stated)
    _inherit(line, stated, before)
    kept = [one for one in stated if _is_vertebral(line, one, before)]
    for one, other in zip(kept, kept[1:], strict=False):
        one.has_other_cause = other.is_inherited and _names_cause(line, other.term)
    drafts = [draft for one in kept for draft in _drafts(line, one)]
    return _merged(drafts)


def _stated(line: Line, segments: list[Segment]) -> Iterator[_Stated]:
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
            levels = levels[:1]
        yield _Stated(
            segment=segment, site=site, statement=statement, groups=site.groups, levels=levels,
            evidence_start=_clause_start(line, segment.start, segment.term.start),
        )  # fmt: skip


# ------------------------------------------------------------------------------- which levels
def _inherit(line: Line, stated: list[_Stated], before: Callable[[], Before]) -> None:
    """Give a term without levels those of the term it hangs on, or of the sentence before."""
    for index, one in enumerate(stated):
        if one.levels or one.site.is_elsewhere:
            continue
        if index and _hangs_on(line, stated[index - 1], one):
            _lend(stated[index - 1], one)
        elif index + 1 < len(stated) and _shares_with(line, one, stated[index + 1]):
            one.levels, one.is_inherited = stated[index + 1].levels, True
        elif not index and _points_back(line, one, before):
            one.levels, one.is_inherited = before().levels, True


def _lend(left: _Stated, right: _Stated) -> None:
    right.levels, right.is_inherited = left.levels, True
    right.lent_groups = left.groups if len(left.levels) > 1 else ()
    if right.statement.status is Status.NEGATED and left.statement.status is not None:
        left.evidence_end = right.term.end
        right.shares_clause_from = left.evidence_start


def _hangs_on(line: Line, left: _Stated, right: _Stated) -> bool:
    """ "metastasis of T7 with collapse", "sclerosis of T5 without fracture"."""
    is_slip = right.term.kind == "slip"  # "spondylolysis of L5 with anterolisthesis"
    if not left.levels or (left.site.is_elsewhere and not is_slip) or _is_general(line, right):
        return False
    joint = (left.term.end, right.term.start)
    is_negated = right.statement.status is Status.NEGATED
    if is_negated:
        if any(_denies(line, cue) for cue in right.statement.cues):
            return True
        is_same = left.term.term is Term.STRONG and right.term.term is Term.STRONG
        is_with = line.has("with", *joint) and "," not in line.words[right.segment.start : right.term.start]
        return is_with and not is_same and not right.statement.negates_new
    return True


def _denies(line: Line, cue: Span) -> bool:
    """Whether a negation denies what stands before it: "limbus vertebra, not a fracture"."""
    return any(span.start == cue.start for span in line.spans("denies"))


def _is_general(line: Line, one: _Stated) -> bool:
    """Whether a term speaks of the spine as a whole, or of other vertebrae."""
    is_negated = one.statement.status is Status.NEGATED
    others = line.has("other", one.segment.start, one.segment.end if is_negated else one.term.start)
    body = list(line.spans("site_body"))
    spine = [
        x
        for x in line.spans("site_spine", one.segment.start, one.segment.end)
        if not any(b.start < x.end and x.start < b.end for b in body)
    ]
    inside = [x for x in spine if not (one.term.start <= x.start and x.end <= one.term.end)]
    return others or (bool(inside) and one.site.is_spine and one.term.kind != "weak_local")


def _shares_with(line: Line, left: _Stated, right: _Stated) -> bool:
    """ "wedging and height loss of T8": the levels behind the second term are those of both."""
    if not right.levels or left.site.is_spine or left.statement.status is None:
        return False
    joint = (left.term.end, right.term.start)
    is_joined = any(line.has(kind, *joint) for kind in ("and", "or", "with"))
    both_other = left.term.term is right.term.term is Term.OTHER_DIAGNOSIS
    is_joined = is_joined or (both_other and not line.boundaries(*joint))
    is_same = left.statement.status is right.statement.status
    levels_behind = all(group.start >= right.term.end for group in right.groups)
    return is_joined and is_same and levels_behind and "," not in line.words[joint[0] : joint[1]]


def _points_back(line: Line, one: _Stated, before: Callable[[], Before]) -> bool:
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


def _is_plural(line: Line, one: _Stated) -> bool:
    plural = line.language.word_sets["plural"]
    return any(word in plural for word in line.words[one.segment.start : one.term.end])


# ------------------------------------------------------------------------------ is it a vertebra
def _is_vertebral(line: Line, one: _Stated, before: Callable[[], Before]) -> bool:
    """Whether a term is a mention of a vertebra. Source: the labelling guideline, "Not mentions"."""
    term, site = one.term, one.site
    if one.statement.status is None or site.is_elsewhere:
        return False
    if term.kind == "other_of_level":
        return bool(site.groups) and _is_beside_level(line, one)
    if term.kind == "degenerative" and not line.has("site_body", one.segment.start, one.segment.end):
        return False
    if term.kind == "weak_local" and not site.groups and not site.is_spine:
        return False
    if one.levels or site.is_spine:
        return not _is_disc(line, one)
    if term.kind in _NEEDS_VERTEBRA:
        return line.heading == "spine" or (one.statement.status is Status.NEGATED and before().is_spine)
    if term.kind != "fracture":
        return True
    return _is_bone_statement(line, one, before)


def _is_beside_level(line: Line, one: _Stated) -> bool:
    """ "lesion in L2", "L2 lesion": nothing but small words between."""
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


def _is_disc(line: Line, one: _Stated) -> bool:
    """A weak term under a heading of the discs, or beside a disc's name without a vertebra's."""
    if one.term.kind in {"strong", "fracture", "treated", "other"}:
        return False
    named = line.has("site_body", one.segment.start, one.segment.end)
    return line.heading == "disc" and not named


def _is_bone_statement(line: Line, one: _Stated, before: Callable[[], Before]) -> bool:
    """Whether "fracture" without a site is about the spine: negated in any statement of bones, else near it."""
    if line.heading in {"other_bone", "disc"}:
        return False
    if one.statement.status is Status.NEGATED:
        return True
    return line.heading == "spine" or before().is_spine or any(True for _ in line.spans("site_spine"))


# ----------------------------------------------------------------------------------- versus
def _settle_versus(line: Line, stated: list[_Stated]) -> None:
    """ "Schmorl's node versus fracture": only the fracture counts, and it is uncertain."""
    for left, right in zip(stated, stated[1:], strict=False):
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


def _is_choice(line: Line, joint: tuple[int, int], left: _Stated, right: _Stated) -> bool:
    doubt = {left.statement.status, right.statement.status} & {Status.UNCERTAIN}
    words = [line.words[span.start] for span in line.spans("versus", *joint)]
    is_or = all(line.has("or", *joint) for _ in words)
    return bool(words) and (bool(doubt) or not is_or)


# --------------------------------------------------------------------------------------- drafts
def _drafts(line: Line, one: _Stated) -> Iterator[Draft]:
    status = one.statement.status
    if status is None:
        return
    term, segment = one.term, one.segment
    groups = [group for group in one.groups if segment.start <= group.start and group.end <= segment.end]
    kind = _kind(line, one)
    if term.kind == "slip":
        groups = [part_of(group, group.atoms[:1]) for group in groups[:1]]
    ages = find_ages(line, segment)
    severities = find_severities(line, segment, groups)
    shares = share(line, segment, groups or one.lent_groups, ages, severities)
    spans = [*ages, *line.spans("not_chronic", term.end, segment.end)]
    spans = [span for span in spans if not _is_aside(line, segment, span)]
    spans = [*spans, *severities, *one.statement.cues, *groups]
    first, last = _evidence(line, one, [(span.start, span.end) for span in spans])
    if one.shares_clause_from is not None:
        first = one.shares_clause_from
    for part in shares:
        is_mute = status is Status.NEGATED or kind is Term.OTHER_DIAGNOSIS
        yield Draft(
            levels=tuple(sorted(part.levels or one.levels, key=lambda level: level.order)),
            status=status,
            age=_stated_age(line, one, part.age, kind),
            severity=None if is_mute else part.severity,
            term=kind,
            treated=term.is_treatment,
            section=line.section,
            first=line.places[first],
            last=line.places[last],
            negates_new=one.statement.negates_new,
            is_lent=bool(one.lent_groups) and len(shares) > 1,
        )


def _kind(line: Line, one: _Stated) -> Term:
    """Strong, weak or another diagnosis; a weak term with another cause is another diagnosis."""
    segment = one.segment
    causes = list(line.spans("cause_other", segment.start))
    has_cause = any(
        span.end <= segment.end or line.has("because", segment.term.end, span.start) for span in causes
    )
    if one.term.term is Term.WEAK and (has_cause or one.has_other_cause) and one.statement.status is not Status.NEGATED:
        return Term.OTHER_DIAGNOSIS
    return one.term.term


def _is_aside(line: Line, segment: Segment, span: Quality | Span) -> bool:
    """Whether an age stands in a clause of its own behind a comma: ", new since the prior study"."""
    before = line.boundaries(segment.term.end, span.start)
    if not before or line.words[before[-1]] != ",":
        return False
    following = line.boundaries(span.end, segment.end)
    return (following[0] if following else segment.end) - before[-1] > _FEW_WORDS + 1


def _names_cause(line: Line, term: Found) -> bool:
    """ "endplate irregularity T8-T12, Scheuermann"."""
    return any(term.start <= span.start < term.end for span in line.spans("cause_other"))


def _stated_age(line: Line, one: _Stated, age: Age, kind: Term) -> Age:
    """Age by status. Source: the labelling guideline, "Age"."""
    status = one.statement.status
    if kind is Term.OTHER_DIAGNOSIS:
        return Age.UNSPECIFIED
    if status is Status.HISTORY:
        return Age.RECENT if age is Age.RECENT else Age.CHRONIC
    if status is Status.NEGATED:
        is_recent = age is Age.RECENT or one.statement.negates_new
        return Age.RECENT if is_recent else Age.UNSPECIFIED
    return age


def _evidence(line: Line, one: _Stated, spans: list[tuple[int, int]]) -> tuple[int, int]:
    """First and last word of the evidence: the statement that the term stands in, without what leads to it."""
    segment = one.segment
    term = one.term
    low = min([segment.start, *(span.start for span in one.statement.cues)])
    first = min([term.start, *(start for start, _ in spans if start >= low)])
    last = max([term.end, *(end for _, end in spans if end <= segment.end)])
    first = _clause_start(line, low, first)
    last = max(_clause_end(line, one, last), one.evidence_end)
    while line.words[last - 1] in _OPEN_SIGNS and last - 1 > term.start:
        last -= 1
    closing = line.words[last : last + 1] == [")"] and "(" in line.words[first:last]
    return first, last - 1 + closing


def _clause_start(line: Line, low: int, first: int) -> int:
    """Back to the words that begin the statement, not over a boundary or an introduction."""
    start = low
    for at in line.boundaries(low, first):
        start = max(start, at + 1)
    for kind in ("introduction", "scope_end"):
        for span in line.spans(kind, 0, first):
            if span.start > 0 or kind == "introduction":
                start = max(start, span.end)
    if line.boundaries(low, first)[:1] == [0] and start == 1:
        start = 0  # "There is vertebra plana"
    while start < first and not line.words[start].isalnum():
        start += 1
    return min(start, first)


def _clause_end(line: Line, one: _Stated, last: int) -> int:
    """On to the words that end the statement, not over a boundary; over "or" where it is negated."""
    limit = one.segment.end
    ends = [at for at in line.boundaries(last, limit)]
    if one.statement.status is Status.NEGATED:
        alternatives = {span.start for span in line.spans("or", last, limit)}
        ends = [at for at in ends if at not in alternatives]
    return min([*ends, limit])


def _merged(drafts: list[Draft]) -> list[Draft]:
    """Join what one sentence says twice of the same levels: "fracture of L1 with loss of height"."""
    merged: list[Draft] = []
    for draft in drafts:
        partner = next((x for x in merged if _is_same(x, draft)), None) or _split_off(merged, draft)
        if partner is None:
            merged.append(draft)
        else:
            _absorb(partner, draft)
    return merged


def _split_off(merged: list[Draft], draft: Draft) -> Draft | None:
    """The part of an earlier mention of several levels that a mention of one of them tells more of."""
    for earlier in merged:
        whole = replace(draft, levels=earlier.levels)
        if draft.is_lent and set(draft.levels) < set(earlier.levels) and _is_same(earlier, whole):
            part = replace(earlier, levels=draft.levels)
            earlier.levels = tuple(level for level in earlier.levels if level not in draft.levels)
            merged.insert(merged.index(earlier), part)
            return part
    return None


def _is_same(one: Draft, other: Draft) -> bool:
    if set(one.levels) != set(other.levels) or one.status is not other.status:
        return False
    if one.negates_new is not other.negates_new:
        return False
    is_other = {one.term is Term.OTHER_DIAGNOSIS, other.term is Term.OTHER_DIAGNOSIS}
    if len(is_other) > 1:
        return False
    return one.status is not Status.NEGATED or one.term is other.term


def _absorb(one: Draft, other: Draft) -> None:
    percents = [x for x in (one.severity, other.severity) if x and x.startswith("percent:")]
    if other.term is Term.STRONG and one.term is Term.WEAK:
        one.term = Term.STRONG
        one.age = other.age if other.age is not Age.UNSPECIFIED else one.age
    elif one.age is Age.UNSPECIFIED:
        one.age = other.age
    one.severity = percents[0] if percents else one.severity or other.severity
    one.treated = one.treated or other.treated
    one.first, one.last = min(one.first, other.first), max(one.last, other.last)
