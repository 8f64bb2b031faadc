"""Bring files to a place and make sure that they are there: the same rules for C-STORE and for STOW-RS."""

from spondyl.adapters.delivery.deliver import Channel, Patience, Summary, deliver, deliver_once
from spondyl.adapters.delivery.files import Outgoing, OutgoingError, find_outgoing, read_outgoing
from spondyl.adapters.delivery.record import Outcome, Record, Result

__all__ = [
    "Channel", "Outcome", "Outgoing", "OutgoingError", "Patience", "Record", "Result", "Summary", "deliver",
    "deliver_once", "find_outgoing", "read_outgoing",
]  # fmt: skip
