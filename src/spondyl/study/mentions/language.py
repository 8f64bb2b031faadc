"""A language as data: its file read, checked and made ready. A new language is a new file, no code."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from spondyl.domain.level import Level
from spondyl.study.mentions.phrases import PhraseError, Phrases
from spondyl.study.mentions.spelling import Speller
from spondyl.study.mentions.text import fold

# fmt: off
TABLES: dict[str, frozenset[str]] = {
    "headings": frozenset({
        "indication", "history", "technique", "comparison", "findings", "impression", "spine", "region",
        "disc", "other_bone", "title",
    }),
    "terms": frozenset({
        "strong", "fracture", "hash", "strong_of_vertebra", "weak_of_vertebra", "weak_local", "kept",
        "treated", "treated_of_vertebra", "other", "slip", "other_of_vertebra", "other_of_level",
        "degenerative", "severe_by_name", "not_terms", "correction",
    }),
    "sites": frozenset({
        "spine", "body", "not_spine", "other_bone", "process", "disc",
    }),
    "cues": frozenset({
        "negation_before", "negation_after", "scope_end", "uncertain_before", "uncertain_after",
        "probable_before", "probable_after", "doubt_adverb", "age_or_cause", "no_mention_before",
        "no_mention_everywhere", "no_mention_after", "planned", "history_before", "history_after", "recent",
        "chronic", "not_chronic", "new", "other", "old_change", "anaphor", "beside", "definite", "plural",
        "proxy", "ellipsis", "and", "or", "with", "versus", "preposition", "transparent", "respectively",
        "latter", "former", "normal", "because", "differential", "denies", "wrong_level", "should_read",
        "disc_like", "hardware", "introduction", "cause_other", "cause_fracture", "now",
        "not_cues", "stand_in", "confirmed", "not_level_before", "not_level_after",
    }),
    "severity": frozenset({
        "mild", "moderate", "severe", "not_graded", "quarter", "third", "half", "two_thirds",
        "three_quarters", "not_fraction", "percent", "joins_range", "past", "noun",
    }),
}
# fmt: on
_WORD_SETS = frozenset(
    {"stand_in", "transparent", "preposition", "definite", "plural", "percent", "joins_range"}
)


class LanguageError(ValueError):
    """A language file that cannot be used, or a language that there is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelWords:
    """How levels are written.

    prefixes: letters before a number, and the region they mean (t, th, d: T). region_words: the region as a
    word. numbers: ordinals as words. joins: words between two levels, and whether they make a range.
    starters: words that a level may begin with, besides those that end in a digit.
    """

    prefixes: Mapping[str, str]
    region_words: Mapping[str, str]
    numbers: Mapping[str, int]
    ordinal_suffixes: frozenset[str]
    last: frozenset[str]
    joins: Mapping[tuple[str, ...], bool]
    range_pair: frozenset[str]
    between_items: frozenset[str]
    not_word_level: frozenset[str]
    named: Mapping[str, Level]
    starters: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """A language, ready to read with.

    adjective_after: whether an adjective stands after its noun as a rule. terms: what a mention can be made
    of. marks: the words around it. word_sets: kinds that are single words.
    """

    code: str
    name: str
    adjective_after: bool
    stopwords: frozenset[str]
    abbreviations: frozenset[str]
    joins_next_line: frozenset[str]
    headings: Phrases
    terms: Phrases
    marks: Phrases
    word_sets: Mapping[str, frozenset[str]]
    levels: LevelWords
    spelling: Speller


def load_language(path: Path) -> Language:
    """Read a language file.

    Raises:
        LanguageError: no TOML, a table or list missing or not known, a phrase that cannot be read.
    """
    return read_language(path.read_text(encoding="utf-8"), str(path))


