"""What is said of vertebral fractures in a report; names and codes of the labelling guideline."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from spondyl.domain.level import Level


class Status(StrEnum):
    """How a mention is stated."""

    AFFIRMED = "affirmed"
    PROBABLE = "probable"
    UNCERTAIN = "uncertain"
    HISTORY = "history"
    NEGATED = "negated"


class Age(StrEnum):
    """How old a fracture is said to be."""

    RECENT = "recent"
    CHRONIC = "chronic"
    UNSPECIFIED = "unspecified"


class Term(StrEnum):
    """How plainly the words name a fracture."""

    STRONG = "strong"
    WEAK = "weak"
    OTHER_DIAGNOSIS = "other_diagnosis"


class Section(StrEnum):
    """The part of a report."""

    INDICATION = "indication"
    HISTORY = "history"
    TECHNIQUE = "technique"
    COMPARISON = "comparison"
    FINDINGS = "findings"
    IMPRESSION = "impression"
    UNSECTIONED = "unsectioned"


class Category(StrEnum):
    """What a report says of a level, or as a whole; from most to least. Source: clinical-methods 5.3."""

    R2 = "R2"  # named as a fracture, with its severity
    R1 = "R1"  # named as a fracture
    R0A = "R0a"  # an ambiguous term, or an uncertain fracture
    R0B = "R0b"  # another diagnosis of the vertebra
    R0C = "R0c"  # history only
    X = "X"  # said to be absent
    N = "N"  # nothing said

    @property
    def rank(self) -> int:
        """0 for R2 ... 6 for N."""
        return _RANK[self]


_RANK = {category: rank for rank, category in enumerate(Category)}
UNSPECIFIED = "unspecified"  # key of the mentions without a level


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """One phrase about a vertebral body.

    severity: mild, moderate, severe, percent:N, or None. treated: cement or stent at the level.
    start, end: where the evidence stands in the text, in characters, end excluded.
    """

    levels: tuple[Level, ...]
    status: Status
    age: Age
    severity: str | None
    term: Term
    treated: bool
    section: Section
    evidence: str
    start: int
    end: int

    def __post_init__(self) -> None:
        """Check that the evidence is as long as its place.

        Raises:
            ValueError: it is not.
        """
        if self.end - self.start != len(self.evidence) or not self.evidence:
            raise ValueError(f"evidence of {len(self.evidence)} characters at {self.start}-{self.end}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMentions:
    """A report, read.

    language: its code. per_level: category of each level named, head to foot, then "unspecified".
    case: the highest of them, N where there is none.
    """

    language: str
    mentions: tuple[Mention, ...]
    per_level: dict[str, Category]
    case: Category
