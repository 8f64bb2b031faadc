"""The cases of a cohort: from a manifest (CSV, Parquet) or from the entries of a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from spondyl.adapters.parquet_tables import read_table
from spondyl.study.tables import CaseRow, Fault, TableError

_ID_LETTERS = 12  # of a hash: two of a million cases have the same with a probability of 0.002


def read_cases(source: Path, *, keep_names: bool = False) -> tuple[CaseRow, ...]:
    """The cases in the order of their ids, their paths absolute.

    A folder's entries (folder, zip, DICOM or NIfTI file) are one case each. Their names may name patients, so
    that an id is made from each by hashing; with ``keep_names`` the name itself, without .nii, .gz or .zip,
    is the id.

    Raises:
        TableError: a manifest with a missing column, an id that stands twice, a cell that may not be so.
        OSError: the manifest or the folder cannot be read.
    """
    cases = _folder_cases(source, keep_names=keep_names) if source.is_dir() else _manifest_cases(source)
    if not cases:
        fault = Fault(row=None, column="case_id", got="no case", allowed="at least one")
        raise TableError(source.name, [fault])
    rows: dict[str, int] = {}
    faults = []
    for row, case in cases:
        known = rows.setdefault(case.case_id.lower(), row)  # some file systems do not tell a from A
        if known != row:
            got = f"{case.case_id!r}, which stands in row {known}"
            faults.append(Fault(row=row, column="case_id", got=got, allowed="an id of its own"))
    if faults:
        raise TableError(source.name, faults)
    return tuple(sorted((case for _, case in cases), key=lambda case: case.case_id))


def shard_of(cases: Sequence[CaseRow], number: int, of: int) -> tuple[CaseRow, ...]:
    """The cases of one shard, 1-based: every ``of``-th case, so that all shards together are all cases."""
    return tuple(cases[number - 1 :: of])


def _manifest_cases(source: Path) -> list[tuple[int, CaseRow]]:
    folder = source.absolute().parent
    return [(row, replace(case, path=str(folder / case.path))) for row, case in read_table(source, CaseRow)]


def _folder_cases(source: Path, *, keep_names: bool) -> list[tuple[int, CaseRow]]:
    entries = sorted(entry for entry in source.absolute().iterdir() if not entry.name.startswith("."))
    return [
        (number, CaseRow(case_id=_case_id(entry.name, keep_names=keep_names), path=str(entry)))
        for number, entry in enumerate(entries, start=1)
    ]


def _case_id(name: str, *, keep_names: bool) -> str:
    if not keep_names:
        return f"case-{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:_ID_LETTERS]}"
    for ending in (".gz", ".nii", ".zip", ".dcm"):
        name = name.removesuffix(ending)
    return name
