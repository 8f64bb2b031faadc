"""A PACS as the source of a cohort: with a fake one, and with a node of pynetdicom as it is typed."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from spondyl.adapters.cohort import fetch_cases, read_cases
from spondyl.cli.cohort_archive import is_archive


class FakeArchive:
    """Studies by UID and patient; some do not come."""

    def __init__(self, studies: dict[str, str], missing: set[str]) -> None:
        self.studies, self.missing = studies, missing
        self.fetched: list[str] = []

    def search(self) -> list[dict[str, str]]:
        return [{"StudyInstanceUID": uid, "PatientID": who} for uid, who in self.studies.items()]

    def fetch(self, study_instance_uid: str, into: Path) -> bool:
        self.fetched.append(study_instance_uid)
        (into / "1.dcm").write_bytes(b"x")
        if study_instance_uid == "1.9":
            raise ConnectionError("away")
        return study_instance_uid not in self.missing


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_studies_become_cases_without_names_and_patients_stay_apart(tmp_path: Path) -> None:
    archive = FakeArchive({"1.2": "Anna", "1.3": "Bert", "1.1": "Anna", "1.4": "", "1.5": ""}, set())
    cases = read_cases(fetch_cases(archive, tmp_path))
    assert len(cases) == 5
    assert all(Path(case.path).is_dir() for case in cases)
    # Anna has two studies; nobody knows whose the two without an id are
    assert sorted(str(case.patient_id) for case in cases) == [
        "p00001",
        "p00001",
        "p00002",
        "p00003",
        "p00004",
    ]
    assert "Anna" not in (tmp_path / "manifest.csv").read_text()
    assert {row["PatientID"] for row in rows(tmp_path / "pacs.csv")} >= {"Anna", "Bert"}


def test_what_is_here_is_not_fetched_again_and_what_is_not_is(tmp_path: Path) -> None:
    first = FakeArchive({"1.1": "a", "1.2": "b", "1.9": "c"}, {"1.2"})
    told: list[bool] = []
    manifest = fetch_cases(first, tmp_path, lambda *x: told.append(x[3]))
    assert told == [True, False, False]
    assert [Path(case.path).is_dir() for case in read_cases(manifest)].count(True) == 1
    before = {row["StudyInstanceUID"]: row["patient_number"] for row in rows(tmp_path / "pacs.csv")}
    later = FakeArchive({"1.0": "z", "1.1": "a", "1.2": "b"}, set())
    fetch_cases(later, tmp_path)
    assert later.fetched == ["1.0", "1.2"]
    after = {row["StudyInstanceUID"]: row["patient_number"] for row in rows(tmp_path / "pacs.csv")}
    assert before.items() <= after.items()  # a later question changes nobody's number
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("PACS@10.0.0.1:104", True),
        ("https://pacs.example.org/dicom-web", True),
        ("manifest.csv", False),
        ("scans/PACS@1:2", False),
        ("A_TITLE_OF_17_SIGN@host:104", False),
    ],
)
def test_an_address_is_told_from_a_path(source: str, expected: bool) -> None:
    assert is_archive(source) is expected
