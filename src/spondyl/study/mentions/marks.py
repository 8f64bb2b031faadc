"""The words around a term, found once per sentence and kept by kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from spondyl.domain.level import Level
from spondyl.study.mentions.language import Language
from spondyl.study.mentions.levels import LevelGroup, find_levels
from spondyl.study.mentions.model import Section
from spondyl.study.mentions.phrases import Hit

# of two overlapping phrases of these kinds the longer holds: "not acute" is neither "not" nor "acute"
_RIVALS = frozenset({
    "negation_before", "negation_after", "uncertain_before", "uncertain_after", "probable_before",
    "probable_after", "no_mention_before", "no_mention_everywhere", "no_mention_after", "recent", "chronic",
    "not_chronic", "mild", "moderate", "severe", "not_graded", "quarter", "third", "half", "two_thirds",
    "three_quarters", "not_fraction", "old_change", "history_before", "history_after",
    "not_cues", "versus",
})  # fmt: skip
_AGES = frozenset({"recent", "chronic", "not_chronic"})
_BOUNDARY_SIGNS = frozenset({",", ":", "(", ")", "[", "]", ">", "-", "/"})
BOUNDARY_KINDS = ("and", "or", "with", "scope_end", "versus")


class Span(NamedTuple):
    """Words start to end (excluded). A tuple, for thousands are made a second."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A sentence with what stands in it.

    words: its words, without line breaks. places: their places among the words of the text. levels: its level
    groups that are vertebrae; disc_levels: those that name discs, roots or stages. heading: see Sentence.
    """

    words: list[str]
    places: list[int]
    levels: tuple[LevelGroup, ...]
    disc_levels: tuple[LevelGroup, ...]
    marks: dict[str, list[Span]]
    parting: tuple[int, ...]
    section: Section
    heading: str
    language: Language

    def spans(self, kind: str, start: int = 0, end: int | None = None) -> Iterator[Span]:
        """The marks of a kind that lie wholly in some words."""
        marks = self.marks.get(kind)
        if marks is None:
            return iter(())
        stop = len(self.words) if end is None else end
        return iter([span for span in marks if start <= span.start and span.end <= stop])

    def has(self, kind: str, start: int = 0, end: int | None = None) -> bool:
        """Whether a mark of a kind lies wholly in some words."""
        marks = self.marks.get(kind)
        if marks is None:
            return False
        stop = len(self.words) if end is None else end
        return any(start <= span.start and span.end <= stop for span in marks)

    def boundaries(self, start: int, end: int) -> list[int]:
        """Words that part two statements: commas, brackets, and, with, but."""
        return [at for at in self.parting if start <= at < end]


def make_line(
    words: list[str], places: list[int], section: Section, heading: str, language: Language
) -> Line:
    """Find the levels and marks of a sentence."""
    hits = language.marks.find(words)
    marks: dict[str, list[Span]] = {}
    for hit in _rivals_settled(hits):
        marks.setdefault(hit.kind, []).append(Span(hit.start, hit.end))
    groups = find_levels(words, language.levels)
    bare = Line(
        words=words, places=places, levels=(), disc_levels=(), marks=marks, parting=(), section=section,
        heading=heading, language=language,
    )  # fmt: skip
    vertebrae = tuple(group for group in groups if _is_vertebral(group, bare))
    others = tuple(group for group in groups if group not in vertebrae)
    return replace(bare, levels=vertebrae, disc_levels=others, parting=_parting(words, marks, groups))


def _parting(words: list[str], marks: dict[str, list[Span]], groups: list[LevelGroup]) -> tuple[int, ...]:
    """The words that part two statements, without those inside a list of levels or percentages."""
    found = {at for at, word in enumerate(words) if word in _BOUNDARY_SIGNS and _is_sign(words, at)}
    for kind in BOUNDARY_KINDS:
        found.update(span.start for span in marks.get(kind, ()))
    found -= {at for group in groups for at in range(group.start, group.end)}
    return tuple(sorted(at for at in found if not _joins_percents(words, at)))


def _is_sign(words: list[str], at: int) -> bool:
    """Whether a dash or stroke parts two statements, and not two numbers or adjectives."""
    if words[at] not in {"-", "/"}:
        return True
    around = words[at - 1 : at] + words[at + 1 : at + 2]
    return words[at] == "-" and not any(word.isdigit() for word in around)


def _joins_percents(words: list[str], at: int) -> bool:
    """Whether a comma or conjunction stands between two percentages: "15 %, 30 % and 50 %"."""
    after = words[at + 1 : at + 3]
    return words[at - 1] == "%" and bool(after) and after[0].isdigit() and after[1:] == ["%"]


def _rivals_settled(hits: list[Hit]) -> Iterator[Hit]:
    rivals = [hit for hit in hits if hit.kind in _RIVALS]
    strong = [hit for hit in rivals if not hit.has_gap or hit.kind == "old_change"]
    for hit in hits:
        if hit.kind not in _RIVALS or not any(_swallows(other, hit) for other in strong):
            yield hit


def _swallows(longer: Hit, hit: Hit) -> bool:
    """Whether a phrase lies within another, longer one."""
    inside = longer.start <= hit.start and hit.end <= longer.end
    if longer.kind == "negation_after" and hit.kind == "negation_before" and longer.end == hit.end:
        return False  # "L3: no fracture" also negates what follows
    if longer.kind in _AGES and hit.kind.startswith("negation"):
        inside = longer.start < hit.end and hit.start < longer.end  # "was not present in 2019"
    return inside and longer.end - longer.start > hit.end - hit.start


def _is_vertebral(group: LevelGroup, line: Line) -> bool:
    """Whether levels name vertebrae here: not discs, roots, stages of a tumour, cycles, liver segments."""
    if any(level is Level.S1 for level in group.levels) and (group.is_pair or len(group.levels) == 1):
        return False
    before = any(span.end == group.start for span in line.spans("not_level_before")) or _is_hardware(
        group, line
    )
    after = any(span.start == group.end for span in line.spans("not_level_after"))
    return not before and not after and not _names_disc(group, line)


def _is_hardware(group: LevelGroup, line: Line) -> bool:
    """As in "screws from T11 to L1": levels of metal, not of a fracture."""
    if not line.language.adjective_after and any(x.start == group.end for x in line.spans("hardware")):
        return True
    small = line.language.levels.between_items | line.language.word_sets["preposition"]
    for span in line.spans("hardware", 0, group.start):
        between = line.words[span.end : group.start]
        if between and between[0].isalpha() and between[0] not in small:
            between = between[1:]  # "posterior", "pediculaires"
        if all(word in small for word in between):
            return True
    return False


def _names_disc(group: LevelGroup, line: Line) -> bool:
    """L4-L5 disc, disc of L4-L5, narrowing at L4-L5; a single level only beside the word itself."""
    kinds = ("site_disc", "disc_like") if group.is_pair else ("site_disc",)
    small = line.language.levels.between_items | line.language.word_sets["preposition"]
    for span in (span for kind in kinds for span in line.spans(kind)):
        if span.start == group.end:
            return True
        if span.end <= group.start and all(word in small for word in line.words[span.end : group.start]):
            return True
    return group.is_pair and line.heading == "disc"
