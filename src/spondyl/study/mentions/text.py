"""Letters folded one to one, and the text cut into words that know where they stand."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# one letter for one: quotes, dashes, spaces, and the ligatures oe and ae, which are written e as well
_SAME = {
    **dict.fromkeys("\u2019\u2018\u02bc\u0060\u00b4\u2032", "'"),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
    **dict.fromkeys("\u00a0\u202f\u2009\t", " "),
    **dict.fromkeys("\x0b\x0c\u2028\x85", "\n"),
    **dict.fromkeys("\u0153\u0152\u00e6\u00c6", "e"),
    "\uff05": "%",
    "\u00df": "s",
    "\u00bd": "\u00bd",
    "\u2192": ">",
}
# A word; a number, with decimals; an elided article (d', qu'); a possessive, dropped; else one sign.
_WORD = re.compile(
    r"'s\b|[a-z]{1,2}'(?=[a-z])|(?:jus|lors|puis)?qu'|[a-z]+\d{0,2}|\d+(?:[.,]\d+)?|\n|[^\s]", re.ASCII
)
_POSSESSIVE = "'s"


class _Folding(dict[int, str]):
    """One folded letter per code point, found when first met."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        folded = _SAME.get(letter)
        if folded is None:
            base = unicodedata.normalize("NFKD", letter)[:1].lower()
            folded = base if len(base) == 1 else letter
        self[code] = folded
        return folded


_FOLDING = _Folding()


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words of a text, and where each stands in it.

    words: folded. starts, ends: offsets in the text as it was given, end excluded.
    text: the folded text; offsets: its letters' places in the given text, None where both agree.
    """

    words: list[str]
    starts: list[int]
    ends: list[int]


def fold(text: str) -> str:
    """Lower case without accents, quotes and dashes of one kind; as long as the text itself."""
    return text.lower() if text.isascii() else text.translate(_FOLDING)


def split(text: str) -> Words:
    """Cut a text into words.

    A hyphen between two words of letters is dropped (fracture-tassement), one beside a digit is kept
    (T11-L1). Composed and decomposed accents give the same words.
    """
    offsets: list[int] | None = None
    composed = text
    if not text.isascii() and any(unicodedata.combining(letter) for letter in set(text)):
        kept = [i for i, letter in enumerate(text) if not unicodedata.combining(letter)]
        composed = "".join(text[i] for i in kept)
        offsets = [*kept, len(text)]
    folded = fold(composed)
    found = [m.span() for m in _WORD.finditer(folded)]
    words = [folded[a:b] for a, b in found]
    drop = _dropped(words, found)
    if drop:
        keep = [i for i in range(len(words)) if i not in drop]
        words, found = [words[i] for i in keep], [found[i] for i in keep]
    if offsets is not None:
        found = [(offsets[a], offsets[b - 1] + _width(text, offsets[b - 1])) for a, b in found]
    return Words(words=words, starts=[a for a, _ in found], ends=[b for _, b in found])


def _dropped(words: list[str], found: list[tuple[int, int]]) -> set[int]:
    """Possessives, and hyphens that join two words of letters without a space."""
    drop = {i for i, word in enumerate(words) if word == _POSSESSIVE}
    for i, word in enumerate(words):
        if word != "-" or i == 0 or i + 1 == len(words):
            continue
        joined = found[i - 1][1] == found[i][0] and found[i][1] == found[i + 1][0]
        if joined and words[i - 1].isalpha() and words[i + 1].isalpha():
            drop.add(i)
    return drop


def _width(text: str, start: int) -> int:
    """Letters from start on that belong to one letter: itself and its combining accents."""
    end = start + 1
    while end < len(text) and unicodedata.combining(text[end]):
        end += 1
    return end - start
