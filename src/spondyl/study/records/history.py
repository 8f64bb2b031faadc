"""The rules between records: append-only, each case known, readers blind to each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar

from spondyl.study.records.intervention import InterventionalReview
from spondyl.study.records.reading import ReadingRecord, Role
from spondyl.study.tables import Fault, TableError

Record: TypeAlias = ReadingRecord | InterventionalReview
RecordType = TypeVar("RecordType", ReadingRecord, InterventionalReview)


def appended(
    kept: Sequence[RecordType],
    added: Sequence[tuple[int, RecordType]],
    *,
    cases: Collection[str] | None,
    needs_blinding: bool,
    file: str,
) -> list[RecordType]:
    """The records with the added ones behind them; one that is kept already and equal is not added again.

    added: each with the number of its row, for messages. cases: ids that the study knows; None: not checked.
    needs_blinding: first readers must not have seen another reader's answer.

    Raises:
        TableError: a key that is used twice, a case that is not known, a reader who saw another's answer,
            a record that supersedes what is not there, is another reader's, or was superseded already.
    """
    by_key = {record.record_id: record for record in kept}
    replaced = {record.supersedes for record in kept if record.supersedes}
    faults: list[Fault] = []
    for row, record in added:
        if by_key.get(record.record_id) == record:
            continue
        faults.extend(_faults(row, record, by_key, replaced, cases, needs_blinding=needs_blinding))
        by_key.setdefault(record.record_id, record)
        if record.supersedes:
            replaced.add(record.supersedes)
    faults.extend(_same_answer_twice(list(by_key.values()), {record.record_id: row for row, record in added}))
    if faults:
        raise TableError(file, sorted(faults, key=lambda fault: fault.row or 0))
    return list(by_key.values())


def current(records: Sequence[RecordType]) -> list[RecordType]:
    """The records that no other one supersedes, in their order."""
    replaced = {record.supersedes for record in records if record.supersedes}
    return [record for record in records if record.record_id not in replaced]


def _faults(
    row: int,
    record: Record,
    by_key: Mapping[str, Record],
    replaced: Collection[str],
    cases: Collection[str] | None,
    *,
    needs_blinding: bool,
) -> Iterator[Fault]:
    if record.record_id in by_key:
        yield Fault(
            row=row,
            column="record_id",
            got=f"{record.record_id!r}, which another record has",
            allowed="a key of its own; records are never changed, a new one supersedes the old",
        )
    if cases is not None and record.case_id not in cases:
        yield Fault(
            row=row,
            column="case_id",
            got=f"{record.case_id!r}, which the study does not have",
            allowed="a case_id of studies.parquet",
        )
    if needs_blinding and record.saw_other_reader and record.role is Role.READER:
        yield Fault(
            row=row,
            column="saw_other_reader",
            got="true for a first reader",
            allowed="false: by the protocol first readers do not see each other's answers; "
            "who may see them is an adjudicator",
        )
    if record.supersedes:
        yield from _supersedes_faults(row, record, by_key, replaced)


def _supersedes_faults(
    row: int, record: Record, by_key: Mapping[str, Record], replaced: Collection[str]
) -> Iterator[Fault]:
    old = by_key.get(str(record.supersedes))
    if old is None:
        got, allowed = f"{record.supersedes!r}, which is not there", "the key of an earlier record"
    elif (old.case_id, old.reader, old.role) != (record.case_id, record.reader, record.role):
        got = f"{record.supersedes!r}, another case's or reader's"
        allowed = "a record of the same case, reader and role"
    elif record.supersedes in replaced:
        got, allowed = f"{record.supersedes!r}, superseded already", "the record that superseded it"
    elif record.decided_at < old.decided_at:
        got, allowed = f"{record.supersedes!r}, which is later", "an earlier record"
    else:
        return
    yield Fault(row=row, column="supersedes", got=got, allowed=allowed)


def _same_answer_twice(records: Sequence[Record], rows: Mapping[str, int]) -> Iterator[Fault]:
    """One reader answers once for a vertebra at a look, unless the new record supersedes the old one."""
    first: dict[tuple[object, ...], Record] = {}
    for record in current(records):  # type: ignore[type-var]  # one kind at a time, as appended() says
        key = _question(record)
        if key in first and record.record_id in rows:
            yield Fault(
                row=rows[record.record_id],
                column="record_id",
                got=f"a second answer to the question of {first[key].record_id!r}",
                allowed="one answer per case, vertebra, reader and look; a change names what it supersedes",
            )
        first.setdefault(key, record)


def _question(record: Record) -> tuple[object, ...]:
    question = (record.case_id, record.reader, record.role, record.level)
    if isinstance(record, ReadingRecord):
        return (*question, record.marked_level, record.reading, record.look)  # two marks may be one vertebra
    return question
