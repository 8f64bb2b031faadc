"""What kind of input a path is, and which reader takes it."""

from __future__ import annotations

import stat
from pathlib import Path

from spondyl.domain.refusal import RefusalCode
from spondyl.domain.series import Ingested, IngestRefused
from spondyl.stages.ingest.archive import ZIP_STARTS, open_archive
from spondyl.stages.ingest.files import DiskFile, check_size, list_folder, refuse_os_error
from spondyl.stages.ingest.headers import (
    PREAMBLE_BYTES,
    is_dicomdir,
    looks_like_dicom,
    quiet_libraries,
)
from spondyl.stages.ingest.nifti import is_nifti
from spondyl.stages.ingest.read_dicom import ingest_dicom
from spondyl.stages.ingest.read_nifti import ingest_nifti
from spondyl.stages.ingest.refused import RefusedError, make_refusal, refuse
from spondyl.stages.ingest.settings import Settings


def read_input(path: Path, settings: Settings) -> Ingested | IngestRefused:
    """Read whatever lies at ``path``; every fault of the input becomes an IngestRefused."""
    try:
        with quiet_libraries():
            return _dispatch(path, settings)
    except RefusedError as error:
        return IngestRefused(refusal=error.refusal)
    except MemoryError:
        return IngestRefused(
            refusal=make_refusal(
                RefusalCode.TOO_LARGE,
                "The input does not fit into this machine's memory.",
                "a machine with more memory, or a thicker reconstruction.",
            )
        )


def _dispatch(path: Path, settings: Settings) -> Ingested | IngestRefused:
    try:
        status = path.stat()
    except ValueError:  # a NUL in the path
        refuse(RefusalCode.NOT_FOUND, "The path is not valid.", "the path of a CT: folder, zip or file.")
    except OSError as error:
        refuse_os_error(error)
    if stat.S_ISDIR(status.st_mode):
        return ingest_dicom(list_folder(path, settings), settings)
    if not stat.S_ISREG(status.st_mode):
        refuse(RefusalCode.NO_IMAGES, "A device, pipe or socket.", "a CT: folder, zip or file.")
    check_size(1, status.st_size, settings)
    return _dispatch_file(path, settings)


def _dispatch_file(path: Path, settings: Settings) -> Ingested | IngestRefused:
    file = DiskFile(path=path)
    start = file.start(PREAMBLE_BYTES)
    if not start:
        refuse(RefusalCode.EMPTY_INPUT, "The file is empty.", "a CT: folder, zip or file.")
    if start.startswith(ZIP_STARTS):
        return ingest_dicom(open_archive(path, settings), settings)
    if is_nifti(path):
        return ingest_nifti(path, settings)
    if not looks_like_dicom(start):
        refuse(
            RefusalCode.NO_IMAGES,
            "A file that is no DICOM image, no zip and no NIfTI volume.",
            "a DICOM folder, a zip of one, a multi-frame DICOM file, .nii or .nii.gz.",
        )
    if is_dicomdir(file.read(), settings):
        return ingest_dicom(list_folder(path.absolute().parent, settings), settings)
    return ingest_dicom([file], settings)
