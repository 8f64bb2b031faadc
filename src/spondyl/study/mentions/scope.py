"""How a term is stated: negated, uncertain, probable, history, affirmed, or not a statement at all.

After NegEx and ConText (Chapman 2001, Harkema 2009): a cue before a term reaches it unless something ends
its scope; here also a noun with a preposition of its own ("no retropulsion at the L1 fracture").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spondyl.study.mentions.marks import Line, Span
from spondyl.study.mentions.model import Section, Status, Term
from spondyl.study.mentions.segments import Segment

_NOT_NOW = frozenset({Section.INDICATION, Section.HISTORY, Section.COMPARISON})
_FAR_AFTER = 10  # words between a term and a cue behind it
_FAR_BEFORE = 14
_NEXT = 3  # words of an adverb's reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """How a term is stated, None where it states nothing; the words that say so.

    negates_new: only a new fracture is negated. cues: their spans.
    """

    status: Status | None
    negates_new: bool = False
    cues: tuple[Span, ...] = ()


def read_statement(line: Line, segments: list[Segment], index: int) -> Statement:
    """How the term of one segment of a sentence is stated. Source: the labelling guideline, "Status"."""
    segment = segments[index]
    if _is_no_mention(line, segments, index):
        return Statement(status=None)
    if segment.term.is_treatment:
        return _treatment(line, segments, index)
    if segment.term.kind == "kept":
        return _kept(line, segment)
    return _negated(line, segments, index) or _positive(line, segments, index)


def _negated(line: Line, segments: list[Segment], index: int) -> Statement | None:
    """A negated term; in the indication it states nothing."""
    negation = _negation(line, segments, index)
    if negation is None:
        return None
    if line.section in _NOT_NOW:
        return Statement(status=None)
    negates_new = _negates_new(line, segments[index], negation)
    return Statement(status=Status.NEGATED, negates_new=negates_new, cues=(negation,))


def _positive(line: Line, segments: list[Segment], index: int) -> Statement:
    """Affirmed, probable, uncertain or history; a suspicion in the indication states nothing."""
    doubt = _doubt(line, segments, index)
    if line.section in _NOT_NOW:
        return Statement(status=None if doubt and doubt.status is Status.UNCERTAIN else Status.HISTORY)
    told = _told(line, segments[index])
    if told is not None:
        return Statement(status=Status.HISTORY, cues=(told,))
    return doubt or Statement(status=Status.AFFIRMED)


# ------------------------------------------------------------------------------------ not stated
def _is_no_mention(line: Line, segments: list[Segment], index: int) -> bool:
    """Risk, search, a relative's disease; in the indication also a question or a suspicion."""
    segment = segments[index]
    kinds = ["no_mention_everywhere"]
    if line.section in _NOT_NOW:
        kinds.append("no_mention_before")
        if (
            line.has("uncertain_after", segment.term.end, segment.end)
            or "?" in line.words[segment.term.end :]
        ):
            return True
    for kind in kinds:
        for span in line.spans(kind, 0, segment.term.start):
            if _is_same_clause(line, span.end, segment.term.start):
                return True
    last = max([segment.term.end, *(g.end for g in segment.levels)])
    return any(span.start - last <= 1 for span in line.spans("no_mention_after", segment.term.end))


def _is_same_clause(line: Line, start: int, end: int) -> bool:
    """Whether words lead to a term without a stop, but commas in a list with "or" may stand between."""
    between = line.words[start:end]
    if line.has("scope_end", start, end) or ":" in between[1:]:
        return False
    return "," not in between or _is_listed(line, start, end)


def _treatment(line: Line, segments: list[Segment], index: int) -> Statement:
    segment = segments[index]
    start = segments[index - 1].term.end if index else 0
    end = segments[index + 1].term.start if index + 1 < len(segments) else len(line.words)
    if line.has("planned", start, end) or _negation(line, segments, index) is not None:
        return Statement(status=None)
    if line.section in _NOT_NOW:
        return Statement(status=Status.HISTORY)
    told = _told(line, segment)
    return Statement(status=Status.HISTORY if told else Status.AFFIRMED, cues=(told,) if told else ())


