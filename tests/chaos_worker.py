"""A station's worker for the chaos: everything of ``spondyl serve --no-pages`` but the networks.

Run as ``python chaos_worker.py SETTINGS.toml``; it works until it is killed.
"""

from __future__ import annotations

import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from pydicom import dcmread
from pydicom.uid import CTImageStorage, generate_uid

from node_peers import KEY_OBJECTS, SC, ct_object
from spondyl.adapters.station.analysis import AnalysisProcess
from spondyl.adapters.station.dicom import sender
from spondyl.adapters.station.opened import open_station
from spondyl.adapters.station.settings import load_station
from spondyl.adapters.station.workflow import StudyQueue, StudyWorker
from spondyl.domain.finding import StudyFinding
from station_made import made_finding, write_results

ANALYSIS_S = 0.2
OBJECTS = (CTImageStorage, SC, KEY_OBJECTS)


class CheapReader:
    """The same finding for every study, with three DICOM objects whose UIDs are new at each analysis.

    New, so that results that were sent twice show; the real reader derives them from the study.
    """

    def read_to_show(self, path: Path, out: Path) -> StudyFinding:
        finding = made_finding()
        time.sleep(ANALYSIS_S)
        write_results(out, finding)
        source = dcmread(next(iter(sorted(path.iterdir()))), stop_before_pixels=True)
        (out / "dicom").mkdir()
        for number, sop_class in enumerate(OBJECTS):
            made = ct_object(1, number, sop_class=sop_class)
            made.StudyInstanceUID = source.StudyInstanceUID
            made.SeriesInstanceUID, made.SOPInstanceUID = generate_uid(), generate_uid()
            made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
            made.save_as(out / "dicom" / f"{number}.dcm", enforce_file_format=True)
        return finding


def open_cheap_reader() -> CheapReader:
    return CheapReader()


def main(settings_file: Path) -> None:
    station = open_station(load_station(settings_file), lambda: datetime.now(UTC))  # noqa: TID251 - a real clock
    assert station.settings.dicom is not None
    queue = StudyQueue(station)
    analyse = AnalysisProcess(open_cheap_reader, station.settings.workers)
    worker = StudyWorker(station, queue, analyse, send=sender(station, station.settings.dicom))
    print("ready", worker.worker_id, flush=True)  # noqa: T201 - for whoever looks into its log
    threading.Event().wait()


if __name__ == "__main__":
    # by its own name, not as __main__, so that the analysis' process can find the reader
    import chaos_worker

    chaos_worker.main(Path(sys.argv[1]))
