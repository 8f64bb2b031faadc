"""Two readers who err, and the third who decides where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.study.protocol import Protocol
from spondyl.study.records import Decision, Look, Marks, Nature, ReadingRecord, RejectionReason, Role
from spondyl.study.report.consensus import ReferenceCase, Verdict, reference_cases
from spondyl.study.sampling import reading_order
from spondyl.study.simulation.design import ReaderErrors
from spondyl.study.simulation.patients import SEEN, Patient, TrueFracture
from spondyl.study.simulation.plans import SEVERE

READERS, ADJUDICATOR = ("reader-a", "reader-b"), "reader-c"
_BEGIN = datetime(2024, 3, 4, 8, 0, tzinfo=UTC)  # any day serves
_WASH_OUT = timedelta(days=42)
_SECONDS, _SPREAD = 75.0, 0.5  # ours: median of a case, log-normal
_OTHER_REASON = 0.15  # ours: how often one reader gives another reason for the same rejection
_MOST_TRIES = 200  # a case is drawn again while both readers err alike


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opinion:
    """What a reader thinks of a vertebra: true_level is where it is, level how the reader names it."""

    true_level: Level
    level: Level
    grade: int  # 0: no fracture
    shape: Shape
    nature: Nature
    reason: RejectionReason = RejectionReason.NOTHING_SEEN


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """One reader's two looks at a case: opinions before and after the marks were shown."""

    before: tuple[_Opinion, ...]
    after: tuple[_Opinion, ...]
    cannot_say: bool


def read_cases(
    patients: Sequence[Patient],
    sampled: Sequence[str],
    protocol: Protocol,
    errors: ReaderErrors,
    generator: np.random.Generator,
) -> tuple[ReadingRecord, ...]:
    """The records of all readers for the flagged cases and the sampled others, reader by reader."""
    chosen = {x.case_id: x for x in patients if x.marks or x.case_id in set(sampled)}
    readings = {case: _two(patient, protocol, errors, generator) for case, patient in chosen.items()}
    flagged = [case for case, patient in chosen.items() if patient.marks]
    others = [case for case, patient in chosen.items() if not patient.marks]
    records: list[ReadingRecord] = []
    for number, reader in enumerate(READERS):
        clock = _Clock(_BEGIN, generator)
        for case in reading_order(protocol, flagged, others, reader):
            records += _records(chosen[case], readings[case][number], reader, clock)
        if number == 0:
            records += _again(chosen, protocol, errors, clock, generator)
    clock = _Clock(max(x.decided_at for x in records), generator)
    for case in _to_adjudicate(records, protocol):
        records += _adjudicated(chosen[case], clock)
    return tuple(replace(x, record_id=f"r-{number:06d}") for number, x in enumerate(records, start=1))


def _two(
    patient: Patient, protocol: Protocol, errors: ReaderErrors, generator: np.random.Generator
) -> tuple[_Reading, _Reading]:
    """Two readings that, where nobody is called to decide, come to the truth."""
    clock = _Clock(_BEGIN, generator)
    for _ in range(_MOST_TRIES):
        both = _reading(patient, errors, generator), _reading(patient, errors, generator)
        records = [
            x
            for reader, one in zip(READERS, both, strict=True)
            for x in _records(patient, one, reader, clock)
        ]
        numbered = [replace(x, record_id=str(place)) for place, x in enumerate(records)]
        if _is_right_or_settled(reference_cases(numbered, protocol)[patient.case_id], patient):
            return both
    raise RuntimeError(
        f"{patient.case_id}: both readers err alike in {_MOST_TRIES} draws; lower their errors"
    )


def _is_right_or_settled(reference: ReferenceCase, patient: Patient) -> bool:
    if reference.is_discordant:
        return True
    true = sorted(x.grade == SEVERE for x in patient.fractures)
    return (reference.verdict is Verdict.FRACTURE) is bool(true) and true == sorted(
        x.grade == SEVERE for x in reference.fractures
    )


def _reading(patient: Patient, errors: ReaderErrors, generator: np.random.Generator) -> _Reading:
    views = [_view(x, errors, generator) for x in patient.fractures]
    before = tuple(x for x in views if generator.random() >= errors.misses)
    seen = {x.true_level for x in before}
    after = [x for x in before if x.true_level not in patient.marks]
    for view in views:
        if view.true_level in patient.marks:
            misses = errors.misses_after_marks
            is_missed = generator.random() < misses and view.true_level not in seen
            after.append(replace(view, grade=0) if is_missed else view)
    fractured = {x.level for x in patient.fractures}
    false = [level for level in patient.marks if level not in fractured]
    after += [_false_mark(level, patient, errors, generator) for level in false]
    return _Reading(
        before=before,
        after=tuple(after) if patient.marks else before,
        cannot_say=bool(generator.random() < errors.cannot_say),
    )


def _view(fracture: TrueFracture, errors: ReaderErrors, generator: np.random.Generator) -> _Opinion:
    grade, level = fracture.grade, fracture.level
    if generator.random() < errors.grade_step:
        grade = int(np.clip(grade + (1 if generator.random() < 0.5 else -1), 1, SEVERE))
    if generator.random() < errors.level_step:
        level = SEEN[
            int(np.clip(SEEN.index(level) + (1 if generator.random() < 0.5 else -1), 0, len(SEEN) - 1))
        ]
    return _Opinion(
        true_level=fracture.level, level=level, grade=grade, shape=fracture.shape, nature=fracture.nature
    )


