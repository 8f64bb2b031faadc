"""The protocol of a study: every choice that decides a figure, written down in a TOML file before reading.

In: the file's text. Out: a frozen Protocol. Refuses: with ProtocolError, which names each faulty key.

Each choice is a small table ``{ value = ..., source = ..., because = ... }``, so that a reader of the results
sees which rule was published and which is ours. No choice has a default: a protocol states all of them.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from spondyl.domain.level import Level

FORMAT = 1
SHIPPED = ("mniai2025",)
Value = TypeVar("Value")


class Source(StrEnum):
    """Who made the choice."""

    PAPER = "paper"  # the published abstract says so
    OURS = "ours"  # the abstract leaves it open


class TruePositiveRule(StrEnum):
    """When a flagged case counts as true: a mark is confirmed, or the patient has any confirmed fracture."""

    STRICT = "strict"
    LENIENT = "lenient"


class NotEvaluable(StrEnum):
    """Cases without an answer: left out and counted apart, or counted as not flagged."""

    APART = "apart"
    AS_NOT_FLAGGED = "as_not_flagged"


class ReportDefinition(StrEnum):
    """Definitions of "not reported", as in study/mentions; all are printed, one is the headline."""

    STRICT = "strict"
    SEED_LIKE = "seed_like"
    SEED_LIKE_WITH_OTHER_DIAGNOSIS = "seed_like_with_other_diagnosis"
    BROAD = "broad"


class Adjudication(StrEnum):
    """Who decides where the first readers differ."""

    THIRD_READER = "third_reader"
    CONSENSUS = "consensus"


class Discordance(StrEnum):
    """On what a difference between the first readers is sent to adjudication."""

    PRESENCE = "presence"
    GRADE_2_OR_MORE = "grade_2_or_more"
    LEVEL = "level"
    SHAPE = "shape"
    NATURE = "nature"


class IntervalMethod(StrEnum):
    """The interval of the headline's proportions; both stand in the tables."""

    WILSON = "wilson"
    EXACT = "exact"


class CertaintyStratum(StrEnum):
    """Cases not flagged of which all are read."""

    REPORT_NAMES_FRACTURE = "report_names_fracture"


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Choice(_Table, Generic[Value]):
    """A value, who chose it, and why (or where it stands)."""

    value: Value
    source: Source
    because: Annotated[str, Field(min_length=10)]


