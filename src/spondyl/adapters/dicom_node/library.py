"""How pynetdicom is set up for us, and what its associations have in common."""

from __future__ import annotations

import socket

from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
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

LABEL_MAP_SEGMENTATION_STORAGE = "1.2.840.10008.5.1.4.1.1.66.7"  # has no name in pynetdicom 3.0
STORAGE_CLASSES = (
    *(str(context.abstract_syntax) for context in AllStoragePresentationContexts),
    LABEL_MAP_SEGMENTATION_STORAGE,
)
# what archives keep single images in; a longer list makes each association slow to open
TRANSFER_SYNTAXES = [
    ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, JPEGBaseline8Bit, JPEGExtended12Bit,
    JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEGLSNearLossless, JPEG2000Lossless, JPEG2000,
    HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K, RLELossless, DeflatedExplicitVRLittleEndian,
]  # fmt: skip
UNCOMPRESSED = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)
CONNECT_TIMEOUT_S = 10.0


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
