"""The real CTs: what each is, by its README and its own headers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spondyl.domain.series import IngestRefused
from spondyl.stages.ingest import Settings, ingest

pytestmark = pytest.mark.data
Fixture = Any  # the callables of conftest.py


@pytest.mark.parametrize(
    ("name", "shape", "spacing_mm"),
    [
        ("crlm_1006", (51, 512, 512), (5.0, 0.804688, 0.804688)),
        ("cptac_C3L-00189", (35, 512, 512), (5.0, 0.859375, 0.859375)),
    ],
)
def test_a_series_of_thick_slices_is_read(
    name: str, shape: tuple, spacing_mm: tuple, real_data: Path, read: Fixture
) -> None:
    result, volume = read(real_data / "dicom" / name)
    assert volume.hu.shape == shape
    assert volume.spacing_mm == pytest.approx(spacing_mm, abs=1e-3)
    assert len(result.accepted) == len(result.stacks) == 1
    assert np.median(volume.hu[:, 256, 200:300]) > -200  # the middle of the picture is body
    assert volume.hu[:, 0, 0].max() < -800  # its corner is not


def test_the_two_halves_of_a_pet_ct_are_both_read(real_data: Path, read: Fixture) -> None:
    result, _ = read(real_data / "dicom" / "acrinflt_001")
    assert [series.stored.shape for series in result.accepted] == [(99, 512, 512)] * 2
    upper, lower = (series.summary.z_range_mm for series in result.accepted)
    assert lower[1] < upper[0]
    assert [series.summary.slice_spacing_mm for series in result.accepted] == [4.25, 4.25]
    assert all("2 studies of one patient" in series.summary.repairs[0] for series in result.accepted)


@pytest.mark.parametrize(
    ("name", "spacing_mm"),
    [
        ("ct/nsclcrg_R01-001.nii.gz", (1.0, 1.0015, 1.0)),
        ("ct/cmbcrc_01068.nii.gz", (2.5, 1.0, 1.0016)),
        ("ct/sts_002.nii.gz", (3.27, 0.9766, 0.9766)),
        ("ct/sts_007.nii.gz", (3.27, 0.9766, 0.9766)),
        ("ct/sts_037.nii.gz", (3.27, 0.9766, 0.9766)),
        ("masks/totalseg-example/ct.nii.gz", (3.0, 3.0, 3.0)),
        ("masks/totalseg-aorta/ct.nii.gz", (1.5, 1.5, 1.5)),
        ("masks/totalseg-pulmonary/ct.nii.gz", (1.5, 1.5, 1.5)),
        ("masks/tptbox-L3/sub-ct_label-22_ct.nii.gz", (1.5, 1.5, 1.5)),
    ],
)
def test_a_nifti_volume_is_read(name: str, spacing_mm: tuple, real_data: Path, read: Fixture) -> None:
    result, volume = read(real_data / name)
    assert volume.spacing_mm == pytest.approx(spacing_mm, abs=1e-3)
    assert result.accepted[0].summary.repairs == ()


@pytest.mark.parametrize("name", ["verse004/vert_msk.nii.gz", "malekosh001/subreg_msk.nii.gz"])
def test_a_label_map_is_not_taken_for_a_ct(name: str, real_data: Path) -> None:
    result = ingest(real_data / "masks" / name, Settings())
    assert isinstance(result, IngestRefused)
    assert result.refusal.code == "IMPLAUSIBLE_VALUES"


def test_all_the_series_together_are_several_studies(real_data: Path) -> None:
    result = ingest(real_data / "dicom", Settings())
    assert isinstance(result, IngestRefused)
    assert result.refusal.code == "SEVERAL_STUDIES"