def read_language(toml: str, name: str) -> Language:
    """Make a language of its file's text; ``name`` names the file in errors.

    Raises:
        LanguageError: as for load_language.
    """
    try:
        data = tomllib.loads(toml)
        _check(data)
        return _language(data)
    except (tomllib.TOMLDecodeError, PhraseError, KeyError, TypeError, ValueError) as error:
        text = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise LanguageError(f"language file {name}: {text}; see docs/reference/mentions.md") from error


@functools.cache
def shipped_languages() -> Mapping[str, Language]:
    """The languages that come with Spondyl, by code."""
    folder = resources.files("spondyl.study.mentions").joinpath("languages")
    files = sorted((x for x in folder.iterdir() if x.name.endswith(".toml")), key=lambda x: x.name)
    languages = [read_language(x.read_text(encoding="utf-8"), x.name) for x in files]
    return {language.code: language for language in languages}


def detect_language(words: Iterable[str], languages: Mapping[str, Language]) -> Language:
    """The language whose small words are most frequent; the first one where none is found."""
    counted = list(words)
    return max(languages.values(), key=lambda language: sum(word in language.stopwords for word in counted))


def _check(data: Mapping[str, Any]) -> None:
    for table, names in TABLES.items():
        given = set(data[table])
        if given != names:
            lacking, unknown = sorted(names - given), sorted(given - names)
            raise ValueError(f"table [{table}] lacks {lacking}, and has unknown {unknown}")
    if data["adjective"] not in {"before", "after"}:
        raise ValueError(f"adjective is {data['adjective']!r}; allowed are 'before' and 'after'")


def _language(data: Mapping[str, Any]) -> Language:
    marks = {name: x for name, x in data["cues"].items() if name not in _WORD_SETS}
    marks |= {name: x for name, x in data["severity"].items() if name not in _WORD_SETS}
    marks |= {f"site_{name}": x for name, x in data["sites"].items()}
    both = {**data["cues"], **data["severity"]}
    headings, terms, mark_phrases = Phrases(data["headings"]), Phrases(data["terms"]), Phrases(marks)
    never = frozenset(fold(word) for word in data["spelling"]["never"])
    stopwords = frozenset(fold(word) for word in data["stopwords"])

    def is_known(word: str) -> bool:
        if word in never or word in stopwords:
            return True
        return any(phrases.begins(word) for phrases in (terms, mark_phrases))

    return Language(
        code=data["code"],
        name=data["name"],
        adjective_after=data["adjective"] == "after",
        stopwords=stopwords,
        abbreviations=frozenset(data["abbreviations"]),
        joins_next_line=frozenset(data["joins_next_line"]),
        headings=headings,
        terms=terms,
        marks=mark_phrases,
        word_sets={name: frozenset(fold(word) for word in both[name]) for name in _WORD_SETS},
        levels=_level_words(data["levels"]),
        spelling=Speller((fold(word) for word in data["spelling"]["words"]), is_known),
    )


def _level_words(data: Mapping[str, Any]) -> LevelWords:
    regions = {"cervical": "C", "thoracic": "T", "lumbar": "L", "sacral": "S"}
    joins = {tuple(phrase.split()): False for phrase in data["list"]}
    joins |= {tuple(phrase.split()): True for phrase in data["range"]}
    words = {word: letter for name, letter in regions.items() for word in data.get(f"{name}_words", ())}
    return LevelWords(
        prefixes={prefix: letter for name, letter in regions.items() for prefix in data[name]},
        region_words={fold(word): letter for word, letter in words.items()},
        numbers={fold(word): int(number) for word, number in data["numbers"].items()},
        ordinal_suffixes=frozenset(data["ordinal_suffixes"]),
        last=frozenset(data["last"]),
        joins=joins,
        range_pair=frozenset(data["range_pair"]),
        between_items=frozenset(data["between_items"]),
        not_word_level=frozenset(data["not_word_level"]),
        named={word: Level(level) for word, level in data["named"].items()},
        starters=frozenset(
            {
                *(prefix for name in regions for prefix in data[name]),
                *(fold(word) for word in data["numbers"]),
                *data["last"],
                *data["named"],
            }
        ),
    )
