"""From a term, its site and its statement to mentions: age and severity by level, and the evidence."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from spondyl.domain.level import Level
from spondyl.study.mentions.levels import LevelGroup, part_of
from spondyl.study.mentions.marks import Line, Span
from spondyl.study.mentions.model import Age, Section, Status, Term
from spondyl.study.mentions.qualities import Quality, find_ages, find_severities, share
from spondyl.study.mentions.segments import Segment
from spondyl.study.mentions.stated import Stated

_FEW_WORDS = 3
_NEAR_CAUSE = 4  # words between two causes that are offered
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


def make_drafts(line: Line, one: Stated) -> Iterator[Draft]:
    """The mentions that a term makes: one for each age and severity among its levels."""
    status = one.statement.status
    if status is None:
        return
    term, segment = one.term, one.segment
    groups = _own_groups(line, one)
    kind = _kind(line, one)
    ages = find_ages(line, segment)
    severities = find_severities(line, segment, groups)
    shares = share(line, segment, groups or one.lent_groups, ages, severities)
    first, last = _evidence(line, one, [*_places(line, segment, ages), *map(_place, severities)])
    for part in shares:
        is_mute = status is Status.NEGATED or kind is Term.OTHER_DIAGNOSIS
        yield Draft(
            levels=tuple(sorted(part.levels or one.levels, key=lambda level: level.order)),
            status=status,
            age=_stated_age(one, part.age, kind),
            severity=None if is_mute else part.severity,
            term=kind,
            treated=term.is_treatment,
            section=line.section,
            first=line.places[first],
            last=line.places[last],
            negates_new=one.statement.negates_new,
            is_lent=bool(one.lent_groups) and len(shares) > 1,
        )


def _own_groups(line: Line, one: Stated) -> list[LevelGroup]:
    """The level groups in a term's own segment; of a slip only the level that slips."""
    segment = one.segment
    own = [group for group in one.groups if segment.start <= group.start and group.end <= segment.end]
    return [slipped(line, group) for group in own[:1]] if one.term.kind == "slip" else own


def slipped(line: Line, group: LevelGroup) -> LevelGroup:
    """The levels that slip: the first of L4-L5, both of "L4 and L5"."""
    joins = {line.words[span.start] for span in line.spans("and")} | {","}
    is_list = all(joins & set(line.words[a.end : b.start]) for a, b in itertools.pairwise(group.atoms))
    return group if is_list else part_of(group, group.atoms[:1])


def _place(quality: Quality) -> tuple[int, int]:
    return quality.start, quality.end


def _places(line: Line, segment: Segment, ages: list[Quality]) -> Iterator[tuple[int, int]]:
    """Where age is told, also as not known, without what stands in a clause of its own."""
    for start, end in [
        *map(_place, ages),
        *((span.start, span.end) for span in line.spans("not_chronic", segment.term.end, segment.end)),
    ]:
        if not _is_aside(line, segment, start, end):
            yield start, end


def _kind(line: Line, one: Stated) -> Term:
    """Strong, weak or another diagnosis; a weak term with another cause is another diagnosis."""
    segment = one.segment
    causes = list(line.spans("cause_other", segment.start))
    has_cause = any(
        (span.end <= segment.end or _is_given_as_cause(line, segment.term.end, span.start))
        and not _is_left_open(line, span)
        for span in causes
    )
    if (
        one.term.term is Term.WEAK
        and (has_cause or one.has_other_cause)
        and one.statement.status is not Status.NEGATED
    ):
        return Term.OTHER_DIAGNOSIS
    return one.term.term


def _is_left_open(line: Line, cause: Span) -> bool:
    """As in "developmental or post-traumatic": the other cause that is offered is a fracture."""
    joins = {span.start for span in line.spans("or")}
    choices = [span for span in line.spans("versus") if span.start not in joins]
    if any(0 <= cause.start - span.end <= 1 for span in choices):
        return True
    fractures = list(line.spans("cause_fracture"))
    ahead = any(line.has("or", cause.end, x.start) and x.start - cause.end <= _NEAR_CAUSE for x in fractures)
    behind = any(line.has("or", x.end, cause.start) and cause.start - x.end <= _NEAR_CAUSE for x in fractures)
    return ahead or behind


def _is_aside(line: Line, segment: Segment, start: int, end: int) -> bool:
    """Whether an age stands in a clause of its own behind a comma: ", new since the prior study"."""
    before = line.boundaries(segment.term.end, start)
    if not before or line.words[before[-1]] != ",":
        return False
    following = line.boundaries(end, segment.end)
    return (following[0] if following else segment.end) - before[-1] > _FEW_WORDS + 1


def _is_given_as_cause(line: Line, start: int, at: int) -> bool:
    """Whether a word such as "due to" stands right before a cause."""
    return any(at - span.end < _FEW_WORDS for span in line.spans("because", start, at))


def _stated_age(one: Stated, age: Age, kind: Term) -> Age:
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


def _evidence(line: Line, one: Stated, spans: list[tuple[int, int]]) -> tuple[int, int]:
    """First and last word of the statement that the term stands in, without what leads to it."""
    segment, term = one.segment, one.term
    spans = [*spans, *((cue.start, cue.end) for cue in one.statement.cues)]
    spans += [(group.start, group.end) for group in _own_groups(line, one)]
    low = min([segment.start, *(span.start for span in one.statement.cues)])
    first = min([term.start, *(start for start, _ in spans if start >= low)])
    last = max([term.end, *(end for _, end in spans if end <= segment.end)])
    first = clause_start(line, low, first) if one.shares_clause_from is None else one.shares_clause_from
    last = max(_clause_end(line, one, last), one.evidence_end)
    while line.words[last - 1] in _OPEN_SIGNS and last - 1 > term.start:
        last -= 1
    closing = line.words[last : last + 1] == [")"] and "(" in line.words[first:last]
    return first, last - 1 + closing


def clause_start(line: Line, low: int, first: int) -> int:
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


def _clause_end(line: Line, one: Stated, last: int) -> int:
    """On to the words that end the statement, not over a boundary; over "or" where it is negated."""
    limit = one.segment.end
    ends = line.boundaries(last, limit)
    if one.statement.status is Status.NEGATED:
        alternatives = {span.start for span in line.spans("or", last, limit)}
        ends = [at for at in ends if at not in alternatives]
    return min([*ends, limit])


def merged(drafts: list[Draft]) -> list[Draft]:
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
