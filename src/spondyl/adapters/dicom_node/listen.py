"""Accepting associations: a thread for each, in which an object is read, stored and answered, one by one.

pynetdicom serves an association by two threads that look for work every millisecond and decodes each command
by pydicom; that is kept for what we ask others. Here each object that a scanner sends passes, and it passes
in one thread that waits for the next byte.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from itertools import count
from typing import Protocol

from spondyl.adapters.dicom_node import upper_layer
from spondyl.adapters.dicom_node.upper_layer import (
    LONGEST_PDU_BYTES,
    PDU_HEADER,
    AssociateRequest,
    Command,
    CommandField,
    Pdu,
    ProtocolError,
    Rejection,
    Verdict,
)

UNKNOWN_COMMAND = 0x0211  # PS3.7 Annex C.5.8, unrecognized operation
OBJECT_TOO_LONG = 0xA700
_SUCCESS = 0x0000
_LONGEST_COMMAND_BYTES = 1 << 16  # a command has a dozen short elements
_LONGEST_OBJECT_BYTES = 2 << 30  # it is held in memory while it comes; ours
_HANG_UP_S = 2.0  # how long the other side may take to hang up after our last word
_LOOK_S = 0.05  # how soon an end is noticed


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """A C-STORE: what its command and its context say of it, and its bytes from place 0 to the end."""

    association: int
    calling_ae_title: str
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    data: BytesIO


class Serves(Protocol):
    """What is done with what comes in. Called from many threads."""

    def store(self, request: StoreRequest) -> int:
        """Keep an object; gives the status. Must not keep ``request.data``."""

    def ended(self, association: int, *, is_orderly: bool) -> None:
        """An association is over: released, or cut off in some other way."""

    def rejected(self, calling_ae_title: str) -> None:
        """A caller was not let in."""

    def broken(self, text: str) -> None:
        """A connection ended because of what came over it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Whom and what to accept; empty ``known_ae_titles`` are anybody, no ``called_ae_title`` is any."""

    sop_classes: frozenset[str]
    transfer_syntaxes: frozenset[str]
    known_ae_titles: frozenset[str]
    called_ae_title: str | None
    most_associations: int
    answer_timeout_s: float
    tls: ssl.SSLContext | None


class Listener:
    """A bound and listening socket, served by threads until ``close``."""

    def __init__(self, host: str, port: int, rules: Rules, serves: Serves) -> None:
        """Listen.

        Raises:
            OSError: the address cannot be had.
        """
        self.rules = rules
        self.serves = serves
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._open: dict[int, socket.socket] = {}
        self._served: set[int] = set()
        listener = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                listener.serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
            allow_reuse_address = True
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:  # instead of a traceback on the terminal
                serves.broken(f"an error of ours, {type(sys.exc_info()[1]).__name__}")

        self._server = Server((host, port), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_LOOK_S,), name="dicom-listener", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Listen no longer, cut off what is open, and wait until its threads are done."""
        self._server.shutdown()
        self._thread.join()
        with self._lock:
            for connection in self._open.values():
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()

    def leave(self, number: int) -> None:
        """Let another take the place of an association that is about to hear its last word."""
        with self._lock:
            self._served.discard(number)

    def serve(self, connection: socket.socket) -> None:
        """One connection, from its first byte to its end."""
        number = next(self._numbers)
        with self._lock:
            self._open[number] = connection
            self._served.add(number)
            is_one_too_many = len(self._served) > self.rules.most_associations
        is_orderly = False
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(self.rules.answer_timeout_s)
            with _encrypted(connection, self.rules.tls) as stream:
                with self._lock:
                    self._open[number] = stream  # TLS takes the bare connection away
                association = _Association(
                    number, stream, self.rules, self.serves, self.leave, is_one_too_many
                )
                is_orderly = association.run()
        except ProtocolError as error:
            self.serves.broken(str(error))
        except OSError:
            pass  # the other side is gone, is silent for too long, or was cut off by close()
        finally:
            with self._lock:
                del self._open[number]
                self._served.discard(number)
            self.serves.ended(number, is_orderly=is_orderly)


@contextlib.contextmanager
def _encrypted(connection: socket.socket, tls: ssl.SSLContext | None) -> Iterator[socket.socket]:
    if tls is None:
        yield connection
    else:
        with tls.wrap_socket(connection, server_side=True) as stream:
            yield stream


