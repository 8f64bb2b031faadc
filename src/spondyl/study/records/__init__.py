"""Reading records: what readers, adjudicators and interventional radiologists answered, each written once.

In: rows of readings.parquet or .csv (ReadingRecord) and of interventions.parquet or .csv
(InterventionalReview). Out: checked records, append-only: ``appended`` puts new ones behind those that are
kept and refuses what breaks the rules, naming row and column; ``current`` leaves out what was superseded. The
reading station writes the same records; ``spondyl records`` imports, checks and exports them.

One reading of one case is: a record per vertebra that was marked or that the reader found, and one without a
level for the case as a whole. Adjudicators' records stand beside the first ones and never replace them.
"""

from __future__ import annotations

from spondyl.study.records.history import RecordType, appended, current
from spondyl.study.records.intervention import (
    Access,
    Canal,
    InterventionalReview,
    NeurologicalRisk,
    Pedicles,
    PosteriorWall,
    Sign,
    Suitability,
    SuitabilityReason,
    Technique,
)
from spondyl.study.records.reading import (
    Age,
    Decision,
    Look,
    Marks,
    Nature,
    ReadingRecord,
    RejectionReason,
    Role,
)

__all__ = [
    "Access",
    "Age",
    "Canal",
    "Decision",
    "InterventionalReview",
    "Look",
    "Marks",
    "Nature",
    "NeurologicalRisk",
    "Pedicles",
    "PosteriorWall",
    "ReadingRecord",
    "RecordType",
    "RejectionReason",
    "Role",
    "Sign",
    "Suitability",
    "SuitabilityReason",
    "Technique",
    "appended",
    "current",
]