def _false_mark(
    level: Level, patient: Patient, errors: ReaderErrors, generator: np.random.Generator
) -> _Opinion:
    cause = patient.plan.cause or RejectionReason.OTHER
    reason = RejectionReason.OTHER if generator.random() < _OTHER_REASON else cause
    return _Opinion(
        true_level=level,
        level=level,
        grade=2 if generator.random() < errors.calls else 0,
        shape=Shape.WEDGE,
        nature=Nature.INDETERMINATE,
        reason=reason,
    )


# --------------------------------------------------------------------------------------- records
class _Clock:
    """When a reader answers; each case takes its time."""

    def __init__(self, begin: datetime, generator: np.random.Generator) -> None:
        self._now, self._generator = begin, generator

    def case(self) -> tuple[datetime, float]:
        """When the next case is locked, and how many seconds it took."""
        seconds = round(float(self._generator.lognormal(np.log(_SECONDS), _SPREAD)), 1)
        self._now += timedelta(seconds=seconds)
        return self._now, seconds


def _records(patient: Patient, reading: _Reading, reader: str, clock: _Clock) -> Iterator[ReadingRecord]:
    """First look, and the second one where there are marks to be shown."""
    yield from _look(patient, reading.before, reader, clock, Look.FIRST, cannot_say=reading.cannot_say)
    if patient.marks:
        yield from _look(patient, reading.after, reader, clock, Look.SECOND, cannot_say=reading.cannot_say)


def _look(
    patient: Patient,
    opinions: Sequence[_Opinion],
    reader: str,
    clock: _Clock,
    look: Look,
    *,
    cannot_say: bool,
    reading: int = 1,
) -> Iterator[ReadingRecord]:
    time, seconds = clock.case()
    shared: dict[str, Any] = {
        "record_id": "-",
        "case_id": patient.case_id,
        "reader": reader,
        "role": Role.READER,
        "decided_at": time,
        "marks": Marks.AFTER_FIRST_LOOK,
        "saw_marks": look is Look.SECOND,
        "saw_other_reader": False,
        "saw_report": False,
        "look": look,
        "reading": reading,
    }
    if cannot_say:
        yield ReadingRecord(**shared, decision=Decision.CANNOT_SAY, seconds_spent=seconds)
        return
    yield from (_of_vertebra(patient, x, shared, shows_marks=look is Look.SECOND) for x in opinions)
    yield _closing(shared, seconds)


def _adjudicated(patient: Patient, clock: _Clock) -> Iterator[ReadingRecord]:
    """The third reader tells the truth."""
    time, seconds = clock.case()
    shared: dict[str, Any] = {
        "record_id": "-",
        "case_id": patient.case_id,
        "reader": ADJUDICATOR,
        "role": Role.ADJUDICATOR,
        "decided_at": time,
        "marks": Marks.AT_ONCE,
        "saw_marks": bool(patient.marks),
        "saw_other_reader": True,
        "saw_report": False,
    }
    truth = [
        _Opinion(true_level=x.level, level=x.level, grade=x.grade, shape=x.shape, nature=x.nature)
        for x in patient.fractures
    ]
    fractured = {x.level for x in patient.fractures}
    truth += [
        _Opinion(
            true_level=level,
            level=level,
            grade=0,
            shape=Shape.NORMAL,
            nature=Nature.INDETERMINATE,
            reason=patient.plan.cause or RejectionReason.OTHER,
        )
        for level in patient.marks
        if level not in fractured
    ]
    yield from (_of_vertebra(patient, x, shared, shows_marks=True) for x in truth)
    yield _closing(shared, seconds)


def _of_vertebra(
    patient: Patient, opinion: _Opinion, shared: Mapping[str, Any], *, shows_marks: bool
) -> ReadingRecord:
    x, y, z = patient.centre(opinion.true_level)
    is_marked = shows_marks and opinion.true_level in patient.marks
    place: dict[str, Any] = {
        "level": opinion.level,
        "marked_level": opinion.true_level if is_marked else None,
        "centre_x_lps_mm": x,
        "centre_y_lps_mm": y,
        "centre_z_lps_mm": z,
    }
    if not opinion.grade:
        return ReadingRecord(**shared, **place, decision=Decision.REJECTED, reason=opinion.reason)
    return ReadingRecord(
        **shared,
        **place,
        decision=Decision.CONFIRMED,
        grade=opinion.grade,
        shape=opinion.shape,
        nature=opinion.nature,
    )


def _closing(shared: Mapping[str, Any], seconds: float) -> ReadingRecord:
    """Of the whole case: no fracture beyond those confirmed."""
    return ReadingRecord(
        **shared, decision=Decision.REJECTED, reason=RejectionReason.NOTHING_SEEN, seconds_spent=seconds
    )


def _again(
    chosen: Mapping[str, Patient],
    protocol: Protocol,
    errors: ReaderErrors,
    clock: _Clock,
    generator: np.random.Generator,
) -> Iterator[ReadingRecord]:
    """The first reader reads a share of the cases again, after the wash-out, without marks."""
    number = round(protocol.readers.reread_fraction.value * len(chosen))
    names = sorted(chosen)
    later = _Clock(clock.case()[0] + _WASH_OUT, generator)
    for place in generator.choice(len(names), size=number, replace=False).tolist():
        patient = chosen[names[place]]
        one = _reading(patient, errors, generator)
        yield from _look(patient, one.before, READERS[0], later, Look.FIRST, cannot_say=False, reading=2)


def _to_adjudicate(records: Sequence[ReadingRecord], protocol: Protocol) -> list[str]:
    numbered = [replace(x, record_id=str(place)) for place, x in enumerate(records)]
    return [case for case, one in reference_cases(numbered, protocol).items() if one.is_discordant]