def _kept(line: Line, segment: Segment) -> Statement:
    is_denied = any(span.end == segment.term.start for span in line.spans("negation_before"))
    return Statement(status=None if is_denied or line.section in _NOT_NOW else Status.NEGATED)


# ---------------------------------------------------------------------------------------- negation
def _negation(line: Line, segments: list[Segment], index: int) -> Span | None:
    """The cue that negates a term."""
    term = segments[index].term
    for span in reversed(list(_leading_negations(line, term.start))):
        if term.start - span.end <= _FAR_BEFORE and _reaches(line, span, segments, index):
            return None if _is_change_denied(line, span) else span
    for span in line.spans("negation_after", segments[index].start, term.start):
        # "il n'est pas retrouve de fracture"
        if span.end - span.start > 1 and _reaches(line, span, segments, index):
            return span
    for span in line.spans("negation_after", term.end, segments[index].end):
        between = line.words[term.end : span.start]
        is_blocked = line.has("scope_end", term.end, span.start) or _is_other_subject(
            line, term.end, span.start
        )
        if len(between) <= _FAR_AFTER and not is_blocked and not _is_qualifier(line, span):
            return span
    return None


def _leading_negations(line: Line, start: int) -> Iterator[Span]:
    """Negations that begin before a term, up to it: "pas de trait de | fracture"."""
    for span in line.spans("negation_before"):
        if span.start < start:
            yield Span(span.start, min(span.end, start))


def _is_change_denied(line: Line, span: Span) -> bool:
    """As in "no change in the fracture": the fracture is there."""
    return any(x.start == span.start for x in line.spans("old_change"))


def _is_qualifier(line: Line, span: Span) -> bool:
    """A word behind a term that negates what follows it and not the term: "fracture, not displaced"."""
    following = line.words[span.end : span.end + 1]
    is_single = span.end - span.start == 1
    is_end = (
        not following or following[0] in {",", ")", ".", "("} or bool(line.boundaries(span.end, span.end + 1))
    )
    return is_single and not is_end


def _is_other_subject(line: Line, start: int, end: int) -> bool:
    """Whether a comma or conjunction and a noun of another kind stand before a cue behind the term."""
    boundaries = [at for at in line.boundaries(start, end) if line.words[at] != ":"]
    return any(line.has("noun", at, end) or _has_content(line, at, end) for at in boundaries)


def _has_content(line: Line, boundary: int, end: int) -> bool:
    """Whether words between a boundary and a cue are more than levels, articles and words of doubt."""
    kinds = ("with", "uncertain_before", "uncertain_after", "probable_before", "probable_after")
    return any(
        not _is_transparent(line, at, at + 1) and not _is_marked(line, at, kinds)
        for at in range(boundary, end)
        if line.words[at].isalpha()
    )


def _reaches(line: Line, cue: Span, segments: list[Segment], index: int) -> bool:
    """Whether a negation before a term reaches it."""
    segment = segments[index]
    term = segment.term
    if any(cue.end <= span.start < term.start for span in line.marks.get("scope_end", ())):
        return False
    earlier = [x for x in segments[:index] if x.term.start >= cue.end]
    if earlier and not _continues(line, segments, index, cue):
        return False
    commas = [at for at in range(cue.end, term.start) if line.words[at] in {",", ":"}]
    if commas and not _is_listed(line, cue.end, term.start) and not _is_comma_of_one_noun(line, cue, commas):
        return _is_bare_item(line, segment, commas[-1]) and line.words[commas[-1]] == ","
    return not _has_own_noun(line, cue, term.start)


def _continues(line: Line, segments: list[Segment], index: int, cue: Span) -> bool:
    """Whether a negation goes on from the term before to this one."""
    before, segment = segments[index - 1], segments[index]
    joint_start = before.term.end
    if line.has("or", joint_start, segment.term.start):
        return True
    has_own = bool(segment.levels) or _has_quality(line, segment.start, segment.end)
    if segment.levels and not before.levels and not has_own:
        return True
    if line.has("and", joint_start, segment.term.start) or line.has("with", joint_start, segment.term.start):
        return not has_own
    if "," in line.words[joint_start : segment.term.start]:
        return not has_own and not line.has("negation_before", cue.end, segment.term.start)
    return not line.boundaries(joint_start, segment.term.start)


