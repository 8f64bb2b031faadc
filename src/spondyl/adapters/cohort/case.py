"""One case of a cohort: read once, its results and its state in a folder of its own that appears whole.

``OUT/cases/CASE/case.json`` is the state (CaseState); beside it lie the results of ``spondyl analyze``. While
a case is being read its folder has another name and is no result; whoever dies leaves only that behind.
"""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeAlias

from pydantic import TypeAdapter

from spondyl.adapters.cohort.keys import case_key, content_sha256, stat_sha256
from spondyl.adapters.error_place import error_place
from spondyl.domain.finding import Manifest, State, StudyFinding
from spondyl.domain.report import ResultsNotWrittenError
from spondyl.study.tables import CaseRow, FailureCode

CASES = "cases"
_STATE_FILE = "case.json"
_FINDING_FILE = "finding.json"
_UNFINISHED = ".part"


class CaseReader(Protocol):
    """Whoever reads a study and writes its results, finding.json among them: ``wiring.Reader``, or a fake."""

    @property
    def manifest(self) -> Manifest:
        """What reads: version, settings, networks, engine."""
        ...

    def read(self, path: Path, out: Path) -> object:
        """Read one study and write its results into ``out``.

        Raises:
            OSError: the results cannot be written.
        """
        ...


Opener: TypeAlias = Callable[[], CaseReader]  # opens the networks; it travels to other processes


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseState:
    """How a case ended.

    key: of the result; empty where the case failed. state: of the answer; None where the case failed.
    failure: code and one sentence without values of the input. seconds: that the reading took.
    """

    case_id: str
    key: str = ""
    stat_sha256: str = ""
    content_sha256: str = ""
    state: State | None = None
    failure: FailureCode | None = None
    failure_text: str = ""
    seconds: float = 0.0


_STATE = TypeAdapter(CaseState)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOutcome:
    """A case's state, and whether it was there already."""

    state: CaseState
    was_kept: bool


def read_case(case: CaseRow, out: Path, reader: CaseReader) -> CaseOutcome:
    """Read a case, unless a result of the same key is there. What goes wrong with the case becomes its state.

    Raises:
        OSError: the results cannot be written: no other case's could be.
    """
    known = kept_state(out, case.case_id)
    path = Path(case.path)
    stat = stat_sha256(path)
    is_unchanged = known is not None and known.stat_sha256 == stat and known.content_sha256
    content = known.content_sha256 if known is not None and is_unchanged else content_sha256(path)
    key = case_key(content, reader.manifest)
    if known is not None and known.key == key:
        return CaseOutcome(state=known, was_kept=True)
    prints = CaseState(case_id=case.case_id, stat_sha256=stat, content_sha256=content)
    return CaseOutcome(state=_read_anew(path, out, reader, prints, key), was_kept=False)


def write_failure(out: Path, case_id: str, code: FailureCode, text: str) -> CaseState:
    """Let a case be known as failed; results of an earlier reading go.

    Raises:
        OSError: the folder cannot be written.
    """
    state = CaseState(case_id=case_id, failure=code, failure_text=text)
    with _unfinished_folder(out, case_id) as made:
        _finish(made, out, state)
    return state


def kept_state(out: Path, case_id: str) -> CaseState | None:
    """The state of a case, None where it has none yet (or one that a broken disk has cut)."""
    try:
        return _STATE.validate_json((out / CASES / case_id / _STATE_FILE).read_bytes())
    except (OSError, ValueError):
        return None


def kept_finding(out: Path, case_id: str) -> StudyFinding:
    """The finding of an answered case.

    Raises:
        OSError: it cannot be read.
    """
    return StudyFinding.model_validate_json((out / CASES / case_id / _FINDING_FILE).read_bytes())


def unfinished(out: Path) -> tuple[Path, ...]:
    """Folders of cases that are being read, or whose reader has died."""
    return tuple(sorted((out / CASES).glob(f".*{_UNFINISHED}")))


def _read_anew(path: Path, out: Path, reader: CaseReader, prints: CaseState, key: str) -> CaseState:
    started = time.perf_counter()
    with _unfinished_folder(out, prints.case_id) as made:
        try:
            reader.read(path, made)
            finding = StudyFinding.model_validate_json((made / _FINDING_FILE).read_bytes())
            state = replace(prints, key=key, state=finding.state)
        except ResultsNotWrittenError:
            raise
        except MemoryError:
            text = "the memory of this machine does not suffice for the case"
            state = replace(prints, failure=FailureCode.OUT_OF_MEMORY, failure_text=text)
        except Exception as error:  # noqa: BLE001 - one bad case must not stop the others
            state = replace(prints, failure=FailureCode.ANALYSIS_BROKE, failure_text=error_place(error))
        if state.failure is not None:
            _empty(made)
        state = replace(state, seconds=round(time.perf_counter() - started, 3))
        _finish(made, out, state)
    return state


@contextlib.contextmanager
def _unfinished_folder(out: Path, case_id: str) -> Iterator[Path]:
    folder = out / CASES / f".{case_id}.{uuid.uuid4().hex}{_UNFINISHED}"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _finish(made: Path, out: Path, state: CaseState) -> None:
    """Write the state, and let the folder take the case's name."""
    (made / _STATE_FILE).write_bytes(_STATE.dump_json(state, indent=1) + b"\n")
    place = out / CASES / state.case_id
    while True:
        try:
            made.rename(place)
        except OSError:
            if not place.exists():
                raise
            old = made.with_name(f".{state.case_id}.{uuid.uuid4().hex}{_UNFINISHED}")
            with contextlib.suppress(FileNotFoundError):  # another worker was quicker
                place.rename(old)
            shutil.rmtree(old, ignore_errors=True)
        else:
            return


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
