"""A term of a sentence with all that is known of it before it becomes a mention."""

from __future__ import annotations

from dataclasses import dataclass

from spondyl.domain.level import Level
from spondyl.study.mentions.levels import LevelGroup
from spondyl.study.mentions.scope import Statement
from spondyl.study.mentions.segments import Segment
from spondyl.study.mentions.sites import Site
from spondyl.study.mentions.terms import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What the sentence before leaves: the levels it names, and whether it is about the spine."""

    levels: tuple[Level, ...] = ()
    is_spine: bool = False


@dataclass(slots=True, kw_only=True)
class Stated:
    """A term with its segment, site and statement."""

    segment: Segment
    site: Site
    statement: Statement
    groups: tuple[LevelGroup, ...] = ()
    levels: tuple[Level, ...] = ()
    is_inherited: bool = False
    hangs_on_fracture: bool = False  # its levels are those of a fracture named before it in the sentence
    lent_groups: tuple[LevelGroup, ...] = ()
    evidence_end: int = 0  # where the evidence ends at the earliest
    shares_clause_from: int | None = None  # "sclerosis of T5 without collapse": where the clause begins
    has_other_cause: bool = False  # the term behind it names a cause that is no fracture

    @property
    def term(self) -> Found:
        """The term itself."""
        return self.segment.term
