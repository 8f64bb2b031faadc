"""The DICOM network: receive, send, ask, fetch. Needs the extra ``node`` (pynetdicom).

A library for anything that has a node: ``Receiver`` over an ``Inbox`` and a ``QuietTimer`` at the one end,
``DimseChannel`` with ``spondyl.adapters.delivery`` at the other.
"""

from spondyl.adapters.dicom_node.associate import NoAssociationError, echo
from spondyl.adapters.dicom_node.identity import hashed
from spondyl.adapters.dicom_node.inbox import Inbox, InboxError, NoRoomError
from spondyl.adapters.dicom_node.library import new_entity
from spondyl.adapters.dicom_node.peer import (
    DEFAULT_AE_TITLE,
    Peer,
    PeerError,
    Tls,
    check_ae_title,
    parse_peer,
)
from spondyl.adapters.dicom_node.query import RETURNED, Fetched, Level, get, is_keyword, move, search
from spondyl.adapters.dicom_node.quiet import QuietTimer
from spondyl.adapters.dicom_node.quiet import Settings as QuietSettings
from spondyl.adapters.dicom_node.receive import Receiver, Tell, Told
from spondyl.adapters.dicom_node.receive import Settings as ReceiveSettings
from spondyl.adapters.dicom_node.send import Check, DimseChannel
from spondyl.adapters.dicom_node.send import Settings as SendSettings

__all__ = [
    "DEFAULT_AE_TITLE", "RETURNED", "Check", "DimseChannel", "Fetched", "Inbox", "InboxError", "Level",
    "NoAssociationError", "NoRoomError", "Peer", "PeerError", "QuietSettings", "QuietTimer",
    "ReceiveSettings", "Receiver", "SendSettings", "Tell", "Tls", "Told",
    "check_ae_title", "echo", "get", "hashed", "is_keyword", "move",
    "new_entity", "parse_peer", "search",
]  # fmt: skip