Grade = Annotated[int, Field(ge=1, le=3)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Population(_Table):
    """Whose CTs enter."""

    minimum_age_years: Choice[Annotated[int, Field(ge=0, le=120)]] = Field(description="age at the scan")
    scans_per_patient: Choice[Literal["first", "all"]] = Field(
        description="the first scan of a patient, or all (then patients are clusters)"
    )
    not_evaluable: Choice[NotEvaluable] = Field(description="cases to which the software gave no answer")


class Positive(_Table):
    """When the software has flagged a case."""

    minimum_grade: Choice[Grade] = Field(description="Genant grade from which a vertebra counts")
    minimum_probability: Choice[Fraction] = Field(
        description="probability of that grade, lower bound included"
    )
    minimum_vertebrae: Choice[Annotated[int, Field(ge=1, le=25)]] = Field(
        description="such vertebrae from which the case is flagged"
    )
    first_level: Choice[Level] = Field(description="uppermost level that is looked at")
    last_level: Choice[Level] = Field(description="lowest level that is looked at")


class TruePositive(_Table):
    """When the readers have confirmed a flagged case, and a mark."""

    rule: Choice[TruePositiveRule] = Field(description="rule of the headline; both are printed")
    minimum_grade: Choice[Grade] = Field(description="readers' grade from which a fracture counts")
    counts_pathological: Choice[bool] = Field(description="whether fractures by metastasis count")
    counts_treated: Choice[bool] = Field(description="whether cemented vertebrae count")


class Matching(_Table):
    """When a mark and a fracture are the same vertebra."""

    tolerance_levels: Choice[Annotated[int, Field(ge=0, le=2)]] = Field(
        description="difference of the level's name that is forgiven"
    )
    distance_mm: Choice[Annotated[float, Field(gt=0.0, le=50.0)]] = Field(
        description="largest distance of the centres, not included, where the name differs"
    )


class NotReported(_Table):
    """When a confirmed fracture is absent from the report."""

    headline: Choice[ReportDefinition] = Field(description="definition of the headline; all are printed")
    tolerance_levels: Choice[Annotated[int, Field(ge=0, le=2)]] = Field(
        description="difference between the level in the report and the readers' that is forgiven"
    )
    needs_every_level: Choice[bool] = Field(
        description="whether a case is reported only when each of its fractures is"
    )


class Readers(_Table):
    """Who reads and what they see."""

    first_readers: Choice[Annotated[int, Field(ge=1, le=10)]] = Field(
        description="independent readers a case"
    )
    adjudication: Choice[Adjudication] = Field(description="who decides where they differ")
    discordance: Choice[tuple[Discordance, ...]] = Field(description="differences that are adjudicated")
    blinded_to_each_other: Choice[bool] = Field(description="no reader sees another's answer before his own")
    blinded_to_report: Choice[bool] = Field(description="the report is not shown")
    marks_hidden_at_first: Choice[bool] = Field(description="the software's marks appear at a second look")
    reread_fraction: Choice[Fraction] = Field(description="share read again by the same reader later")


class Negatives(_Table):
    """Which of the cases that were not flagged are read."""

    sample: Choice[Annotated[int, Field(ge=0, le=1_000_000)]] = Field(
        description="cases drawn, the certainty stratum not counted; 0: none, sensitivity cannot be said"
    )
    seed: Choice[Seed] = Field(description="of the draw")
    high_band_fraction: Choice[Fraction] = Field(
        description="share of these cases, by score, that is the band"
    )
    from_high_band_fraction: Choice[Fraction] = Field(description="share of the sample drawn from the band")
    read_all_of: Choice[tuple[CertaintyStratum, ...]] = Field(description="strata read completely")


class ReadingOrder(_Table):
    """In which order a reader sees the cases."""

    seed: Choice[Seed] = Field(description="of the order")
    differs_by_reader: Choice[bool] = Field(description="each reader has an order of his own")
    mixes_flagged_and_not: Choice[bool] = Field(description="one list; if not, the flagged come first")


class Intervention(_Table):
    """Which fractures the interventional readers see."""

    minimum_grade: Choice[Grade] = Field(description="grade from which a fracture is presented")
    only_not_reported: Choice[bool] = Field(description="fractures that the report names are left out")
    readers: Choice[Annotated[int, Field(ge=1, le=10)]] = Field(description="independent readers a fracture")


class Analysis(_Table):
    """How the figures are made."""

    confidence: Choice[Annotated[float, Field(gt=0.5, lt=1.0)]] = Field(
        description="coverage of the intervals"
    )
    interval: Choice[IntervalMethod] = Field(description="interval of the headline; both are printed")
    bootstrap_resamples: Choice[Annotated[int, Field(ge=100, le=1_000_000)]] = Field(
        description="samples drawn for each bootstrap interval"
    )
    bootstrap_seed: Choice[Seed] = Field(description="of all bootstraps")


class Protocol(_Table):
    """All choices of a study. ``name`` names it in the results; ``format`` is that of the file."""

    format: Literal[1]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)]
    population: Population
    positive: Positive
    true_positive: TruePositive
    matching: Matching
    not_reported: NotReported
    readers: Readers
    negatives: Negatives
    reading_order: ReadingOrder
    intervention: Intervention
    analysis: Analysis

    @model_validator(mode="after")
    def _levels_run_downwards(self) -> Protocol:
        first, last = self.positive.first_level.value, self.positive.last_level.value
        if not (first.is_graded and last.is_graded):
            raise ValueError(f"levels {first} to {last} were asked for; T1 to L6 are graded")
        if first.order > last.order:
            raise ValueError(f"positive.first_level {first} lies below positive.last_level {last}; swap them")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolProblem:
    """One fault: the key with its tables, what stands there and what may."""

    key: str
    got: str
    allowed: str


