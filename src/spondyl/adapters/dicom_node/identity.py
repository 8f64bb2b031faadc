"""What an encoded data set says it is, found by walking over its elements without decoding one."""

from __future__ import annotations

import hashlib
import re
import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.filereader import data_element_generator
from pydicom.uid import UID

_SOP_CLASS = 0x00080016
_SOP_INSTANCE = 0x00080018
_STUDY = 0x0020000D
_SERIES = 0x0020000E
_WANTED = {_SOP_CLASS: "SOPClassUID", _SOP_INSTANCE: "SOPInstanceUID", _STUDY: "StudyInstanceUID",
           _SERIES: "SeriesInstanceUID"}  # fmt: skip
_UID = re.compile(r"[0-9.]{1,64}")  # leading zeros are wrong by PS3.5 §9.1 and common in archives
_LONGEST_VALUE_READ = 128  # bytes; longer values are stepped over
_UNDEFINED_LENGTH = 0xFFFFFFFF


class NotADataSetError(ValueError):
    """The bytes are no DICOM data set, or one without the identifiers that say where it belongs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The four UIDs that say what an object is and where it belongs."""

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str


def hashed(uid: str) -> str:
    """A name for a file or folder that no UID can lead out of its place, and that tells nothing."""
    return hashlib.sha256(uid.encode()).hexdigest()[:32]


def read_identity(stream: BinaryIO, size_bytes: int, transfer_syntax_uid: str) -> Identity:
    """Walk over all elements of a data set that starts at the stream's position.

    Large values are stepped over; ``size_bytes`` is how many bytes there are to the data set's end.

    Raises:
        NotADataSetError: an element reaches beyond the end, the walk fails, or a UID is missing or no UID.
    """
    start = stream.tell()
    uids: dict[int, str] = {}
    syntax = UID(transfer_syntax_uid)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for element in data_element_generator(
                stream, syntax.is_implicit_VR, syntax.is_little_endian, defer_size=_LONGEST_VALUE_READ
            ):
                _note(element, uids)
    except NotADataSetError:
        raise
    except Exception as error:
        # any byte can be wrong, and pydicom raises many kinds
        raise NotADataSetError(f"the elements cannot be walked over ({type(error).__name__})") from error
    if stream.tell() - start > size_bytes:
        raise NotADataSetError("an element reaches beyond the end of the data set")
    return _identity(uids)


def identity_of_bytes(data: BytesIO, transfer_syntax_uid: str) -> Identity:
    """``read_identity`` of a whole data set in memory; the stream is left at its start."""
    data.seek(0)
    try:
        return read_identity(data, data.getbuffer().nbytes, transfer_syntax_uid)
    finally:
        data.seek(0)


def _note(element: RawDataElement | DataElement, uids: dict[int, str]) -> None:
    if not isinstance(element, RawDataElement):
        return
    value = element.value
    if value is not None and element.length != _UNDEFINED_LENGTH and len(value) < element.length:
        raise NotADataSetError("an element reaches beyond the end of the data set")
    if element.tag in _WANTED and isinstance(value, bytes):
        uids[element.tag] = value.decode("ascii", errors="replace").rstrip("\0 ")


def _identity(uids: dict[int, str]) -> Identity:
    for tag, keyword in _WANTED.items():
        if tag not in uids:
            raise NotADataSetError(f"it has no {keyword}")
        if not _UID.fullmatch(uids[tag]):
            raise NotADataSetError(f"its {keyword} is no UID")
    return Identity(
        sop_class_uid=uids[_SOP_CLASS],
        sop_instance_uid=uids[_SOP_INSTANCE],
        study_instance_uid=uids[_STUDY],
        series_instance_uid=uids[_SERIES],
    )
