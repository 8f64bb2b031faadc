"""Cohort runs: many cases, each read once, each in a folder of its own, and tables of all of them.

The layout of a cohort's folder and the codes of failures: docs/reference/cohort.md.
"""

from __future__ import annotations

from spondyl.adapters.cohort.archive import Archive, fetch_cases
from spondyl.adapters.cohort.case import (
    CaseOutcome,
    CaseReader,
    CaseState,
    Opener,
    kept_state,
    read_case,
    write_failure,
)
from spondyl.adapters.cohort.collect import (
    CASES_FILE,
    FAILURES_FILE,
    STUDIES_FILE,
    VERTEBRAE_FILE,
    CohortStatus,
    collect,
    keep_cases,
    status_of,
)
from spondyl.adapters.cohort.keys import reader_sha256
from spondyl.adapters.cohort.manifest import read_cases, shard_of
from spondyl.adapters.cohort.process import TIMEOUT_S, CaseProcess
from spondyl.adapters.cohort.run import read_cohort

__all__ = [
    "CASES_FILE",
    "FAILURES_FILE",
    "STUDIES_FILE",
    "TIMEOUT_S",
    "VERTEBRAE_FILE",
    "Archive",
    "CaseOutcome",
    "CaseProcess",
    "CaseReader",
    "CaseState",
    "CohortStatus",
    "Opener",
    "collect",
    "fetch_cases",
    "keep_cases",
    "kept_state",
    "read_case",
    "read_cases",
    "read_cohort",
    "reader_sha256",
    "shard_of",
    "status_of",
    "write_failure",
]
