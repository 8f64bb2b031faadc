"""What an acceptor of associations reads and answers, as bytes: PS3.8 §9.3 (PDUs) and PS3.7 §6.3 (commands).

No sockets, no threads. Only what a Storage and Verification SCP needs; see ``listen``, which speaks it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from pynetdicom import PYNETDICOM_IMPLEMENTATION_UID, PYNETDICOM_IMPLEMENTATION_VERSION

PDU_HEADER = struct.Struct(">BxL")
LONGEST_PDU_BYTES = 1 << 20  # what we announce; ours: few PDUs an object, and no length can claim the memory
_ITEM_HEADER = struct.Struct(">BxH")
_ELEMENT_HEADER = struct.Struct("<HHL")
_VALUE_HEADER = struct.Struct(">LBB")
_ASSOCIATE_FIXED_BYTES = 68  # version, two titles, reserved; before the items
_APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
_IS_COMMAND, _IS_LAST = 1, 2  # bits of a message control header, PS3.8 Annex E.2
_IS_ANSWER = 0x8000
_NO_DATA_SET = 0x0101


class ProtocolError(ValueError):
    """Bytes that the other side must not send here; the association is aborted."""


class Pdu(IntEnum):
    """Types of PDU."""

    ASSOCIATE_RQ = 1
    ASSOCIATE_AC = 2
    ASSOCIATE_RJ = 3
    DATA = 4
    RELEASE_RQ = 5
    RELEASE_RP = 6
    ABORT = 7


class _Item(IntEnum):
    """Types of the items in a request for an association and in its answer."""

    APPLICATION_CONTEXT = 0x10
    PROPOSED_CONTEXT = 0x20
    ANSWERED_CONTEXT = 0x21
    ABSTRACT_SYNTAX = 0x30
    TRANSFER_SYNTAX = 0x40
    USER_INFORMATION = 0x50
    LONGEST_PDU = 0x51
    IMPLEMENTATION_UID = 0x52
    IMPLEMENTATION_VERSION = 0x55


class Verdict(IntEnum):
    """Results of a presentation context."""

    ACCEPTED = 0
    CLASS_NOT_SUPPORTED = 3
    SYNTAX_NOT_SUPPORTED = 4


@dataclass(frozen=True, slots=True)
class Rejection:
    """Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 table 9-21)."""

    result: int
    source: int
    reason: int


UNKNOWN_CALLER = Rejection(1, 1, 3)
UNKNOWN_CALLED = Rejection(1, 1, 7)
UNKNOWN_APPLICATION = Rejection(1, 1, 2)
UNKNOWN_VERSION = Rejection(1, 2, 2)
TOO_MANY = Rejection(2, 3, 2)


class CommandField(IntEnum):
    """Commands that are understood (PS3.7 Annex E.1)."""

    C_STORE_RQ = 0x0001
    C_ECHO_RQ = 0x0030
    C_CANCEL_RQ = 0x0FFF


class _CommandElement(IntEnum):
    """Elements of group 0000."""

    GROUP_LENGTH = 0x0000
    SOP_CLASS = 0x0002
    FIELD = 0x0100
    MESSAGE_ID = 0x0110
    ANSWERED_MESSAGE_ID = 0x0120
    DATA_SET_TYPE = 0x0800
    STATUS = 0x0900
    SOP_INSTANCE = 0x1000


@dataclass(frozen=True, slots=True)
class ProposedContext:
    """One presentation context of a request."""

    number: int
    sop_class_uid: str
    transfer_syntax_uids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AssociateRequest:
    """An A-ASSOCIATE-RQ; titles without their padding."""

    called_ae_title: str
    calling_ae_title: str
    titles: bytes
    is_version_1: bool
    is_dicom: bool
    contexts: tuple[ProposedContext, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """The command set of a message that came in."""

    field: int
    message_id: int
    sop_class_uid: str
    sop_instance_uid: str
    has_data_set: bool


def parse_associate(body: bytes) -> AssociateRequest:
    """Read an A-ASSOCIATE-RQ without its header.

    Raises:
        ProtocolError: it is cut off, or an item reaches beyond its end.
    """
    if len(body) < _ASSOCIATE_FIXED_BYTES:
        raise ProtocolError("a request for an association is cut off")
    application, contexts = "", []
    for kind, content in _items(body[_ASSOCIATE_FIXED_BYTES:]):
        if kind == _Item.APPLICATION_CONTEXT:
            application = _uid(content)
        elif kind == _Item.PROPOSED_CONTEXT:
            contexts.append(_proposed(content))
    titles = body[4:36]
    return AssociateRequest(
        called_ae_title=_title(titles[:16]),
        calling_ae_title=_title(titles[16:]),
        titles=titles,
        is_version_1=bool(body[1] & 1),
        is_dicom=application == _APPLICATION_CONTEXT,
        contexts=tuple(contexts),
    )


def judge(
    context: ProposedContext, sop_classes: frozenset[str], transfer_syntaxes: frozenset[str]
) -> tuple[Verdict, str]:
    """Whether a context is accepted, and with which transfer syntax: the first offered that is known."""
    first = next(iter(context.transfer_syntax_uids), "")
    if context.sop_class_uid not in sop_classes:
        return Verdict.CLASS_NOT_SUPPORTED, first
    known = (syntax for syntax in context.transfer_syntax_uids if syntax in transfer_syntaxes)
    chosen = next(known, None)
    return (Verdict.SYNTAX_NOT_SUPPORTED, first) if chosen is None else (Verdict.ACCEPTED, chosen)


def associate_accept(request: AssociateRequest, answers: list[tuple[int, Verdict, str]]) -> bytes:
    """An A-ASSOCIATE-AC; each answer is a context's number, the verdict and the transfer syntax."""
    contexts = b"".join(
        _item(
            _Item.ANSWERED_CONTEXT,
            bytes((number, 0, verdict, 0)) + _item(_Item.TRANSFER_SYNTAX, syntax.encode("ascii", "replace")),
        )
        for number, verdict, syntax in answers
    )
    information = (
        _item(_Item.LONGEST_PDU, struct.pack(">L", LONGEST_PDU_BYTES))
        + _item(_Item.IMPLEMENTATION_UID, PYNETDICOM_IMPLEMENTATION_UID.encode())
        + _item(_Item.IMPLEMENTATION_VERSION, PYNETDICOM_IMPLEMENTATION_VERSION.encode())
    )
    body = (
        b"\0\1\0\0"
        + request.titles
        + bytes(32)
        + _item(_Item.APPLICATION_CONTEXT, _APPLICATION_CONTEXT.encode())
        + contexts
        + _item(_Item.USER_INFORMATION, information)
    )
    return _pdu(Pdu.ASSOCIATE_AC, body)


