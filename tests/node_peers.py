"""What the tests of the DICOM network share: small CT objects, a scripted PACS, a fake analysis."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom import AE, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)
from pynetdicom.transport import ThreadedAssociationServer

from spondyl.adapters.dicom_node.library import STORAGE_CLASSES, TRANSFER_SYNTAXES

SC = "1.2.840.10008.5.1.4.1.1.7"
KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"
CLONE_NEWNET = 0x40000000


def uid(*numbers: int) -> str:
    """A UID that the numbers give."""
    return "2.25." + ".".join(str(number) for number in numbers)


def ct_object(study: int, number: int, *, sop_class: str = CTImageStorage, side: int = 8) -> FileDataset:
    """One CT slice of a few pixels, of the study and series of that number."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(uid(study, 2, number))
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID = sop_class
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    data.StudyInstanceUID = uid(study)
    data.SeriesInstanceUID = uid(study, 1)
    data.PatientName, data.PatientID, data.PatientBirthDate = "Secret^Patient", f"ID{study}", "19500102"
    data.StudyDate, data.StudyTime, data.AccessionNumber, data.StudyID = "20260102", "101112", "A1", "1"
    data.Modality, data.SeriesNumber, data.InstanceNumber = "CT", 1, number
    data.ImageType, data.PatientSex, data.ReferringPhysicianName = ["ORIGINAL", "PRIMARY", "AXIAL"], "F", ""
    data.Manufacturer = "TEST"
    data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, number], [1, 0, 0, 0, 1, 0]
    data.PixelSpacing, data.SliceThickness, data.FrameOfReferenceUID = [1, 1], 1, uid(study, 3)
    data.Rows, data.Columns, data.SamplesPerPixel = side, side, 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    data.RescaleSlope, data.RescaleIntercept = 1, -1024
    data.PixelData = bytes((number % 256, 0)) * side * side
    return data


def encoded(data: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """A data set without anything before it."""
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = (
        syntax != ExplicitVRBigEndian,
        syntax == ImplicitVRLittleEndian,
    )
    write_dataset(stream, data)
    return bytes(stream.getvalue())


def write_study(folder: Path, study: int, n_objects: int, *, side: int = 8) -> list[Path]:
    """Write the objects 0 to n-1 of a study as files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(n_objects):
        path = folder / f"{study:04d}-{number:04d}.dcm"
        ct_object(study, number, side=side).save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def fake_analysis(study: Path, results: Path) -> None:
    """Three results of three kinds, as quickly as may be; their UIDs follow from the study's alone."""
    source = dcmread(next(iter(sorted(study.glob("*.dcm")))), stop_before_pixels=True)
    for number, sop_class in enumerate((CTImageStorage, SC, KEY_OBJECTS)):
        made = ct_object(1, number, sop_class=sop_class)
        made.StudyInstanceUID = source.StudyInstanceUID
        made.SeriesInstanceUID = f"{source.StudyInstanceUID}.9"
        made.SOPInstanceUID = f"{source.StudyInstanceUID}.9.{number}"
        made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
        made.save_as(results / f"{number}.dcm", enforce_file_format=True)


class ScriptedPacs:
    """A PACS that keeps what it is sent in memory, and misbehaves as it is told.

    on_store: given the number of the C-STORE (1-based) and the association; a status, or None for 0.
    refused_classes: SOP classes for which it takes no presentation context.
    """

    def __init__(
        self,
        *,
        on_store: Callable[[int, object], int | None] = lambda number, association: None,
        refused_classes: tuple[str, ...] = (),
        forgets: tuple[int, ...] = (),
    ) -> None:
        self.stored: dict[str, tuple[str, str]] = {}
        self.stores = Counter[str]()
        self._on_store = on_store
        self._refused_classes = refused_classes
        self._forgets = forgets
        self._n_stores = 0
        self._server: ThreadedAssociationServer | None = None
        self._lock = threading.Lock()

    def start(self, port: int = 0) -> int:
        entity = AE(ae_title="PACS")
        for sop_class in STORAGE_CLASSES:
            if sop_class not in self._refused_classes:
                entity.add_supported_context(sop_class, TRANSFER_SYNTAXES)
        entity.add_supported_context(Verification)
        entity.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
        self._server = entity.start_server(
            ("127.0.0.1", port),
            block=False,
            evt_handlers=[(evt.EVT_C_STORE, self._store), (evt.EVT_C_FIND, self._find)],
        )
        assert self._server is not None
        return int(self._server.server_address[1])

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server = None

    def __enter__(self) -> ScriptedPacs:
        self.port = self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _store(self, event: evt.Event) -> int:
        with self._lock:
            self._n_stores += 1
            number = self._n_stores
        status = self._on_store(number, event.assoc) or 0
        if status == 0 and number not in self._forgets:
            data = event.dataset
            instance = str(data.SOPInstanceUID)
            with self._lock:
                self.stores[instance] += 1
                self.stored[instance] = (str(data.StudyInstanceUID), str(data.SeriesInstanceUID))
        return status

    def _find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        query = event.identifier
        for instance, (study, series) in list(self.stored.items()):
            if (study, series) == (query.StudyInstanceUID, query.SeriesInstanceUID):
                match = Dataset()
                match.QueryRetrieveLevel = "IMAGE"
                match.StudyInstanceUID, match.SeriesInstanceUID, match.SOPInstanceUID = (
                    study,
                    series,
                    instance,
                )
                yield 0xFF00, match


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something, and fail where it does not come."""
    end_s = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end_s, "it did not come"
        time.sleep(0.02)


@contextmanager
def private_network() -> Iterator[None]:
    """A network of this thread, what it starts, and nobody else: Debian's Orthanc listens on all interfaces.

    Raises:
        PermissionError: this process may not make one.
    """
    library = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        if library.unshare(CLONE_NEWNET) != 0:
            raise PermissionError(ctypes.get_errno(), "no right to make a network namespace")
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=10)
            yield
        finally:
            library.setns(before, CLONE_NEWNET)
    finally:
        os.close(before)
