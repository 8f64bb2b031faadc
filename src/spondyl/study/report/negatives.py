"""The cases that were not flagged and were read all the same: sensitivity despite partial verification."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from spondyl.study.protocol import Protocol
from spondyl.study.report.consensus import NOT_READ, ReferenceCase, Verdict
from spondyl.study.sampling import UnflaggedCase, sample_negatives
from spondyl.study.statistics import NegativeStratum, PartialVerification
from spondyl.study.tables import StudyRow

_RESOLVED = frozenset({Verdict.FRACTURE, Verdict.NO_FRACTURE, Verdict.CANNOT_SAY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Negatives:
    """The strata of the sample as read. outside: cases read that the sample does not hold, not counted.

    members: by case read, the number of its stratum and how many cases it stands for.
    """

    strata: tuple[NegativeStratum, ...]
    outside: tuple[str, ...]
    members: Mapping[str, tuple[int, float]] = field(default_factory=dict)

    @property
    def read(self) -> int:
        """Cases read in all strata."""
        return sum(x.read for x in self.strata)

    @property
    def found(self) -> int:
        """Fractured cases found in all strata."""
        return sum(x.found for x in self.strata)

    def verification(self, true_positives: int, false_positives: int) -> PartialVerification:
        """With the flagged cases: what sensitivity and specificity are estimated from."""
        strata = self.strata or (NegativeStratum(name="not flagged", cases=0, read=0, found=0),)
        return PartialVerification(
            true_positives=true_positives, false_positives=false_positives, negatives=strata
        )


def read_negatives(
    unflagged: Sequence[StudyRow],
    references: Mapping[str, ReferenceCase],
    report_names_fracture: Callable[[str], bool],
    protocol: Protocol,
) -> Negatives:
    """Draw the protocol's sample again and see what was read of it.

    report_names_fracture: asked only where some case not flagged was read.
    """
    read = {x.case_id for x in unflagged if _verdict(x.case_id, references) in _RESOLVED}
    if not read:
        stratum = NegativeStratum(name="not flagged", cases=len(unflagged), read=0, found=0)
        return Negatives(strata=(stratum,), outside=())
    cases = [
        UnflaggedCase(
            case_id=x.case_id,
            score_probability=x.score_probability or 0.0,
            report_names_fracture=report_names_fracture(x.case_id),
        )
        for x in unflagged
    ]
    drawn = sample_negatives(protocol, cases)
    strata = tuple(
        NegativeStratum(
            name=stratum.name,
            cases=stratum.cases,
            read=len(read.intersection(stratum.to_read)),
            found=sum(_verdict(x, references) is Verdict.FRACTURE for x in stratum.to_read),
        )
        for stratum in drawn
    )
    outside = read.difference(*(stratum.to_read for stratum in drawn))
    members = {
        case: (number, stratum.cases / stratum.read)
        for number, (stratum, drew) in enumerate(zip(strata, drawn, strict=True))
        for case in drew.to_read
        if case in read
    }
    return Negatives(strata=strata, outside=tuple(sorted(outside)), members=members)


def _verdict(case_id: str, references: Mapping[str, ReferenceCase]) -> Verdict:
    return references.get(case_id, NOT_READ).verdict
