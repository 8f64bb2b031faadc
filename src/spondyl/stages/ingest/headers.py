"""Headers of DICOM files as typed values: one ``SliceHeader`` per image or frame, read before any pixel."""

from __future__ import annotations

import hashlib
import io
import logging
import math
import re
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pydicom
import pydicom.config
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from spondyl.stages.ingest.refused import PARSE_ERRORS
from spondyl.stages.ingest.settings import Settings

PREAMBLE_BYTES = 132
_MAGIC = b"DICM"
_LONGEST_SHOWN = 64
_CODE_STRING = re.compile(r"[A-Z0-9_ ]{1,16}")
_UID = re.compile(r"[0-9.]{1,64}")
_CHUNK_BYTES = 1 << 20
_ELEMENT_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x08")

KEPT_ATTRIBUTES = (
    "Manufacturer",
    "ManufacturerModelName",
    "PatientSex",
    "PatientAge",
    "PatientPosition",
    "BodyPartExamined",
    "ContrastBolusAgent",
    "ConvolutionKernel",
    "KVP",
    "SliceThickness",
    "ScanOptions",
)
"""Facts that go on with the series: none of them identifies a patient."""

PASS_KEYWORDS = (
    "AcquisitionNumber",
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "NominalPercentageOfCardiacPhase",
    "TriggerTime",
    "KVP",
    "AcquisitionTime",
)
"""What may tell one pass over the body from another within a series, most trusted first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelLayout:
    """How the pixels of one image are stored."""

    syntax: str
    rows: int
    columns: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceHeader:
    """What is known of one slice before its pixels are read. None: absent or not readable.

    file: position in the list of input files. frame: position within the file (0 if single-frame).
    position_mm, orientation: ImagePositionPatient, ImageOrientationPatient. pixel_spacing_mm: (row
    spacing, column spacing), as PixelSpacing.
    """

    file: int
    frame: int
    sop_class: str
    sop_uid: str
    study_uid: str
    series_uid: str
    patient_key: str
    frame_of_reference: str
    modality: str
    description: str
    image_type: tuple[str, ...]
    layout: PixelLayout | None
    position_mm: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    pixel_spacing_mm: tuple[float, ...] | None
    slope: float | None
    intercept: float | None
    rescale_type: str
    padding: int | None
    padding_limit: int | None
    kernel: str | None
    passes: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep pydicom and nibabel from warning and logging: their messages may quote patient data."""
    loggers = [logging.getLogger(name) for name in ("pydicom", "nibabel.global")]
    before = [logger.disabled for logger in loggers]
    try:
        for logger in loggers:
            logger.disabled = True
        with warnings.catch_warnings(), pydicom.config.disable_value_validation():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, was_disabled in zip(loggers, before, strict=True):
            logger.disabled = was_disabled


def looks_like_dicom(start: bytes) -> bool:
    """Whether a file begins as DICOM does: with the preamble, or without it as old files do."""
    return start[128:132] == _MAGIC or start[:2] in _ELEMENT_GROUPS


def has_preamble(start: bytes) -> bool:
    """Whether the DICM mark stands where the standard wants it (PS3.10 §7.1)."""
    return start[128:132] == _MAGIC


def read_dataset(content: bytes, settings: Settings, *, with_pixels: bool) -> FileDataset:
    """Parse one DICOM file held in memory.

    Raises:
        ValueError, and the other PARSE_ERRORS: damaged, not DICOM, or a deflate bomb.
    """
    if DeflatedExplicitVRLittleEndian.encode() in content[:1024]:
        _check_deflated(content, settings)
    dataset = pydicom.dcmread(
        io.BytesIO(content), force=not has_preamble(content), stop_before_pixels=not with_pixels
    )
    if not hasattr(dataset, "file_meta"):
        dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = _transfer_syntax(dataset)
    return dataset


def _check_deflated(content: bytes, settings: Settings) -> None:
    # pydicom inflates a deflated dataset without a limit. The deflated part starts right after group 2,
    # whose length stands in its first element (PS3.10 §7.1).
    start = 144 + int.from_bytes(content[140:144], "little")
    limit = max(settings.archive_ratio_from_bytes, int(settings.max_archive_ratio * len(content)))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    packed, n_unpacked = content[start:], 0
    while packed and n_unpacked <= limit:
        n_unpacked += len(inflater.decompress(packed, _CHUNK_BYTES))
        packed = inflater.unconsumed_tail
    if n_unpacked > limit:
        raise ValueError("the deflated dataset unpacks to far more than it holds")


