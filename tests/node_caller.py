"""A caller that says any bytes to a listener, right or wrong, and hears what comes back."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ASSOCIATED, REJECTED, DATA, RELEASED, ABORTED = 2, 3, 4, 6, 7


LONGEST_PART_BYTES = 1 << 17


def item(kind: int, content: bytes) -> bytes:
    """An item of a request for an association."""
    return struct.pack(">BxH", kind, len(content)) + content


def pdu(kind: int, body: bytes) -> bytes:
    """A PDU."""
    return struct.pack(">BxL", kind, len(body)) + body


def context(number: int, sop_class: str, *syntaxes: str) -> bytes:
    """A presentation context that is asked for."""
    offered = b"".join(item(0x40, syntax.encode()) for syntax in syntaxes)
    return item(0x20, bytes((number, 0, 0, 0)) + item(0x30, sop_class.encode()) + offered)


CT = context(1, CTImageStorage, ExplicitVRLittleEndian)


def associate(
    contexts: bytes = CT, *, version: int = 1, application: str = "1.2.840.10008.3.1.1.1", called: str = "ANY"
) -> bytes:
    """A request for an association."""
    titles = called.ljust(16).encode() + b"CALLER".ljust(16)
    information = item(0x50, item(0x51, struct.pack(">L", 16384)) + item(0x52, b"1.2.3"))
    start = struct.pack(">H2x", version) + titles + bytes(32)
    return pdu(1, start + item(0x10, application.encode()) + contexts + information)


def store_command(instance: str, *, field: int = 1, has_data: bool = True) -> bytes:
    """A C-STORE-RQ of a CT slice, or another command with its elements."""

    def element(number: int, value: bytes) -> bytes:
        return struct.pack("<HHL", 0, number, len(value)) + value

    uids = [text.encode() + b"\0" * (len(text) % 2) for text in (CTImageStorage, instance)]
    return (
        element(0x0002, uids[0])
        + element(0x0100, struct.pack("<H", field))
        + element(0x0110, struct.pack("<H", 9))
        + element(0x0800, struct.pack("<H", 0 if has_data else 0x0101))
        + element(0x1000, uids[1])
    )


def part(content: bytes, *, control: int, number: int = 1) -> bytes:
    """A part of a message: control 1 is a command, 2 the last."""
    return struct.pack(">LBB", len(content) + 2, number, control) + content


class Caller:
    """A bare connection."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream

    def associate(self, contexts: bytes = CT) -> None:
        """Ask for an association and get it."""
        self.say(associate(contexts))
        assert self.hear()[0] == ASSOCIATED

    def release(self) -> None:
        """End the association in order."""
        self.say(pdu(5, bytes(4)))
        assert self.hear() == (RELEASED, bytes(4))

    def store(self, content: bytes, instance: str) -> int:
        """Send an object as what it may not be; gives the status of the answer."""
        self.say(pdu(DATA, part(store_command(instance), control=3)))
        for at in range(0, len(content), LONGEST_PART_BYTES):
            piece = content[at : at + LONGEST_PART_BYTES]
            is_last = at + LONGEST_PART_BYTES >= len(content)
            self.say(pdu(DATA, part(piece, control=2 * is_last)))
        return self.status()

    def say(self, *pdus: bytes) -> None:
        self.stream.sendall(b"".join(pdus))

    def hear(self) -> tuple[int, bytes]:
        """Type and body of the next PDU."""
        kind, length = struct.unpack(">BxL", self._read(6))
        return kind, self._read(length)

    def status(self) -> int:
        """The status in the answer to a command."""
        kind, body = self.hear()
        assert kind == DATA
        return int(struct.unpack_from("<H", body, body.index(b"\0\0\0\x09\2\0\0\0") + 8)[0])

    def _read(self, n_bytes: int) -> bytes:
        content = b""
        while len(content) < n_bytes:
            received = self.stream.recv(n_bytes - len(content))
            assert received, "hung up"
            content += received
        return content


@contextmanager
def calling(port: int) -> Iterator[Caller]:
    """A connection to that port of loopback."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield Caller(stream)
