"""Who sees what of a case: the software's marks, another reader's answer, the report."""

from __future__ import annotations

from dataclasses import dataclass

from spondyl.study.protocol import Protocol
from spondyl.study.records import Look, Marks, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is shown on one page, as it goes into the records."""

    marks: bool
    other_readers: bool
    report: bool


def look_now(marks: Marks, first_look_done: bool) -> Look:
    """The look that is due: a second one only in the arm that shows the marks after the first answer."""
    return Look.SECOND if marks is Marks.AFTER_FIRST_LOOK and first_look_done else Look.FIRST


def is_finished(marks: Marks, looks_done: int) -> bool:
    """Whether all looks of a reading are answered."""
    return looks_done >= (2 if marks is Marks.AFTER_FIRST_LOOK else 1)


def sight(protocol: Protocol, role: Role, marks: Marks, look: Look) -> Sight:
    """What a person in this role sees at this look.

    A first reader never sees another reader's answer while he reads, whatever the protocol says of later
    stages; an adjudicator sees both answers, without names.
    """
    shows_marks = marks is Marks.AT_ONCE or look is Look.SECOND
    is_adjudicator = role is Role.ADJUDICATOR
    return Sight(
        marks=shows_marks or (is_adjudicator and marks is not Marks.NEVER),
        other_readers=is_adjudicator or not protocol.readers.blinded_to_each_other.value,
        report=not protocol.readers.blinded_to_report.value,
    )


def arm_of(protocol: Protocol, named: Marks | None) -> Marks:
    """The arm: as named in the station's settings, else as the protocol says of the marks."""
    if named is not None:
        return named
    return Marks.AFTER_FIRST_LOOK if protocol.readers.marks_hidden_at_first.value else Marks.AT_ONCE