def read_headers(dataset: FileDataset, file: int) -> list[SliceHeader]:
    """Typed headers of one parsed file: one per frame, none for a DICOMDIR.

    Raises:
        PARSE_ERRORS: where the functional groups of a multi-frame image are damaged.
    """
    if "DirectoryRecordSequence" in dataset:
        return []
    whole = _read_whole(dataset, file)
    if "PerFrameFunctionalGroupsSequence" not in dataset:
        return [whole]
    frames = dataset.PerFrameFunctionalGroupsSequence
    declared = integer(dataset, "NumberOfFrames")
    if declared != len(frames):
        raise ValueError(f"{declared} frames declared, {len(frames)} described")
    shared = dataset.get("SharedFunctionalGroupsSequence") or [Dataset()]
    return [_read_frame(whole, number, frame, shared[0]) for number, frame in enumerate(frames)]


def _read_whole(dataset: FileDataset, file: int) -> SliceHeader:
    return SliceHeader(
        file=file,
        frame=0,
        sop_class=text(dataset, "SOPClassUID"),
        sop_uid=text(dataset, "SOPInstanceUID"),
        study_uid=text(dataset, "StudyInstanceUID"),
        series_uid=text(dataset, "SeriesInstanceUID"),
        patient_key=_hidden(text(dataset, "PatientID")),
        frame_of_reference=text(dataset, "FrameOfReferenceUID"),
        modality=_code(text(dataset, "Modality")),
        description=_printable(text(dataset, "SeriesDescription")),
        image_type=texts(dataset, "ImageType"),
        layout=_read_layout(dataset),
        position_mm=floats(dataset, "ImagePositionPatient", 3),
        orientation=floats(dataset, "ImageOrientationPatient", 6),
        pixel_spacing_mm=floats(dataset, "PixelSpacing", 2),
        slope=_one_float(dataset, "RescaleSlope"),
        intercept=_one_float(dataset, "RescaleIntercept"),
        rescale_type=text(dataset, "RescaleType"),
        padding=integer(dataset, "PixelPaddingValue"),
        padding_limit=integer(dataset, "PixelPaddingRangeLimit"),
        kernel=_kernel(dataset),
        passes=_kept(dataset, PASS_KEYWORDS),
        attributes=_kept(dataset, KEPT_ATTRIBUTES),
    )


def _read_frame(whole: SliceHeader, number: int, frame: Dataset, shared: Dataset) -> SliceHeader:
    """One frame of an Enhanced CT: functional groups of the frame before the shared ones (PS3.3 C.7.6.16)."""

    def group(keyword: str) -> Dataset:
        items = frame.get(keyword) or shared.get(keyword) or [Dataset()]
        first: Dataset = items[0]
        return first

    measures = group("PixelMeasuresSequence")
    values = group("PixelValueTransformationSequence")
    kernel = _kernel(group("CTReconstructionSequence"))
    passes = {
        **_kept(group("FrameContentSequence"), ("TemporalPositionIndex",)),
        **_kept(group("CTXRayDetailsSequence"), ("KVP",)),
    }
    if (acquisition := text(group("FrameContentSequence"), "FrameAcquisitionNumber")) != "":
        passes["AcquisitionNumber"] = acquisition
    attributes = {**whole.attributes, **_kept(group("CTXRayDetailsSequence"), ("KVP",))}
    if kernel:
        attributes["ConvolutionKernel"] = kernel
    return replace(
        whole,
        frame=number,
        image_type=texts(group("CTImageFrameTypeSequence"), "FrameType") or whole.image_type,
        position_mm=floats(group("PlanePositionSequence"), "ImagePositionPatient", 3),
        orientation=floats(group("PlaneOrientationSequence"), "ImageOrientationPatient", 6),
        pixel_spacing_mm=floats(measures, "PixelSpacing", 2),
        slope=_one_float(values, "RescaleSlope"),
        intercept=_one_float(values, "RescaleIntercept"),
        rescale_type=text(values, "RescaleType"),
        kernel=kernel,
        passes=passes,
        attributes=attributes,
    )


