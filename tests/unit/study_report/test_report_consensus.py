from __future__ import annotations

import pytest

from made_study import both_confirm, both_reject, confirms, protocol, record, rejects
from spondyl.domain.level import Level
from spondyl.study.protocol import Adjudication, Discordance
from spondyl.study.records import Decision, Look, Marks, Nature, ReadingRecord, RejectionReason, Role
from spondyl.study.report.consensus import ReferenceCase, Verdict, reference_cases

SCOLIOSIS = RejectionReason.SCOLIOSIS


def settle(records: list[ReadingRecord], **changes: object) -> ReferenceCase:
    return reference_cases(records, protocol(**changes))["c"]


def test_two_readers_alike_make_the_reference() -> None:
    case = settle(both_confirm("c", Level.L1, 2))
    assert case.verdict is Verdict.FRACTURE
    assert [(x.place.level, x.grade) for x in case.fractures] == [(Level.L1, 2)]
    assert not case.is_discordant


def test_one_reader_of_two_is_not_enough() -> None:
    assert settle([confirms("c", "a", Level.L1, 2)]).verdict is Verdict.UNRESOLVED
    assert settle([confirms("c", "a", Level.L1, 2)], readers__first_readers=1).verdict is Verdict.FRACTURE


def test_readers_who_differ_wait_for_the_third() -> None:
    differing = [confirms("c", "a", Level.L1, 2), rejects("c", "b", Level.L1, SCOLIOSIS)]
    waiting = settle(differing)
    assert waiting.verdict is Verdict.UNRESOLVED
    assert waiting.is_discordant
    third = rejects("c", "z", Level.L1, SCOLIOSIS, role=Role.ADJUDICATOR, saw_other_reader=True)
    settled = settle([*differing, third], readers__adjudication=Adjudication.THIRD_READER)
    assert settled.verdict is Verdict.NO_FRACTURE
    assert settled.is_adjudicated
    assert [len(x.fractures) for x in settled.first] == [1, 0]  # the first answers stand as they were


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ((Level.L1, 1), (Level.L1, 2), Discordance.GRADE_2_OR_MORE),
        ((Level.L1, 2), (Level.L4, 2), Discordance.LEVEL),
    ],
)
def test_only_a_difference_that_the_protocol_names_is_adjudicated(
    one: tuple[Level, int], other: tuple[Level, int], kind: Discordance
) -> None:
    records = [confirms("c", "a", *one), confirms("c", "b", *other)]
    assert settle(records, readers__discordance=(kind,)).verdict is Verdict.UNRESOLVED
    assert settle(records, readers__discordance=(Discordance.PRESENCE,)).verdict is Verdict.FRACTURE


def test_of_two_grades_that_need_no_adjudication_the_lower_stands() -> None:
    case = settle([confirms("c", "a", Level.L1, 3), confirms("c", "b", Level.L1, 2)])
    assert [x.grade for x in case.fractures] == [2]


def test_neighbouring_names_are_one_vertebra_only_where_the_centres_are_close() -> None:
    def at(reader: str, level: Level, z_mm: float) -> ReadingRecord:
        return confirms(
            "c",
            reader,
            level,
            2,
            marked_level=None,
            centre_x_lps_mm=0.0,
            centre_y_lps_mm=0.0,
            centre_z_lps_mm=z_mm,
        )

    near = settle([at("a", Level.L1, 0.0), at("b", Level.L2, 14.9)])
    far = settle([at("a", Level.L1, 0.0), at("b", Level.L2, 15.0)])
    assert (near.verdict, far.verdict) == (Verdict.FRACTURE, Verdict.UNRESOLVED)


def test_the_same_mark_is_the_same_vertebra_whatever_the_readers_call_it() -> None:
    case = settle(
        [
            confirms("c", "a", Level.L1, 2, marked_level=Level.L1),
            confirms("c", "b", Level.T12, 2, marked_level=Level.L1),
        ]
    )
    assert case.verdict is Verdict.FRACTURE


def test_what_does_not_count_by_the_protocol_is_no_fracture() -> None:
    mild = both_confirm("c", Level.L1, 1)
    assert settle(mild, true_positive__minimum_grade=2).verdict is Verdict.NO_FRACTURE
    metastatic = both_confirm("c", Level.L1, 2, nature=Nature.NEOPLASTIC)
    assert settle(metastatic).verdict is Verdict.FRACTURE
    assert settle(metastatic, true_positive__counts_pathological=False).verdict is Verdict.NO_FRACTURE
    cemented = both_confirm("c", Level.L1, 2, treated=True)
    assert settle(cemented).verdict is Verdict.NO_FRACTURE


def test_both_who_cannot_say_leave_the_case_open_but_settled() -> None:
    case = settle([record("c", reader, Decision.CANNOT_SAY) for reader in "ab"])
    assert case.verdict is Verdict.CANNOT_SAY


def test_the_second_look_replaces_the_first_and_agreement_keeps_the_first() -> None:
    shared = {"marks": Marks.AFTER_FIRST_LOOK}
    first = [
        rejects("c", reader, None, RejectionReason.NOTHING_SEEN, saw_marks=False, look=Look.FIRST, **shared)
        for reader in "ab"
    ]
    second = [confirms("c", reader, Level.L1, 2, look=Look.SECOND, **shared) for reader in "ab"]
    case = settle([*first, *second])
    assert case.verdict is Verdict.FRACTURE
    assert [x.verdict for x in case.blind] == [Verdict.NO_FRACTURE] * 2


def test_a_superseded_record_does_not_count() -> None:
    wrong = rejects("c", "a", Level.L1, SCOLIOSIS)
    right = confirms("c", "a", Level.L1, 2, supersedes=wrong.record_id, change_reason="wrong key")
    assert settle([wrong, right, confirms("c", "b", Level.L1, 2)]).verdict is Verdict.FRACTURE


def test_a_case_without_records_is_not_in_the_reference() -> None:
    assert reference_cases(both_reject("other", None, SCOLIOSIS), protocol()).keys() == {"other"}
