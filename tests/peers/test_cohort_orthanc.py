"""The studies of a PACS as a cohort: Orthanc asked by DIMSE and by DICOMweb, and a PACS that is away."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

import spondyl.wiring
from fake_case_reader import FakeOpener
from node_peers import free_port, uid, write_study
from orthanc_peer import Orthanc
from spondyl.adapters.delivery import Patience, Record, deliver, find_outgoing
from spondyl.adapters.dicom_node import DimseChannel, Peer, SendSettings
from spondyl.cli import app

# pynetdicom leaves the closing of a refused connection's socket to the collector
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
STUDIES = {61: 3, 62: 4}  # number of the study: its slices
KEYS = ("--key", "StudyDate=20260101-20260131", "--key", "ModalitiesInStudy=CT")


def typed(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("way", ["DIMSE", "DICOMweb"])
def test_a_cohort_is_fetched_from_a_pacs_once_and_read(
    orthanc: Orthanc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    opener = FakeOpener(journal=tmp_path / "journal")
    monkeypatch.setattr(spondyl.wiring.ReaderOpener, "of", lambda _: opener)
    channel = DimseChannel(
        peer=Peer(ae_title="ORTHANC", host="127.0.0.1", port=orthanc.dicom_port), settings=SendSettings()
    )
    for study, slices in STUDIES.items():
        write_study(tmp_path / "ct", study, slices)
    files, _ = find_outgoing(tmp_path / "ct")
    deliver(files, channel, Record(), Patience(attempts=2, first_wait_s=0.1), time.sleep)
    source = orthanc.web if way == "DICOMweb" else f"ORTHANC@127.0.0.1:{orthanc.dicom_port}"
    out = tmp_path / "out"

    code, said, aside = typed("cohort", "run", source, "--out", out, *KEYS)
    assert (code, "2 cases: 2 answered (2 FLAG)" in said) == (0, True), aside
    with (out / "fetched" / "pacs.csv").open(newline="") as stream:
        kept = {row["StudyInstanceUID"]: row for row in csv.DictReader(stream)}
    assert set(kept) == {uid(study) for study in STUDIES}
    for study, slices in STUDIES.items():
        folder = out / "fetched" / "studies" / kept[uid(study)]["case_id"]
        assert len(list(folder.iterdir())) == slices
    for name in ("cohort.csv", "fetched/manifest.csv", "failures.csv"):
        assert "ID6" not in (out / name).read_text()

    nobody = ("--key", "StudyDate=19010101")
    code, _, said = typed("cohort", "run", source, "--out", tmp_path / "other", *nobody)
    assert (code, "has no such study" in said) == (3, True)
    assert not (tmp_path / "other").exists()

    again = typed("cohort", "run", source, "--out", out, *KEYS)
    assert (again[0], "2 of 2 cases, 2 kept" in again[2]) == (0, True)
    assert len((tmp_path / "journal").read_text().splitlines()) == len(STUDIES)


def test_a_pacs_that_is_away_is_told_and_nothing_is_written(private: None, tmp_path: Path) -> None:
    source = f"PACS@127.0.0.1:{free_port()}"
    code, _, said = typed("cohort", "run", source, "--out", tmp_path / "out", *KEYS)
    assert (code, "PACS" in said) == (4, True)
    assert not (tmp_path / "out").exists()
