from __future__ import annotations

import unicodedata

import pytest

from spondyl.domain.level import Level
from spondyl.study.mentions import shipped_languages
from spondyl.study.mentions.levels import find_levels
from spondyl.study.mentions.phrases import PhraseError, Phrases
from spondyl.study.mentions.spelling import Speller
from spondyl.study.mentions.text import split


# ------------------------------------------------------------------------------------------- text
def test_words_know_their_places() -> None:
    words = split("Fracture-tassement de D12, ±30 %")
    assert words.words == ["fracture", "tassement", "de", "d12", ",", "±", "30", "%"]
    assert (words.starts[3], words.ends[3]) == (22, 25)


def test_decomposed_accents_give_the_same_words_and_places_in_the_given_text() -> None:
    text = "vertèbre tassée, œdème"
    decomposed = unicodedata.normalize("NFD", text)
    one, other = split(text), split(decomposed)
    assert one.words == other.words == ["vertebre", "tassee", ",", "edeme"]
    assert decomposed[other.starts[1] : other.ends[1]] == unicodedata.normalize("NFD", "tassée")


def test_a_hyphen_between_levels_stays() -> None:
    assert split("T11–L1").words == ["t11", "-", "l1"]


# ---------------------------------------------------------------------------------------- phrases
def found(phrases: list[str], text: str) -> list[tuple[int, int]]:
    return [(hit.start, hit.end) for hit in Phrases({"kind": phrases}).find(text.split())]


def test_a_stem_an_alternative_and_an_optional_word() -> None:
    assert found(["loss|lack of (the) height*"], "a loss of heights or lack of the height") == [
        (1, 4),
        (5, 9),
    ]


def test_a_gap_stops_at_punctuation_and_after_its_words() -> None:
    assert found(["loss of ~2 height"], "loss of some more height") == [(0, 5)]
    assert found(["loss of ~2 height"], "loss of some , height") == []
    assert found(["loss of ~2 height"], "loss of one two three height") == []


def test_the_longest_phrase_of_a_kind_holds() -> None:
    assert found(["no", "no evidence of"], "no evidence of it") == [(0, 3)]


@pytest.mark.parametrize("phrase", ["", "~2 height", "(a) (b)"])
def test_a_phrase_must_begin_with_a_word(phrase: str) -> None:
    with pytest.raises(PhraseError, match="begin with a word"):
        Phrases({"kind": [phrase]})


# --------------------------------------------------------------------------------------- spelling
@pytest.mark.parametrize("word", ["farcture", "fratcure", "fractue", "fracturre", "frapture"])
def test_one_slip_is_put_right(word: str) -> None:
    assert Speller(["fracture"], lambda _: False)[word] == "fracture"


@pytest.mark.parametrize("word", ["xracture", "fract", "fractional", "facture"])
def test_other_words_stay(word: str) -> None:
    assert Speller(["fracture"], lambda word: word == "facture")[word] == word


# ----------------------------------------------------------------------------------------- levels
@pytest.mark.parametrize(
    ("language", "text", "levels"),
    [
        ("en", "fracture of T7", "T7"),
        ("en", "T11-L1", "T11 T12 L1"),
        ("en", "T10 – 12", "T10 T11 T12"),
        ("en", "from T5 to T7", "T5 T6 T7"),
        ("en", "between T5 and T7", "T5 T6 T7"),
        ("en", "T7, 8 and 9", "T7 T8 T9"),
        ("en", "T7, T8, and T11", "T7 T8 T11"),
        ("en", "L3-L1", "L3 L2 L1"),
        ("en", "T11 & T12", "T11 T12"),
        ("en", "D12", "T12"),
        ("en", "Th 12", "T12"),
        ("en", "L-1", "L1"),
        ("en", "first lumbar vertebra", "L1"),
        ("en", "1st and 2nd lumbar vertebrae", "L1 L2"),
        ("en", "last thoracic vertebra", "T12"),
        ("en", "the T8 vertebra and the T9 vertebra", "T8 T9"),
        ("en", "T6 and T8 through T10", "T6 T8 T9 T10"),
        ("fr", "D11 à L1", "T11 T12 L1"),
        ("fr", "de T5 jusqu'à T7", "T5 T6 T7"),
        ("fr", "L1 et L2", "L1 L2"),
        ("fr", "T8, T9 et T12", "T8 T9 T12"),
        ("fr", "première vertèbre lombaire", "L1"),
        ("fr", "12e dorsale", "T12"),
        ("fr", "deuxième et troisième vertèbres lombaires", "L2 L3"),
        ("fr", "dernière dorsale", "T12"),
        ("en", "L1, 3 mm", "L1"),
        ("en", "L1 and 2 mm", "L1"),
        ("en", "T14, L9 and C8", ""),
        ("en", "third lumbar disc", ""),
    ],
)
def test_levels_as_reports_write_them(language: str, text: str, levels: str) -> None:
    groups = find_levels(split(text).words, shipped_languages()[language].levels)
    assert [level for group in groups for level in group.levels] == [Level(x) for x in levels.split()]
