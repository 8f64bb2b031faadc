"""How pynetdicom is set up for us, and what its associations have in common."""

from __future__ import annotations

import queue
import select
import socket
from typing import Any

from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from pynetdicom import AE, AllStoragePresentationContexts, _config, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.transport import AssociationSocket

LABEL_MAP_SEGMENTATION_STORAGE = "1.2.840.10008.5.1.4.1.1.66.7"  # has no name in pynetdicom 3.0
STORAGE_CLASSES = (
    *(str(context.abstract_syntax) for context in AllStoragePresentationContexts),
    LABEL_MAP_SEGMENTATION_STORAGE,
)
# what archives keep single images in; a longer list makes each association slow to open. Not Deflated: it
# would have to be inflated to learn its study
TRANSFER_SYNTAXES = [
    ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, JPEGBaseline8Bit, JPEGExtended12Bit,
    JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEGLSNearLossless, JPEG2000Lossless, JPEG2000,
    HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K, RLELossless,
]  # fmt: skip
UNCOMPRESSED = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)
CONNECT_TIMEOUT_S = 10.0
_LONGEST_LOOK_S = 0.02  # an answer of the other thread (a release) waits as long at most


def new_entity(ae_title: str, answer_timeout_s: float) -> AE:
    """An application entity with our time limits, and pynetdicom without its logs of patients' values."""
    _config.LOG_HANDLER_LEVEL = "none"
    _config.LOG_REQUEST_IDENTIFIERS = False
    _config.LOG_RESPONSE_IDENTIFIERS = False
    _config.STORE_SEND_CHUNKED_DATASET = True  # from the file, without decoding it
    entity = AE(ae_title=ae_title)
    entity.maximum_pdu_size = 0  # as long as the peer likes
    entity.acse_timeout = answer_timeout_s
    entity.dimse_timeout = answer_timeout_s
    entity.network_timeout = answer_timeout_s
    entity.connection_timeout = CONNECT_TIMEOUT_S
    return entity


def without_delay(event: evt.Event) -> None:
    """Send small packets at once: the end of an object otherwise waits 40 ms for an acknowledgement."""
    connection = event.assoc.dul.socket
    if connection is not None and connection.socket is not None:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class _ServedAtOnce(queue.Queue[Any]):
    """An association's queue of messages in which no C-STORE request ever waits.

    pynetdicom hands each request to a second thread that looks for it every millisecond, and the answer
    back in the same way. On a busy machine each look comes late; with 200 slices that made 7 s of 1 s
    (2026-11, load 14 on two cores). A stored object needs no second thread.
    """

    def __init__(self, association: Association) -> None:
        super().__init__()
        self._association = association

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: ANN401 - queue.Queue's signature
        """Serve a request to store; let everything else wait for its thread."""
        context_id, message = item
        if isinstance(message, C_STORE) and message.is_valid_request:
            self._association._serve_request(message, context_id)
        else:
            super().put(item, block, timeout)


class _QuickSocket(AssociationSocket):
    """A connection that waits for data instead of looking for it every millisecond, and reads it whole."""

    @property
    def ready(self) -> bool:
        """Whether there is data; waits a moment for it while the connection is open."""
        if super().ready or self.socket is None or not self._is_connected:
            return super().ready
        try:
            return bool(select.select([self.socket], [], [], _LONGEST_LOOK_S)[0])
        except (OSError, ValueError):
            return False  # closed by the other thread: pynetdicom's own next look tells

    def recv(self, nr_bytes: int) -> bytearray:
        """That many bytes, fewer where the connection ends first; pynetdicom itself reads 4096 at a time."""
        data = bytearray(nr_bytes)
        n_read = 0
        while n_read < nr_bytes and self.socket is not None:
            received = self.socket.recv_into(memoryview(data)[n_read:])
            if not received:
                break
            n_read += received
        return data[:n_read]


def serve_at_once(event: evt.Event) -> None:
    """Make a new incoming association quick: no delay, no second thread, no looking for data."""
    without_delay(event)
    event.assoc.dimse.msg_queue = _ServedAtOnce(event.assoc)
    if event.assoc.dul.socket is not None:
        event.assoc.dul.socket.__class__ = _QuickSocket