def associate_reject(rejection: Rejection) -> bytes:
    """An A-ASSOCIATE-RJ."""
    return _pdu(Pdu.ASSOCIATE_RJ, bytes((0, rejection.result, rejection.source, rejection.reason)))


def release_reply() -> bytes:
    """An A-RELEASE-RP."""
    return _pdu(Pdu.RELEASE_RP, bytes(4))


def abort() -> bytes:
    """An A-ABORT by the service provider, reason not specified."""
    return _pdu(Pdu.ABORT, bytes((0, 0, 2, 0)))


def fragments(body: memoryview) -> Iterator[tuple[int, bool, bool, memoryview]]:
    """The parts of a P-DATA-TF without its header: context, is a command, is the last, bytes.

    Raises:
        ProtocolError: a part reaches beyond the end.
    """
    place = 0
    while place < len(body):
        if place + _VALUE_HEADER.size > len(body):
            raise ProtocolError("a part of a message is cut off")
        length, context, control = _VALUE_HEADER.unpack_from(body, place)
        end = place + 4 + length
        if length < 2 or end > len(body):
            raise ProtocolError("a part of a message is longer than what holds it")
        start = place + _VALUE_HEADER.size
        yield context, bool(control & _IS_COMMAND), bool(control & _IS_LAST), body[start:end]
        place = end


