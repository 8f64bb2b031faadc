"""Which unflagged cases are read, and in which order each reader sees the cases: by seed, repeatable."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spondyl.study.protocol import CertaintyStratum, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class UnflaggedCase:
    """A case that was not flagged. score_probability: its highest probability of a fracture, 0-1."""

    case_id: str
    score_probability: float
    report_names_fracture: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledStratum:
    """One stratum: how many cases it has, and which of them are to be read (sorted by id)."""

    name: str
    cases: int
    to_read: tuple[str, ...]


def sample_negatives(protocol: Protocol, cases: Sequence[UnflaggedCase]) -> tuple[SampledStratum, ...]:
    """The strata of the protocol: those read completely, the band of high scores, the others.

    The same cases in another order, or read twice from the same file, give the same sample. Where a band has
    fewer cases than its part of the sample, the other band gives the rest; a stratum without cases is left
    out.

    Raises:
        ValueError: two cases of one id.
    """
    ordered = sorted(cases, key=lambda x: x.case_id)
    if len({x.case_id for x in ordered}) != len(ordered):
        raise ValueError("a case id stands twice among the unflagged cases; each case is sampled once")
    plan = protocol.negatives
    all_named = CertaintyStratum.REPORT_NAMES_FRACTURE in plan.read_all_of.value
    named = [x for x in ordered if all_named and x.report_names_fracture]
    others = [x for x in ordered if not (all_named and x.report_names_fracture)]
    by_score = sorted(others, key=lambda x: (-x.score_probability, x.case_id))
    in_band = round(len(by_score) * plan.high_band_fraction.value)
    bands = [by_score[:in_band], by_score[in_band:]]
    wanted = round(plan.sample.value * plan.from_high_band_fraction.value)
    sizes = _sizes(plan.sample.value, wanted, len(bands[0]), len(bands[1]))
    generator = np.random.default_rng(plan.seed.value)
    drawn = [_draw(generator, band, size) for band, size in zip(bands, sizes, strict=True)]
    strata = (
        (CertaintyStratum.REPORT_NAMES_FRACTURE.value, named, tuple(x.case_id for x in named)),
        ("high_score", bands[0], drawn[0]),
        ("other", bands[1], drawn[1]),
    )
    return tuple(
        SampledStratum(name=name, cases=len(members), to_read=read)
        for name, members, read in strata
        if members
    )


def reading_order(
    protocol: Protocol, flagged: Sequence[str], unflagged: Sequence[str], reader: str
) -> tuple[str, ...]:
    """The case ids in the order in which this reader sees them.

    Mixed, or the flagged first, as the protocol says; each reader by another draw where it says so. The
    order does not depend on that of the ids given.

    Raises:
        ValueError: a case stands twice.
    """
    if len({*flagged, *unflagged}) != len(flagged) + len(unflagged):
        raise ValueError("a case id stands twice in the reading list; each case is read once")
    plan = protocol.reading_order
    seed = [plan.seed.value, *(_number(reader) if plan.differs_by_reader.value else ())]
    generator = np.random.default_rng(seed)
    lists = [[*flagged, *unflagged]] if plan.mixes_flagged_and_not.value else [list(flagged), list(unflagged)]
    return tuple(name for part in lists for name in generator.permutation(sorted(part)).tolist())


def _sizes(sample: int, wanted: int, in_band: int, outside: int) -> tuple[int, int]:
    """How many from the band and from outside it, when one of them may be too small for its part."""
    from_band = min(in_band, max(wanted, sample - outside))
    return from_band, min(outside, sample - from_band)


def _draw(generator: np.random.Generator, band: Sequence[UnflaggedCase], size: int) -> tuple[str, ...]:
    if not band:
        return ()
    chosen = generator.choice(len(band), size=size, replace=False).tolist()
    return tuple(sorted(band[index].case_id for index in chosen))


def _number(reader: str) -> tuple[int, ...]:
    """The reader's name as four 32-bit words for the seed: other names, other orders."""
    digest = hashlib.sha256(reader.encode()).digest()
    return tuple(int.from_bytes(digest[start : start + 4], "little") for start in range(0, 16, 4))
