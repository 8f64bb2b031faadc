"""A report's layout: headings, sections and sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from spondyl.study.mentions.language import Language
from spondyl.study.mentions.model import Section
from spondyl.study.mentions.text import Words

_STOPS = frozenset(".!;")
_BULLETS = frozenset("•*-–+>#=_|·▪◦o")
_LONGEST_HEADING = 8  # words before the colon
_LONGEST_SENTENCE = 150  # words; a text without stops is cut so
_WRAPPED_LINE = 60  # a line at least so long may go on in the next one
_HEADING_ENDS = frozenset({":", "\n", ".", ",", "-"})
_REGIONS = frozenset({"spine", "region", "disc", "other_bone"})
_UPPER_OR_DIGIT = re.compile(r"[A-ZÀ-Þ0-9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Words start to end (excluded) of a text.

    heading: the kind of region that stands before it on its line (spine, disc, other_bone), "" for others.
    """

    start: int
    end: int
    section: Section
    heading: str


@dataclass(slots=True, kw_only=True)
class _Reading:
    """Where the reading of the layout is."""

    section: Section = Section.UNSECTIONED
    heading: str = ""
    heading_is_line: bool = False  # it stood alone on its line, and holds until an empty one


def sentences(text: str, words: Words, language: Language) -> Iterator[Sentence]:
    """Cut a text into sentences, each with its section. Source: the labelling guideline, "Section".

    A line ends a sentence unless it is wrapped: it ends in a word that joins, or is long and goes on in
    small letters.
    """
    reading = _Reading()
    ends = _Ends(text, words, language)
    at = 0
    while at < len(words.words):
        if words.words[at] == "\n":
            at += 1
            if reading.heading_is_line and words.words[at : at + 1] == ["\n"]:
                reading = replace(reading, heading="", heading_is_line=False)
            if not reading.heading_is_line:
                reading.heading = ""
            continue
        at = _skip_bullet(words.words, at)
        begin = _heading_end(words.words, at, language, reading)
        if begin > at:
            at = begin
            continue
        end = ends.after(at)
        if end > at:
            yield Sentence(start=at, end=end, section=reading.section, heading=reading.heading)
        at = end + (end < len(words.words) and words.words[end] in _STOPS)
        at = max(at, end)


class _Ends:
    """Where sentences end."""

    def __init__(self, text: str, words: Words, language: Language) -> None:
        self._text, self._words, self._language = text, words, language

    def after(self, start: int) -> int:
        """The word after the sentence that begins at a word."""
        line_start, goes_on = start, False
        stop = min(len(self._words.words), start + _LONGEST_SENTENCE)
        for at in range(start, stop):
            word = self._words.words[at]
            if at > start and word.isdigit() and self._is_item(start, at):
                return at
            if word in _STOPS:
                if word != "." or self._is_stop(at):
                    return at
            elif word == "?":
                if at > start and self._is_question_end(at):
                    return at + 1
            elif word == "\n":
                if not self._is_wrapped(line_start, at, goes_on=goes_on):
                    return at
                line_start, goes_on = at + 1, True
        return stop

    def _is_item(self, start: int, at: int) -> bool:
        """Whether a number of a list begins at a word: "1) no embolism 2) fracture of L2"."""
        words = self._words.words
        return words[at + 1 : at + 2] == [")"] and "(" not in words[start:at]

    def _is_stop(self, at: int) -> bool:
        """Whether the full stop at a word ends a sentence: not after an abbreviation, not in "e.g."."""
        before = self._words.words[at - 1] if at else ""
        follows = self._text[self._words.ends[at] : self._words.ends[at] + 1]
        if follows and not follows.isspace():
            # "fx.lungs": a stop without a space; "e.g." and "T.12" are none
            return len(before) > 1 and follows.isalpha()
        is_number = before.isdigit() and (at < 2 or self._words.words[at - 2] in {"\n", "."})
        return before not in self._language.abbreviations and not is_number

    def _is_question_end(self, at: int) -> bool:
        """A question mark after a word and before a space, unless the line goes on in small letters."""
        rest = self._text[self._words.ends[at] : self._words.ends[at] + 2]
        if rest[:1].isalnum() or self._words.words[at - 1] in "(:,":
            return False
        return len(rest) < len("? ") or rest[0] == "\n" or not rest[1].islower()

    def _is_wrapped(self, line_start: int, at: int, *, goes_on: bool) -> bool:
        """Whether the sentence goes on after the line break at a word."""
        words = self._words
        if at + 1 >= len(words.words) or words.words[at + 1] in {"\n", *_BULLETS}:
            return False
        if words.words[at - 1] in self._language.joins_next_line or words.words[at - 1] == ",":
            return True
        first, following = self._text[words.starts[line_start]], self._text[words.starts[at + 1]]
        if not following.islower():
            return False
        is_long = words.ends[at - 1] - words.starts[line_start] >= _WRAPPED_LINE
        is_sentence = goes_on or bool(_UPPER_OR_DIGIT.match(first))
        negates = self._language.marks.find(words.words, at + 1, at + 2)
        begins_anew = any(hit.kind == "negation_before" for hit in negates)
        return is_long or (is_sentence and not begins_anew)


def _skip_bullet(words: list[str], at: int) -> int:
    """Past bullets and a number of a list: "- ", "1. ", "2) "."""
    while at < len(words) and words[at] in _BULLETS and words[at] != "o":
        if words[at] == "#" and at + 1 < len(words) and words[at + 1] not in _BULLETS:
            break  # "# T12" is a fracture
        at += 1
    if at + 1 < len(words) and words[at].isdigit() and words[at + 1] in {".", ")"}:
        at += 2
    return at


def _heading_end(words: list[str], at: int, language: Language, reading: _Reading) -> int:
    """Where the text after a heading at a word begins; the word itself where there is none."""
    end = at
    while end < len(words) and end - at < _LONGEST_HEADING and words[end] not in _HEADING_ENDS:
        end += 1
    if end == at or end >= len(words) or words[end] in {".", ","}:
        return at
    if words[end] == "-" and at and words[at - 1] != "\n":
        return at  # "Spine - normal" is a heading only at the start of a line
    label = [word for word in words[at:end] if word not in {"*", "/", "-", "&", "(", ")", "_", "=", "["}]
    kind = language.headings.whole(label, 0, len(label)) if label else None
    if kind is None or kind == "title":
        return at
    is_line = words[end] == "\n"
    if is_line and kind in _REGIONS and at and words[at - 1] != "\n":
        return at
    reading.section = Section.FINDINGS if kind in _REGIONS else Section(kind)
    reading.heading = kind if kind in _REGIONS and kind != "region" else ""
    following = words[end + 1 : end + 2]
    reading.heading_is_line = is_line or following == ["\n"]
    return end + 1
