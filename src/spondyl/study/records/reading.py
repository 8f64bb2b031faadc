"""ReadingRecord: what one reader said of one vertebra, or of a whole case; a row of readings.parquet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.study.tables import ColumnError, check_bounds, column


class Role(StrEnum):
    """As what the reader answers. An adjudicator's answers stand beside the first ones, never over them."""

    READER = "reader"
    ADJUDICATOR = "adjudicator"


class Look(StrEnum):
    """First answer of a reading, or the answer after the software's marks were shown (second look)."""

    FIRST = "first"
    SECOND = "second"


class Marks(StrEnum):
    """When this reader is shown the software's marks: the arm of the reading study."""

    AT_ONCE = "at_once"
    AFTER_FIRST_LOOK = "after_first_look"
    NEVER = "never"


class Decision(StrEnum):
    """Is there a vertebral compression fracture?"""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    CANNOT_SAY = "cannot_say"


class RejectionReason(StrEnum):
    """What was taken for a fracture. The first three are those of the published study; clinical-methods 2."""

    SCLEROTIC_METASTASIS = "sclerotic_metastasis"
    SCOLIOSIS = "scoliosis"
    MISIDENTIFICATION = "misidentification"
    SCHMORL = "schmorl"
    DEGENERATIVE_WEDGE = "degenerative_wedge"
    PHYSIOLOGICAL_WEDGE = "physiological_wedge"
    SCHEUERMANN = "scheuermann"
    SHORT_VERTEBRAL_HEIGHT = "svh"
    CONGENITAL = "congenital"
    HARDWARE = "hardware"
    CEMENT = "cement"
    MOTION = "motion"
    PARTIAL_VIEW = "partial_fov"
    SEGMENTATION = "segmentation"
    LYTIC_WITHOUT_COLLAPSE = "lytic_no_collapse"
    HAEMANGIOMA = "haemangioma"
    OTHER = "other"
    NOTHING_SEEN = "nothing_seen"  # ours: normal, and nothing explains the mark; or a case without a fracture


class Nature(StrEnum):
    """Cause of a fracture."""

    OSTEOPOROTIC = "osteoporotic"
    NEOPLASTIC = "neoplastic"
    MIXED = "mixed"
    INDETERMINATE = "indeterminate"


class Age(StrEnum):
    """Age of a fracture, as far as a CT tells it."""

    RECENT = "recent"
    INDETERMINATE = "indeterminate"
    CHRONIC = "chronic"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRecord:
    """One answer, written once and never changed; a later one may supersede it.

    A record without ``level`` speaks of the whole case: rejected (no fracture in it, other than those
    confirmed in records of its own) or cannot_say. Every reader closes a case with one, so that a case that
    was read and is free of fracture differs from one that was not read.

    Raises:
        ColumnError: a combination that says nothing: a confirmed fracture without grade, a rejected one
            without reason, a second look where the marks were never shown, ...
    """

    record_id: str = column("key of the record, never used twice")
    case_id: str = column("case, as in studies.parquet")
    reader: str = column("pseudonym of the reader")
    role: Role = column("as what the reader answers")
    decision: Decision = column("whether there is a fracture")
    decided_at: datetime = column("when the answer was locked")
    marks: Marks = column("when this reader is shown the software's marks (arm)")
    saw_marks: bool = column("whether the marks were shown before this answer")
    saw_other_reader: bool = column("whether another reader's answer was seen before this one")
    saw_report: bool = column("whether the radiology report was seen before this answer")
    level: Level | None = column("vertebra, as this reader names it; empty for the whole case", default=None)
    marked_level: Level | None = column(
        "name that the software gave to this vertebra; empty where it marked none", default=None
    )
    centre_x_lps_mm: float | None = column("centre of the vertebra, towards the left", default=None)
    centre_y_lps_mm: float | None = column("centre of the vertebra, towards the back", default=None)
    centre_z_lps_mm: float | None = column("centre of the vertebra, towards the head", default=None)
    reason: RejectionReason | None = column("why it is no fracture; only with rejected", default=None)
    grade: int | None = column("Genant grade; only with confirmed", default=None, low=1, high=3)
    shape: Shape | None = column("shape; only with confirmed", default=None)
    nature: Nature | None = column("cause; only with confirmed", default=None)
    age: Age | None = column("age; only with confirmed", default=None)
    treated: bool = column("cement or an implant lies in the vertebra", default=False)
    confidence: int | None = column("from 1 (guess) to 5 (sure)", default=None, low=1, high=5)
    look: Look = column("first answer, or after the marks were shown", default=Look.FIRST)
    reading: int = column("1: first reading; 2: read again after the wash-out", default=1, low=1, high=9)
    seconds_spent: float | None = column("time spent on this answer", default=None, low=0.0)
    supersedes: str | None = column("record that this one replaces", default=None)
    change_reason: str | None = column("why; needed with supersedes", default=None)
    comment: str = column("free text", default="")

    def __post_init__(self) -> None:
        check_bounds(self)
        check_change(self.record_id, self.supersedes, self.change_reason)
        for name, is_wrong, got, allowed in self._rules():
            if is_wrong:
                raise ColumnError(name, got, allowed)

    def _rules(self) -> tuple[tuple[str, bool, str, str], ...]:
        """Column, whether it breaks a rule, what was got, what is allowed."""
        is_confirmed = self.decision is Decision.CONFIRMED
        is_second = self.look is Look.SECOND
        is_rejected = self.decision is Decision.REJECTED
        centre = (self.centre_x_lps_mm, self.centre_y_lps_mm, self.centre_z_lps_mm)
        return (
            ("level", is_confirmed and self.level is None, "nothing", "the level of a confirmed fracture"),
            ("grade", is_confirmed and self.grade is None, "nothing", "1, 2 or 3 with confirmed"),
            ("grade", self.grade is not None and not is_confirmed, str(self.grade), "empty unless confirmed"),
            ("shape", self.shape is not None and not is_confirmed, str(self.shape), "empty unless confirmed"),
            ("shape", self.shape is Shape.NORMAL, "normal", "wedge, biconcave or crush"),
            ("nature", bool(self.nature) and not is_confirmed, f"{self.nature}", "empty unless confirmed"),
            ("age", self.age is not None and not is_confirmed, str(self.age), "empty unless confirmed"),
            ("reason", is_rejected and self.reason is None, "nothing", "a reason code with rejected"),
            ("reason", bool(self.reason) and not is_rejected, f"{self.reason}", "empty unless rejected"),
            ("marked_level", self.marked_level is not None and self.level is None, f"{self.marked_level}",
             "empty for the whole case"),
            ("centre_x_lps_mm", len({one is None for one in centre}) != 1, str(centre), "all three or none"),
            ("saw_marks", self.saw_marks and self.marks is Marks.NEVER, "true", "false where marks is never"),
            ("saw_marks", is_second and not self.saw_marks, "false", "true at the second look"),
            ("look", is_second and self.marks is not Marks.AFTER_FIRST_LOOK, "second",
             "first, unless marks is after_first_look"),
        )  # fmt: skip


def check_change(record_id: str, supersedes: str | None, change_reason: str | None) -> None:
    """A record that supersedes another one names it and says why.

    Raises:
        ColumnError: it does not.
    """
    if supersedes is not None and not change_reason:
        raise ColumnError("change_reason", "nothing", "why the record that it supersedes was changed")
    if supersedes == record_id:
        raise ColumnError("supersedes", supersedes, "another record's key")
