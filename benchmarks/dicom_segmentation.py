"""Time and size of the SEG of a whole spine: ``python benchmarks/dicom_segmentation.py``.

23 bodies, C2 to L5, on 600 slices of 1 mm with 512 x 512 pixels of 0.8 mm. Measured from the outlines in
memory to the file on disk. Issue's bar: at most 5 s and 5 MB.
"""

from __future__ import annotations

import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from spondyl.domain.finding import Manifest, Reason, State, StudyFinding, VertebraFinding
from spondyl.domain.level import STANDARD_LEVELS, Level
from spondyl.domain.measurement import NotMeasured
from spondyl.domain.refusal import NotMeasuredCode
from spondyl.domain.report import AnalysedSeries
from spondyl.domain.series import SourceImages
from spondyl.domain.spine import BodyCandidate
from spondyl.domain.vertebra import BodyPatch, LabelledSpine, LevelName, Vertebra, VertebraMasks
from spondyl.domain.volume import CtVolume
from spondyl.geometry.affine import patch_affine
from spondyl.stages.report.dicom.identity import identify
from spondyl.stages.report.dicom.result_set import ResultSet
from spondyl.stages.report.dicom.segmentation_object import make_segmentation
from spondyl.stages.report.dicom.settings import DicomSettings
from spondyl.stages.report.dicom.source import read_source

SLICES, SIDE, PIXEL_MM, PITCH_MM = 600, 512, 0.8, 24.0
HALF_MM = np.array([10.0, 13.0, 20.0])  # half height, depth and width of a body
LEVELS = tuple(level for level in STANDARD_LEVELS if level not in (Level.C1, Level.S1))
KEY = "benchmark-1"
UIDS = {
    "00080016": "1.2.840.10008.5.1.4.1.1.2",
    "0020000D": "2.25.1",
    "0020000E": "2.25.2",
    "00200052": "2.25.3",
}


def main() -> None:
    """Write once to warm up, once to measure, and print."""
    series, results = _series(), _results()
    source = results.sources[0]
    with tempfile.TemporaryDirectory() as folder:
        for attempt in ("first", "again"):
            path = Path(folder) / "segmentation.dcm"
            wall_s, cpu_s = time.perf_counter(), time.process_time()
            made = make_segmentation(results, source, series)
            assert made is not None
            made.dataset.save_as(path, enforce_file_format=True)
            wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
            syntax = made.dataset.file_meta.TransferSyntaxUID.name
            frames, size_mb = made.dataset.NumberOfFrames, path.stat().st_size / 1e6
            print(
                f"{attempt}: {len(made.segments)} segments, {frames} frames, {wall_s:.2f} s "
                f"({cpu_s:.2f} s of one core), {size_mb:.2f} MB, {syntax}"
            )


def _series() -> AnalysedSeries:
    affine = np.diag([1.0, PIXEL_MM, PIXEL_MM, 1.0])[[2, 1, 0, 3]]
    volume = CtVolume(
        hu=np.zeros((SLICES, SIDE, SIDE), np.int16), affine=np.ascontiguousarray(affine), series_id=KEY
    )
    vertebrae = tuple(_vertebra(number) for number in range(len(LEVELS)))
    return AnalysedSeries(
        volume=volume,
        spine=LabelledSpine(
            masks=VertebraMasks(vertebrae=vertebrae, series_id=KEY),
            names=tuple(LevelName(level=level, probability=0.9, is_uncertain=False) for level in LEVELS),
        ),
        measurements=tuple(
            NotMeasured(
                level=level, code=NotMeasuredCode.NO_REFERENCE, text="-", centre_lps_mm=_centre(number)
            )
            for number, level in enumerate(LEVELS)
        ),
    )


def _centre(number: int) -> np.ndarray:
    """From head to foot; the column bends by 60 mm, so that bodies are tilted against the slices."""
    z = SLICES - 20.0 - PITCH_MM * number
    return np.array([SIDE * PIXEL_MM / 2, 200.0 + 30.0 * np.sin(z / 95.0), z])


def _vertebra(number: int) -> Vertebra:
    angle = np.arctan(30.0 / 95.0 * np.cos(_centre(number)[2] / 95.0))
    cosine, sine = np.cos(angle), np.sin(angle)
    frame = np.array([[1.0, 0.0, 0.0], [0.0, cosine, sine], [0.0, -sine, cosine]])
    shape = (48, 48, 60)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    inside_mm = (HALF_MM - np.abs(index - (np.array(shape) - 1) / 2)).min(axis=-1)
    return Vertebra(
        candidate=BodyCandidate(
            centre_lps_mm=_centre(number),
            frame=frame,
            body_probability=0.9,
            level_estimate=float(number),
            level_estimate_sd=0.3,
            rib_evidence=0.5,
            sacrum_evidence=0.0,
        ),
        patch=BodyPatch(
            occupancy=np.clip(0.5 + inside_mm / 2, 0, 1).astype(np.float32),
            posterior=np.zeros(shape, np.float32),
            hu=np.zeros(shape, np.float32),
            in_scan=np.ones(shape, np.bool_),
            affine=patch_affine(_centre(number), frame, shape, 1.0),
            slice_spacing_mm=1.0,
        ),
        cut_by_border=False,
        metal_fraction=0.0,
        outline_quality=0.9,
    )


def _results() -> ResultSet:
    header = {**UIDS, "00080018": "2.25.4"}
    images = SourceImages(
        series_id=KEY,
        header_json=json.dumps({tag: {"vr": "UI", "Value": [uid]} for tag, uid in header.items()}),
        sop_instance_uids=tuple(f"2.25.{1000 + k}" for k in range(SLICES)),
    )
    source = read_source(images)
    assert source is not None
    manifest = Manifest(
        spondyl_version="0", input_sha256="", settings_sha256="00", networks=(), engine="", precision="",
        packages={}, python="", machine="", timings_s={},
    )  # fmt: skip
    return ResultSet(
        finding=StudyFinding(
            state=State.NO_FLAG,
            reasons=(Reason(code="NO_GRADE_2_OR_MORE", text="-"),),
            score=0.0,
            vertebrae=tuple(_row(number, level) for number, level in enumerate(LEVELS)),
            series=(),
            refusal=None,
            manifest=manifest,
        ),
        sources=(source,),
        identity=identify("2.25.1", (images,), manifest),
        settings=DicomSettings(),
        written_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def _row(number: int, level: Level) -> VertebraFinding:
    x, y, z = _centre(number).tolist()
    return VertebraFinding(
        level=level, level_probability=0.9, level_uncertain=False, in_view="full", series_id=KEY,
        label=level.verse_label, centre_lps_mm=(x, y, z), heights_mm=None, height_sd_mm=None,
        window_heights_mm=None, expected_heights_mm=None, landmarks_lps_mm=None, depth_mm=None,
        loss_fraction=None, loss_sd=None, genant_grade=None, shape=None, probability_grade_2_or_more=None,
        attenuation_hu=None, not_measured="NO_REFERENCE",
    )  # fmt: skip


if __name__ == "__main__":
    main()