class ProtocolError(Exception):
    """The file is no protocol; ``problems`` names every faulty key, the message lists them."""

    def __init__(self, name: str, problems: tuple[ProtocolProblem, ...]) -> None:
        self.problems = problems
        lines = [f"  {x.key}: {x.got}; {x.allowed}" for x in problems]
        super().__init__("\n".join([f"the protocol {name} has {len(problems)} fault(s):", *lines]))


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedChoice:
    """One choice as it is printed in the report."""

    key: str
    value: str
    source: Source
    because: str


def parse_protocol(text: str, *, name: str) -> Protocol:
    """Read a protocol from TOML; ``name`` is that of the file, for messages.

    Raises:
        ProtocolError: no TOML; a key that is missing, unknown, or has a value that is not allowed.
    """
    try:
        # through JSON, whose strict reading takes "T4" for a level and a list for a tuple, and 2.0 not for 2
        return Protocol.model_validate_json(json.dumps(tomllib.loads(text), default=str))
    except tomllib.TOMLDecodeError as error:
        problem = ProtocolProblem(
            key="(file)", got=f"no TOML: {error}", allowed="see docs/reference/protocol.md"
        )
        raise ProtocolError(name, (problem,)) from error
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise ProtocolError(name, tuple(_problem(x) for x in found)) from error


def shipped_protocol_text(name: str) -> str:
    """The text of a protocol that comes with Spondyl, to copy and change.

    Raises:
        ProtocolError: there is none of this name.
    """
    if name not in SHIPPED:
        problem = ProtocolProblem(
            key="(name)", got="none is shipped", allowed=f"there is {', '.join(SHIPPED)}"
        )
        raise ProtocolError(name, (problem,))
    return (files("spondyl.study") / "protocols" / f"{name}.toml").read_text(encoding="utf-8")


def stated_choices(protocol: Protocol) -> tuple[StatedChoice, ...]:
    """Every choice in the order of the file, with its source: for the page that tells what is ours."""
    return tuple(_choices(protocol.model_dump(mode="json"), ""))


def protocol_sha256(protocol: Protocol) -> str:
    """Fingerprint of the choices, whatever the layout of the file: part of a result's provenance."""
    values = protocol.model_dump(mode="json")
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def protocol_schema() -> dict[str, Any]:
    """JSON Schema of the file, for editors and for other programs (docs/reference/protocol.schema.json)."""
    return Protocol.model_json_schema()


def _choices(tables: dict[str, Any], prefix: str) -> Iterator[StatedChoice]:
    for key, value in tables.items():
        if not isinstance(value, dict):
            continue
        if "because" in value:
            stated = value["value"]
            yield StatedChoice(
                key=f"{prefix}{key}",
                value=", ".join(stated) if isinstance(stated, list) else _as_in_toml(stated),
                source=Source(value["source"]),
                because=value["because"],
            )
        else:
            yield from _choices(value, f"{prefix}{key}.")


def _as_in_toml(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _problem(error: Any) -> ProtocolProblem:  # noqa: ANN401 - pydantic's ErrorDetails, a TypedDict per version
    location = [str(part) for part in error["loc"]]
    key = ".".join(location) or "(file)"
    if error["type"] == "extra_forbidden":
        return ProtocolProblem(key=key, got="unknown key", allowed=_known_keys(location))
    if error["type"] == "missing":
        return ProtocolProblem(key=key, got="missing", allowed="every choice must be stated")
    if error["type"] == "model_type":
        allowed = "write a table, { value = ..., source = ..., because = ... } for a choice"
        return ProtocolProblem(key=key, got=f"got {error['input']!r}", allowed=allowed)
    if error["type"] == "value_error":
        return ProtocolProblem(key=key, got="contradicts itself", allowed=str(error["ctx"]["error"]))
    return ProtocolProblem(key=key, got=f"got {error['input']!r}", allowed=error["msg"])


def _known_keys(location: list[str]) -> str:
    """The keys of the table that holds the unknown one, the likeliest first."""
    table: Any = Protocol
    for part in location[:-1]:
        table = table.model_fields[part].annotation
    known = list(table.model_fields)
    near = difflib.get_close_matches(location[-1], known, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    return f"{meant}known are {', '.join(known)}"
