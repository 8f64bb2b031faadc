"""Phrases of a language file, and where they stand in a line of words.

    word    exactly this word           stem*   any word that begins so      a|b    either
    (word)  may be absent               ~3      up to three words            a_b|c  "a b" or c

A gap (~3) crosses no punctuation. "oe" and "ae" also match "e".
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from spondyl.study.mentions.text import fold

_LONGEST_PHRASE = 24  # words, its gaps filled
_STEM_KEY = 2  # stems are found by their first letters
_MOST_WORDS_REMEMBERED = 200_000
_PUNCTUATION = frozenset(".,;:()[]!?\n•*")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Element:
    """One place of a phrase: a word out of a choice, or a gap of at most ``gap`` words."""

    words: frozenset[str] = frozenset()
    stems: tuple[str, ...] = ()
    gap: int = 0

    def may_be(self, word: str) -> bool:
        """Whether the place may begin with this word; a gap may begin with any."""
        return bool(self.gap) or word in self.words or (bool(self.stems) and word.startswith(self.stems))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phrase:
    """A phrase behind its first word. keys: first letters of its last word, one of which must follow."""

    kind: str
    rest: tuple[_Element, ...]
    has_gap: bool
    keys: frozenset[str]


class Hit(NamedTuple):
    """A phrase found: words start to end (excluded) of the line. A tuple, for thousands are made a second."""

    kind: str
    start: int
    end: int
    has_gap: bool = False


class PhraseError(ValueError):
    """A phrase of a language file that cannot be read."""


class Phrases:
    """All phrases of some kinds, found in one pass. Words met before are remembered."""

    def __init__(self, kinds: Mapping[str, Iterable[str]]) -> None:
        """Read the phrases of each kind.

        Raises:
            PhraseError: an empty phrase, or one that begins with a gap.
        """
        self._by_word: dict[str, list[_Phrase]] = {}
        self._by_stem: dict[str, list[tuple[str, _Phrase]]] = {}
        self._known: dict[str, tuple[_Phrase, ...]] = {}
        self._pairs: dict[tuple[str, str], tuple[frozenset[str], tuple[_Phrase, ...]]] = {}
        for kind, phrases in kinds.items():
            for text in phrases:
                for elements in _expanded(text):
                    self._add(kind, elements, text)

    def _add(self, kind: str, elements: tuple[_Element, ...], text: str) -> None:
        if not elements or elements[0].gap:
            raise PhraseError(f"phrase {text!r} of {kind} must begin with a word that is always there")
        first = elements[0]
        last = next(e for e in reversed(elements) if not e.gap)
        keys = frozenset(x[:_STEM_KEY] for x in (*last.words, *last.stems))
        phrase = _Phrase(kind=kind, rest=elements[1:], has_gap=any(e.gap for e in elements), keys=keys)
        for word in first.words:
            self._by_word.setdefault(word, []).append(phrase)
        for stem in first.stems:
            self._by_stem.setdefault(stem[:_STEM_KEY], []).append((stem, phrase))

    def _beginning(self, word: str) -> tuple[_Phrase, ...]:
        """The phrases that may begin with this word."""
        found = list(self._by_word.get(word, ()))
        for stem, phrase in self._by_stem.get(word[:_STEM_KEY], ()):
            if word.startswith(stem):
                found.append(phrase)
        if len(self._known) < _MOST_WORDS_REMEMBERED:
            self._known[word] = tuple(found)
        return tuple(found)

    def _going_on(self, word: str, following: str) -> tuple[frozenset[str], tuple[_Phrase, ...]]:
        """The kinds that the first word alone makes, and the phrases that may go on with the second."""
        phrases = self._known.get(word)
        if phrases is None:
            phrases = self._beginning(word)
        alone = frozenset(phrase.kind for phrase in phrases if not phrase.rest)
        longer = tuple(phrase for phrase in phrases if phrase.rest and phrase.rest[0].may_be(following))
        if len(self._pairs) < _MOST_WORDS_REMEMBERED:
            self._pairs[word, following] = (alone, longer)
        return alone, longer

    def begins(self, word: str) -> bool:
        """Whether a phrase begins with this word."""
        return bool(self._known.get(word) or self._beginning(word))

    def find(self, words: list[str], start: int = 0, end: int | None = None) -> list[Hit]:
        """The longest hit of each kind at each word, in order of their starts."""
        stop = len(words) if end is None else end
        known, pairs = self._known, self._pairs
        hits: list[Hit] = []
        for at in range(start, stop):
            word = words[at]
            phrases = known.get(word)
            if phrases is None:
                phrases = self._beginning(word)
            if phrases:
                following = words[at + 1] if at + 1 < stop else ""
                alone, longer = pairs.get((word, following)) or self._going_on(word, following)
                if longer:
                    hits.extend(_hits_at(alone, longer, words, at, stop))
                else:
                    hits.extend([Hit(kind, at, at + 1) for kind in alone])
        return hits

    def whole(self, words: list[str], start: int, end: int) -> str | None:
        """The kind of a phrase that covers exactly these words."""
        phrases = self._known.get(words[start])
        for phrase in self._beginning(words[start]) if phrases is None else phrases:
            if end in _ends(phrase.rest, 0, words, start + 1, end):
                return phrase.kind
        return None


def _hits_at(
    alone: frozenset[str], longer: tuple[_Phrase, ...], words: list[str], at: int, stop: int
) -> list[Hit]:
    best = dict.fromkeys(alone, (at + 1, False))
    ahead: set[str] | None = None
    for phrase in longer:
        if phrase.has_gap:
            if ahead is None:
                ahead = {word[:_STEM_KEY] for word in words[at : min(at + _LONGEST_PHRASE, stop)]}
            if ahead.isdisjoint(phrase.keys):
                continue
            end = _end_with_gaps(phrase, words, at, stop)
        else:
            end = _end(phrase, words, at, stop)
        if end and end > best.get(phrase.kind, (0, False))[0]:
            best[phrase.kind] = (end, phrase.has_gap)
    return [Hit(kind, at, end, gap) for kind, (end, gap) in best.items()]


def _end(phrase: _Phrase, words: list[str], at: int, stop: int) -> int:
    """Where a phrase without gaps ends that begins at a word, 0 where it does not go on."""
    end = at + 1 + len(phrase.rest)
    if end > stop:
        return 0
    for element, word in zip(phrase.rest, words[at + 1 : end], strict=True):
        if word not in element.words and not (element.stems and word.startswith(element.stems)):
            return 0
    return end


def _end_with_gaps(phrase: _Phrase, words: list[str], at: int, stop: int) -> int:
    return max(_ends(phrase.rest, 0, words, at + 1, stop), default=0)


def _ends(rest: tuple[_Element, ...], index: int, words: list[str], at: int, stop: int) -> list[int]:
    """Where the elements from index on can end when they begin at a word."""
    if index == len(rest):
        return [at]
    element = rest[index]
    if not element.gap:
        if at >= stop or not element.may_be(words[at]):
            return []
        return _ends(rest, index + 1, words, at + 1, stop)
    following = rest[index + 1] if index + 1 < len(rest) else None
    ends = []
    for place in range(at, min(at + element.gap, stop) + 1):
        if following is None:
            ends.append(place)
        elif place < stop and following.may_be(words[place]):
            ends.extend(_ends(rest, index + 2, words, place + 1, stop))
        if place >= stop or words[place] in _PUNCTUATION:
            break
    return ends


def _expanded(text: str) -> Iterable[tuple[_Element, ...]]:
    """Every sequence of elements that a phrase stands for."""
    choices = [_choices(part) for part in _parts(fold(text))]
    for sequence in itertools.product(*choices):
        yield tuple(element for elements in sequence for element in elements)


def _parts(text: str) -> list[str]:
    """The parts of a phrase; a bracketed part may hold spaces."""
    parts: list[str] = []
    for part in text.split():
        if parts and parts[-1].startswith("(") and not parts[-1].endswith(")") and parts[-1] != "(":
            parts[-1] += "_" + part
        else:
            parts.append(part)
    return parts


def _choices(part: str) -> list[tuple[_Element, ...]]:
    """What may stand in one place: an empty sequence where the part may be absent."""
    if part.startswith("~"):
        return [(_Element(gap=int(part[1:])),)]
    optional = len(part) > 1 and part.startswith("(") and part.endswith(")")
    options = (part[1:-1] if optional else part).split("|")
    single = [word for word in options if "_" not in word]
    sequences: list[tuple[_Element, ...]] = [(_element(single),)] if single else []
    sequences += [
        tuple(_element([word]) for word in option.split("_")) for option in options if "_" in option
    ]
    return [(), *sequences] if optional else sequences


def _element(words: Iterable[str]) -> _Element:
    spelt = [variant for word in words for variant in _variants(word)]
    exact = frozenset(word for word in spelt if not word.endswith("*") or word == "*")
    stems = tuple(word[:-1] for word in spelt if word.endswith("*") and word != "*")
    return _Element(words=exact, stems=stems)


def _variants(word: str) -> set[str]:
    return {word, word.replace("oe", "e").replace("ae", "e")}