def _has_quality(line: Line, start: int, end: int) -> bool:
    return any(line.has(kind, start, end) for kind in ("mild", "moderate", "severe", "chronic"))


def _is_listed(line: Line, start: int, end: int) -> bool:
    """As in "no rib, sternal or vertebral fracture": commas of a list that an "or" closes."""
    return line.has("or", start, end)


def _is_comma_of_one_noun(line: Line, cue: Span, commas: list[int]) -> bool:
    """As in "no acute, displaced fracture": only adjectives stand before the comma."""
    plain = line.language.word_sets["transparent"]
    return all(
        line.words[at] in plain
        or at in commas
        or _is_marked(line, at, ("recent", "chronic", "mild", "severe"))
        for at in range(cue.end, commas[-1])
    )


def _is_marked(line: Line, at: int, kinds: tuple[str, ...]) -> bool:
    return any(span.start <= at < span.end for kind in kinds for span in line.marks.get(kind, ()))


def _is_bare_item(line: Line, segment: Segment, comma: int) -> bool:
    """The last item of a list without a word of its own: "no effusion, vertebral fracture"."""
    alone = not segment.levels and not _has_quality(line, comma, segment.end)
    return alone and not line.has("recent", comma, segment.end) and segment.end - segment.term.end <= 1


def _has_own_noun(line: Line, cue: Span, end: int) -> bool:
    """As in "no retropulsion at the fracture": its noun is another one, with a preposition."""
    sets = line.language.word_sets
    start = max([cue.end, *(span.end for span in line.spans("or", cue.end, end))])
    seen = False
    for at in range(start, end):
        word = line.words[at]
        if word in sets["preposition"] and seen and word not in sets["transparent"]:
            return True
        if word in sets["preposition"] and seen and not _is_transparent(line, start, at):
            return True
        seen = seen or (word.isalpha() and not _is_transparent(line, at, at + 1))
    return False


def _is_transparent(line: Line, start: int, end: int) -> bool:
    """Whether words only lead a negation on: evidence, sign, acute, vertebral, levels."""
    plain = line.language.word_sets["transparent"] | line.language.word_sets["preposition"]
    kinds = (
        "recent",
        "chronic",
        "site_spine",
        "other",
        "new",
        "site_other_bone",
        "mild",
        "moderate",
        "severe",
    )
    for at in range(start, end):
        is_level = any(group.start <= at < group.end for group in line.levels + line.disc_levels)
        if line.words[at] not in plain and not is_level and not _is_marked(line, at, kinds):
            return False
    return True


def _negates_new(line: Line, segment: Segment, negation: Span) -> bool:
    """As in "no new fracture", "pas de tassement nouveau": the old one is not negated."""
    last = max([segment.term.end, *(g.end for g in segment.levels)])
    before = line.has("new", negation.start, segment.term.start)
    return before or any(span.start - last <= 1 for span in line.spans("new", segment.term.end, segment.end))


# ------------------------------------------------------------------------------- doubt and history
def _doubt(line: Line, segments: list[Segment], index: int) -> Statement | None:
    """Uncertain or probable, with the cue; None where neither."""
    segment = segments[index]
    if segment.term.kind == "kept" or line.has("confirmed", segment.term.end, segment.end):
        return None
    for status, before, after in (
        (Status.UNCERTAIN, "uncertain_before", "uncertain_after"),
        (Status.PROBABLE, "probable_before", "probable_after"),
    ):
        for span in _doubts(line, segments, index, before, after):
            return Statement(status=status, cues=(span,))
    return None


def _doubts(line: Line, segments: list[Segment], index: int, before: str, after: str) -> Iterator[Span]:
    segment = segments[index]
    term = segment.term
    befores = [*line.spans(before, 0, term.start)]
    if before == "uncertain_before":
        befores += line.spans("differential", 0, term.start)
    for span in befores:
        if _is_about_term(line, span, segments, index):
            yield span
    for span in line.spans(after, term.end, segment.end):
        is_near = span.start - term.end <= _FAR_AFTER
        if is_near and not _doubts_age(line, span) and not _points_on(line, span, segment):
            yield span


