"""A changed CT written out: read back by ingest it is the same CT, and nothing in it tells of a patient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from spondyl.adapters.ct_files import write_derived_series, write_nifti
from spondyl.domain.series import Ingested
from spondyl.domain.volume import CtVolume
from spondyl.stages.ingest import Settings, ingest
from spondyl.stages.volume import assemble

ATTRIBUTES = {"KVP": "100", "ConvolutionKernel": "Br40", "Manufacturer": "X", "PatientSex": "F"}


@pytest.fixture
def volume() -> CtVolume:
    rng = np.random.default_rng(3)
    affine = np.array([[0, 0, 0.8, -20.0], [0, 0.9, 0, -30.0], [2.0, 0, 0, 100.0], [0, 0, 0, 1]])
    hu = rng.integers(-1000, 1500, size=(30, 40, 50)).astype(np.int16)
    return CtVolume(hu=hu, affine=affine, series_id="a")


def read_back(path: Path) -> CtVolume:
    ingested = ingest(path, Settings())
    assert isinstance(ingested, Ingested)
    return assemble(ingested.accepted[0])


def test_a_nifti_reads_back_as_the_same_ct(tmp_path: Path, volume: CtVolume) -> None:
    write_nifti(volume, tmp_path / "ct.nii.gz")
    back = read_back(tmp_path / "ct.nii.gz")
    assert np.array_equal(back.hu, volume.hu)
    assert back.affine == pytest.approx(volume.affine, abs=1e-4)


def test_a_series_reads_back_as_the_same_ct(tmp_path: Path, volume: CtVolume) -> None:
    write_derived_series(volume, tmp_path / "s", attributes=ATTRIBUTES, description="inserted", seed=5)
    back = read_back(tmp_path / "s")
    assert np.array_equal(back.hu, volume.hu)
    assert back.affine == pytest.approx(volume.affine, abs=1e-4)


def test_the_series_says_what_it_is_and_nothing_of_the_patient(tmp_path: Path, volume: CtVolume) -> None:
    write_derived_series(volume, tmp_path / "s", attributes=ATTRIBUTES, description="inserted", seed=5)
    dataset = pydicom.dcmread(tmp_path / "s" / "0000.dcm")
    assert list(dataset.ImageType)[:2] == ["DERIVED", "SECONDARY"]
    assert dataset.SeriesDescription == "inserted"
    assert (dataset.KVP, dataset.ConvolutionKernel) == (100, "Br40")
    assert str(dataset.PatientName) == "Inserted^Fracture"
    assert dataset.PatientSex == "O"


def test_another_seed_is_another_study(tmp_path: Path, volume: CtVolume) -> None:
    uids: list[str] = []
    for seed in (1, 1, 2):
        folder = tmp_path / f"s{len(uids)}"
        write_derived_series(volume, folder, attributes={}, description="x", seed=seed)
        uids.append(pydicom.dcmread(folder / "0000.dcm").StudyInstanceUID)
    assert uids[0] == uids[1]
    assert uids[0] != uids[2]
