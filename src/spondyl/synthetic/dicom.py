"""A CT volume as DICOM files: a valid CT series, or one Enhanced CT, with UIDs that follow from the seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    generate_uid,
)

from spondyl.domain.volume import CtVolume
from spondyl.geometry.arrays import Float64Array

_INTERCEPT_HU = -1024
_DATE, _TIME = "20260101", "120000"


def write_series(
    volume: CtVolume, folder: Path, *, transfer_syntax: UID = ExplicitVRLittleEndian, seed: int = 0
) -> None:
    """Write a volume as one CT series, one file per slice.

    folder: made where it is missing. transfer_syntax: native, RLE, JPEG-LS lossless or JPEG 2000
    lossless. seed: decides all UIDs; equal seeds give equal files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for k, dataset in enumerate(make_series(volume, seed=seed)):
        encode(dataset, transfer_syntax)
        dataset.save_as(folder / f"{k:04d}.dcm", enforce_file_format=True)


def write_multiframe(volume: CtVolume, path: Path, *, seed: int = 0) -> None:
    """Write a volume as one Enhanced CT image, explicit little endian."""
    make_multiframe(volume, seed=seed).save_as(path, enforce_file_format=True)


def make_series(volume: CtVolume, *, seed: int = 0) -> list[FileDataset]:
    """Datasets of one CT series in the order of k, uncompressed, stored values = HU + 1024.

    Slices lie along k; the row direction is that of i, the column direction that of j.
    """
    series = []
    for k, hu in enumerate(volume.hu):
        dataset = _start(CTImageStorage, seed, "image", k)
        _add_image(dataset, hu.shape)
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.PixelSpacing = _numbers(_pixel_spacing_mm(volume))
        dataset.ImageOrientationPatient = _numbers(_orientation(volume))
        dataset.ImagePositionPatient = _numbers(_position_mm(volume, k))
        dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = _INTERCEPT_HU, 1, "HU"
        dataset.SliceThickness = f"{volume.spacing_mm[0]:.6g}"
        dataset.KVP, dataset.ConvolutionKernel = 120, "STANDARD"
        dataset.AcquisitionNumber, dataset.InstanceNumber = 1, k + 1
        dataset.PixelData = _stored(hu).tobytes()
        series.append(dataset)
    return series


def make_multiframe(volume: CtVolume, *, seed: int = 0) -> FileDataset:
    """One Enhanced CT image with a frame per slice, in the order of k."""
    dataset = _start(EnhancedCTImageStorage, seed, "multiframe", 0)
    _add_image(dataset, volume.hu.shape[1:])
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    dataset.NumberOfFrames = len(volume.hu)
    dataset.InstanceNumber = 1
    shared = Dataset()
    shared.PixelMeasuresSequence = [_item(PixelSpacing=_numbers(_pixel_spacing_mm(volume)))]
    shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=_numbers(_orientation(volume)))]
    shared.PixelValueTransformationSequence = [
        _item(RescaleIntercept=_INTERCEPT_HU, RescaleSlope=1, RescaleType="HU")
    ]
    shared.CTReconstructionSequence = [_item(ConvolutionKernel="STANDARD")]
    shared.CTImageFrameTypeSequence = [_item(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"])]
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = [
        _item(
            PlanePositionSequence=[_item(ImagePositionPatient=_numbers(_position_mm(volume, k)))],
            FrameContentSequence=[_item(FrameAcquisitionNumber=1)],
        )
        for k in range(len(volume.hu))
    ]
    dataset.PixelData = _stored(volume.hu).tobytes()
    return dataset


def encode(dataset: FileDataset, transfer_syntax: UID) -> None:
    """Bring an uncompressed little-endian dataset into a transfer syntax.

    Raises:
        ValueError: no encoder for the syntax is installed.
    """
    if transfer_syntax.is_compressed and not transfer_syntax.is_deflated:
        try:
            dataset.compress(transfer_syntax, generate_instance_uid=False)
        except (NotImplementedError, RuntimeError) as error:
            raise ValueError(
                f"cannot encode {transfer_syntax.name}; write it uncompressed instead"
            ) from error
        return
    if transfer_syntax == ExplicitVRBigEndian:
        stored = np.frombuffer(dataset.PixelData, dtype="<u2")
        dataset.PixelData = stored.astype(">u2").tobytes()
    dataset.file_meta.TransferSyntaxUID = transfer_syntax
    dataset.set_original_encoding(transfer_syntax.is_implicit_VR, transfer_syntax.is_little_endian)


def _start(sop_class: UID, seed: int, kind: str, number: int) -> FileDataset:
    """Dataset with the modules of patient, study, series, equipment and frame of reference."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = _uid(seed, kind, number)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID = _uid(seed, "study", 0)
    dataset.SeriesInstanceUID = _uid(seed, "series", 0)
    dataset.FrameOfReferenceUID = _uid(seed, "frame", 0)
    dataset.PositionReferenceIndicator = ""
    dataset.PatientName, dataset.PatientID = "Synthetic^CT", f"SYNTHETIC-{seed}"
    dataset.PatientBirthDate, dataset.PatientSex = "", "O"
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = _DATE
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = _TIME
    dataset.StudyID, dataset.AccessionNumber, dataset.ReferringPhysicianName = "1", "", ""
    dataset.Modality, dataset.SeriesNumber, dataset.PatientPosition = "CT", 1, "HFS"
    dataset.SeriesDescription = "Synthetic CT"
    dataset.Manufacturer = "Spondyl"
    return dataset


def _add_image(dataset: FileDataset, shape: tuple[int, ...]) -> None:
    dataset.Rows, dataset.Columns = shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 0


def _stored(hu: np.ndarray) -> np.ndarray:
    return (hu.astype(np.int32) - _INTERCEPT_HU).astype("<u2")


def _item(**attributes: object) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def _numbers(values: Float64Array) -> list[str]:
    """Decimal strings of at most 16 characters (PS3.5 §6.2)."""
    return [
        f"{value:.9f}".rstrip("0").rstrip(".") if abs(value) < 1e5 else f"{value:.8g}" for value in values
    ]


def _pixel_spacing_mm(volume: CtVolume) -> Float64Array:
    return np.array(volume.spacing_mm[1:])


def _orientation(volume: CtVolume) -> Float64Array:
    row = volume.affine[:3, 2] / volume.spacing_mm[2]
    column = volume.affine[:3, 1] / volume.spacing_mm[1]
    return np.concatenate([row, column])


def _position_mm(volume: CtVolume, k: int) -> Float64Array:
    return np.asarray(volume.affine[:3, 3] + k * volume.affine[:3, 0])


def _uid(seed: int, kind: str, number: int) -> UID:
    return generate_uid(entropy_srcs=["spondyl", str(seed), kind, str(number)])
