from __future__ import annotations

import pytest

from spondyl.domain.level import Level
from spondyl.study.mentions import (
    Age,
    Category,
    NotReported,
    Section,
    Status,
    Term,
    read_report,
    vertebra_category,
)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        # negation and its end
        ("No fracture of T11 or L1.", {"T11": "X", "L1": "X"}),
        ("No fracture, but mild wedging of T8.", {"T8": "R0a", "unspecified": "X"}),
        ("No retropulsion at the L1 fracture.", {"L1": "R1"}),
        ("No change in the fracture of L1.", {"L1": "R1"}),
        ("T9 is not fractured.", {"T9": "X"}),
        # doubt
        ("Possible fracture of L5.", {"L5": "R0a"}),
        ("Possible fracture of L5, old fracture of T8.", {"T8": "R1", "L5": "R0a"}),
        ("Fracture of L5, possibly pathological.", {"L5": "R1"}),
        ("Schmorl's node versus fracture of L2.", {"L2": "R0a"}),
        # other bones
        ("Fractures of the left ribs.", {}),
        ("Fractures of the left ribs and of T8.", {"T8": "R1"}),
        ("Fracture of the transverse process of L2.", {}),
        ("Left lower lobe collapse.", {}),
        # whose severity
        ("T10 fracture with severe canal stenosis.", {"T10": "R1"}),
        ("T8 (mild) and T12 (severe) fractures.", {"T8": "R2", "T12": "R2"}),
        ("Severe fracture of T8. Fracture of T9.", {"T8": "R2", "T9": "R1"}),
        # what is no fracture
        ("Cycle C2 D8. T3 tumour of the rectum. Old rib fracture.", {}),
        ("L5-S1 disc height loss of 50 %.", {}),
        ("Osteoporosis, high risk of vertebral fracture.", {}),
        ("Vertebroplasty of L1 is planned.", {}),
        ("Vertebral heights are preserved.", {}),
    ],
)
def test_english(text: str, answer: dict[str, str]) -> None:
    assert read_report(text, "en").per_level == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Pas de tassement de D11 ni de L1.", {"T11": "X", "L1": "X"}),
        ("Discret tassement de D8.", {"T8": "R2"}),  # mild and present, not a hypothesis
        ("Tassement de D8 sans recul du mur postérieur.", {"T8": "R1"}),
        ("Fracture non exclue de L3.", {"L3": "R0a"}),
        ("Tassement de D8 avec cyphose sévère.", {"T8": "R1"}),
        ("Disque L4-L5 : perte de hauteur de 40 %.", {}),
        ("Boue vésiculaire, tassement biliaire.", {}),
    ],
)
def test_french(text: str, answer: dict[str, str]) -> None:
    assert read_report(text, "fr").per_level == answer


def test_sections_decide_between_finding_and_history() -> None:
    text = "Indication: known fracture of L1.\nFindings:\nBones: fracture of T8.\nImpression: fracture of T8."
    answer = read_report(text, "en")
    assert [(m.levels, m.section, m.status) for m in answer.mentions] == [
        ((Level.L1,), Section.INDICATION, Status.HISTORY),
        ((Level.T8,), Section.FINDINGS, Status.AFFIRMED),
        ((Level.T8,), Section.IMPRESSION, Status.AFFIRMED),
    ]
    assert answer.case is Category.R1


def test_a_question_in_the_indication_is_no_mention() -> None:
    assert read_report("Indication: ? fracture of L1.\nFindings: normal.", "en").mentions == ()


def test_no_new_fracture_implies_an_old_one_only_where_none_is_named() -> None:
    (alone,) = read_report("No new fracture.", "en").mentions
    assert (alone.status, alone.age) == (Status.AFFIRMED, Age.CHRONIC)
    _, beside = read_report("Fracture of L1. No new fracture.", "en").mentions
    assert (beside.status, beside.age) == (Status.NEGATED, Age.RECENT)


def test_weak_severity_grades_a_strong_mention_of_the_same_level() -> None:
    assert read_report("Fracture of L1. Mild loss of height of L1.", "en").per_level == {"L1": Category.R2}


def test_a_mention_without_a_level_is_never_graded() -> None:
    assert read_report("Severe vertebral fractures.", "en").per_level == {"unspecified": Category.R1}


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("Fracture of L1 of 30-40 %.", "percent:40"),
        ("Fracture of L1 with loss of > 50 % of height.", "percent:50"),
        ("Fracture of L1, one third.", "percent:33"),
        ("Fracture of L1 with loss of two thirds of its height.", "percent:67"),
        ("Severe fracture of L1 with 30 % loss of height.", "percent:30"),
        ("Mild to moderate fracture of L1.", "moderate"),
        ("Fracture of L1, now 50 %, previously 30 %.", "percent:50"),
        ("Vertebra plana of L1.", "severe"),
        ("Fracture of L1, Genant grade 2.", "moderate"),
        ("Fracture of the upper third of L1.", None),
    ],
)
def test_severity(text: str, severity: str | None) -> None:
    (mention,) = read_report(text, "en").mentions
    assert mention.severity == severity


def test_evidence_is_the_statement_at_its_place() -> None:
    text = "Bones: osteopenia. Incidental note is made of an old fracture of L1, mild; no oedema."
    (mention,) = read_report(text, "en").mentions
    assert mention.evidence == "an old fracture of L1, mild"
    assert text[mention.start : mention.end] == mention.evidence
    assert mention.term is Term.STRONG


def test_a_wrapped_line_is_one_sentence() -> None:
    text = "Bones: compression fracture of the\nL1 vertebral body with loss of\n40 % of its height."
    assert read_report(text, "en").per_level == {"L1": Category.R2}


def test_a_corrected_level_counts_alone() -> None:
    assert read_report("Fracture of L1. Addendum: L1 should read L2.", "en").per_level == {"L2": Category.R1}


def test_an_empty_report_says_nothing() -> None:
    assert read_report("", "en").case is Category.N
    assert read_report(" \n\n ", "fr").case is Category.N


@pytest.mark.slow
def test_a_report_of_ten_megabytes_is_read_to_its_end() -> None:
    filler = "Liver of normal size, the adrenals are normal, no free fluid in the abdomen or pelvis.\n" * 20
    text = (filler + "Old rib fractures.\n") * (10 * 1024 * 1024 // len(filler)) + "Severe fracture of L1."
    answer = read_report(text, "en")
    assert answer.per_level == {"L1": Category.R2}
    assert answer.mentions[0].evidence == "Severe fracture of L1"


def test_a_text_without_a_stop_is_read() -> None:
    answer = read_report("fracture of L1 and " * 5000, "en")
    assert answer.per_level == {"L1": Category.R1}


# --------------------------------------------------------------------------------- not reported
def test_the_definitions_of_not_reported() -> None:
    assert NotReported.STRICT.categories == {Category.N, Category.X}
    assert NotReported.SEED_LIKE_WITH_OTHER_DIAGNOSIS.categories == {Category.N, Category.X, Category.R0B}
    assert NotReported.BROAD.categories == set(Category) - {Category.R1, Category.R2}


def test_one_vertebra_is_looked_for_within_a_level() -> None:
    levels = read_report("Severe fracture of T12.", "en").per_level
    assert vertebra_category(levels, Level.L1) is Category.R2
    assert vertebra_category(levels, Level.L1, tolerance_levels=0) is Category.N
    assert vertebra_category(levels, Level.L2) is Category.N
