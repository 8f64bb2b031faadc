"""A third language is a file: here a toy of one, in Dutch, written in the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spondyl.study.mentions import Category, LanguageError, load_language, read_report, shipped_languages
from spondyl.study.mentions.language import TABLES

if TYPE_CHECKING:
    from pathlib import Path

    from spondyl.study.mentions import Language

DUTCH = {
    "headings": {
        "indication": ["indicatie", "vraagstelling"],
        "findings": ["bevindingen"],
        "impression": ["conclusie"],
    },
    "terms": {
        "strong": ["inzakkingsfractu*", "wervelfractu*"],
        "fracture": ["fractu*"],
        "weak_of_vertebra": ["hoogteverlies", "wigvormig*"],
        "other_of_vertebra": ["metastase*"],
    },
    "sites": {"spine": ["wervel*"], "other_bone": ["rib", "ribben", "ribfractu*", "heup"]},
    "cues": {
        "negation_before": ["geen", "zonder"],
        "uncertain_before": ["mogelijk*"],
        "no_mention_before": ["uitsluiten", "verdenking"],
        "chronic": ["oude", "bekende"],
        "recent": ["verse", "recente"],
        "new": ["nieuwe"],
        "and": ["en"],
        "or": ["of"],
        "with": ["met", "zonder"],
        "preposition": ["van", "in", "op"],
    },
    "severity": {"mild": ["geringe"], "severe": ["ernstige"], "noun": ["kyfose"]},
}  # fmt: skip
HEAD = """code = "nl"
name = "Dutch"
adjective = "before"
stopwords = ["de", "het", "een", "van", "geen", "en", "met"]
abbreviations = []
joins_next_line = ["van", "de", "het"]
"""
LEVELS = """[levels]
cervical = ["c"]
thoracic = ["t", "th"]
lumbar = ["l"]
sacral = ["s"]
range = ["-", "tot", "tot en met"]
range_pair = ["tussen"]
list = [",", "en", "of"]
between_items = ["de", "van"]
numbers = { eerste = 1, tweede = 2 }
ordinal_suffixes = ["e"]
last = ["laatste"]
thoracic_words = ["thoracale"]
lumbar_words = ["lumbale"]
not_word_level = ["rib"]
named = { dens = "C2" }

[spelling]
words = ["fractuur"]
never = []
"""


def write(path: Path, given: dict[str, dict[str, list[str]]]) -> Path:
    """A language file with every list, empty where none is given."""
    text = HEAD
    for table, names in TABLES.items():
        text += f"[{table}]\n" + "".join(
            f"{name} = {given.get(table, {}).get(name, [])}\n" for name in sorted(names)
        )
    path.write_text(text + LEVELS, encoding="utf-8")
    return path


@pytest.fixture
def dutch(tmp_path: Path) -> dict[str, Language]:
    return {**shipped_languages(), "nl": load_language(write(tmp_path / "nl.toml", DUTCH))}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Ernstige inzakkingsfractuur van L1.", {"L1": "R2"}),
        ("Oude wervelfracturen van T11 tot L1.", {"T11": "R1", "T12": "R1", "L1": "R1"}),
        ("Geen wervelfractuur.", {"unspecified": "X"}),
        ("Mogelijk fractuur van de eerste lumbale wervel.", {"L1": "R0a"}),
        ("Wigvormige wervel T8, geringe.", {"T8": "R0a"}),
        ("Metastase in T7 zonder fractuur.", {"T7": "R0b"}),
        ("Fractuur van de heup.", {}),
        ("Indicatie: fractuur L1 uitsluiten?\nBevindingen: geen fractuur.", {"unspecified": "X"}),
        ("Farctuur van L2 met ernstige kyfose.", {"L2": "R1"}),
    ],
)
def test_a_third_language_needs_no_code(
    text: str, answer: dict[str, str], dutch: dict[str, Language]
) -> None:
    assert read_report(text, "nl", dutch).per_level == answer


def test_the_third_language_is_recognised(dutch: dict[str, Language]) -> None:
    answer = read_report(
        "De wervels: geen fractuur van het corpus, met een oude fractuur van L1.", None, dutch
    )
    assert answer.language == "nl"
    assert answer.case is Category.R1


def test_an_unknown_language_names_the_known_ones() -> None:
    with pytest.raises(LanguageError, match="'xx' is not known; allowed are en, fr"):
        read_report("Fracture of L1.", "xx")


def test_a_list_that_is_missing_or_unknown_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "nl.toml", DUTCH)
    path.write_text(path.read_text("utf-8").replace("noun = ", "nuon = "), encoding="utf-8")
    with pytest.raises(LanguageError, match=r"\[severity\] lacks \['noun'\], and has unknown \['nuon'\]"):
        load_language(path)


def test_a_phrase_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    given = {**DUTCH, "severity": {"mild": ["~2 gering"]}}
    with pytest.raises(LanguageError, match="'~2 gering' of mild must begin with a word"):
        load_language(write(tmp_path / "nl.toml", given))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('adjective = "before"', 'adjective = "left"', "allowed are 'before' and 'after'"),
        ('code = "nl"', "", "code is missing"),
        ('named = { dens = "C2" }', 'named = { dens = "C9" }', "C9"),
        ('code = "nl"', 'code = "nl', "nl.toml"),
    ],
)
def test_other_faults_of_a_file_are_told(old: str, new: str, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "nl.toml", DUTCH)
    path.write_text(path.read_text("utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(LanguageError, match=message):
        load_language(path)
