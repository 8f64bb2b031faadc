"""Terms of a sentence: what a mention can be made of, before the words around it are asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from spondyl.study.mentions.marks import Line, Span
from spondyl.study.mentions.model import Term
from spondyl.study.mentions.phrases import Hit

_TERM_OF = {
    "strong": Term.STRONG, "fracture": Term.STRONG, "hash": Term.STRONG, "treated": Term.STRONG,
    "strong_of_vertebra": Term.STRONG, "treated_of_vertebra": Term.STRONG, "kept": Term.WEAK,
    "weak_of_vertebra": Term.WEAK, "weak_local": Term.WEAK, "degenerative": Term.OTHER_DIAGNOSIS,
    "other": Term.OTHER_DIAGNOSIS, "slip": Term.OTHER_DIAGNOSIS, "other_of_vertebra": Term.OTHER_DIAGNOSIS,
    "other_of_level": Term.OTHER_DIAGNOSIS,
}  # fmt: skip
_KIND_OF = {"hash": "fracture"}
_KINDS = tuple(_TERM_OF)  # at equal length the earlier kind holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A term: words start to end (excluded) of a sentence.

    kind: the list of the language file that it stands in. is_severe: severe by its name. is_proxy: a word
    that stands for the term before it ("one at T12").
    """

    start: int
    end: int
    kind: str
    term: Term
    is_severe: bool = False
    is_proxy: bool = False

    @property
    def is_treatment(self) -> bool:
        """Whether it names a treatment: cement, kyphoplasty."""
        return self.kind in {"treated", "treated_of_vertebra"}


def find_terms(line: Line, earlier: Found | None = None, *, is_implied: bool = False) -> list[Found]:
    """The terms of a sentence in order; neighbours that make one expression are one term.

    earlier: the last term of the sentence before, for which "that of T10" may stand. is_implied: it is meant
    at each of the levels, without a word for it.
    """
    if is_implied and earlier is not None:
        ends = [group.end for group in line.levels] or [len(line.words)]
        return [replace(earlier, start=end, end=end, is_proxy=True) for end in ends]
    hits = line.language.terms.find(line.words)
    losses = [hit for hit in hits if hit.kind == "weak_of_vertebra"]
    hits = [_kept_settled(line, hit) for hit in hits if not _is_kept_no_more(line, hit, losses)]
    masks = [hit for hit in hits if hit.kind == "not_terms"]
    severe = [hit for hit in hits if hit.kind == "severe_by_name"]
    kept: list[Hit] = []
    candidates = [hit for hit in hits if hit.kind in _TERM_OF and not _overlaps_any(hit, masks)]
    for hit in sorted(
        candidates, key=lambda x: (x.kind == "degenerative", x.start - x.end, _KINDS.index(x.kind))
    ):
        if not _overlaps_any(hit, kept) and (hit.kind != "hash" or _is_fracture_sign(line, hit)):
            kept.append(hit)
    found = [
        Found(
            start=hit.start, end=hit.end, kind=_KIND_OF.get(hit.kind, hit.kind), term=_TERM_OF[hit.kind],
            is_severe=_overlaps_any(hit, severe),
        )
        for hit in sorted(kept, key=lambda x: x.start)
    ]  # fmt: skip
    named = [term for term in found if not _is_bracketed_aside(line, term, found)]
    return list(_joined(line, _with_proxies(line, named, earlier)))


def _is_bracketed_aside(line: Line, term: Found, found: list[Found]) -> bool:
    """As in "fractures of T8 (wedge, 30 %) and T9 (near vertebra plana)": more of the term outside."""
    if term.is_treatment or term.term is Term.OTHER_DIAGNOSIS or "(" not in line.words[: term.start]:
        return False
    opened = max(at for at in range(term.start) if line.words[at] == "(")
    closed = next((at for at in range(opened, len(line.words)) if line.words[at] == ")"), opened)
    has_own_level = any(opened < group.start < closed for group in line.levels)
    is_inside = term.end <= closed and not has_own_level
    return is_inside and any(x.term is Term.STRONG and x.end <= opened for x in found)


def _is_kept_no_more(line: Line, hit: Hit, losses: list[Hit]) -> bool:
    """As in "height loss versus normal", "height reduced to 60 % of normal": not said to be kept."""
    is_lost = any(loss.start == hit.start and loss.end < hit.end for loss in losses)
    return hit.kind == "kept" and (is_lost or line.has("versus", hit.start, hit.end))


def _kept_settled(line: Line, hit: Hit) -> Hit:
    """As in "height not preserved": a loss of height."""
    is_denied = hit.kind == "kept" and line.has("negation_before", hit.start + 1, hit.end)
    return hit._replace(kind="weak_of_vertebra") if is_denied else hit


def _overlaps_any(hit: Hit, others: list[Hit]) -> bool:
    return any(hit.start < other.end and other.start < hit.end for other in others)


