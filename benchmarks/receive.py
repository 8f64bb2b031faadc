"""How fast and with how much memory studies are received, beside DCMTK's storescp on the same machine.

``python benchmarks/receive.py`` (needs DCMTK): 200 CT slices of 512×512 from storescu to each receiver in
turn, several times; the median and the ratio. Twice: with DCMTK as Debian ships it, and with
TCP_NODELAY=1 in the environment of all, which takes DCMTK's wait of 40 ms per object away. Then 5,000
slices, and the receiver's memory along the way.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

N_SLICES = 200
SIDE = 512
LIMIT_S = 600


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slices", type=int, default=5000, help="of the memory run; 0 leaves it out")
    arguments = parser.parse_args()
    if not all(map(shutil.which, ("storescu", "storescp"))):
        print("storescu and storescp are needed: apt-get install dcmtk")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for number in range(N_SLICES):
            _slice(number).save_as(_folder(work / "ct") / f"{number}.dcm", enforce_file_format=True)
        for no_delay in (False, True):
            _compare(work, arguments.rounds, no_delay=no_delay)
        if arguments.slices:
            _memory(work, arguments.slices)
    return 0


def _compare(work: Path, rounds: int, *, no_delay: bool) -> None:
    environment = dict(os.environ)
    environment.pop("TCP_NODELAY", None)
    if no_delay:
        environment["TCP_NODELAY"] = "1"
    times: dict[str, list[float]] = {"spondyl": [], "storescp": []}
    for number in range(rounds):
        for name, seconds in times.items():
            receiver, port, into = _start(name, work / f"{name}{int(no_delay)}{number}", environment)
            try:
                _send(work / "ct", port, environment)  # the first study warms up both
                shutil.rmtree(into / "studies" if name == "spondyl" else into)
                into.mkdir(exist_ok=True)
                _folder(into / "studies")
                seconds.append(_send(work / "ct", port, environment))
            finally:
                receiver.terminate()
                receiver.wait()
            n_stored = sum(
                path.stat().st_size > SIDE * SIDE * 2 for path in into.rglob("*") if path.is_file()
            )
            assert n_stored == N_SLICES, f"{name} has {n_stored} of {N_SLICES}"
            shutil.rmtree(into)
    ours, theirs = (statistics.median(seconds) for seconds in times.values())
    print(
        f"{N_SLICES} slices of {SIDE}x{SIDE}, {'TCP_NODELAY=1' if no_delay else 'DCMTK as shipped'}: "
        f"spondyl {ours:.2f} s ({N_SLICES / ours:.0f} slices/s), storescp {theirs:.2f} s, "
        f"ratio {ours / theirs:.2f} (median of {rounds})",
        flush=True,
    )


def _memory(work: Path, n_slices: int) -> None:
    """The resident memory of the receiver after each tenth of the slices, each study new."""
    receiver, port, into = _start("spondyl", work / "memory", dict(os.environ))
    environment = {**os.environ, "TCP_NODELAY": "1"}
    memory_mib = []
    try:
        n_sent = 0
        while n_sent < n_slices:
            study = _folder(work / f"study{n_sent}")
            for number in range(N_SLICES):
                _slice(number, study=n_sent).save_as(study / f"{number}.dcm", enforce_file_format=True)
            _send(study, port, environment)
            shutil.rmtree(study)
            n_sent += N_SLICES
            if n_sent % max(N_SLICES, n_slices // 10) < N_SLICES:
                memory_mib.append(_resident_mib(receiver.pid))
            shutil.rmtree(into / "studies")  # the disk is not what is measured
            _folder(into / "studies")
    finally:
        receiver.terminate()
        receiver.wait()
    shown = " ".join(f"{value:.0f}" for value in memory_mib)
    growth = memory_mib[-1] / memory_mib[0]
    print(f"{n_sent} slices: memory of the receiver {shown} MiB; last to first {growth:.2f}")


def _start(name: str, into: Path, environment: dict[str, str]) -> tuple[subprocess.Popen[bytes], int, Path]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    _folder(into)
    if name == "spondyl":
        command = [
            sys.executable,
            "-m",
            "spondyl",
            "receive",
            "--listen",
            f"127.0.0.1:{port}",
            "--into",
            str(into),
        ]
        command += ["--quiet-s", "600", "--reserve-mb", "0"]
    else:
        command = ["storescp", "-od", str(into), str(port)]
    process = subprocess.Popen(  # noqa: S603 - our own programs
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    end_s = time.monotonic() + LIMIT_S
    while time.monotonic() < end_s:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process, port, into
        time.sleep(0.1)
    raise TimeoutError(f"{name} does not listen")


def _send(folder: Path, port: int, environment: dict[str, str]) -> float:
    started_s = time.perf_counter()
    command = ["storescu", "+sd", "127.0.0.1", str(port), str(folder)]
    # no time limit: with one Python looks for the end every 50 ms only
    subprocess.run(  # noqa: S603 - our own programs
        command, env=environment, check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - started_s


def _resident_mib(process_id: int) -> float:
    text = Path(f"/proc/{process_id}/statm").read_text(encoding="ascii")
    return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _slice(number: int, *, study: int = 0) -> Dataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(prefix=None)
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    data.StudyInstanceUID, data.SeriesInstanceUID = f"2.25.{study + 1}", f"2.25.{study + 1}.1"
    data.PatientName, data.PatientID, data.Modality, data.InstanceNumber = "A^B", "1", "CT", number
    data.Rows = data.Columns = SIDE
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    data.PixelData = np.full((SIDE, SIDE), number, np.int16).tobytes()
    return data


if __name__ == "__main__":
    sys.exit(main())
