"""Secondary captures: what a reader sees in any viewer. One overview per series, one tile per vertebra."""

from __future__ import annotations

from io import BytesIO

import highdicom
import numpy as np
from PIL import Image, ImageDraw
from pydicom.dataset import Dataset

from spondyl.domain.report import AnalysedSeries
from spondyl.geometry.arrays import UInt8Array
from spondyl.stages.report.canvas import font
from spondyl.stages.report.colours import BLACK, WHITE
from spondyl.stages.report.dicom.pointed_out import PointedOut
from spondyl.stages.report.dicom.result_set import NOT_FOR_DIAGNOSIS_SHORT, ResultSet, mark_spine
from spondyl.stages.report.placed import place_vertebrae
from spondyl.stages.report.settings import Settings
from spondyl.stages.report.spine_picture import draw_spine
from spondyl.stages.report.vertebra_picture import draw_vertebra

_KIND = "pictures"
_BAND_PX, _TEXT_PX = 44, 26


def make_captures(
    results: ResultSet,
    series: tuple[AnalysedSeries, ...],
    shown: tuple[PointedOut, ...],
    settings: Settings,
) -> dict[str, Dataset]:
    """Pictures by name; they are one series of the study, overviews first."""
    pictures: dict[str, bytes] = {}
    for one in series:
        placed = place_vertebrae(results.finding, one)
        if placed and results.source(one.volume.series_id) is not None:
            pictures[f"overview_{one.volume.series_id}"] = draw_spine(one.volume, placed, settings)
    for tile in shown:
        placed = place_vertebrae(results.finding, tile.series)
        vertebra = next(x for x in placed if x.finding.level == tile.vertebra.level)
        pictures[f"vertebra_{tile.vertebra.level}"] = draw_vertebra(tile.series.volume, vertebra, settings)
    return {
        name: _capture(results, name, number, png)
        for number, (name, png) in enumerate(pictures.items(), start=1)
    }


def _capture(results: ResultSet, name: str, number: int, png: bytes) -> Dataset:
    header = results.header
    place = results.place(_KIND, 3)
    capture = highdicom.sc.SCImage(
        pixel_array=_with_band(png, results.manifest.spondyl_version),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("P", "F"),
        study_instance_uid=header.StudyInstanceUID,
        patient_id=header.PatientID,
        patient_name=header.PatientName,
        patient_birth_date=header.PatientBirthDate,
        patient_sex=header.PatientSex,
        accession_number=header.AccessionNumber,
        study_id=header.StudyID,
        study_date=header.StudyDate or None,
        study_time=header.StudyTime or None,
        referring_physician_name=header.ReferringPhysicianName,
        **{
            **place,
            "sop_instance_uid": results.identity.uid("instance", _KIND, name),
            "instance_number": number,
        },
    )
    capture.copy_patient_and_study_information(header)
    # two reformats side by side have no single orientation; and nothing in it identifies the patient
    capture.PatientOrientation = []
    capture.BurnedInAnnotation = "NO"
    capture.ImageComments = name.replace("_", " ")
    mark_spine(capture)
    return results.finish(capture)


def _with_band(png: bytes, version: str) -> UInt8Array:
    """(row, column, 3) picture under a band that says what it is not for."""
    picture = Image.open(BytesIO(png)).convert("RGB")
    image = Image.new("RGB", (picture.width, picture.height + _BAND_PX), BLACK)
    image.paste(picture, (0, _BAND_PX))
    words = f"SPONDYL {version} · {NOT_FOR_DIAGNOSIS_SHORT.upper()}"
    ImageDraw.Draw(image).text((12, _BAND_PX / 2), words, fill=WHITE, font=font(_TEXT_PX), anchor="lm")
    return np.asarray(image)
