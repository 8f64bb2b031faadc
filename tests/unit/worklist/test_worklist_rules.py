"""The station's rules: states, order, who sees what, answers, adjudication, proposals, retention, audit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from spondyl.domain.finding import State
from spondyl.domain.level import Level
from spondyl.study.mentions import Category
from spondyl.study.protocol import parse_protocol, shipped_protocol_text
from spondyl.study.records import Decision, Look, Marks, ReadingRecord, RejectionReason, Role
from spondyl.worklist import adjudicating, assigning, audit, proposing
from spondyl.worklist.answering import (
    AnswerError,
    CaseAnswer,
    Circumstances,
    VertebraAnswer,
    marked,
    shifted,
    to_records,
)
from spondyl.worklist.notifying import Channel, Rule, message_id
from spondyl.worklist.priority import Suspicion, rank, suspicion_of
from spondyl.worklist.retention import Retention, images_may_go, results_may_go
from spondyl.worklist.roles import ALLOWED, Permission, conflicts, permissions_of
from spondyl.worklist.roles import Role as StationRole
from spondyl.worklist.seeing import Sight, arm_of, is_finished, look_now, sight
from spondyl.worklist.states import MoveError, ReadingState, StudyState, checked_move, may_move, reading_state
from station_made import LEVELS, made_finding

PROTOCOL = parse_protocol(shipped_protocol_text("mniai2025"), name="mniai2025")
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
L1 = LEVELS.index("L1")
VERTEBRAE = made_finding().vertebrae


# ------------------------------------------------------------------------------------------- states
def test_a_study_goes_its_way_one_step_at_a_time() -> None:
    way = [
        StudyState.RECEIVED,
        StudyState.COMPLETE,
        StudyState.ANALYSED,
        StudyState.SENT,
        StudyState.NOTIFIED,
    ]
    for number, before in enumerate(way):
        for after in way:
            expected = (
                way.index(after) == number + 1
                or (after is StudyState.COMPLETE and before is not after)
                or (before, after) == (StudyState.NOTIFIED, StudyState.SENT)  # a report came late
            )
            assert may_move(before, after) == expected, (before, after)


def test_what_is_told_cannot_fail_and_what_failed_begins_anew() -> None:
    assert not may_move(StudyState.NOTIFIED, StudyState.FAILED)
    assert may_move(StudyState.FAILED, StudyState.COMPLETE)
    assert not may_move(StudyState.FAILED, StudyState.ANALYSED)
    with pytest.raises(MoveError, match="cannot become"):
        checked_move(StudyState.RECEIVED, StudyState.SENT)


@pytest.mark.parametrize(
    ("wanted", "answered", "differ", "adjudicated", "expected"),
    [
        (0, 0, False, False, ReadingState.NONE),
        (2, 0, False, False, ReadingState.OPEN),
        (2, 1, False, False, ReadingState.PARTLY_READ),
        (2, 2, False, False, ReadingState.CONCLUDED),
        (2, 2, True, False, ReadingState.TO_ADJUDICATE),
        (2, 2, True, True, ReadingState.CONCLUDED),
    ],
)
def test_the_state_of_a_reading(
    wanted: int, answered: int, differ: bool, adjudicated: bool, expected: ReadingState
) -> None:
    assert reading_state(wanted, answered, differ=differ, adjudicated=adjudicated) is expected


# -------------------------------------------------------------------------------------------- order
def test_a_severe_fracture_leads_and_ten_days_of_waiting_weigh_as_much_as_certainty() -> None:
    day_s = 86_400.0
    likely = Suspicion(state=State.FLAG, score_probability=0.9, worst_grade=2, levels=("L1",))
    severe = replace(likely, worst_grade=3)
    unlikely = replace(likely, state=State.NO_FLAG, score_probability=0.0, worst_grade=0)
    assert rank(severe, 0.0) > rank(likely, 0.0) > rank(unlikely, 0.0)
    assert rank(unlikely, 0.0) < rank(likely, 8.9 * day_s)
    assert rank(unlikely, 0.0) > rank(likely, 9.1 * day_s)


def test_a_grade_that_a_confounder_took_away_does_not_count() -> None:
    finding = made_finding()
    taken = finding.vertebrae[L1].model_copy(update={"counted_grade": 1})
    changed = finding.model_copy(
        update={"vertebrae": (*finding.vertebrae[:L1], taken, *finding.vertebrae[L1 + 1 :])}
    )
    assert suspicion_of(finding).levels == ("L1",)
    assert suspicion_of(changed).levels == ()
    assert marked(changed.vertebrae, 2) == ()


def test_the_order_is_fixed_by_its_seed_and_differs_by_reader() -> None:
    cases = [f"case{number}" for number in range(40)]

    def ordered(seed: int, reader: str, *, differs: bool = True) -> list[str]:
        return sorted(
            cases, key=lambda x: assigning.order_in_list(seed, reader, x, differs_by_reader=differs)
        )

    assert ordered(1, "R1") == ordered(1, "R1")
    assert ordered(1, "R1") != ordered(1, "R2")
    assert ordered(1, "R1") != ordered(2, "R1")
    assert ordered(1, "R1", differs=False) == ordered(1, "R2", differs=False)


def test_readers_get_equal_shares() -> None:
    loads = dict.fromkeys(("R1", "R2", "R3"), 0)
    for number in range(300):
        for reader in assigning.choose_readers(loads, 2, 7, f"case{number}"):
            loads[reader] += 1
    assert set(loads.values()) == {200}


def test_a_share_of_the_cases_is_read_again() -> None:
    again = sum(assigning.is_read_again(5, "R1", f"case{number}", 0.1) for number in range(5000))
    assert 430 < again < 570  # 500 expected; three standard deviations are 64


# ------------------------------------------------------------------------------------- who sees what
@pytest.mark.parametrize(
    ("marks", "first", "second"),
    [(Marks.AT_ONCE, True, None), (Marks.AFTER_FIRST_LOOK, False, True), (Marks.NEVER, False, None)],
)
def test_the_arm_decides_when_the_marks_are_seen(marks: Marks, first: bool, second: bool | None) -> None:
    look = look_now(marks, first_look_done=False)
    assert sight(PROTOCOL, Role.READER, marks, look).marks is first
    after = look_now(marks, first_look_done=True)
    assert (after is Look.SECOND) == (second is not None)
    if second is not None:
        assert sight(PROTOCOL, Role.READER, marks, after).marks is second
    assert is_finished(marks, 1) == (second is None)


def test_a_reader_sees_neither_the_other_nor_the_report_and_an_adjudicator_both_answers() -> None:
    reader = sight(PROTOCOL, Role.READER, Marks.AT_ONCE, Look.FIRST)
    assert (reader.other_readers, reader.report) == (False, False)
    assert sight(PROTOCOL, Role.ADJUDICATOR, Marks.AT_ONCE, Look.FIRST).other_readers
    assert arm_of(PROTOCOL, None) is Marks.AFTER_FIRST_LOOK
    assert arm_of(PROTOCOL, Marks.NEVER) is Marks.NEVER


def test_no_role_combines_reading_with_seeing() -> None:
    assert conflicts([StationRole.READER, StationRole.COORDINATOR])
    assert conflicts([StationRole.READER, StationRole.ADJUDICATOR])
    assert not conflicts([StationRole.READER, StationRole.INTERVENTIONAL])
    assert permissions_of([StationRole.READER]) == {Permission.READ}
    assert set(ALLOWED) == set(StationRole)


# ------------------------------------------------------------------------------------------- answers
def circumstances(**changes: object) -> Circumstances:
    values: dict[str, object] = {
        "case_id": "c", "reader": "R1", "role": Role.READER, "marks": Marks.AT_ONCE, "look": Look.FIRST,
        "reading": 1, "sight": Sight(marks=True, other_readers=False, report=False), "decided_at": NOW,
        "seconds_spent": 30.0, "key": "k", "earlier": {},
    }  # fmt: skip
    return Circumstances(**{**values, **changes})  # type: ignore[arg-type]


def confirmed(grade: int | None = 2, place: int = L1) -> VertebraAnswer:
    return VertebraAnswer(vertebra=place, decision=Decision.CONFIRMED, grade=grade)


def test_an_answer_becomes_a_record_for_each_vertebra_and_one_for_the_case() -> None:
    records = to_records(CaseAnswer(vertebrae=(confirmed(),)), VERTEBRAE, circumstances(), 2)
    assert [(r.level, r.marked_level, r.decision) for r in records] == [
        (Level.L1, Level.L1, Decision.CONFIRMED),
        (None, None, Decision.REJECTED),
    ]
    assert records[0].centre_z_lps_mm == -60.0
    assert records[1].seconds_spent == 30.0


def test_moving_the_numbering_moves_the_reader_and_not_the_mark() -> None:
    records = to_records(CaseAnswer(vertebrae=(confirmed(),), level_shift=1), VERTEBRAE, circumstances(), 2)
    assert (records[0].level, records[0].marked_level) == (Level.L2, Level.L1)
    assert shifted(Level.T12, 1) is Level.L1
    assert shifted(Level.T13, -1) is Level.T11
    assert shifted(Level.S1, 1) is None


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (CaseAnswer(), "L1 is marked and not answered yet"),
        (CaseAnswer(vertebrae=(confirmed(None),)), "grade is nothing; needed is 1, 2 or 3"),
        (CaseAnswer(vertebrae=(VertebraAnswer(vertebra=L1, decision=Decision.REJECTED),)), "reason"),
        (CaseAnswer(vertebrae=(confirmed(), confirmed(place=9))), "vertebra 9 is not in this study"),
        (CaseAnswer(vertebrae=(confirmed(), confirmed())), "answered twice"),
    ],
)
def test_what_is_missing_is_told(answer: CaseAnswer, text: str) -> None:
    with pytest.raises(AnswerError, match=text):
        to_records(answer, VERTEBRAE, circumstances(), 2)


def test_hidden_marks_ask_for_nothing() -> None:
    hidden = circumstances(sight=Sight(marks=False, other_readers=False, report=False))
    assert len(to_records(CaseAnswer(), VERTEBRAE, hidden, 2)) == 1


def test_a_changed_answer_needs_a_reason_and_names_what_it_replaces() -> None:
    changing = circumstances(earlier={L1: "old", None: "old-case"}, key="new")
    with pytest.raises(AnswerError, match="say why"):
        to_records(CaseAnswer(vertebrae=(confirmed(),)), VERTEBRAE, changing, 2)
    answer = CaseAnswer(vertebrae=(confirmed(),), change_reason="looked again")
    records = to_records(answer, VERTEBRAE, changing, 2)
    assert [r.supersedes for r in records] == ["old", "old-case"]


# -------------------------------------------------------------------------------------- adjudication
def reading(reader: str, fractures: dict[Level, int], **changes: object) -> adjudicating.Reading:
    records = [
        ReadingRecord(
            record_id=f"{reader}-{level}", case_id="c", reader=reader, role=Role.READER,
            decision=Decision.CONFIRMED, decided_at=NOW, marks=Marks.AT_ONCE, saw_marks=True,
            saw_other_reader=False, saw_report=False, level=level, grade=grade,
        )
        for level, grade in fractures.items()
    ]  # fmt: skip
    case = ReadingRecord(
        record_id=f"{reader}-case", case_id="c", reader=reader, role=Role.READER,
        decision=Decision.REJECTED, decided_at=NOW, marks=Marks.AT_ONCE, saw_marks=True,
        saw_other_reader=False, saw_report=False, reason=RejectionReason.NOTHING_SEEN,
    )  # fmt: skip
    return adjudicating.reading_of([*records, replace(case, **changes)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("first", "second", "differ"),
    [
        ({Level.L1: 2}, {Level.L1: 3}, False),
        ({Level.L1: 2}, {Level.L2: 2}, False),  # one level of tolerance
        ({Level.L1: 2}, {Level.L3: 2}, True),
        ({Level.L1: 2}, {}, True),
        ({Level.L1: 1}, {Level.L1: 2}, True),
        ({}, {}, False),
    ],
)
def test_what_goes_to_adjudication(first: dict[Level, int], second: dict[Level, int], differ: bool) -> None:
    found = adjudicating.differences(reading("R1", first), reading("R2", second), PROTOCOL)
    assert bool(found) == differ, found


def test_one_who_cannot_say_differs_from_one_who_can() -> None:
    doubtful = reading("R1", {}, decision=Decision.CANNOT_SAY, reason=None)
    assert adjudicating.differences(doubtful, reading("R2", {}), PROTOCOL)


def test_what_stands_in_the_end() -> None:
    both = [reading("R1", {Level.L1: 2, Level.T8: 1}), reading("R2", {Level.L1: 3})]
    assert adjudicating.concluded_fractures(both, None, 1) == {Level.L1: 3}
    decided = reading("A1", {Level.T8: 2})
    assert adjudicating.concluded_fractures(both, decided, 1) == {Level.T8: 2}


def test_only_severe_fractures_that_the_report_leaves_out_go_to_intervention() -> None:
    concluded = {Level.L1: 3, Level.T8: 2, Level.T6: 3}
    assert adjudicating.interventional_levels(concluded, None, PROTOCOL) == (Level.T6, Level.L1)
    said = {Level.L1: Category.R2, Level.T8: Category.N, Level.T6: Category.X}
    assert adjudicating.interventional_levels(concluded, said, PROTOCOL) == (Level.T6,)


# ------------------------------------------------------------------------------------------ proposals
def test_the_proposal_fills_in_what_a_ct_tells() -> None:
    proposal = proposing.propose(Level.L1, 3, VERTEBRAE[L1], (Level.L1, Level.L2))
    assert proposal.tendency is proposing.Tendency.SUITABLE
    assert proposal.prefilled["loss_anterior_fraction"] == 0.5  # 12 of 24 mm
    assert proposal.prefilled["adjacent_fractures"] == 1
    assert proposal.prefilled["sins_location"] == 3
    assert "sins_pain" not in proposal.prefilled
    assert "technical suitability only" in proposal.grounds[-1]


@pytest.mark.parametrize(("loss", "points"), [(0.5, 2), (0.51, 3)])
def test_half_of_the_height_is_not_yet_more_than_half(loss: float, points: int) -> None:
    assert proposing.sins_collapse(loss) == points


@pytest.mark.parametrize(
    ("level", "points"), [("T2", 3), ("T3", 1), ("T10", 1), ("T11", 3), ("L2", 2), ("L5", 3)]
)
def test_the_location_of_sins(level: str, points: int) -> None:
    assert proposing.sins_location(Level(level)) == points


def test_a_flat_vertebra_is_to_be_discussed_and_a_grade_1_is_unlikely() -> None:
    flat = VERTEBRAE[L1].model_copy(update={"loss_fraction": 0.8})
    assert proposing.propose(Level.L1, 3, flat, ()).tendency is proposing.Tendency.DISCUSS
    assert proposing.propose(Level.L1, 1, VERTEBRAE[L1], ()).tendency is proposing.Tendency.UNLIKELY


# ---------------------------------------------------------------------------- telling, keeping, audit
def test_rules_tell_of_severe_fractures_that_are_not_in_the_report() -> None:
    rule = Rule(name="r", channel=Channel.EMAIL, target="a@b", minimum_grade=3, only_not_mentioned=True)
    severe = Suspicion(state=State.FLAG, score_probability=0.9, worst_grade=3, levels=("L1",))
    assert rule.holds(severe, Category.N)
    assert not rule.holds(severe, Category.R1)
    assert not rule.holds(severe, None)  # no report yet
    assert not rule.holds(replace(severe, worst_grade=2), Category.N)
    assert message_id("s", "r", 1) == message_id("s", "r", 1) != message_id("s", "r", 2)


def test_files_go_on_the_day_and_not_before_nor_while_they_are_read() -> None:
    rule = Retention(images_days=10, results_days=20)
    received = NOW - timedelta(days=10)
    assert images_may_go(rule, StudyState.NOTIFIED, received, NOW)
    assert not images_may_go(rule, StudyState.NOTIFIED, received, NOW - timedelta(seconds=1))
    assert not images_may_go(rule, StudyState.COMPLETE, received, NOW)
    old = NOW - timedelta(days=30)
    assert results_may_go(rule, StudyState.NOTIFIED, ReadingState.CONCLUDED, old, NOW)
    assert not results_may_go(rule, StudyState.NOTIFIED, ReadingState.OPEN, old, NOW)
    assert not images_may_go(Retention(), StudyState.NOTIFIED, old, NOW)
    with pytest.raises(ValueError, match="at least 1"):
        Retention(images_days=0)


def chain(length: int) -> list[audit.AuditEntry]:
    entries: list[audit.AuditEntry] = []
    for number in range(length):
        last = entries[-1] if entries else None
        entries.append(
            audit.next_entry(last, at="t", actor="a", action=f"x{number}", subject="s", detail="{}")
        )
    return entries


def test_any_change_within_the_audit_is_found() -> None:
    entries = chain(5)
    assert audit.first_fault(entries) is None
    for field in ("at", "actor", "action", "subject", "detail", "previous"):
        changed = [*entries]
        changed[2] = replace(entries[2], **{field: "z"})  # type: ignore[arg-type]
        fault = audit.first_fault(changed)
        assert fault is not None
        assert fault.number == 3
    assert audit.first_fault([entries[0], *entries[2:]]) is not None  # one is gone
    assert audit.first_fault([entries[0], entries[2], entries[1], *entries[3:]]) is not None  # two swapped
