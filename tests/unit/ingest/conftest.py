"""A small CT of unequal spacing, and a way to read it back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import FileDataset

from spondyl.domain.series import Ingested
from spondyl.domain.volume import CtVolume
from spondyl.stages.ingest import Settings, ingest
from spondyl.stages.volume import assemble
from spondyl.synthetic.dicom import make_series

Read = Callable[..., tuple[Ingested, CtVolume]]
Save = Callable[..., Path]


@pytest.fixture
def volume() -> CtVolume:
    """24 slices of 20 rows and 16 columns, 2.5 x 0.9 x 0.7 mm, every part of it different."""
    k, j, i = np.ogrid[:24, :20, :16]
    hu = ((137 * k + 41 * j + 13 * i) % 2000 - 1000).astype(np.int16)
    affine = np.array([[0, 0, 0.7, -5.0], [0, 0.9, 0, 3.0], [2.5, 0, 0, 100.0], [0, 0, 0, 1]])
    return CtVolume(hu=hu, affine=affine, series_id="")


@pytest.fixture
def series(volume: CtVolume) -> list[FileDataset]:
    return make_series(volume)


@pytest.fixture
def read() -> Read:
    def run(path: Path, **settings: object) -> tuple[Ingested, CtVolume]:
        result = ingest(path, Settings(**settings))
        assert isinstance(result, Ingested), result.refusal.text
        return result, assemble(result.accepted[0])

    return run


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def run(datasets: list[FileDataset], name: str = "series") -> Path:
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        for number, dataset in enumerate(datasets):
            dataset.save_as(tmp_path / name / f"{number:03d}", enforce_file_format=True)
        return tmp_path / name

    return run
