"""Storage Commitment Push Model (PS3.4 Annex J): the peer says that it will answer for the objects."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)
from pynetdicom.transport import ThreadedAssociationServer

from spondyl.adapters.delivery import Outgoing
from spondyl.adapters.dicom_node.associate import NoAssociationError, associated
from spondyl.adapters.dicom_node.library import without_delay
from spondyl.adapters.dicom_node.peer import Peer, Tls, server_context

_REQUEST = 1  # action type, PS3.4 J.3.2


class _Answers:
    """The reports of one transaction, as they come in on whichever association."""

    def __init__(self, transaction_uid: str) -> None:
        self._transaction_uid = transaction_uid
        self.has_come = threading.Event()
        self.committed: set[str] = set()

    def report(self, event: evt.Event) -> tuple[int, None]:
        """Handle an N-EVENT-REPORT (PS3.4 J.3.3): note what was committed; success in any case."""
        information = event.event_information
        if information.get("TransactionUID") == self._transaction_uid:
            items = information.get("ReferencedSOPSequence") or []
            self.committed |= {str(item.ReferencedSOPInstanceUID) for item in items}
            self.has_come.set()
        return 0, None


def commitment(
    files: Sequence[Outgoing], entity: AE, peer: Peer, tls: Tls | None, *, listen: Peer | None, wait_s: float
) -> frozenset[str] | None:
    """Which of the files the peer commits itself to; None where it does not answer in time.

    listen: where the answer may come in on an association of the peer's own; without it only an answer on
        ours is heard.

    Raises:
        NoAssociationError: the peer is away, does not know the service, or refuses the request.
    """
    request = Dataset()
    request.TransactionUID = generate_uid(prefix=None)
    request.ReferencedSOPSequence = [_reference(file) for file in files]
    answers = _Answers(str(request.TransactionUID))
    handlers = [(evt.EVT_N_EVENT_REPORT, answers.report)]
    entity.add_requested_context(StorageCommitmentPushModel)
    role = build_role(StorageCommitmentPushModel, scu_role=True, scp_role=False)
    with (
        _listening(entity, listen, tls, handlers),
        associated(entity, peer, tls, handlers, ext_neg=[role]) as association,
    ):
        status, _ = association.send_n_action(
            request, _REQUEST, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
        )
        if status.get("Status") != 0:
            raise NoAssociationError(f"{peer} refused the request for Storage Commitment")
        has_come = answers.has_come.wait(wait_s)
    return frozenset(answers.committed) if has_come else None


@contextmanager
def _listening(entity: AE, listen: Peer | None, tls: Tls | None, handlers: Sequence[Any]) -> Iterator[None]:
    if listen is None:
        yield
        return
    acceptor = AE(ae_title=entity.ae_title)
    acceptor.add_supported_context(StorageCommitmentPushModel, scu_role=True, scp_role=True)
    context = server_context(tls) if tls is not None and tls.certificate is not None else None
    server = acceptor.start_server(
        (listen.host, listen.port),
        block=False,
        ssl_context=context,
        evt_handlers=[(evt.EVT_CONN_OPEN, without_delay), *handlers],
    )
    try:
        yield
    finally:
        cast("ThreadedAssociationServer", server).shutdown()


def _reference(file: Outgoing) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = file.sop_class_uid
    item.ReferencedSOPInstanceUID = file.sop_instance_uid
    return item