@dataclass(slots=True)
class _Association:
    """What is being said on one connection."""

    number: int
    stream: socket.socket
    rules: Rules
    serves: Serves
    leave: Callable[[int], None]
    is_one_too_many: bool
    _calling: str = ""
    _accepted: dict[int, str] = field(default_factory=dict)  # transfer syntax by context
    _buffer: bytearray = field(default_factory=lambda: bytearray(1 << 17))
    _command_bytes: bytearray = field(default_factory=bytearray)
    _command: Command | None = None
    _data: BytesIO = field(default_factory=BytesIO)  # kept from one object to the next: fresh memory is slow
    _is_too_long: bool = False

    def run(self) -> bool:
        """Speak until the end; whether it was a release.

        Raises:
            ProtocolError: the other side said what it must not; it was told so.
            OSError: the connection is gone.
        """
        try:
            return self._associate() and self._serve()
        except ProtocolError:
            self._last_word(upper_layer.abort())
            raise

    def _associate(self) -> bool:
        kind, body = self._read()
        if kind != Pdu.ASSOCIATE_RQ:
            raise ProtocolError("a connection did not begin with a request for an association")
        request = upper_layer.parse_associate(bytes(body))
        rejection = self._rejection(request)
        if rejection is not None:
            self.serves.rejected(request.calling_ae_title)
            self._last_word(upper_layer.associate_reject(rejection))
            return False
        self._calling = request.calling_ae_title
        answers = []
        for context in request.contexts:
            verdict, syntax = upper_layer.judge(context, self.rules.sop_classes, self.rules.transfer_syntaxes)
            answers.append((context.number, verdict, syntax))
            if verdict is Verdict.ACCEPTED:
                self._accepted[context.number] = syntax
        self.stream.sendall(upper_layer.associate_accept(request, answers))
        return True

    def _rejection(self, request: AssociateRequest) -> Rejection | None:
        rules = self.rules
        if not request.is_version_1:
            return upper_layer.UNKNOWN_VERSION
        if not request.is_dicom:
            return upper_layer.UNKNOWN_APPLICATION
        if rules.known_ae_titles and request.calling_ae_title not in rules.known_ae_titles:
            return upper_layer.UNKNOWN_CALLER
        if rules.called_ae_title not in (None, request.called_ae_title):
            return upper_layer.UNKNOWN_CALLED
        return upper_layer.TOO_MANY if self.is_one_too_many else None

    def _serve(self) -> bool:
        while True:
            kind, body = self._read()
            if kind == Pdu.DATA:
                for context, is_command, is_last, part in upper_layer.fragments(body):
                    self._take(context, is_command, is_last, part)
            elif kind == Pdu.RELEASE_RQ:
                self._last_word(upper_layer.release_reply())
                return True
            elif kind == Pdu.ABORT:
                return False
            else:
                raise ProtocolError("a PDU that has no place within an association")

    def _take(self, context: int, is_command: bool, is_last: bool, part: memoryview) -> None:
        if context not in self._accepted:
            raise ProtocolError("a message in a presentation context that was not accepted")
        if is_command == (self._command is not None):
            raise ProtocolError("a command within a data set, or a data set without a command")
        if is_command:
            self._command_bytes += part
            if len(self._command_bytes) > _LONGEST_COMMAND_BYTES:
                raise ProtocolError("a command that is too long")
            if is_last:
                self._begin(context)
        else:
            self._is_too_long |= self._data.tell() + len(part) > _LONGEST_OBJECT_BYTES
            if not self._is_too_long:
                self._data.write(part)
            if is_last:
                self._data.truncate()
                self._finish(context)

    def _begin(self, context: int) -> None:
        self._command = upper_layer.parse_command(bytes(self._command_bytes))
        self._command_bytes.clear()
        self._data.seek(0)
        self._is_too_long = False
        if not self._command.has_data_set:
            self._data.truncate()
            self._finish(context)

    def _finish(self, context: int) -> None:
        command, self._command = self._command, None
        assert command is not None
        if command.field == CommandField.C_CANCEL_RQ:
            return
        self.stream.sendall(upper_layer.answer(context, command, self._status(context, command)))

    def _status(self, context: int, command: Command) -> int:
        if command.field == CommandField.C_ECHO_RQ:
            return _SUCCESS
        if command.field != CommandField.C_STORE_RQ:
            return UNKNOWN_COMMAND
        if self._is_too_long:
            return OBJECT_TOO_LONG
        return self.serves.store(
            StoreRequest(
                association=self.number,
                calling_ae_title=self._calling,
                sop_class_uid=command.sop_class_uid,
                sop_instance_uid=command.sop_instance_uid,
                transfer_syntax_uid=self._accepted[context],
                data=self._data,
            )
        )

    def _read(self) -> tuple[int, memoryview]:
        """The next PDU; its bytes hold until the next call.

        Raises:
            ProtocolError: it is longer than what was announced, or is none.
        """
        header = memoryview(self._buffer)[: PDU_HEADER.size]
        self._fill(header)
        kind, length = PDU_HEADER.unpack(header)
        if kind not in Pdu.__members__.values() or length > LONGEST_PDU_BYTES:
            raise ProtocolError("a PDU of an unknown type, or longer than was announced")
        if length > len(self._buffer):
            self._buffer = bytearray(length)
        body = memoryview(self._buffer)[:length]
        self._fill(body)
        return kind, body

    def _fill(self, view: memoryview) -> None:
        while view:
            n_bytes = self.stream.recv_into(view)
            if not n_bytes:
                raise ConnectionError("the other side has hung up")
            view = view[n_bytes:]

    def _last_word(self, pdu: bytes) -> None:
        """Say it, and let the other side hang up, so that it hears it."""
        self.leave(self.number)
        self.stream.sendall(pdu)
        with contextlib.suppress(OSError):
            self.stream.settimeout(_HANG_UP_S)
            while self.stream.recv_into(self._buffer):
                pass
