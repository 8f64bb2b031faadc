"""A station in a temporary folder, with people, and with results that no network had to make."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pydicom
from argon2 import PasswordHasher
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from spondyl.adapters.station import accounts, readings, studies
from spondyl.adapters.station.opened import Station, open_station
from spondyl.adapters.station.settings import load_station
from spondyl.adapters.station.tables import Study
from spondyl.adapters.station.upload import StudyFacts
from spondyl.domain.finding import HeightTriple, Manifest, Reason, State, StudyFinding, VertebraFinding
from spondyl.domain.reading_pictures import (
    GreyWindow,
    PlacedMarks,
    PlainPicture,
    ReadingPictures,
    SeriesPictures,
)
from spondyl.worklist.roles import Role
from spondyl.worklist.states import StudyState

PASSWORD = "correct horse battery"
PEOPLE = {
    "rita": Role.READER,
    "ben": Role.READER,
    "ada": Role.ADJUDICATOR,
    "ivo": Role.INTERVENTIONAL,
    "ina": Role.INTERVENTIONAL,
    "cora": Role.COORDINATOR,
    "max": Role.ADMIN,
    "robot": Role.SERVICE,
}
# as argon2 makes it, at costs that a test can pay; the costs stand in the hash
CHEAP_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
LEVELS = ("T11", "T12", "L1", "L2")
WINDOWS = (
    GreyWindow(name="bone", centre_hu=300.0, width_hu=1200.0),
    GreyWindow(name="soft", centre_hu=60.0, width_hu=400.0),
)


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    time: datetime = field(default_factory=lambda: datetime(2026, 11, 24, 9, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.time

    def move(self, **by: float) -> None:
        self.time += timedelta(**by)


def made_station(folder: Path, clock: Callable[[], datetime], **settings: object) -> Station:
    """An opened station with one person for each role, two readers and two interventional."""
    station = open_station(load_station(folder=folder, **settings), clock)  # type: ignore[arg-type]
    with station.database.writing() as session:
        for name, role in PEOPLE.items():
            account = accounts.create_account(session, clock(), name=name, roles=[role], password=None)
            account.password_hash = CHEAP_HASH
    return station


def made_finding(state: State = State.FLAG, grade: int = 3) -> StudyFinding:
    """Four vertebrae, of which L1 has the grade (0 for a study that is not flagged)."""
    triple = HeightTriple(anterior=12.0, middle=18.0, posterior=24.0)
    expected = HeightTriple(anterior=24.0, middle=24.0, posterior=25.0)
    vertebrae = [
        VertebraFinding(
            level=level, level_probability=0.99, level_uncertain=False, in_view="full", series_id="s",
            label=number + 18, centre_lps_mm=(0.0, 0.0, -30.0 * number), heights_mm=triple,
            height_sd_mm=triple, window_heights_mm=None, expected_heights_mm=expected,
            landmarks_lps_mm=None, depth_mm=30.0, loss_fraction=0.5 if level == "L1" and grade else 0.0,
            loss_sd=0.04, genant_grade=grade if level == "L1" else 0,  # type: ignore[arg-type]
            shape="wedge" if level == "L1" and grade else "normal",
            probability_grade_2_or_more=0.98 if level == "L1" and grade else 0.01, attenuation_hu=120.0,
            not_measured=None,
        )
        for number, level in enumerate(LEVELS)
    ]  # fmt: skip
    return StudyFinding(
        state=state,
        reasons=(Reason(code="MADE", text="Made for a test."),),
        score=0.98 if state is State.FLAG else 0.02,
        vertebrae=tuple(vertebrae),
        series=(),
        refusal=None,
        manifest=Manifest(
            spondyl_version="0", input_sha256="0", settings_sha256="0", networks=(), engine="none",
            precision="none", packages={}, python="3", machine="none", timings_s={},
        ),
    )  # fmt: skip


def write_results(out: Path, finding: StudyFinding) -> None:
    """What the analysis would write: the finding and small grey pictures."""
    folder = out / "reading"
    folder.mkdir(parents=True, exist_ok=True)
    sagittal = PlainPicture(
        stem="s0_sagittal", width_px=60, height_px=160, pixel_mm=1.0, offsets_mm=(-4.0, 0.0, 4.0)
    )
    coronal = PlainPicture(stem="s0_coronal", width_px=60, height_px=160, pixel_mm=1.0, offsets_mm=(0.0,))
    marks = []
    for place, vertebra in enumerate(finding.vertebrae):
        tile, side = (
            PlainPicture(
                stem=f"s0_v{place}_{name}", width_px=40, height_px=40, pixel_mm=1.0, offsets_mm=(0.0,)
            )
            for name in ("sagittal", "coronal")
        )
        y = 20.0 + 35.0 * place
        marks.append(
            PlacedMarks(
                vertebra=place, level=vertebra.level, sagittal_px=(30.0, y), coronal_px=(30.0, y),
                superior_px=((20.0, y - 10), (30.0, y - 9), (40.0, y - 10)),
                inferior_px=((20.0, y + 10), (30.0, y + 9), (40.0, y + 10)),
                tile_superior_px=((8.0, 8.0), (20.0, 9.0), (32.0, 8.0)),
                tile_inferior_px=((8.0, 32.0), (20.0, 31.0), (32.0, 32.0)),
                tile_expected_px=((8.0, 6.0), (32.0, 6.0), (32.0, 34.0), (8.0, 34.0), (8.0, 6.0)),
                tile=tile, coronal_tile=side,
            )
        )  # fmt: skip
        _draw(folder, tile)
        _draw(folder, side)
    for picture in (sagittal, coronal):
        _draw(folder, picture)
    for name in ("ct", "masks"):
        (folder / f"s0_{name}.nii.gz").write_bytes(b"\x1f\x8b")
    series = SeriesPictures(
        series_id="s", sagittal=sagittal, coronal=coronal, vertebrae=tuple(marks),
        ct="s0_ct.nii.gz", masks="s0_masks.nii.gz",
    )  # fmt: skip
    pictures = ReadingPictures(windows=WINDOWS, series=(series,))
    (folder / "reading.json").write_text(pictures.model_dump_json(), encoding="utf-8")
    (out / "report.html").write_text("<p>made</p>", encoding="utf-8")
    (out / "finding.json").write_text(finding.model_dump_json(), encoding="utf-8")


def _draw(folder: Path, picture: PlainPicture) -> None:
    for number in range(len(picture.offsets_mm)):
        for window in WINDOWS:
            grey = Image.new("L", (picture.width_px, picture.height_px), 90 + 20 * number)
            grey.save(folder / picture.file_name(number, window))


def read_study(station: Station, number: int, finding: StudyFinding | None = None) -> str:
    """A study that was received, analysed and given out; gives its id."""
    found = finding or made_finding()
    facts = StudyFacts(
        uid=f"1.2.3.{number}", patient_id=f"p{number}", accession=f"A{number}", study_date="2026-11-01",
        sex="F", age_years=70,
    )  # fmt: skip
    with station.database.writing() as session:
        study, _ = studies.register(session, station, facts, "upload", "cora")
        studies.move(session, station, study, StudyState.COMPLETE, "cora")
        write_results(station.results(study.study_id), found)
        studies.keep_finding(station, study, found)
        for state in (StudyState.ANALYSED, StudyState.SENT, StudyState.NOTIFIED):
            studies.move(session, station, study, state, "station")
        readings.give_out(session, station, study)
    return study.study_id


def known(station: Station, study_id: str) -> Study:
    """The study's row."""
    with station.database.reading() as session:
        return session.get_one(Study, study_id)


def zip_of_a_study(uid: str = "1.2.3.4") -> bytes:
    """A zip with one small CT slice: enough to be taken in, not to be analysed."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, f"{uid}.1.1"  # type: ignore[assignment]
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    slice_ = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    slice_.SOPClassUID, slice_.SOPInstanceUID = CTImageStorage, f"{uid}.1.1"
    slice_.StudyInstanceUID, slice_.SeriesInstanceUID = uid, f"{uid}.1"
    slice_.PatientName, slice_.PatientID, slice_.PatientSex, slice_.PatientAge = (
        "Doe^Jane",
        "4711",
        "F",
        "063Y",
    )
    slice_.AccessionNumber, slice_.StudyDate, slice_.Modality = "ACC1", "20261101", "CT"
    content, packed = io.BytesIO(), io.BytesIO()
    pydicom.dcmwrite(content, slice_, enforce_file_format=True)
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("study/1.dcm", content.getvalue())
    return packed.getvalue()
