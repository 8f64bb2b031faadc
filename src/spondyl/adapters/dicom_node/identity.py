"""What an encoded data set says it is, found by stepping from element to element without decoding one."""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.uid import UID
from pydicom.valuerep import EXPLICIT_VR_LENGTH_16

_SOP_CLASS = 0x00080016
_SOP_INSTANCE = 0x00080018
_STUDY = 0x0020000D
_SERIES = 0x0020000E
_WANTED = {_SOP_CLASS: "SOPClassUID", _SOP_INSTANCE: "SOPInstanceUID", _STUDY: "StudyInstanceUID",
           _SERIES: "SeriesInstanceUID"}  # fmt: skip
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UID = re.compile(r"[0-9.]{1,64}")  # leading zeros are wrong by PS3.5 §9.1 and common in archives
_UNDEFINED_LENGTH = 0xFFFFFFFF
_LONGEST_INFLATED_BYTES = 1 << 30  # ours: a small file must not claim all memory
_DEEPEST_NESTING = 32  # of sequences of undefined length; ours, an SR of ours has four
_SHORT_REPRESENTATIONS = frozenset(representation.encode() for representation in EXPLICIT_VR_LENGTH_16)
_REPRESENTATION = re.compile(rb"[A-Z]{2}")


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


def identity_of(data: memoryview, transfer_syntax_uid: str) -> Identity:
    """Step over all elements of a whole data set; a deflated one is inflated for it.

    Raises:
        NotADataSetError: an element reaches beyond the end, is none, or a UID is missing or no UID.
    """
    syntax = UID(transfer_syntax_uid)
    if syntax.is_deflated:
        data = _inflated(data)
    steps = _Steps(data, is_implicit=syntax.is_implicit_VR, is_little_endian=syntax.is_little_endian)
    uids = {
        tag: bytes(data[start:end]).decode("ascii", errors="replace").rstrip("\0 ")
        for tag, start, end in steps.elements()
        if tag in _WANTED
    }
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


def _inflated(data: memoryview) -> memoryview:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)  # PS3.5 Annex A.5: no header, no checksum
    try:
        content = inflate.decompress(data, _LONGEST_INFLATED_BYTES)
    except zlib.error as error:
        raise NotADataSetError("it cannot be inflated") from error
    if not inflate.eof:
        raise NotADataSetError("what is deflated has no end, or one too far away")
    return memoryview(content)


class _Steps:
    """The elements of one data set (PS3.5 §7.1), each by its tag and the place of its value."""

    def __init__(self, data: memoryview, *, is_implicit: bool, is_little_endian: bool) -> None:
        order = "<" if is_little_endian else ">"
        self._data = data
        self._is_implicit = is_implicit
        self._tag = struct.Struct(f"{order}HH").unpack_from
        self._length_2 = struct.Struct(f"{order}H").unpack_from
        self._length_4 = struct.Struct(f"{order}L").unpack_from

    def elements(self) -> Iterator[tuple[int, int, int]]:
        """The elements of the uppermost level: tag, start and end of the value.

        Raises:
            NotADataSetError: an element reaches beyond the end or is none.
        """
        place = 0
        while place < len(self._data) and not self._is_padding(place):
            tag, start, end = self._step(place, self._is_implicit, 0)
            yield tag, start, end
            place = end

    def _is_padding(self, place: int) -> bool:
        """Whether only zeros too few for an element are left: some senders make a length even so."""
        rest = self._data[place : place + 8]
        return len(rest) < 8 and not any(rest)

    def _step(self, place: int, is_implicit: bool, depth: int) -> tuple[int, int, int]:
        """Tag, start and end of the value of the element at a place."""
        tag, start, length, is_unknown = self._header(place, is_implicit)
        if length == _UNDEFINED_LENGTH:
            # what is in a value of unknown representation is always implicit (PS3.5 §6.2.2)
            end = self._end_of_items(start, is_implicit or is_unknown, depth + 1)
        else:
            end = start + length
        if end > len(self._data):
            raise NotADataSetError("an element reaches beyond the end of the data set")
        return tag, start, end

    def _header(self, place: int, is_implicit: bool) -> tuple[int, int, int, bool]:
        """Tag, start of the value, its length, and whether its representation is UN."""
        data = self._data
        try:
            group, number = self._tag(data, place)
            tag = group << 16 | number
            if is_implicit or tag in (_ITEM, _ITEM_END, _SEQUENCE_END):
                return tag, place + 8, self._length_4(data, place + 4)[0], False
            representation = bytes(data[place + 4 : place + 6])
            if representation in _SHORT_REPRESENTATIONS:
                return tag, place + 8, self._length_2(data, place + 6)[0], False
            if not _REPRESENTATION.fullmatch(representation):
                raise NotADataSetError("an element without a value representation")
            return tag, place + 12, self._length_4(data, place + 8)[0], representation == b"UN"
        except struct.error as error:
            raise NotADataSetError("the last element is cut off") from error

    def _end_of_items(self, place: int, is_implicit: bool, depth: int) -> int:
        """Where a sequence, or pixel data in fragments, of undefined length ends."""
        if depth > _DEEPEST_NESTING:
            raise NotADataSetError("its sequences are nested too deeply")
        while True:
            tag, start, length, _ = self._header(place, is_implicit)
            if tag == _SEQUENCE_END:
                return start
            if tag != _ITEM:
                raise NotADataSetError("a sequence holds something other than items")
            is_open = length == _UNDEFINED_LENGTH
            place = self._end_of_item(start, is_implicit, depth) if is_open else start + length

    def _end_of_item(self, place: int, is_implicit: bool, depth: int) -> int:
        """Where an item of undefined length ends."""
        while True:
            tag, start, end = self._step(place, is_implicit, depth)
            if tag == _ITEM_END:
                return start
            place = end