def _is_about_term(line: Line, span: Span, segments: list[Segment], index: int) -> bool:
    """Whether a doubt before a term is about it: no boundary that ends it, and not about its age only."""
    segment = segments[index]
    between = line.words[span.end : segment.term.start]
    if _is_doubt_ended(line, span.end, segment.term.start) or len(between) > _FAR_BEFORE:
        return False
    if any(x.start == span.start for x in line.spans("differential")):
        return True
    if span.start < segment.start and not _is_joined(line, segments, index, span):
        return False
    if "," in between and not _is_listed(line, span.end, segment.term.start):
        commas = [at for at in range(span.end, segment.term.start) if line.words[at] == ","]
        if not _is_comma_of_one_noun(line, span, commas):
            return False
    is_of_age = _is_adverb(line, span) and _is_cause_next(line, span.end, segment.term.start)
    is_interpretation = index > 0 and not segment.levels
    return not (is_of_age and not is_interpretation) and not _is_age_choice(line, span)


def _is_doubt_ended(line: Line, start: int, end: int) -> bool:
    """Whether a word between ends a doubt; one that names a cause carries it on ("may be due to")."""
    causes = {span.start for span in line.spans("because", start, end)}
    return any(span.start not in causes for span in line.spans("scope_end", start, end))


def _is_joined(line: Line, segments: list[Segment], index: int, span: Span) -> bool:
    """Whether a doubt of the term before goes on to this one: joined by and/or, or standing between."""
    before, segment = segments[index - 1], segments[index]
    if index == 0 or span.start >= before.term.end:
        return True
    joint = (before.term.end, segment.term.start)
    return line.has("or", *joint) or (line.has("and", *joint) and not segment.levels)


def _is_adverb(line: Line, span: Span) -> bool:
    return any(x.start == span.start for x in line.spans("doubt_adverb"))


def _is_cause_next(line: Line, at: int, end: int) -> bool:
    """Whether an age or a cause stands right behind a doubt and before the term."""
    return any(0 <= span.start - at <= 1 for span in line.spans("age_or_cause", at, end))


def _is_age_choice(line: Line, span: Span) -> bool:
    """As in "acute versus chronic", "acute or old": a choice between ages."""
    kinds = ("recent", "chronic", "age_or_cause")
    return _is_marked(line, span.start - 1, kinds) and _is_marked(line, span.end, kinds)


def _doubts_age(line: Line, span: Span) -> bool:
    """Whether a doubt behind a term is about its age or cause: ", probably old"."""
    return _is_age_choice(line, span) or any(
        0 <= x.start - span.end <= _NEXT - 2 for x in line.spans("age_or_cause", span.end)
    )


def _points_on(line: Line, span: Span, segment: Segment) -> bool:
    """Whether a doubt behind a term is of another noun: "fracture with possible cord compression"."""
    following = line.words[span.end : span.end + 1]
    ends = not following or following[0] in {",", ")", "(", "-"} or span.end >= segment.end
    ends = ends or bool(line.boundaries(span.end, span.end + 1))
    is_verb = span.end - span.start > 1
    return not ends and not is_verb and following[0] not in line.language.word_sets["preposition"]


def _told(line: Line, segment: Segment) -> Span | None:
    """The words that tell a fracture as the past or as another examination's, nothing being seen now."""
    if _is_seen_now(line, segment):
        return None
    for span in line.spans("history_before", 0, segment.term.start):
        is_far = segment.term.start - span.end > _FAR_BEFORE
        if not is_far and not line.boundaries(span.end, segment.term.start):
            return span
    return next(line.spans("history_after", segment.term.end, segment.end), None)


def _is_seen_now(line: Line, segment: Segment) -> bool:
    """As in "described elsewhere, unchanged today"."""
    is_now = any(line.has(kind, segment.start, segment.end) for kind in ("old_change", "now"))
    return is_now and segment.term.term is not Term.OTHER_DIAGNOSIS
