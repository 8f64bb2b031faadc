"""The listening end: C-STORE and C-ECHO. An object is acknowledged when its bytes lie in the inbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Self, cast

from pynetdicom import AE, evt
from pynetdicom.dsutils import encode_file_meta
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]
from pynetdicom.transport import ThreadedAssociationServer

from spondyl.adapters.dicom_node.identity import NotADataSetError, hashed, identity_of_bytes
from spondyl.adapters.dicom_node.inbox import Inbox, NoRoomError
from spondyl.adapters.dicom_node.library import (
    STORAGE_CLASSES,
    TRANSFER_SYNTAXES,
    new_entity,
    serve_at_once,
)
from spondyl.adapters.dicom_node.peer import Peer, Tls, check_ae_title, server_context
from spondyl.adapters.dicom_node.quiet import QuietTimer

# PS3.4 Annex B.2.3
SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
DOES_NOT_MATCH = 0xA900
CANNOT_UNDERSTAND = 0xC000
_FILE_START = b"\0" * 128 + b"DICM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Something that happened, without a patient's data: a code for programs, a sentence for people."""

    code: str
    text: str


Tell = Callable[[Told], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to listen.

    known_ae_titles: who may call; empty for anybody.
    is_title_checked: whether a caller must name our AE title.
    answer_timeout_s: how long a silent association is kept.
    most_associations: how many at a time; one more is rejected, and comes back.
    """

    listen: Peer
    known_ae_titles: tuple[str, ...] = ()
    is_title_checked: bool = False
    tls: Tls | None = None
    answer_timeout_s: float = 120.0
    most_associations: int = 50

    def __post_init__(self) -> None:
        for title in self.known_ae_titles:
            check_ae_title(title)


@dataclass(slots=True)
class Counts:
    """What came since the start."""

    stored: int = 0
    repeated: int = 0
    refused: int = 0


@dataclass(slots=True, kw_only=True)
class Receiver:
    """A running listener over an opened inbox; a context manager."""

    settings: Settings
    inbox: Inbox
    timer: QuietTimer
    tell: Tell
    counts: Counts = field(default_factory=Counts)
    _server: ThreadedAssociationServer | None = None

    def __enter__(self) -> Self:
        """Start to listen.

        Raises:
            OSError: the address cannot be had.
            PeerError: a certificate cannot be used.
        """
        entity = _entity(self.settings)
        tls = self.settings.tls
        self._server = cast(
            "ThreadedAssociationServer",
            entity.start_server(
                (self.settings.listen.host, self.settings.listen.port),
                block=False,
                ssl_context=None if tls is None else server_context(tls),
                evt_handlers=[
                    (evt.EVT_CONN_OPEN, serve_at_once),
                    (evt.EVT_C_STORE, self._store),
                    (evt.EVT_RELEASED, self._ended, [True]),
                    (evt.EVT_ABORTED, self._ended, [False]),
                    (evt.EVT_REJECTED, self._rejected),
                ],
            ),
        )
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening; what was acknowledged lies in the inbox."""
        if self._server is not None:
            self._server.shutdown()
            self._server = None

    @property
    def port(self) -> int:
        """The port that is listened on: the one asked for, or the one given for 0."""
        assert self._server is not None
        return int(self._server.server_address[1])

    def _store(self, event: evt.Event) -> int:
        request = cast("Any", event.request)
        data = cast("BytesIO", request.DataSet)
        syntax = str(event.context.transfer_syntax)
        try:
            identity = identity_of_bytes(data, syntax)
        except NotADataSetError as error:
            return self._refuse(CANNOT_UNDERSTAND, "CANNOT_UNDERSTAND", str(error))
        asked = (str(request.AffectedSOPClassUID), str(request.AffectedSOPInstanceUID))
        if asked != (identity.sop_class_uid, identity.sop_instance_uid):
            return self._refuse(DOES_NOT_MATCH, "DOES_NOT_MATCH", "its UIDs are not those of the request")
        study = hashed(identity.study_instance_uid)
        try:
            # told before and after: a study must not be taken as quiet while its object is being written
            self.timer.touch(study, id(event.assoc))
            is_new = self.inbox.store(
                identity, (_FILE_START, encode_file_meta(event.file_meta), data.getbuffer())
            )
            self.timer.touch(study, id(event.assoc))
        except NoRoomError:
            return self._refuse(OUT_OF_RESOURCES, "NO_ROOM", "the disk is full")
        except OSError as error:
            return self._refuse(OUT_OF_RESOURCES, "CANNOT_WRITE", error.strerror or type(error).__name__)
        self.counts.stored += is_new
        self.counts.repeated += not is_new
        return SUCCESS

    def _refuse(self, status: int, code: str, text: str) -> int:
        self.counts.refused += 1
        self.tell(Told(code=code, text=f"an object was refused with status {status:04X}: {text}"))
        return status

    def _ended(self, event: evt.Event, orderly: bool) -> None:
        self.timer.source_ended(id(event.assoc), orderly=orderly)

    def _rejected(self, event: evt.Event) -> None:
        self.tell(
            Told(code="REJECTED", text=f"{event.assoc.requestor.ae_title!r} may not call, or too many do")
        )


def _entity(settings: Settings) -> AE:
    entity = new_entity(settings.listen.ae_title, settings.answer_timeout_s)
    entity.maximum_associations = settings.most_associations
    entity.require_calling_aet = list(settings.known_ae_titles)
    entity.require_called_aet = settings.is_title_checked
    for sop_class in STORAGE_CLASSES:
        entity.add_supported_context(sop_class, TRANSFER_SYNTAXES)
    entity.add_supported_context(Verification)
    return entity
