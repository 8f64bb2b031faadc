"""Files that are to leave, and the identifiers by which a peer is told and asked of them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

_KEYWORDS = ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"]


class OutgoingError(ValueError):
    """A file that cannot be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One DICOM file and its UIDs."""

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str


def read_outgoing(path: Path) -> Outgoing:
    """Read the identifiers of one file.

    Raises:
        OutgoingError: it is no DICOM file, or lacks one of the UIDs.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = dcmread(path, stop_before_pixels=True, specific_tags=_KEYWORDS)
        uids = [str(getattr(header, keyword)) for keyword in _KEYWORDS]
        syntax = str(header.file_meta.TransferSyntaxUID)
    except (InvalidDicomError, AttributeError, EOFError, ValueError, KeyError) as error:
        raise OutgoingError(f"{path.name} is no complete DICOM file") from error
    return Outgoing(
        path=path,
        sop_class_uid=uids[0],
        sop_instance_uid=uids[1],
        study_instance_uid=uids[2],
        series_instance_uid=uids[3],
        transfer_syntax_uid=syntax,
    )


def find_outgoing(path: Path) -> tuple[list[Outgoing], list[Path]]:
    """The DICOM files of a folder and its folders, in the order of their names, and those that are none.

    Raises:
        OSError: the path cannot be read.
    """
    paths = sorted(x for x in path.rglob("*") if x.is_file()) if path.is_dir() else [path]
    files, others = [], []
    for one in paths:
        try:
            files.append(read_outgoing(one))
        except OutgoingError:
            others.append(one)
    return files, others
