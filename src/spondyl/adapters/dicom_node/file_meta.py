"""The start of a DICOM file: preamble and group 0002 (PS3.10 §7.1), written without pydicom."""

from __future__ import annotations

import struct

from pynetdicom import PYNETDICOM_IMPLEMENTATION_UID, PYNETDICOM_IMPLEMENTATION_VERSION

_GROUP = 2
_SHORT_HEADER = struct.Struct("<HH2sH")
_LONG_HEADER = struct.Struct("<HH2sxxL")
_VERSION = b"\0\1"


def file_start(
    *, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str, sender_ae_title: str = ""
) -> bytes:
    """Everything before the data set of an object that came over the network.

    The UIDs must be UIDs already; nothing is checked here.
    """
    elements = _LONG_HEADER.pack(_GROUP, 0x0001, b"OB", len(_VERSION)) + _VERSION
    for element, uid in (
        (0x0002, sop_class_uid),
        (0x0003, sop_instance_uid),
        (0x0010, transfer_syntax_uid),
        (0x0012, PYNETDICOM_IMPLEMENTATION_UID),
    ):
        elements += _element(element, b"UI", uid, b"\0")
    elements += _element(0x0013, b"SH", PYNETDICOM_IMPLEMENTATION_VERSION, b" ")
    if sender_ae_title:
        elements += _element(0x0016, b"AE", sender_ae_title, b" ")
    length = _SHORT_HEADER.pack(_GROUP, 0x0000, b"UL", 4) + struct.pack("<L", len(elements))
    return bytes(128) + b"DICM" + length + elements


def _element(element: int, representation: bytes, text: str, padding: bytes) -> bytes:
    value = text.encode("ascii", "replace")
    value += padding * (len(value) % 2)
    return _SHORT_HEADER.pack(_GROUP, element, representation, len(value)) + value
