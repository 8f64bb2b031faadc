"""A receiver that a test has started."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from spondyl.adapters.dicom_node import DimseChannel, Inbox, Peer, QuietTimer, Receiver, SendSettings, Told


@dataclass
class Node:
    """A running receiver, what it told, and its address."""

    receiver: Receiver
    inbox: Inbox
    timer: QuietTimer
    told: list[Told] = field(default_factory=list)

    @property
    def peer(self) -> Peer:
        return Peer(ae_title="SPONDYL", host="127.0.0.1", port=self.receiver.port)

    def channel(self, **settings: Any) -> DimseChannel:
        return DimseChannel(peer=self.peer, settings=SendSettings(**settings))


StartNode = Callable[..., Node]
