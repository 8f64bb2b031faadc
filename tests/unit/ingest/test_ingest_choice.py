"""Which stacks of a study are read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import generate_uid

from spondyl.domain.series import IngestRefused
from spondyl.domain.volume import CtVolume
from spondyl.stages.ingest import Settings, ingest
from spondyl.stages.ingest.choose import Candidate, choose, score_candidate, uncovered_mm
from spondyl.stages.ingest.kernel import KernelKind, classify_kernel
from spondyl.synthetic.dicom import make_series

Fixture = Any  # the callables of conftest.py


def stack(
    low_mm: float, n_slices: int, slice_mm: float, *, seed: int, **attributes: object
) -> list[FileDataset]:
    """A series of study 1 that begins at a height."""
    k, j, i = np.ogrid[:n_slices, :20, :16]
    hu = ((137 * k + 41 * j + 13 * i + seed) % 2000 - 1000).astype(np.int16)
    affine = np.array([[0, 0, 0.7, 0], [0, 0.9, 0, 0], [slice_mm, 0, 0, low_mm], [0, 0, 0, 1.0]])
    datasets = make_series(CtVolume(hu=hu, affine=affine, series_id=""), seed=seed)
    for dataset in datasets:
        dataset.StudyInstanceUID = generate_uid(entropy_srcs=["study"])
        dataset.PatientID = "P"
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)
    return datasets


def chosen_spacings(result: Any) -> list[float | None]:
    return [series.summary.slice_spacing_mm for series in result.accepted]


def test_of_two_reconstructions_the_thinner_is_read(read: Fixture, save: Fixture) -> None:
    thick, thin = stack(0, 24, 5.0, seed=1), stack(0, 60, 2.0, seed=2)
    result, _ = read(save([*thick, *thin]))
    assert chosen_spacings(result) == [2.0]
    assert [item.reason for item in result.stacks] == ["THICKER_THAN_CHOSEN", "CHOSEN"]
    scores = [item.score for item in result.stacks]
    # thick: 120 mm x quality 0.3 at 5 mm; thin: 120 mm x (1 - 0.7 x 0.5 / 3.5); both soft kernels
    assert scores == [pytest.approx(36.0), pytest.approx(108.0)]


def test_of_two_kernels_the_soft_one_is_read(read: Fixture, save: Fixture) -> None:
    sharp = stack(0, 40, 2.0, seed=1, ConvolutionKernel="BONE")
    soft = stack(0, 40, 2.0, seed=2, ConvolutionKernel="STANDARD")
    result, _ = read(save([*sharp, *soft]))
    assert result.accepted[0].attributes["ConvolutionKernel"] == "STANDARD"
    assert [item.reason for item in result.stacks] == ["COVERED_BY_CHOSEN", "CHOSEN"]


def test_kernels_within_one_series_are_told_apart(read: Fixture, save: Fixture) -> None:
    sharp = stack(0, 40, 2.0, seed=1, ConvolutionKernel="BONE")
    soft = stack(0, 40, 2.0, seed=2, ConvolutionKernel="STANDARD")
    for dataset in soft:
        dataset.SeriesInstanceUID = sharp[0].SeriesInstanceUID
    result, _ = read(save([*sharp, *soft]))
    assert [item.kernel for item in result.stacks] == ["BONE", "STANDARD"]
    assert [item.series_id[-2:] for item in result.stacks] == ["-1", "-2"]


@pytest.mark.parametrize(("added_mm", "n_read"), [(58.0, 1), (60.0, 2)])
def test_a_further_stack_is_read_where_it_adds_sixty_millimetres(
    added_mm: float, n_read: int, read: Fixture, save: Fixture
) -> None:
    # 1 mm over 100 mm, and 2 mm over the upper part of it and ``added_mm`` beyond
    first = stack(0, 100, 1.0, seed=1)
    n_second = int((40 + added_mm) / 2.0)
    second = stack(60.5, n_second, 2.0, seed=2)  # slice edges at 59.5 and 59.5 + 2 n; the first ends at 99.5
    result, _ = read(save([*first, *second]))
    assert len(result.accepted) == n_read


def test_phases_in_one_series_become_stacks_and_one_is_read(read: Fixture, save: Fixture) -> None:
    early, late = stack(0, 24, 2.5, seed=1), stack(0, 24, 2.5, seed=2)
    for dataset in late:
        dataset.SeriesInstanceUID = early[0].SeriesInstanceUID
        dataset.FrameOfReferenceUID = early[0].FrameOfReferenceUID
        dataset.AcquisitionNumber = 2
    result, _ = read(save([*early, *late]))
    assert [item.n_slices for item in result.stacks] == [24, 24]
    assert len(result.accepted) == 1
    assert result.accepted[0].summary.repairs == ("split from its series by AcquisitionNumber",)


def test_two_table_stations_in_one_series_are_both_read(read: Fixture, save: Fixture) -> None:
    lower, upper = stack(0, 30, 2.5, seed=1), stack(120, 30, 2.5, seed=2)
    for dataset in upper:
        dataset.SeriesInstanceUID = lower[0].SeriesInstanceUID
        dataset.FrameOfReferenceUID = lower[0].FrameOfReferenceUID
        dataset.AcquisitionNumber = 2
    result, _ = read(save([*lower, *upper]))
    assert len(result.accepted) == 2
    assert {stack.repairs for stack in result.stacks} == {("split from its series by AcquisitionNumber",)}


def test_the_next_best_stack_is_read_where_the_best_is_damaged(read: Fixture, save: Fixture) -> None:
    thick, thin = stack(0, 24, 5.0, seed=1), stack(0, 60, 2.0, seed=2)
    del thin[7].PixelData
    result, _ = read(save([*thick, *thin]))
    assert chosen_spacings(result) == [5.0]
    assert [item.reason for item in result.stacks] == ["CHOSEN", "UNREADABLE"]


def test_studies_of_one_patient_that_show_different_parts_are_read_together(
    read: Fixture, save: Fixture
) -> None:
    upper, lower = stack(0, 40, 2.0, seed=1), stack(-100, 40, 2.0, seed=2)
    for dataset in lower:
        dataset.StudyInstanceUID = generate_uid(entropy_srcs=["other study"])
    result, _ = read(save([*upper, *lower]))
    note = "2 studies of one patient read together: they show different parts of the body"
    assert [series.summary.repairs for series in result.accepted] == [(note,), (note,)]


def test_studies_that_overlap_are_not(save: Fixture) -> None:
    upper, lower = stack(0, 40, 2.0, seed=1), stack(-70, 40, 2.0, seed=2)
    for dataset in lower:
        dataset.StudyInstanceUID = generate_uid(entropy_srcs=["other study"])
    result = ingest(save([*upper, *lower]), Settings())
    assert isinstance(result, IngestRefused)
    assert result.refusal.code == "SEVERAL_STUDIES"


def test_studies_without_a_patient_identifier_are_not(save: Fixture) -> None:
    upper, lower = stack(0, 40, 2.0, seed=1), stack(-100, 40, 2.0, seed=2)
    for dataset in (*upper, *lower):
        dataset.PatientID = ""
    for dataset in lower:
        dataset.StudyInstanceUID = generate_uid(entropy_srcs=["other study"])
    result = ingest(save([*upper, *lower]), Settings())
    assert isinstance(result, IngestRefused)
    assert result.refusal.code == "SEVERAL_STUDIES"


CANDIDATE = Candidate(series_id="a", spacing_mm=1.0, z_range_mm=(0, 300), kernel="B30f", is_original=True)


def test_score_is_covered_length_times_qualities() -> None:
    settings = Settings()
    assert score_candidate(CANDIDATE, settings) == 300.0
    assert score_candidate(replace(CANDIDATE, spacing_mm=1.5), settings) == 300.0
    # half-way between 1.5 and 5 mm the quality is half-way between 1 and 0.3
    assert score_candidate(replace(CANDIDATE, spacing_mm=3.25), settings) == pytest.approx(195.0)
    assert score_candidate(replace(CANDIDATE, kernel="B70f"), settings) == pytest.approx(270.0)
    assert score_candidate(replace(CANDIDATE, kernel=None), settings) == pytest.approx(291.0)
    assert score_candidate(replace(CANDIDATE, is_original=False), settings) == pytest.approx(285.0)


def test_uncovered_length_counts_gaps_between_chosen_stacks_once() -> None:
    chosen = [replace(CANDIDATE, z_range_mm=(0, 100)), replace(CANDIDATE, z_range_mm=(50, 120))]
    assert uncovered_mm(replace(CANDIDATE, z_range_mm=(-30, 150)), chosen) == 60.0
    assert uncovered_mm(replace(CANDIDATE, z_range_mm=(10, 110)), chosen) == 0.0
    assert uncovered_mm(replace(CANDIDATE, z_range_mm=(200, 250)), chosen) == 50.0


def test_the_choice_does_not_depend_on_the_order_of_the_stacks() -> None:
    items = [replace(CANDIDATE, series_id=name) for name in "abc"]
    assert [item.series_id for item in choose(items, Settings())] == ["a"]
    assert [item.series_id for item in choose(items[::-1], Settings())] == ["a"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("STANDARD", "soft"),
        ("SOFT", "soft"),
        ("BONEPLUS", "sharp"),
        ("LUNG", "sharp"),
        ("B30f", "soft"),
        ("B70s", "sharp"),
        ("Br40d/3", "soft"),
        ("Bl57", "sharp"),
        ("I31f", "soft"),
        ("FC08", "soft"),
        ("FC51", "sharp"),
        ("FC30", "sharp"),
        ("YA", "soft"),
        ("L", "sharp"),
        ("", "unknown"),
        (None, "unknown"),
        ("xyz", "unknown"),
    ],
)
def test_kernels_are_known_by_the_makers_names(name: str | None, kind: str) -> None:
    assert classify_kernel(name) == KernelKind(kind)
