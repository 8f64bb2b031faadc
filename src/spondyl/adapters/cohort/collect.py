"""From the folders of the cases to the tables, once every case has its state."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from spondyl.adapters.cohort.case import CaseState, kept_finding, kept_state, unfinished
from spondyl.adapters.parquet_tables import read_table, whole_file, write_table
from spondyl.domain.finding import State
from spondyl.study.tables import CaseRow, StudyRow, VertebraRow, failed_study, study_of, vertebrae_of

STUDIES_FILE = "studies.parquet"
VERTEBRAE_FILE = "vertebrae.parquet"
FAILURES_FILE = "failures.csv"
CASES_FILE = "cohort.csv"  # the cases, as read from the manifest or the folder
_FAILURE_COLUMNS = ("case_id", "kind", "code", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortStatus:
    """How far a cohort is. reading: cases being read now, or whose reader died.

    states: number of cases by FLAG, NO_FLAG, NOT_EVALUABLE. failures: by code. seconds: reading time in all.
    """

    cases: int
    states: dict[str, int]
    failures: dict[str, int]
    reading: int
    seconds: float

    @property
    def answered(self) -> int:
        """Cases with an answer, refusals among them."""
        return sum(self.states.values())

    @property
    def failed(self) -> int:
        """Cases whose reading broke off."""
        return sum(self.failures.values())

    @property
    def waiting(self) -> int:
        """Cases that have neither."""
        return self.cases - self.answered - self.failed


def keep_cases(out: Path, cases: Sequence[CaseRow]) -> None:
    """Write down which cases the cohort has.

    Raises:
        OSError: the folder cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    write_table(out / CASES_FILE, CaseRow, cases)


def status_of(out: Path) -> CohortStatus:
    """How far the cohort in a folder is.

    Raises:
        OSError: the folder is none of a cohort.
        TableError: its list of cases was changed by hand into none.
    """
    cases = [case for _, case in read_table(out / CASES_FILE, CaseRow)]
    states: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    seconds = 0.0
    for case in cases:
        state = kept_state(out, case.case_id)
        if state is None:
            continue
        seconds += state.seconds
        if state.failure is not None:
            failures[state.failure.value] += 1
        elif state.state is not None:
            states[state.state.value] += 1
    return CohortStatus(
        cases=len(cases),
        states=dict(sorted(states.items())),
        failures=dict(sorted(failures.items())),
        reading=len(unfinished(out)),
        seconds=seconds,
    )


def collect(out: Path, cases: Sequence[CaseRow]) -> bool:
    """Write the tables if every case has its state, and clear what dead readers left; tells whether it did.

    Raises:
        ExtraMissingError: DuckDB is not installed.
        OSError: the folder cannot be written, or a result was taken away.
    """
    if any(kept_state(out, case.case_id) is None for case in cases):
        return False
    write_table(out / STUDIES_FILE, StudyRow, _studies(out, cases))
    write_table(out / VERTEBRAE_FILE, VertebraRow, _vertebrae(out, cases))
    whole_file(out / FAILURES_FILE, lambda stream: _write_failures(stream, out, cases))
    for folder in unfinished(out):
        shutil.rmtree(folder, ignore_errors=True)
    return True


def _state(out: Path, case: CaseRow) -> CaseState:
    state = kept_state(out, case.case_id)
    if state is None:
        raise FileNotFoundError(f"the state of case {case.case_id} was taken away while the tables were made")
    return state


def _studies(out: Path, cases: Sequence[CaseRow]) -> Iterator[StudyRow]:
    for case in cases:
        failure = _state(out, case).failure
        if failure is not None:
            yield failed_study(case, failure)
        else:
            yield study_of(case, kept_finding(out, case.case_id))


def _vertebrae(out: Path, cases: Sequence[CaseRow]) -> Iterator[VertebraRow]:
    for case in cases:
        if _state(out, case).failure is None:
            yield from vertebrae_of(case, kept_finding(out, case.case_id))


def _write_failures(stream: IO[str], out: Path, cases: Sequence[CaseRow]) -> None:
    """Cases without an answer: those that failed, and those that were refused."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_FAILURE_COLUMNS)
    for case in cases:
        state = _state(out, case)
        if state.failure is not None:
            writer.writerow([case.case_id, "failed", state.failure.value, state.failure_text])
        elif state.state is State.NOT_EVALUABLE:
            reason = kept_finding(out, case.case_id).reasons[0]
            writer.writerow([case.case_id, "not_evaluable", reason.code, reason.text])
