"""What a PACS has, and bringing it here: C-FIND, C-GET, C-MOVE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import Any, cast

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from spondyl.adapters.dicom_node.associate import PENDING, NoAssociationError, associated, find
from spondyl.adapters.dicom_node.file_meta import file_start
from spondyl.adapters.dicom_node.identity import NotADataSetError, hashed, identity_of
from spondyl.adapters.dicom_node.library import TRANSFER_SYNTAXES
from spondyl.adapters.dicom_node.peer import Peer, Tls

# at most 128 contexts fit into a request (PS3.8 §9.3.2): what a CT study and our results are made of
RETRIEVED_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.2",  # CT
    "1.2.840.10008.5.1.4.1.1.2.1",  # Enhanced CT
    "1.2.840.10008.5.1.4.1.1.2.2",  # Legacy Converted Enhanced CT
    "1.2.840.10008.5.1.4.1.1.7",  # Secondary Capture, and its multi-frame kinds
    "1.2.840.10008.5.1.4.1.1.7.2",
    "1.2.840.10008.5.1.4.1.1.7.4",
    "1.2.840.10008.5.1.4.1.1.66.4",  # Segmentation
    "1.2.840.10008.5.1.4.1.1.66.7",  # Label Map Segmentation
    "1.2.840.10008.5.1.4.1.1.88.11",  # Basic Text, Enhanced, Comprehensive, Comprehensive 3D SR
    "1.2.840.10008.5.1.4.1.1.88.22",
    "1.2.840.10008.5.1.4.1.1.88.33",
    "1.2.840.10008.5.1.4.1.1.88.34",
    "1.2.840.10008.5.1.4.1.1.88.59",  # Key Object Selection
    "1.2.840.10008.5.1.4.1.1.11.1",  # Grayscale Softcopy Presentation State
)
SUCCESS = 0x0000
CANNOT_UNDERSTAND = 0xC000
OUT_OF_RESOURCES = 0xA700


class Level(StrEnum):
    """What one match stands for."""

    STUDY = "STUDY"
    SERIES = "SERIES"
    IMAGE = "IMAGE"


RETURNED = {
    Level.STUDY: ("StudyDate", "AccessionNumber", "PatientID", "ModalitiesInStudy", "StudyDescription",
                  "StudyInstanceUID", "NumberOfStudyRelatedInstances"),
    Level.SERIES: ("Modality", "SeriesNumber", "SeriesDescription", "StudyInstanceUID", "SeriesInstanceUID",
                   "NumberOfSeriesRelatedInstances"),
    Level.IMAGE: ("SOPClassUID", "InstanceNumber", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came of a retrieval: objects written here, those the PACS counts as done, and as failed."""

    written: int
    completed: int
    failed: int


def is_keyword(text: str) -> bool:
    """Whether a text is the keyword of a DICOM attribute."""
    return tag_for_keyword(text) is not None


def search(
    entity: AE, peer: Peer, tls: Tls | None, level: Level, keys: Mapping[str, str]
) -> list[dict[str, str]]:
    """The matches at one level, as values by keyword. Keys are DICOM keywords; * and ? match many.

    Raises:
        NoAssociationError: the PACS is away or refuses the question.
    """
    query = Dataset()
    query.QueryRetrieveLevel = level.value
    for keyword in (*RETURNED[level], *keys):
        setattr(query, keyword, keys.get(keyword, ""))
    entity.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
    with associated(entity, peer, tls) as association:
        return [
            {keyword: _text(match.get(keyword)) for keyword in RETURNED[level]}
            for match in find(association, query)
        ]


def _text(value: object) -> str:
    if isinstance(value, MultiValue):
        return "\\".join(str(part) for part in value)
    return "" if value is None else str(value)


def get(entity: AE, peer: Peer, tls: Tls | None, uids: Mapping[str, str], into: Path) -> Fetched:
    """Bring a study, series or image here by C-GET, as files named by a hash of their UID.

    uids: StudyInstanceUID, and where wanted SeriesInstanceUID and SOPInstanceUID.

    Raises:
        NoAssociationError: the PACS is away or refuses.
        OSError: the folder cannot be written.
    """
    into.mkdir(parents=True, exist_ok=True)
    written: set[str] = set()
    entity.add_requested_context(StudyRootQueryRetrieveInformationModelGet)
    for sop_class in RETRIEVED_CLASSES:
        entity.add_requested_context(sop_class, TRANSFER_SYNTAXES)
    roles = [build_role(sop_class, scu_role=False, scp_role=True) for sop_class in RETRIEVED_CLASSES]
    handlers = [(evt.EVT_C_STORE, _keep, [into, written])]
    with associated(entity, peer, tls, handlers, ext_neg=roles) as association:
        answers = association.send_c_get(_identifier(uids), StudyRootQueryRetrieveInformationModelGet)
        completed, failed = _counts(answers)
    return Fetched(written=len(written), completed=completed, failed=failed)


def move(entity: AE, peer: Peer, tls: Tls | None, uids: Mapping[str, str], to_ae_title: str) -> Fetched:
    """Let the PACS send a study, series or image to an AE title that it knows.

    Raises:
        NoAssociationError: the PACS is away or refuses; it may not know the title.
    """
    entity.add_requested_context(StudyRootQueryRetrieveInformationModelMove)
    with associated(entity, peer, tls) as association:
        answers = association.send_c_move(
            _identifier(uids), to_ae_title, StudyRootQueryRetrieveInformationModelMove
        )
        completed, failed = _counts(answers)
    return Fetched(written=0, completed=completed, failed=failed)


def _identifier(uids: Mapping[str, str]) -> Dataset:
    query = Dataset()
    levels = {"SOPInstanceUID": "IMAGE", "SeriesInstanceUID": "SERIES", "StudyInstanceUID": "STUDY"}
    query.QueryRetrieveLevel = next(level for keyword, level in levels.items() if uids.get(keyword))
    for keyword, uid in uids.items():
        setattr(query, keyword, uid)
    return query


def _counts(answers: Any) -> tuple[int, int]:  # noqa: ANN401 - pynetdicom's generator
    """Completed (with warnings too) and failed sub-operations, from the last answer that tells them."""
    completed = failed = 0
    for status, _ in answers:
        if "Status" not in status:
            raise NoAssociationError("the PACS broke off the retrieval")
        completed = int(status.get("NumberOfCompletedSuboperations") or completed)
        completed += int(status.get("NumberOfWarningSuboperations") or 0)
        failed = int(status.get("NumberOfFailedSuboperations") or failed)
        if status.Status not in (0, 0xB000, *PENDING):
            raise NoAssociationError(f"the PACS answered the retrieval with status {status.Status:04X}")
    return completed, failed


def _keep(event: evt.Event, into: Path, written: set[str]) -> int:
    data = cast("BytesIO", cast("Any", event.request).DataSet)
    try:
        syntax = str(event.context.transfer_syntax)
        identity = identity_of(data.getbuffer(), syntax)
        name = hashed(identity.sop_instance_uid)
        partial = into / f".{name}.part"
        start = file_start(
            sop_class_uid=identity.sop_class_uid,
            sop_instance_uid=identity.sop_instance_uid,
            transfer_syntax_uid=syntax,
        )
        partial.write_bytes(start + data.getvalue())
        partial.replace(into / f"{name}.dcm")
    except NotADataSetError:
        return CANNOT_UNDERSTAND
    except OSError:
        return OUT_OF_RESOURCES
    written.add(name)
    return SUCCESS
