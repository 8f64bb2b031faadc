"""The listening end: C-STORE and C-ECHO. An object is acknowledged when its bytes lie in the inbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from spondyl.adapters.dicom_node.file_meta import file_start
from spondyl.adapters.dicom_node.identity import NotADataSetError, hashed, identity_of
from spondyl.adapters.dicom_node.inbox import Inbox, NoRoomError
from spondyl.adapters.dicom_node.library import STORAGE_CLASSES, TRANSFER_SYNTAXES
from spondyl.adapters.dicom_node.listen import Listener, Rules, StoreRequest
from spondyl.adapters.dicom_node.peer import Peer, Tls, check_ae_title, server_context
from spondyl.adapters.dicom_node.quiet import QuietTimer

# PS3.4 Annex B.2.3
SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
DOES_NOT_MATCH = 0xA900
CANNOT_UNDERSTAND = 0xC000


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
    _listener: Listener | None = None

    def __enter__(self) -> Self:
        """Start to listen.

        Raises:
            OSError: the address cannot be had.
            PeerError: a certificate cannot be used.
        """
        listen = self.settings.listen
        self._listener = Listener(listen.host, listen.port, _rules(self.settings), self)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening; what was acknowledged lies in the inbox."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    @property
    def port(self) -> int:
        """The port that is listened on: the one asked for, or the one given for 0."""
        assert self._listener is not None
        return self._listener.port

    def store(self, request: StoreRequest) -> int:
        """Put an object into the inbox; gives the status of the answer."""
        try:
            identity = identity_of(request.data.getbuffer(), request.transfer_syntax_uid)
        except NotADataSetError as error:
            return self._refuse(CANNOT_UNDERSTAND, "CANNOT_UNDERSTAND", str(error))
        asked = (request.sop_class_uid, request.sop_instance_uid)
        if asked != (identity.sop_class_uid, identity.sop_instance_uid):
            return self._refuse(DOES_NOT_MATCH, "DOES_NOT_MATCH", "its UIDs are not those of the request")
        study = hashed(identity.study_instance_uid)
        start = file_start(
            sop_class_uid=identity.sop_class_uid,
            sop_instance_uid=identity.sop_instance_uid,
            transfer_syntax_uid=request.transfer_syntax_uid,
            sender_ae_title=request.calling_ae_title,
        )
        try:
            # told before and after: a study must not be taken as quiet while its object is being written
            self.timer.touch(study, request.association)
            is_new = self.inbox.store(identity, (start, request.data.getbuffer()))
            self.timer.touch(study, request.association)
        except NoRoomError:
            return self._refuse(OUT_OF_RESOURCES, "NO_ROOM", "the disk is full")
        except OSError as error:
            return self._refuse(OUT_OF_RESOURCES, "CANNOT_WRITE", error.strerror or type(error).__name__)
        self.counts.stored += is_new
        self.counts.repeated += not is_new
        return SUCCESS

    def ended(self, association: int, *, is_orderly: bool) -> None:
        """An association is over: its studies may be complete."""
        self.timer.source_ended(association, orderly=is_orderly)

    def rejected(self, calling_ae_title: str) -> None:
        """A caller was not let in."""
        self.tell(Told(code="REJECTED", text=f"{calling_ae_title!r} may not call, or too many do"))

    def broken(self, text: str) -> None:
        """A connection was ended because of what came over it."""
        self.tell(Told(code="BROKEN_CONNECTION", text=f"an association was aborted: {text}"))

    def _refuse(self, status: int, code: str, text: str) -> int:
        self.counts.refused += 1
        self.tell(Told(code=code, text=f"an object was refused with status {status:04X}: {text}"))
        return status


def _rules(settings: Settings) -> Rules:
    return Rules(
        sop_classes=frozenset((*STORAGE_CLASSES, str(Verification))),
        transfer_syntaxes=frozenset(str(syntax) for syntax in TRANSFER_SYNTAXES),
        known_ae_titles=frozenset(settings.known_ae_titles),
        called_ae_title=settings.listen.ae_title if settings.is_title_checked else None,
        most_associations=settings.most_associations,
        answer_timeout_s=settings.answer_timeout_s,
        tls=None if settings.tls is None else server_context(settings.tls),
    )
