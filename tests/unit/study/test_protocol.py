"""The protocol file: the shipped one, faults named by key, and the draws that it decides."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from spondyl.domain.level import Level
from spondyl.study.protocol import (
    Protocol,
    ProtocolError,
    ReportDefinition,
    Source,
    TruePositiveRule,
    parse_protocol,
    protocol_schema,
    protocol_sha256,
    shipped_protocol_text,
    stated_choices,
)
from spondyl.study.sampling import UnflaggedCase, reading_order, sample_negatives

ROOT = Path(__file__).resolve().parents[3]
TEXT = shipped_protocol_text("mniai2025")


def changed(key: str, value: str) -> str:
    """The shipped text with another value for the first key of this name in its table, ``table.name``."""
    table, name = key.split(".")
    start = TEXT.index(f"[{table}]")
    head, rest = TEXT[:start], TEXT[start:]
    new, count = re.subn(
        rf"(?m)^{name} = \{{ value = .*?, source", f"{name} = {{ value = {value}, source", rest, count=1
    )
    assert count == 1, key
    return head + new


def problems(text: str) -> dict[str, str]:
    with pytest.raises(ProtocolError) as caught:
        parse_protocol(text, name="mine.toml")
    assert "the protocol mine.toml has" in str(caught.value)
    return {x.key: f"{x.got}; {x.allowed}" for x in caught.value.problems}


def protocol(text: str = TEXT) -> Protocol:
    return parse_protocol(text, name="mine.toml")


def test_the_shipped_protocol_states_every_choice() -> None:
    shipped = protocol()
    assert shipped.positive.minimum_grade.value == 2
    assert shipped.positive.last_level.value is Level.L5
    assert shipped.true_positive.rule.value is TruePositiveRule.STRICT
    assert shipped.not_reported.headline.value is ReportDefinition.SEED_LIKE
    assert shipped.negatives.seed.value == 20251
    assert len(stated_choices(shipped)) == TEXT.count("because = ")


def test_what_the_abstract_tells_is_marked_paper_and_all_else_ours() -> None:
    by_source = Counter(x.source for x in stated_choices(protocol()))
    published = {x.key for x in stated_choices(protocol()) if x.source is Source.PAPER}
    assert published == {
        "population.minimum_age_years",
        "readers.first_readers",
        "intervention.minimum_grade",
        "intervention.only_not_reported",
        "intervention.readers",
    }
    assert by_source[Source.OURS] == len(stated_choices(protocol())) - 5


def test_a_choice_is_printed_with_its_reason() -> None:
    (levels,) = [x for x in stated_choices(protocol()) if x.key == "readers.discordance"]
    assert levels.value == "presence, grade_2_or_more, level"
    assert levels.because.startswith("these change a figure")
    (treated,) = [x for x in stated_choices(protocol()) if x.key == "true_positive.counts_treated"]
    assert treated.value == "false"  # as it is written in the file


def test_an_unknown_key_is_an_error_that_names_it_and_what_was_meant() -> None:
    found = problems(TEXT.replace("minimum_vertebrae =", "minimum_vertebra =", 1))
    assert found["positive.minimum_vertebra"].startswith(
        "unknown key; did you mean minimum_vertebrae? known are"
    )
    assert found["positive.minimum_vertebrae"] == "missing; every choice must be stated"
    assert (
        "unknown key; known are format, name, population"
        in problems(TEXT + "\n[colours]\nx = 1\n")["colours"]
    )
    inner = problems(TEXT.replace('source = "paper", because', 'sauce = "paper", because', 1))
    assert inner["population.minimum_age_years.sauce"].startswith("unknown key; did you mean source?")


def test_all_faults_are_named_at_once() -> None:
    text = (
        changed("negatives.sample", "3.5")
        .replace('value = "T1"', 'value = "T99"')
        .replace("format = 1", "format = 2")
    )
    assert set(problems(text)) == {"negatives.sample.value", "positive.first_level.value", "format"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("positive.minimum_grade", "0"),
        ("positive.minimum_grade", "4"),
        ("positive.minimum_grade", '"2"'),
        ("positive.minimum_grade", "true"),
        ("positive.minimum_probability", "50"),
        ("positive.minimum_vertebrae", "0"),
        ("true_positive.rule", '"loose"'),
        ("true_positive.counts_treated", "0"),
        ("matching.distance_mm", "0.0"),
        ("matching.tolerance_levels", "3"),
        ("not_reported.headline", '"all"'),
        ("readers.first_readers", "0"),
        ("readers.discordance", '["presence", "colour"]'),
        ("negatives.seed", "-1"),
        ("negatives.high_band_fraction", "nan"),
        ("analysis.confidence", "95"),
        ("analysis.interval", '"wald"'),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_by_its_key(key: str, value: str) -> None:
    (found,) = problems(changed(key, value))
    assert found.startswith(f"{key}.value")


@pytest.mark.parametrize(("key", "value"), [("positive.minimum_grade", "3"), ("analysis.confidence", "0.9")])
def test_a_value_that_is_allowed_is_taken(key: str, value: str) -> None:
    (choice,) = [x for x in stated_choices(protocol(changed(key, value))) if x.key == key]
    assert choice.value == value


def test_a_bare_value_is_told_how_to_be_written() -> None:
    found = problems(re.sub(r"(?m)^distance_mm = .*$", "distance_mm = 15.0", TEXT))
    assert "source = ..., because = ..." in found["matching.distance_mm"]


def test_a_reason_must_be_given() -> None:
    text = TEXT.replace('because = "abstract: adults with stage IV cancer"', 'because = ""')
    assert list(problems(text)) == ["population.minimum_age_years.because"]


def test_levels_that_run_upwards_are_refused() -> None:
    text = changed("positive.first_level", '"L4"').replace('value = "L5"', 'value = "T4"')
    assert "T1 to L6 are graded" in problems(changed("positive.first_level", '"C7"'))["(file)"]
    assert "positive.first_level L4 lies below positive.last_level T4; swap them" in problems(text)["(file)"]


@pytest.mark.parametrize("text", ["x = [", "", "\0", "name = 3"])
def test_what_is_no_protocol_is_refused_without_a_traceback(text: str) -> None:
    assert problems(text)


def test_a_protocol_that_is_not_shipped_is_named_with_those_that_are() -> None:
    with pytest.raises(ProtocolError, match="there is mniai2025"):
        shipped_protocol_text("../secrets")


def test_the_fingerprint_follows_the_choices_and_not_the_layout() -> None:
    same = protocol_sha256(protocol(TEXT.replace("\n\n", "\n# a remark\n\n")))
    assert same == protocol_sha256(protocol())
    assert protocol_sha256(protocol(changed("negatives.seed", "1"))) != same


def test_the_schema_in_the_documents_is_that_of_the_code_and_fits_the_shipped_file() -> None:
    import tomllib

    written = json.loads((ROOT / "docs/reference/protocol.schema.json").read_text(encoding="utf-8"))
    assert written == protocol_schema()
    Draft202012Validator(written).validate(tomllib.loads(TEXT))


def test_every_choice_and_every_word_of_it_is_documented() -> None:
    page = (ROOT / "docs/reference/protocol.md").read_text(encoding="utf-8")
    missing = [x.key for x in stated_choices(protocol()) if f"`{x.key}`" not in page]
    assert missing == []
    assert [x for x in ReportDefinition if f"`{x}`" not in page] == []


def test_the_definitions_of_not_reported_are_those_of_the_report_reader() -> None:
    from spondyl.study.mentions import NotReported

    assert [x.value for x in NotReported] == [x.value for x in ReportDefinition]


# -------------------------------------------------------------------------------------------- sampling
def unflagged(n: int, *, named: int = 0) -> list[UnflaggedCase]:
    return [
        UnflaggedCase(
            case_id=f"c{i:04d}", score_probability=(i * 37 % n) / (2 * n), report_names_fracture=i < named
        )
        for i in range(n)
    ]


def test_the_sample_is_that_of_the_protocol() -> None:
    strata = {x.name: x for x in sample_negatives(protocol(), unflagged(1055, named=20))}
    assert list(strata) == ["report_names_fracture", "high_score", "other"]
    assert {name: (x.cases, len(x.to_read)) for name, x in strata.items()} == {
        "report_names_fracture": (20, 20),
        "high_score": (345, 150),  # a third of 1035
        "other": (690, 150),
    }
    chosen = [x for stratum in strata.values() for x in stratum.to_read]
    assert len(chosen) == len(set(chosen)) == 320
    scores = {x.case_id: x.score_probability for x in unflagged(1055)}
    assert min(scores[x] for x in strata["high_score"].to_read) > max(
        scores[x] for x in strata["other"].to_read
    )


def test_the_sample_depends_on_the_seed_and_not_on_the_order_of_the_file() -> None:
    cases = unflagged(1055)
    assert sample_negatives(protocol(), cases) == sample_negatives(protocol(), cases[::-1])
    assert sample_negatives(protocol(), cases) != sample_negatives(
        protocol(changed("negatives.seed", "1")), cases
    )


def test_a_small_cohort_is_read_completely() -> None:
    strata = sample_negatives(protocol(), unflagged(90))
    assert [(x.cases, len(x.to_read)) for x in strata] == [(30, 30), (60, 60)]
    between = sample_negatives(protocol(), unflagged(330))  # 110 in the band: its 150 are not there
    assert [(x.cases, len(x.to_read)) for x in between] == [(110, 110), (220, 190)]
    assert sample_negatives(protocol(), []) == ()


def test_every_case_is_drawn_equally_often() -> None:
    times: Counter[str] = Counter()
    for seed in range(60):
        for stratum in sample_negatives(protocol(changed("negatives.seed", str(seed))), unflagged(900)):
            times.update(stratum.to_read)
    high, other = sample_negatives(protocol(), unflagged(900))
    assert (high.cases, other.cases) == (300, 600)
    assert sum(times.values()) == 60 * 300
    assert max(times.values()) < 50  # 30 of 60 expected in the band, with a standard deviation of 4


def test_a_case_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="stands twice"):
        sample_negatives(protocol(), [*unflagged(3), *unflagged(3)])
    with pytest.raises(ValueError, match="stands twice"):
        reading_order(protocol(), ["a"], ["a"], "reader 1")


def test_the_reading_order_is_each_readers_own_and_repeatable() -> None:
    flagged, rest = [f"f{i}" for i in range(30)], [f"n{i}" for i in range(30)]
    first = reading_order(protocol(), flagged, rest, "reader 1")
    assert sorted(first) == sorted([*flagged, *rest])
    assert first == reading_order(protocol(), flagged[::-1], rest, "reader 1")
    assert first != reading_order(protocol(), flagged, rest, "reader 2")
    assert 5 < sum(x.startswith("f") for x in first[:30]) < 25  # mixed
    apart = reading_order(
        protocol(changed("reading_order.mixes_flagged_and_not", "false")), flagged, rest, "reader 1"
    )
    assert sorted(apart[:30]) == sorted(flagged)
    same = protocol(changed("reading_order.differs_by_reader", "false"))
    assert reading_order(same, flagged, rest, "reader 1") == reading_order(same, flagged, rest, "reader 2")
