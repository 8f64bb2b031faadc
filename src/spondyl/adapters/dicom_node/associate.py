"""Associations that we ask for; are you there (C-ECHO), and what have you (C-FIND)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)

from spondyl.adapters.dicom_node.library import without_delay
from spondyl.adapters.dicom_node.peer import Peer, Tls, client_context

PENDING = (0xFF00, 0xFF01)


class NoAssociationError(ConnectionError):
    """The peer is away, or will not speak with us; the text says which."""


class NoContextError(NoAssociationError):
    """The peer took none of the presentation contexts."""


@contextmanager
def associated(
    entity: AE,
    peer: Peer,
    tls: Tls | None,
    handlers: Sequence[Any] = (),
    **options: Any,  # noqa: ANN401 - of pynetdicom
) -> Iterator[Association]:
    """An association with the peer, released at the end.

    Raises:
        NoContextError: the peer accepts none of the contexts.
        NoAssociationError: no connection, or the association is rejected.
        PeerError: a certificate cannot be used.
    """
    association = entity.associate(
        peer.host,
        peer.port,
        ae_title=peer.ae_title,
        max_pdu=0,
        tls_args=None if tls is None else (client_context(tls), peer.host),
        evt_handlers=[(evt.EVT_CONN_OPEN, without_delay), *handlers],
        **options,
    )
    if not association.is_established:
        raise _why_not(association, peer)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def _why_not(association: Association, peer: Peer) -> NoAssociationError:
    if association.is_rejected:
        answer = association.acceptor.primitive
        reason = "" if answer is None else f" ({answer.reason_str})"
        return NoAssociationError(f"{peer} rejects the association{reason}; does it know our AE title?")
    if association.rejected_contexts and not association.accepted_contexts:
        return NoContextError(f"{peer} accepts none of the presentation contexts")
    return NoAssociationError(f"no association with {peer}: nothing listens there, or it hung up")


def echo(entity: AE, peer: Peer, tls: Tls | None) -> None:
    """Ask whether the peer is there (C-ECHO).

    Raises:
        NoAssociationError: it is not, or gives no good answer.
    """
    entity.add_requested_context(Verification)
    with associated(entity, peer, tls) as association:
        status = association.send_c_echo()
        if "Status" not in status or status.Status != 0:
            raise NoAssociationError(f"{peer} did not answer the C-ECHO")


def find(association: Association, query: Dataset) -> Iterator[Dataset]:
    """The matches of a Study Root query.

    Raises:
        NoAssociationError: the peer broke off, or answered with a failure.
    """
    answers = association.send_c_find(query, StudyRootQueryRetrieveInformationModelFind)
    for status, match in answers:
        if "Status" not in status:
            raise NoAssociationError("the peer broke off its answer to the C-FIND")
        if status.Status in PENDING and match is not None:
            yield match
        elif status.Status not in (0, *PENDING):
            raise NoAssociationError(f"the peer answered the C-FIND with status {status.Status:04X}")
