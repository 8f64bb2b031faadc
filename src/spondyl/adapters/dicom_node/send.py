"""The sending end: C-STORE with one association per kind of object, and asking back by C-FIND."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import cast

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
)

from spondyl.adapters.delivery import Outcome, Outgoing, Result
from spondyl.adapters.dicom_node.associate import NoAssociationError, NoContextError, associated, find
from spondyl.adapters.dicom_node.commit import commitment
from spondyl.adapters.dicom_node.library import UNCOMPRESSED, new_entity
from spondyl.adapters.dicom_node.peer import DEFAULT_AE_TITLE, Peer, Tls

_OUT_OF_RESOURCES = range(0xA700, 0xA800)  # PS3.4 Annex B.2.3; the only failures that pass by themselves
_WARNINGS = (0x0001, 0x0107, 0x0116)  # PS3.7 Annex C; with the range B000-BFFF


class Check(StrEnum):
    """How it is made sure that the target has what it was sent."""

    FIND = "find"  # ask for each series by C-FIND
    COMMITMENT = "commitment"  # ask the target to answer for it (Storage Commitment Push Model)
    NONE = "none"  # believe the status of the C-STORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to send.

    answer_timeout_s: how long an answer may take, from the first byte of the request on.
    commitment_listen: where the target's answer for Storage Commitment may come in, if not on the same
        association; the target must know this address under our AE title.
    """

    calling_ae_title: str = DEFAULT_AE_TITLE
    tls: Tls | None = None
    answer_timeout_s: float = 120.0
    check: Check = Check.FIND
    commitment_listen: Peer | None = None
    commitment_wait_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DimseChannel:
    """The way to one application entity; see ``delivery.Channel``."""

    peer: Peer
    settings: Settings

    def store(self, files: Sequence[Outgoing]) -> Iterator[tuple[Outgoing, Result]]:
        """Send, an association for each SOP class: a class that breaks one does not hold up the others."""
        for _, group in groupby(sorted(files, key=_kind), key=lambda file: file.sop_class_uid):
            yield from self._store_class(list(group))

    def present(self, files: Sequence[Outgoing]) -> frozenset[str] | None:
        """Which of the files the peer has, by the way that the settings name."""
        if self.settings.check is Check.NONE:
            return frozenset(file.sop_instance_uid for file in files)
        try:
            if self.settings.check is Check.COMMITMENT:
                return self._committed(files)
            return self._found(files)
        except ConnectionError:
            return None

    def _store_class(self, files: list[Outgoing]) -> Iterator[tuple[Outgoing, Result]]:
        entity = self._entity()
        for syntax in sorted({syntax for file in files for syntax in _syntaxes(file)}):
            entity.add_requested_context(files[0].sop_class_uid, syntax)
        sent = 0
        try:
            with associated(entity, self.peer, self.settings.tls) as association:
                accepted = {str(context.transfer_syntax[0]) for context in association.accepted_contexts}
                for file in files:
                    result = _send(association, file, accepted)
                    sent += 1
                    yield file, result
                    if not association.is_established:
                        break
        except NoContextError:
            result = Result(
                outcome=Outcome.REFUSED, reason=f"no presentation context for {_class_name(files[0])}"
            )
            yield from ((file, result) for file in files)
            return
        except NoAssociationError as error:
            yield from ((file, Result(outcome=Outcome.UNSENT, reason=str(error))) for file in files[sent:])
            return
        unsent = Result(outcome=Outcome.UNSENT, reason="the association was cut off")
        yield from ((file, unsent) for file in files[sent:])

    def _found(self, files: Sequence[Outgoing]) -> frozenset[str]:
        entity = self._entity()
        entity.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
        found: set[str] = set()
        with associated(entity, self.peer, self.settings.tls) as association:
            for study, series in sorted({(x.study_instance_uid, x.series_instance_uid) for x in files}):
                query = Dataset()
                query.QueryRetrieveLevel = "IMAGE"
                query.StudyInstanceUID = study
                query.SeriesInstanceUID = series
                query.SOPInstanceUID = ""
                found |= {str(match.SOPInstanceUID) for match in find(association, query)}
        return frozenset(found)

    def _committed(self, files: Sequence[Outgoing]) -> frozenset[str] | None:
        return commitment(
            files,
            self._entity(),
            self.peer,
            self.settings.tls,
            listen=self.settings.commitment_listen,
            wait_s=self.settings.commitment_wait_s,
        )

    def _entity(self) -> AE:
        return new_entity(self.settings.calling_ae_title, self.settings.answer_timeout_s)


def _kind(file: Outgoing) -> tuple[str, str]:
    return file.sop_class_uid, str(file.path)


def _syntaxes(file: Outgoing) -> set[str]:
    """The file's own transfer syntax; one with plain pixels can be sent in every uncompressed one."""
    is_plain = file.transfer_syntax_uid in (*UNCOMPRESSED, DeflatedExplicitVRLittleEndian)
    return {file.transfer_syntax_uid, *(UNCOMPRESSED[:2] if is_plain else ())}


def _send(association: Association, file: Outgoing, accepted: set[str]) -> Result:
    if not accepted & _syntaxes(file):
        return Result(outcome=Outcome.REFUSED, reason=f"no presentation context for {_class_name(file)}")
    # from the file, undecoded; only where the peer wants another encoding is it read
    as_it_is = file.transfer_syntax_uid in accepted
    try:
        status = association.send_c_store(file.path if as_it_is else _decoded(file))
    except (ValueError, AttributeError, OSError, RuntimeError) as error:
        return Result(outcome=Outcome.REFUSED, reason=f"it cannot be sent ({type(error).__name__})")
    return _result(cast("int | None", status.get("Status")))


def _decoded(file: Outgoing) -> Dataset:
    data = dcmread(file.path)
    if data.file_meta.TransferSyntaxUID.is_deflated:  # pynetdicom takes it for compressed pixels
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return data


def _result(status: int | None) -> Result:
    if status is None:
        return Result(outcome=Outcome.UNSENT, reason="no answer to the C-STORE")
    if status == 0 or status in _WARNINGS or 0xB000 <= status <= 0xBFFF:
        return Result(outcome=Outcome.STORED, reason="" if status == 0 else f"status {status:04X}")
    outcome = Outcome.UNSENT if status in _OUT_OF_RESOURCES else Outcome.REFUSED
    return Result(outcome=outcome, reason=f"status {status:04X}")


def _class_name(file: Outgoing) -> str:
    return UID(file.sop_class_uid).name