def _read_layout(dataset: FileDataset) -> PixelLayout | None:
    """Pixel description, or None for objects that are no images."""
    numbers = {
        keyword: integer(dataset, keyword)
        for keyword in (
            "Rows",
            "Columns",
            "SamplesPerPixel",
            "BitsAllocated",
            "BitsStored",
            "PixelRepresentation",
        )
    }
    known = {keyword: value for keyword, value in numbers.items() if value is not None}
    if len(known) != len(numbers):
        return None
    high_bit = integer(dataset, "HighBit")
    return PixelLayout(
        syntax=text(dataset.file_meta, "TransferSyntaxUID"),
        rows=known["Rows"],
        columns=known["Columns"],
        samples=known["SamplesPerPixel"],
        photometric=text(dataset, "PhotometricInterpretation"),
        bits_allocated=known["BitsAllocated"],
        bits_stored=known["BitsStored"],
        high_bit=known["BitsStored"] - 1 if high_bit is None else high_bit,
        is_signed=known["PixelRepresentation"] == 1,
    )


def _transfer_syntax(dataset: FileDataset) -> UID:
    """Declared transfer syntax; for files without one, the uncompressed syntax pydicom read them with."""
    if _UID.fullmatch(declared := text(dataset.file_meta, "TransferSyntaxUID")):
        return UID(declared)
    is_implicit, is_little = dataset.original_encoding
    if is_implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian


def _kernel(dataset: Dataset) -> str | None:
    return _printable("/".join(texts(dataset, "ConvolutionKernel"))) or None


def _kept(dataset: Dataset, keywords: tuple[str, ...]) -> dict[str, str]:
    values = {keyword: _printable("/".join(texts(dataset, keyword))) for keyword in keywords}
    return {keyword: value for keyword, value in values.items() if value}


def _hidden(identifier: str) -> str:
    """Hash that tells patients apart without naming them; empty where there is no identifier."""
    return hashlib.sha256(identifier.encode()).hexdigest() if identifier else ""


def _printable(value: str) -> str:
    """A value that may be shown; empty where it is longer than any of its kind may be.

    A wrong length makes an element swallow what follows it, names included.
    """
    return value if len(value) <= _LONGEST_SHOWN and value.isprintable() else ""


def _code(value: str) -> str:
    """A code string that may be shown (PS3.5 §6.2); empty where it is none."""
    return value if _CODE_STRING.fullmatch(value) else ""


def _value(dataset: Dataset, keyword: str) -> object:
    try:
        return dataset.get(keyword)
    except PARSE_ERRORS:
        return None  # a damaged value counts as absent


def texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """All values of an attribute as text; empty where absent or damaged."""
    value = _value(dataset, keyword)
    if value is None or isinstance(value, bytes):
        return ()
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return (str(value).strip(),)
    return tuple(str(item).strip() for item in value)


def text(dataset: Dataset, keyword: str) -> str:
    """First value of an attribute as text; empty where absent or damaged."""
    return next(iter(texts(dataset, keyword)), "")


def floats(dataset: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """Exactly ``count`` numbers, possibly not finite; None where absent, damaged or of another number."""
    values = texts(dataset, keyword)
    if len(values) != count:
        return None
    try:
        return tuple(float(value) for value in values)
    except ValueError:
        return None


def _one_float(dataset: Dataset, keyword: str) -> float | None:
    values = floats(dataset, keyword, 1)
    return values[0] if values else None


def integer(dataset: Dataset, keyword: str) -> int | None:
    """One whole number; None where absent or damaged."""
    number = _one_float(dataset, keyword)
    if number is None or not math.isfinite(number):
        return None
    return int(number)


def is_dicomdir(content: bytes, settings: Settings) -> bool:
    """Whether a DICOM file is the directory of a medium; damaged files are not."""
    try:
        dataset = read_dataset(content, settings, with_pixels=False)
        meta = dataset.file_meta
    except PARSE_ERRORS:
        return False
    return text(meta, "MediaStorageSOPClassUID") == MediaStorageDirectoryStorage
