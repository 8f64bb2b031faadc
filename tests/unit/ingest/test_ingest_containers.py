"""The same series in every kind of folder, archive and file."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
    SecondaryCaptureImageStorage,
    XRayRadiationDoseSRStorage,
    generate_uid,
)

from spondyl.domain.volume import CtVolume
from spondyl.synthetic.dicom import make_series, write_multiframe

Fixture = Any  # the callables of conftest.py


def write_dicomdir(path: Path) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["directory"])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    directory.FileSetID = "MEDIUM"
    directory.DirectoryRecordSequence = [Dataset()]
    directory.save_as(path, enforce_file_format=True)


def test_folders_may_be_deep_and_hold_other_files(
    volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture, tmp_path: Path
) -> None:
    save(series[:10], "disc/a/b")
    save(series[10:], "disc/c")
    (tmp_path / "disc" / "a" / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0" * 100)
    (tmp_path / "disc" / "readme.txt").write_text("How to view these images")
    (tmp_path / "disc" / "old").write_bytes(b"\x08\x00 begins like an old DICOM file")
    (tmp_path / "disc" / "c" / "empty.dcm").touch()
    (tmp_path / "disc" / "loop").symlink_to(tmp_path / "disc")
    result, got = read(tmp_path / "disc")
    assert np.array_equal(got.hu, volume.hu)
    assert len(result.stacks) == 1


def test_a_dicomdir_stands_for_its_folder(
    volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture, tmp_path: Path
) -> None:
    save(series, "disc/images")
    write_dicomdir(tmp_path / "disc" / "DICOMDIR")
    by_file, got = read(tmp_path / "disc" / "DICOMDIR")
    by_folder, _ = read(tmp_path / "disc")
    assert np.array_equal(got.hu, volume.hu)
    assert by_file.input_sha256 == by_folder.input_sha256
    assert len(by_folder.stacks) == 1


def test_a_zip_is_read_like_its_folder(
    volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture, tmp_path: Path
) -> None:
    folder = save(series)
    with zipfile.ZipFile(tmp_path / "study.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("a")
        for number, path in enumerate(sorted(folder.iterdir())):
            archive.write(path, f"a/{24 - number}.dcm")
        archive.writestr("notes.txt", "no image")
    before = sorted(tmp_path.rglob("*"))
    result, got = read(tmp_path / "study.zip")
    assert np.array_equal(got.hu, volume.hu)
    assert result.input_sha256 == read(folder)[0].input_sha256
    assert sorted(tmp_path.rglob("*")) == before


def test_one_multiframe_file_is_read(volume: CtVolume, read: Fixture, tmp_path: Path) -> None:
    write_multiframe(volume, tmp_path / "enhanced")
    result, got = read(tmp_path / "enhanced")
    assert np.array_equal(got.hu, volume.hu)
    assert np.allclose(got.affine, volume.affine, atol=1e-9)
    assert len(set(result.accepted[0].sop_instance_uids)) == 1
    assert result.accepted[0].attributes["ConvolutionKernel"] == "STANDARD"


def test_files_without_preamble_are_read(
    volume: CtVolume, series: list[FileDataset], read: Fixture, tmp_path: Path
) -> None:
    (tmp_path / "old").mkdir()
    for k, dataset in enumerate(series):
        bare = Dataset(dataset)
        bare.save_as(tmp_path / "old" / f"image{k}", implicit_vr=True, little_endian=True)
    _, got = read(tmp_path / "old")
    assert np.array_equal(got.hu, volume.hu)


def test_a_missing_transfer_syntax_is_seen_from_the_file(
    volume: CtVolume, series: list[FileDataset], read: Fixture, tmp_path: Path
) -> None:
    (tmp_path / "bare").mkdir()
    for k, dataset in enumerate(series):
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        path = tmp_path / "bare" / f"image{k}"
        dataset.save_as(path, enforce_file_format=True)
        content = path.read_bytes()
        start = content.index(b"\x02\x00\x10\x00UI")
        length = int.from_bytes(content[start + 6 : start + 8], "little")
        path.write_bytes(content[: start + 8] + bytes(length) + content[start + 8 + length :])
    _, got = read(tmp_path / "bare")
    assert np.array_equal(got.hu, volume.hu)


def test_what_is_no_slice_is_left_out_with_its_reason(
    volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    def other(name: str, **attributes: object) -> FileDataset:
        dataset = make_series(volume)[3]
        dataset.SOPInstanceUID = generate_uid(entropy_srcs=[name])
        dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[name, "series"])
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)
        return dataset

    report = other("dose", SOPClassUID=XRayRadiationDoseSRStorage, Modality="SR")
    del report.Rows, report.Columns, report.PixelData
    result, got = read(
        save(
            [
                other("scout", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]),
                other("shot", SOPClassUID=SecondaryCaptureImageStorage),
                report,
                other("mpr", ImageType=["DERIVED", "SECONDARY", "MPR"]),
                other("mip", ImageType=["DERIVED", "SECONDARY", "AXIAL", "CT_SOM5 MIP"]),
                other("pet", Modality="PT", SOPClassUID="1.2.840.10008.5.1.4.1.1.128"),
                other("map", RescaleType="Z_EFF"),
                *series,
            ]
        )
    )
    assert np.array_equal(got.hu, volume.hu)
    assert [stack.reason for stack in result.stacks] == [
        "LOCALIZER",
        "SECONDARY_CAPTURE",
        "NOT_AN_IMAGE",
        "REFORMAT",
        "PROJECTION",
        "NOT_CT",
        "NOT_HOUNSFIELD",
        "CHOSEN",
    ]
    assert all(stack.text for stack in result.stacks)


def test_a_damaged_file_beside_a_whole_series_is_told(
    volume: CtVolume, series: list[FileDataset], read: Fixture, save: Fixture
) -> None:
    folder = save(series)
    (folder / "damaged").write_bytes((folder / "000").read_bytes()[:150])
    result, got = read(folder)
    assert np.array_equal(got.hu, volume.hu)
    assert [stack.reason for stack in result.stacks] == ["CHOSEN", "UNREADABLE"]
