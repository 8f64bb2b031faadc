"""Bytes changed at random: an answer every time, never another geometry, never a name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLSLossless, RLELossless

from spondyl.domain.series import IngestRefused
from spondyl.domain.volume import CtVolume
from spondyl.stages.ingest import Settings, ingest
from spondyl.stages.volume import assemble
from spondyl.synthetic.dicom import encode, make_series

Fixture = Any  # the callables of conftest.py
NAME = "Secretname"
N_DAMAGES = 25


def damage(content: bytes, random: np.random.Generator) -> bytes:
    """Overwrite, remove or insert a few bytes, most of them in the header."""
    damaged = bytearray(content)
    for _ in range(random.integers(1, 7)):
        end = min(len(damaged), 2200) if random.random() < 0.7 else len(damaged)
        start = int(random.integers(0, end))
        length = int(random.integers(1, 9))
        kind = random.integers(0, 3)
        if kind == 0:
            damaged[start] = int(random.integers(0, 256))
        elif kind == 1:
            del damaged[start : start + length]
        else:
            damaged[start:start] = random.bytes(length)
    return bytes(damaged)


@pytest.mark.parametrize(
    "syntax",
    [ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLSLossless, RLELossless],
    ids=lambda syntax: syntax.name,
)
def test_a_damaged_file_is_refused_left_out_or_harmless(syntax: UID, volume: CtVolume, save: Fixture) -> None:
    random = np.random.default_rng(len(syntax.name))
    series = make_series(volume)
    for dataset in series:
        dataset.PatientName = dataset.PatientID = NAME
        encode(dataset, syntax)
    folder = save(series)
    files: list[Path] = sorted(folder.iterdir())
    for _ in range(N_DAMAGES):
        path = files[random.integers(0, len(files))]
        content = path.read_bytes()
        path.write_bytes(damage(content, random))
        result = ingest(folder, Settings())
        path.write_bytes(content)
        assert NAME not in str(result)
        if isinstance(result, IngestRefused):
            continue
        got = assemble(result.accepted[0])
        assert got.hu.shape[1:] == volume.hu.shape[1:]
        assert np.allclose(got.affine[:, :3], volume.affine[:, :3], atol=1e-2)
        assert np.allclose(got.affine[:2, 3], volume.affine[:2, 3], atol=0.1)
