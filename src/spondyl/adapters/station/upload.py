"""Files that come in by the web: checked before they are kept, and asked for the study that they belong to.

Only what may hold a CT is let in: a zip, one DICOM file, NIfTI. A zip is never unpacked here; the analysis
reads it in place, with its own limits.
"""

from __future__ import annotations

import io
import os
import re
import secrets
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import pydicom
from pydicom.errors import InvalidDicomError

MOST_FILES = 20_000
MOST_TIMES_LARGER = 100  # a CT packs two to four times smaller; more is a bomb. Ours
MOST_UNPACKED_BYTES = 16 * 2**30
_PIECE_BYTES = 2**20
_LOOK_AT_FILES = 50  # of a zip, for one that is DICOM
_DICOM_OFFSET, _DICOM_MAGIC = 128, b"DICM"
_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"
_NIFTI_OFFSET, _NIFTI_MAGICS = 344, (b"n+1\x00", b"n+2\x00")
_KEYWORDS = ("StudyInstanceUID", "PatientID", "AccessionNumber", "StudyDate", "PatientSex", "PatientAge")


class UploadError(ValueError):
    """A file that is not taken. ``code`` is for programs, the message says what is allowed."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFacts:
    """What a file tells of its study. uid, patient_id, accession leave memory only as keyed hashes."""

    uid: str
    patient_id: str = ""
    accession: str = ""
    study_date: str | None = None
    sex: str | None = None
    age_years: int | None = None


def take_in(stream: BinaryIO, folder: Path, most_bytes: int) -> Path:
    """Write a stream to a new file in the folder under a name of ours, checked; the caller moves it.

    Raises:
        UploadError: too large, or not of an allowed kind.
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{secrets.token_hex(16)}.part"
    try:
        with path.open("wb") as out:
            _copy(stream, out, most_bytes)
            out.flush()
            os.fsync(out.fileno())
        ending = _checked_kind(path)
        final = path.with_name(path.name.removesuffix(".part") + ending)
        path.replace(final)
    except BaseException:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise
    return final


def facts_of(path: Path) -> StudyFacts:
    """What the file says of its study; a NIfTI says nothing, so its content stands for its identifier.

    Raises:
        UploadError: no DICOM file in the zip.
    """
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            for content in _first_files(archive):
                facts = _dicom_facts(io.BytesIO(content))
                if facts:
                    return facts
        raise UploadError("NO_IMAGES", "the zip holds no DICOM file; a zip of one CT study is needed")
    if path.suffix == ".dcm":
        with path.open("rb") as stream:
            facts = _dicom_facts(stream)
        if facts is None:
            raise UploadError("UNREADABLE", "the DICOM file names no study; a CT image is needed")
        return facts
    return StudyFacts(uid=f"content:{_sha256(path)}")


def facts_of_folder(folder: Path) -> StudyFacts | None:
    """What the first DICOM file of a folder says of its study; None where none can be read."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as stream:
                facts = _dicom_facts(stream)
            if facts:
                return facts
    return None


def _copy(stream: BinaryIO, out: BinaryIO, most_bytes: int) -> None:
    size = 0
    while piece := stream.read(_PIECE_BYTES):
        size += len(piece)
        if size > most_bytes:
            raise UploadError(
                "TOO_LARGE", f"the file is larger than {most_bytes // 2**20} MiB, which is allowed"
            )
        out.write(piece)
    if size == 0:
        raise UploadError("EMPTY_INPUT", "the file is empty; a zip of one CT study is needed")


def _checked_kind(path: Path) -> str:
    """The ending that fits the content, whatever the file was called."""
    with path.open("rb") as stream:
        head = stream.read(_NIFTI_OFFSET + 8)
    if head.startswith(_ZIP_MAGIC):
        _check_zip(path)
        return ".zip"
    if head[_DICOM_OFFSET : _DICOM_OFFSET + 4] == _DICOM_MAGIC:
        return ".dcm"
    if head.startswith(_GZIP_MAGIC):
        return ".nii.gz"
    if head[_NIFTI_OFFSET : _NIFTI_OFFSET + 4] in _NIFTI_MAGICS:
        return ".nii"
    raise UploadError("WRONG_TYPE", "neither zip, DICOM nor NIfTI; a zip of one CT study is needed")


def _check_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise UploadError("UNREADABLE", "the zip is damaged; send it again") from error
    if len(entries) > MOST_FILES:
        raise UploadError("UNSAFE_ARCHIVE", f"the zip holds {len(entries)} files; {MOST_FILES} are allowed")
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if unpacked > MOST_UNPACKED_BYTES or unpacked > MOST_TIMES_LARGER * max(packed, _PIECE_BYTES):
        raise UploadError(
            "UNSAFE_ARCHIVE", f"the zip would unpack to {unpacked // 2**20} MiB; it is not opened"
        )
    for entry in entries:
        name = PurePosixPath(entry.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or re.match(r"^[A-Za-z]:", entry.filename):
            raise UploadError("UNSAFE_ARCHIVE", "a name in the zip leads out of its folder; it is not opened")
        if entry.flag_bits & 1:
            raise UploadError("UNSAFE_ARCHIVE", "the zip is encrypted; send it without a password")


def _first_files(archive: zipfile.ZipFile) -> Iterator[bytes]:
    files = [entry for entry in archive.infolist() if not entry.is_dir()]
    for entry in files[:_LOOK_AT_FILES]:
        with (
            suppress(zipfile.BadZipFile, OSError, ValueError, NotImplementedError),
            archive.open(entry) as stream,
        ):
            yield stream.read(_PIECE_BYTES)


def _dicom_facts(stream: BinaryIO) -> StudyFacts | None:
    try:
        tags = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=list(_KEYWORDS))
        values = {keyword: str(tags.get(keyword, "") or "").strip() for keyword in _KEYWORDS}
    except (InvalidDicomError, ValueError, KeyError, AttributeError, TypeError, OSError, EOFError):
        return None
    if not values["StudyInstanceUID"]:
        return None
    return StudyFacts(
        uid=values["StudyInstanceUID"][:64],
        patient_id=values["PatientID"],
        accession=values["AccessionNumber"],
        study_date=_date(values["StudyDate"]),
        sex=values["PatientSex"] if values["PatientSex"] in ("F", "M", "O") else None,
        age_years=_years(values["PatientAge"]),
    )


def _date(value: str) -> str | None:
    return f"{value[:4]}-{value[4:6]}-{value[6:8]}" if re.fullmatch(r"\d{8}", value) else None


def _years(value: str) -> int | None:
    """DICOM age string: 063Y; ages in months or less are nobody of ours."""
    return int(value[:3]) if re.fullmatch(r"\d{3}Y", value) else None


def _sha256(path: Path) -> str:
    import hashlib

    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
