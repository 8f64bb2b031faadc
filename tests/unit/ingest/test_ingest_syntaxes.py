"""Every transfer syntax of CT gives back the values to the bit."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import pytest
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from spondyl.domain.volume import CtVolume
from spondyl.synthetic.dicom import encode, make_series, write_series

Fixture = Any  # the callables of conftest.py

WRITTEN = [
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
    JPEGLSLossless,
    JPEG2000Lossless,
]

# (20, 16) unsigned values (131 j + 13 i) % 2000 + 24 as lossless HTJ2K, made with OpenJPH by imagecodecs
# 2026.3.6: no encoder for it comes with this package.
HTJ2K_SLICE = base64.b85decode(
    "|4;u>04YEK0000G0000K00000000000000G0000K0000000000009pH0sl|{2mk^A000XAQUDA90ssL31q1{@0smY8"
    "6Cj9?kdTm&kdTm&kdTmwh=~7W02crOPjF>!N>E53R%LP^FfKASE;BCwkN^q*000010RRF2lfVEbWB3IJbO68r5`Y{6"
    "hjakI029Cf6F>kGfZB`x0gH41#{L3_bO6`^hjakI02NRG1xx?|IIbT0UHb|AAXNbV7XY680KilLJcXJ7gtP#_02ZtO"
    "0c$`27N8hgBcL&`$4BFl`+>uM@IdqM0(t;8v9<sbU%{R~01*eq{lI;3Oa(W109ua&u(6NU*7kUyKEYf0gaJ2r0Kfn("
    "xBvyyKmaPhh=_>u_-uy(49w$$0S4z`Lj+<1#s#OR!hHbF*KRn^fBt!Vs5WHa13?Hv5P}dy5J3d}{iT*yOi(%dF+jAv"
    "0MDCm{{5gJ?4VZw|Je"
)


@pytest.fixture
def volume() -> CtVolume:
    """24 slices of 48 rows and 40 columns: JPEG 2000 halves the picture five times."""
    k, j, i = np.ogrid[:24, :48, :40]
    hu = ((137 * k + 41 * j + 13 * i) % 2000 - 1000).astype(np.int16)
    affine = np.array([[0, 0, 0.7, -5.0], [0, 0.9, 0, 3.0], [2.5, 0, 0, 100.0], [0, 0, 0, 1]])
    return CtVolume(hu=hu, affine=affine, series_id="")


@pytest.mark.parametrize("syntax", WRITTEN, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("is_signed", [False, True])
def test_values_survive_a_transfer_syntax(
    syntax: UID, is_signed: bool, volume: CtVolume, read: Fixture, save: Fixture
) -> None:
    series = make_series(volume)
    for hu, dataset in zip(volume.hu, series, strict=True):
        if is_signed:
            dataset.PixelRepresentation, dataset.RescaleIntercept = 1, 0
            dataset.PixelData = hu.astype("<i2").tobytes()
        encode(dataset, syntax)
        assert dataset.file_meta.TransferSyntaxUID == syntax
    _, got = read(save(series))
    assert np.array_equal(got.hu, volume.hu)
    assert np.allclose(got.affine, volume.affine)


@pytest.mark.parametrize(
    "syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless], ids=lambda syntax: syntax.name
)
@pytest.mark.parametrize("is_signed", [False, True])
def test_twelve_bit_values_survive_a_transfer_syntax(
    syntax: UID, is_signed: bool, volume: CtVolume, read: Fixture, save: Fixture
) -> None:
    series = make_series(volume)
    for hu, dataset in zip(volume.hu, series, strict=True):
        stored = hu if is_signed else hu.astype(np.int32) + 1024
        dataset.PixelData = stored.astype("<i2").tobytes()
        dataset.PixelRepresentation, dataset.RescaleIntercept = int(is_signed), 0 if is_signed else -1024
        dataset.BitsStored, dataset.HighBit = 12, 11
        encode(dataset, syntax)
    _, got = read(save(series))
    assert np.array_equal(got.hu, volume.hu)


def recode(path: Path, syntax: int) -> None:
    """Compress one file with gdcm, which encodes what pydicom cannot."""
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


@pytest.mark.parametrize(
    "name", ["JPEGLosslessProcess14_1", "JPEG2000Lossless", "JPEGLSLossless", "RLELossless"]
)
@pytest.mark.parametrize("is_signed", [False, True])
def test_values_survive_the_codecs_of_gdcm(
    name: str, is_signed: bool, volume: CtVolume, read: Fixture, save: Fixture
) -> None:
    series = make_series(volume)
    for hu, dataset in zip(volume.hu, series, strict=True):
        if is_signed:
            dataset.PixelRepresentation, dataset.RescaleIntercept = 1, 0
            dataset.PixelData = hu.astype("<i2").tobytes()
    folder = save(series)
    for path in folder.iterdir():
        recode(path, getattr(gdcm.TransferSyntax, name))
    if name == "JPEGLosslessProcess14_1":
        assert JPEGLosslessSV1.encode() in path.read_bytes()[:1024]
    _, got = read(folder)
    assert np.array_equal(got.hu, volume.hu)


@pytest.mark.parametrize("syntax", [HTJ2KLossless, HTJ2KLosslessRPCL], ids=lambda syntax: syntax.name)
def test_high_throughput_jpeg_2000_is_read(
    syntax: UID, series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    for dataset in series:
        dataset.Rows, dataset.Columns = 20, 16
        dataset.PixelData = encapsulate([HTJ2K_SLICE])
        dataset.file_meta.TransferSyntaxUID = syntax
    _, got = read(save(series))
    j, i = np.ogrid[:20, :16]
    assert np.array_equal(got.hu, np.broadcast_to((131 * j + 13 * i) % 2000 - 1000, (24, 20, 16)))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEGLSLossless], ids=lambda syntax: syntax.name)
def test_a_written_series_is_read_back_and_equal_seeds_give_equal_files(
    syntax: UID, volume: CtVolume, read: Fixture, tmp_path: Path
) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        write_series(volume, tmp_path / name, transfer_syntax=syntax, seed=seed)
    first, got = read(tmp_path / "a")
    assert np.array_equal(got.hu, volume.hu)
    assert first.input_sha256 == read(tmp_path / "b")[0].input_sha256
    assert first.input_sha256 != read(tmp_path / "c")[0].input_sha256