def _is_fracture_sign(line: Line, hit: Hit) -> bool:
    """# is a fracture beside a level or a word of the spine, else a number sign."""
    near = [
        group for group in line.levels if abs(group.start - hit.end) <= 1 or abs(hit.start - group.end) <= 1
    ]
    beside = line.has("site_spine", max(0, hit.start - 2), hit.start)
    negated = any(span.end == hit.start for span in line.spans("negation_before"))
    return bool(near) or beside or negated


def _with_proxies(line: Line, found: list[Found], earlier: Found | None) -> list[Found]:
    """Add words that stand for the term before them ("one at", "but not of"); a level must follow."""
    proxies = []
    for kind in ("proxy", "ellipsis"):
        for span in line.spans(kind):
            before = [*([earlier] if earlier else []), *(term for term in found if term.end <= span.start)]
            levels = [group for group in line.levels if 0 <= group.start - span.end <= 1]
            if before and levels:
                start, end = (span.start, span.start + 1) if kind == "proxy" else (span.end, span.end)
                proxies.append(replace(before[-1], start=start, end=end, is_proxy=True))
    denied = others_denied(line)
    if found and denied is not None and denied >= found[-1].end and found[-1].term is Term.STRONG:
        proxies.append(replace(found[-1], start=len(line.words), end=len(line.words), is_proxy=True))
    return sorted([*found, *proxies], key=lambda term: term.start)


def others_denied(line: Line) -> int | None:
    """Where a sentence ends with "no others", "none new": the negation and nothing but what it leads to."""
    others = ("other", "new", "recent")
    if "negation_before" not in line.marks or not any(kind in line.marks for kind in others):
        return None
    for negation in line.spans("negation_before"):
        rest = range(negation.start, len(line.words))
        if any(x.start >= negation.start for x in (*line.levels, *line.disc_levels)):
            continue
        marked = {
            at
            for kind in (*others, "negation_before", "negation_after")
            for span in line.spans(kind, negation.start)
            for at in range(span.start, span.end)
        }
        small = line.language.word_sets["stand_in"]
        is_other = any(line.has(kind, negation.start) for kind in others)
        if is_other and all(at in marked or line.words[at] in small for at in rest):
            return negation.start
    return None


def _joined(line: Line, found: list[Found]) -> Iterator[Found]:
    """Neighbours that are one expression: wedge | fracture, tassement | cuneiforme."""
    i = 0
    while i < len(found):
        term = found[i]
        while i + 1 < len(found) and _is_one_expression(line, term, found[i + 1]):
            i += 1
            term = _merged(term, found[i])
        yield term
        i += 1


def _is_one_expression(line: Line, left: Found, right: Found) -> bool:
    if right.is_proxy or "kept" in {left.kind, right.kind}:
        return False
    if left.is_treatment or right.is_treatment:
        return left.is_treatment and right.is_treatment and left.end == right.start
    gap = line.words[left.end : right.start]
    if "degenerative" in {left.kind, right.kind}:
        return not gap
    if len(gap) > 1 or (left.end < right.start and _parts(line, Span(left.end, right.start))):
        return _is_around_level(line, left, right)
    if right.term is Term.OTHER_DIAGNOSIS or left.term is Term.OTHER_DIAGNOSIS:
        # lytic destruction; Modic degenerative changes; but "metastasis fracture" is a slip of two words
        return not gap and (left.term is right.term or (right.term is Term.STRONG and right.kind != "strong"))
    return True


def _is_around_level(line: Line, left: Found, right: Found) -> bool:
    """As in "lytic T8 deposit": two words for one lesion, and its level between."""
    is_lesion = left.term is Term.OTHER_DIAGNOSIS and left.kind == right.kind
    return is_lesion and any((x.start, x.end) == (left.end, right.start) for x in line.levels)


def _parts(line: Line, span: Span) -> bool:
    """Whether a word between two terms keeps them apart."""
    word = line.words[span.start]
    if word in line.language.word_sets["preposition"] or line.boundaries(span.start, span.end):
        return True
    cues = ("negation_before", "uncertain_before", "probable_before", "negation_after")
    is_cue = any(line.has(kind, span.start, span.end) for kind in cues)
    is_level = any(group.start < span.end and span.start < group.end for group in line.levels)
    return is_cue or is_level or not word.isalpha()


def _merged(left: Found, right: Found) -> Found:
    order = (Term.STRONG, Term.WEAK, Term.OTHER_DIAGNOSIS)
    leading = min((left, right), key=lambda x: (x.kind == "degenerative", order.index(x.term)))
    kind = leading.kind
    if leading.term is Term.STRONG and {left.term, right.term} == {Term.STRONG, Term.WEAK}:
        kind = "strong" if leading.kind == "fracture" else leading.kind
    if left.term is right.term is Term.STRONG and {left.kind, right.kind} & {"strong", "treated"}:
        kind = "treated" if "treated" in {left.kind, right.kind} else "strong"
    is_severe = left.is_severe or right.is_severe
    return Found(start=left.start, end=right.end, kind=kind, term=leading.term, is_severe=is_severe)
