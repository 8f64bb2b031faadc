"""One letter wrong in a word that matters: put right. Every word met is remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterable

_SHORTEST = 6  # below this, one letter off is as a rule another word
_MOST_WORDS_REMEMBERED = 200_000


class Speller(dict[str, str]):
    """Maps a word to itself, or to the known word that it misses by one letter.

    One letter missing, doubled, wrong, or two neighbours swapped. Words that are known stay as they are.
    """

    def __init__(self, words: Iterable[str], is_known: Callable[[str], bool]) -> None:
        """``is_known`` tells a word that must not be changed."""
        super().__init__()
        self._words = frozenset(words)
        self._is_known = is_known
        self._shortened: dict[str, list[str]] = {}
        for word in sorted(self._words):
            for form in {word, *_without_one(word)}:
                self._shortened.setdefault(form, []).append(word)

    def __missing__(self, word: str) -> str:
        meant = self._meant(word)
        if len(self) < _MOST_WORDS_REMEMBERED:
            self[word] = meant
        return meant

    def _meant(self, word: str) -> str:
        if len(word) < _SHORTEST or not word.isalpha() or word in self._words or self._is_known(word):
            return word
        for form in (word, *_without_one(word)):
            for candidate in self._shortened.get(form, ()):
                if len(candidate) >= _SHORTEST and _is_one_off(word, candidate):
                    return candidate
        return word


def _without_one(word: str) -> list[str]:
    return [word[:i] + word[i + 1 :] for i in range(len(word))]


def _is_one_off(word: str, other: str) -> bool:
    """One letter inserted, deleted or replaced, or two neighbours swapped; the first letter stands."""
    if word[0] != other[0]:
        return False
    shorter, longer = sorted((word, other), key=len)
    if len(longer) - len(shorter) == 1:
        return shorter in _without_one(longer)
    if len(longer) != len(shorter):
        return False
    wrong = [i for i, (a, b) in enumerate(zip(word, other, strict=True)) if a != b]
    if len(wrong) == 1:
        return True
    swapped = len(wrong) == len("ab") and wrong[1] == wrong[0] + 1
    return swapped and word[wrong[0]] == other[wrong[1]] and word[wrong[1]] == other[wrong[0]]
