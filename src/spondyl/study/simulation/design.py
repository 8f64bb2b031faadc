"""What a simulated study has to come to, and how its patients and readers are: read from a TOML file."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spondyl.domain.level import Level
from spondyl.study.mentions import Category
from spondyl.study.records import RejectionReason

SHIPPED = ("mniai2025",)
Count = Annotated[int, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Published(_Table):
    """Counts of the published abstract."""

    cases: Count
    flagged: Count
    confirmed: Count
    not_reported: Count
    grade_3_not_reported: Count
    suitable: Count
    causes: tuple[RejectionReason, ...]


class ReaderErrors(_Table):
    """How often one reader errs; see the comments of the file."""

    misses: Fraction
    misses_after_marks: Fraction
    calls: Fraction
    grade_step: Fraction
    level_step: Fraction
    cannot_say: Fraction


class Ours(_Table):
    """What the abstract leaves open; see the comments of the file."""

    french_fraction: Fraction
    women_fraction: Fraction
    age_mean_years: float
    age_sd_years: float
    fractured_older_years: float
    missed: Count
    missed_and_reported: Count
    sound_and_reported: Count
    confirmed_grade_1_fraction: Fraction
    grade_3_reported: Count
    lenient_only: Count
    adjudicated_suitable: Count
    categories: dict[Category, Count]
    false_positive_causes: dict[RejectionReason, Count]
    readers: ReaderErrors
    levels: dict[Level, Fraction]


class Design(_Table):
    """A study to simulate."""

    published: Published
    ours: Ours

    @model_validator(mode="after")
    def _fits(self) -> Design:
        """Check that our numbers leave the published ones as they are.

        Raises:
            ValueError: causes or categories that do not sum up to the published counts.
        """
        false = self.published.flagged - self.published.confirmed
        if sum(self.ours.false_positive_causes.values()) != false:
            raise ValueError(f"false_positive_causes must sum up to flagged - confirmed = {false}")
        silent = {Category.N, Category.X}
        named = sum(n for category, n in self.ours.categories.items() if category not in silent)
        if named != self.published.confirmed - self.published.not_reported:
            raise ValueError("the categories without N and X must sum up to confirmed - not_reported")
        if self.ours.categories.get(Category.X, 0) > self.published.not_reported:
            raise ValueError("more reports deny a fracture (X) than are published as absent")
        return self


def shipped_design(name: str) -> Design:
    """A design that comes with Spondyl.

    Raises:
        KeyError: there is none of this name.
    """
    return Design.model_validate(tomllib.loads(_shipped_text(name, f"{name}.toml")))


def shipped_facts(name: str) -> str:
    """The text of its study.toml: title, remark and answers to the checklist.

    Raises:
        KeyError: there is none of this name.
    """
    return _shipped_text(name, f"{name}_study.toml")


def _shipped_text(name: str, file: str) -> str:
    if name not in SHIPPED:
        raise KeyError(f"no study {name!r} can be simulated; there is {', '.join(SHIPPED)}")
    return (files("spondyl.study.simulation") / file).read_text(encoding="utf-8")