def parse_command(data: bytes) -> Command:
    """Read a command set (implicit VR, little endian).

    Raises:
        ProtocolError: it is cut off, or has no command or no message ID.
    """
    values: dict[int, bytes] = {}
    place = 0
    while place < len(data):
        if place + _ELEMENT_HEADER.size > len(data):
            raise ProtocolError("a command is cut off")
        group, element, length = _ELEMENT_HEADER.unpack_from(data, place)
        place += _ELEMENT_HEADER.size
        if place + length > len(data):
            raise ProtocolError("a command is cut off")
        if group == 0:
            values[element] = data[place : place + length]
        place += length
    return Command(
        field=_number(values, _CommandElement.FIELD),
        message_id=_number(values, _CommandElement.MESSAGE_ID),
        sop_class_uid=_uid(values.get(_CommandElement.SOP_CLASS, b"")),
        sop_instance_uid=_uid(values.get(_CommandElement.SOP_INSTANCE, b"")),
        has_data_set=_number(values, _CommandElement.DATA_SET_TYPE) != _NO_DATA_SET,
    )


def answer(context: int, command: Command, status: int) -> bytes:
    """The P-DATA-TF with the answer to a command."""
    elements = _element(_CommandElement.SOP_CLASS, _padded(command.sop_class_uid))
    elements += _element(_CommandElement.FIELD, struct.pack("<H", command.field | _IS_ANSWER))
    elements += _element(_CommandElement.ANSWERED_MESSAGE_ID, struct.pack("<H", command.message_id))
    elements += _element(_CommandElement.DATA_SET_TYPE, struct.pack("<H", _NO_DATA_SET))
    elements += _element(_CommandElement.STATUS, struct.pack("<H", status))
    if command.sop_instance_uid:
        elements += _element(_CommandElement.SOP_INSTANCE, _padded(command.sop_instance_uid))
    message = _element(_CommandElement.GROUP_LENGTH, struct.pack("<L", len(elements))) + elements
    return _pdu(Pdu.DATA, _VALUE_HEADER.pack(len(message) + 2, context, _IS_COMMAND | _IS_LAST) + message)


def _items(content: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place < len(content):
        if place + _ITEM_HEADER.size > len(content):
            raise ProtocolError("an item of a request for an association is cut off")
        kind, length = _ITEM_HEADER.unpack_from(content, place)
        place += _ITEM_HEADER.size
        if place + length > len(content):
            raise ProtocolError("an item of a request for an association is cut off")
        yield kind, content[place : place + length]
        place += length


def _proposed(content: bytes) -> ProposedContext:
    if len(content) < 4:
        raise ProtocolError("a presentation context is cut off")
    items = list(_items(content[4:]))
    classes = [_uid(value) for kind, value in items if kind == _Item.ABSTRACT_SYNTAX]
    return ProposedContext(
        number=content[0],
        sop_class_uid=classes[0] if classes else "",
        transfer_syntax_uids=tuple(_uid(value) for kind, value in items if kind == _Item.TRANSFER_SYNTAX),
    )


def _number(values: dict[int, bytes], element: int) -> int:
    value = values.get(element, b"")
    if len(value) != 2:
        raise ProtocolError(f"a command without element (0000,{element:04X})")
    return int.from_bytes(value, "little")


def _uid(value: bytes) -> str:
    return value.decode("ascii", errors="replace").rstrip("\0 ")


def _padded(uid: str) -> bytes:
    value = uid.encode("ascii", "replace")
    return value + b"\0" * (len(value) % 2)


def _title(value: bytes) -> str:
    return value.decode("ascii", errors="replace").strip("\0 ")


def _element(element: int, value: bytes) -> bytes:
    return _ELEMENT_HEADER.pack(0, element, len(value)) + value


def _item(kind: int, content: bytes) -> bytes:
    return _ITEM_HEADER.pack(kind, len(content)) + content


def _pdu(kind: int, body: bytes) -> bytes:
    return PDU_HEADER.pack(kind, len(body)) + body
