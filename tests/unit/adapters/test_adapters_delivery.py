"""Delivery: the refused holds up nothing, the stored is asked for, a torn record is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from node_peers import uid, write_study
from spondyl.adapters.delivery import (
    Outcome,
    Outgoing,
    OutgoingError,
    Patience,
    Record,
    Result,
    deliver,
    find_outgoing,
    read_outgoing,
)

STORED, UNSENT, REFUSED = (Result(outcome=x) for x in (Outcome.STORED, Outcome.UNSENT, Outcome.REFUSED))


class FakeChannel:
    """Answers from a list for each object, and has what it stored and did not lose."""

    def __init__(self, answers: dict[str, list[Result]], *, lost_once: tuple[str, ...] = ()) -> None:
        self.sent: list[str] = []
        self._answers = answers
        self._lost = list(lost_once)
        self._has: set[str] = set()

    def store(self, files: Sequence[Outgoing]) -> Iterator[tuple[Outgoing, Result]]:
        for file in files:
            name = file.sop_instance_uid
            self.sent.append(name)
            result = self._answers[name].pop(0)
            if result is STORED and name not in self._lost:
                self._has.add(name)
            elif name in self._lost:
                self._lost.remove(name)
            yield file, result

    def present(self, files: Sequence[Outgoing]) -> frozenset[str] | None:
        return frozenset(self._has)


@pytest.fixture
def files(tmp_path: Path) -> list[Outgoing]:
    write_study(tmp_path / "study", 7, 3)
    return find_outgoing(tmp_path / "study")[0]


A, B, C = (uid(7, 2, number) for number in range(3))


def test_a_refused_object_is_sent_once_and_the_others_arrive(files: list[Outgoing]) -> None:
    channel = FakeChannel({A: [STORED], B: [REFUSED], C: [UNSENT, STORED]})
    waits: list[float] = []
    summary = deliver(files, channel, Record(), Patience(attempts=5, first_wait_s=1), waits.append)
    assert (summary.verified, summary.refused, summary.pending) == (2, 1, 0)
    assert channel.sent == [A, B, C, C]
    assert waits == [1]


def test_what_is_not_there_when_asked_is_sent_again(files: list[Outgoing]) -> None:
    channel = FakeChannel({A: [STORED], B: [STORED, STORED], C: [STORED]}, lost_once=(B,))
    summary = deliver(files, channel, Record(), Patience(), lambda _: None)
    assert summary.verified == 3
    assert channel.sent == [A, B, C, B]


def test_the_waits_double_up_to_the_longest() -> None:
    patience = Patience(first_wait_s=1, longest_wait_s=10)
    assert [patience.wait_s(n) for n in (1, 2, 3, 4, 5, 500)] == [1, 2, 4, 8, 10, 10]


def test_a_new_run_goes_on_where_the_record_ends(files: list[Outgoing], tmp_path: Path) -> None:
    record = tmp_path / "record"
    deliver(
        files,
        FakeChannel({A: [STORED], B: [UNSENT], C: [REFUSED]}),
        Record(record),
        Patience(attempts=1),
        print,
    )
    channel = FakeChannel({B: [STORED]})
    assert deliver(files, channel, Record(record), Patience(attempts=1), print).verified == 2
    assert channel.sent == [B]


@pytest.mark.parametrize("n_bytes_lost", [1, 5, 30])
def test_a_record_whose_last_line_is_torn_loses_that_line_only(tmp_path: Path, n_bytes_lost: int) -> None:
    path = tmp_path / "record"
    record = Record(path)
    record.note(A, Result(outcome=Outcome.VERIFIED))
    record.note(B, Result(outcome=Outcome.VERIFIED))
    path.write_bytes(path.read_bytes()[:-n_bytes_lost])
    torn = Record(path)
    assert (torn[A].outcome, torn[B].outcome) == (Outcome.VERIFIED, Outcome.UNSENT)
    torn.note(C, Result(outcome=Outcome.VERIFIED))
    again = Record(path)
    assert [again[x].outcome for x in (A, B, C)] == [Outcome.VERIFIED, Outcome.UNSENT, Outcome.VERIFIED]


def test_a_file_that_is_no_dicom_is_told_apart(tmp_path: Path) -> None:
    write_study(tmp_path, 7, 1)
    (tmp_path / "notes.txt").write_text("hello")
    files, others = find_outgoing(tmp_path)
    assert (len(files), [path.name for path in others]) == (1, ["notes.txt"])
    with pytest.raises(OutgoingError, match=r"notes\.txt is no complete DICOM file"):
        read_outgoing(tmp_path / "notes.txt")
