"""The studies of a PACS as the cases of a cohort: asked for, fetched one by one, and written as a manifest.

FOLDER/studies/CASE/ holds a study's files and appears whole; FOLDER/manifest.csv names the cases, and
FOLDER/pacs.csv which study each is: **the second names studies and patients, keep it where the CTs are**.
"""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

MANIFEST_FILE = "manifest.csv"
_KEPT_FILE = "pacs.csv"
_STUDIES = "studies"
_KEPT_COLUMNS = ("case_id", "patient_number", "StudyInstanceUID", "PatientID")
_ID_LETTERS = 12  # as for the entries of a folder


class Archive(Protocol):
    """A PACS: by DIMSE or by DICOMweb, or a fake."""

    def search(self) -> Sequence[Mapping[str, str]]:
        """The studies that were asked for, as values by DICOM keyword.

        Raises:
            ConnectionError: it is away or refuses.
        """
        ...

    def fetch(self, study_instance_uid: str, into: Path) -> bool:
        """Write a study's files into a folder; whether all came.

        Raises:
            ConnectionError: it is away or refuses.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Study:
    """A study of the archive. patient_number: the same for all studies of a patient, else without meaning."""

    case_id: str
    patient_number: int
    study_instance_uid: str
    patient_id: str


def fetch_cases(
    archive: Archive, folder: Path, told: Callable[[int, int, str, bool], None] = lambda *_: None
) -> Path:
    """Fetch the studies that are not here yet, and give the manifest of all.

    A study that does not come is a case without files: its reading is refused, and it is fetched again by the
    next call. told: number, of how many, case and whether it is here, after each study.

    Raises:
        LookupError: there is no such study.
        ConnectionError: the archive cannot be asked.
        OSError: the folder cannot be written.
    """
    studies = list(_numbered(archive.search(), _kept(folder / _KEPT_FILE)))
    if not studies:
        raise LookupError("the PACS has no such study")
    folder.mkdir(parents=True, exist_ok=True)
    kept = {study.case_id: study for study in [*_kept(folder / _KEPT_FILE).values(), *studies]}
    rows = [
        (x.case_id, x.patient_number, x.study_instance_uid, x.patient_id) for _, x in sorted(kept.items())
    ]
    _write_rows(folder / _KEPT_FILE, _KEPT_COLUMNS, rows)
    for number, study in enumerate(studies, start=1):
        is_here = _fetched(archive, study, folder / _STUDIES)
        told(number, len(studies), study.case_id, is_here)
    cases = [(x.case_id, f"{_STUDIES}/{x.case_id}", f"p{x.patient_number:05}") for x in studies]
    _write_rows(folder / MANIFEST_FILE, ("case_id", "path", "patient_id"), sorted(cases))
    return folder / MANIFEST_FILE


def _numbered(found: Sequence[Mapping[str, str]], kept: Mapping[str, _Study]) -> Iterator[_Study]:
    """The studies in the order of their UIDs; patients keep their numbers, new ones get the next."""
    patients = {study.patient_id: study.patient_number for study in kept.values()}
    by_uid = {study["StudyInstanceUID"]: study.get("PatientID", "") for study in found}
    for uid, patient_id in sorted(by_uid.items()):
        known = kept.get(uid)
        if known is not None:
            yield known
            continue
        patient = (
            patient_id or f"study {uid}"
        )  # without an id nobody can tell whose it is: a patient of its own
        number = patients.setdefault(patient, max(patients.values(), default=0) + 1)
        case_id = f"case-{hashlib.sha256(uid.encode()).hexdigest()[:_ID_LETTERS]}"
        yield _Study(case_id=case_id, patient_number=number, study_instance_uid=uid, patient_id=patient)


def _fetched(archive: Archive, study: _Study, folder: Path) -> bool:
    """Whether a study's folder is here, fetched now or before; one that comes in part is put away."""
    place, partial = folder / study.case_id, folder / f".{study.case_id}.part"
    if place.is_dir():
        return True
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        is_whole = archive.fetch(study.study_instance_uid, partial)
    except ConnectionError:
        is_whole = False
    if is_whole:
        partial.rename(place)
    else:
        shutil.rmtree(partial, ignore_errors=True)
    return is_whole


def _kept(path: Path) -> dict[str, _Study]:
    """The studies of earlier calls, by their UID."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as stream:
        studies = [
            _Study(
                case_id=row["case_id"],
                patient_number=int(row["patient_number"]),
                study_instance_uid=row["StudyInstanceUID"],
                patient_id=row["PatientID"],
            )
            for row in csv.DictReader(stream)
        ]
    return {study.study_instance_uid: study for study in studies}


def _write_rows(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    partial = path.with_name(f".{path.name}.part")
    with partial.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    partial.replace(path)
