"""All DICOM objects of one result: made in memory, then written together."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from spondyl.domain.report import AnalysedSeries, ReportInput
from spondyl.stages.report.dicom.captures import make_captures
from spondyl.stages.report.dicom.earlier_reports import earlier_reports
from spondyl.stages.report.dicom.fhir import make_bundle
from spondyl.stages.report.dicom.identity import identify
from spondyl.stages.report.dicom.key_objects import make_key_objects
from spondyl.stages.report.dicom.pointed_out import nearest_slice, point_out
from spondyl.stages.report.dicom.presentation import make_presentation_states
from spondyl.stages.report.dicom.report_object import make_report, report_uid
from spondyl.stages.report.dicom.result_set import ResultSet
from spondyl.stages.report.dicom.segmentation_object import SegmentationObject, make_segmentation
from spondyl.stages.report.dicom.settings import DicomSettings
from spondyl.stages.report.dicom.source import read_source
from spondyl.stages.report.dicom.vertebra_group import VertebraPlace
from spondyl.stages.report.files import write_all
from spondyl.stages.report.settings import Settings

_OWN_FILES = (
    "segmentation_*.dcm",
    "report.dcm",
    "key_images.dcm",
    "picture_*.dcm",
    "lines_*.dcm",
    "fhir.json",
)
REPORT_FILE = "report.dcm"


def write_dicom(
    bundle: ReportInput,
    out: Path,
    settings: Settings,
    dicom: DicomSettings,
    written_at: datetime,
    predecessors: tuple[Path, ...] = (),
) -> tuple[Path, ...]:
    """Write the DICOM results of one study into the folder ``out``, the report last.

    written_at: stands in the objects as their time. predecessors: reports of ours that this one replaces;
    a report of the same study that lies in ``out`` is one by itself. Nothing is written, and what lies
    there stays, where the input is not a DICOM study that results can refer to: then the answer is empty.

    Raises:
        ResultsNotWrittenError: the folder cannot be written; nothing is left half written.
    """
    with _quiet_libraries():
        results = _start(bundle, dicom, written_at)
        if results is None:
            return ()
        earlier = earlier_reports(
            (out / REPORT_FILE, *predecessors), results.identity.study_uid, report_uid(results)
        )
        objects = _make_objects(results, bundle.series, settings, earlier)
    files = {out / name: _to_bytes(dataset) for name, dataset in objects.items() if name != REPORT_FILE}
    if dicom.fhir:
        files[out / "fhir.json"] = make_bundle(results, objects[REPORT_FILE])
    files[out / REPORT_FILE] = _to_bytes(objects[REPORT_FILE])
    return write_all(files, replaced=[path for pattern in _OWN_FILES for path in out.glob(pattern)])


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Keep highdicom and pydicom from warning and logging: their messages quote names and UIDs."""
    loggers = [logging.getLogger(name) for name in ("highdicom", "pydicom")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _start(bundle: ReportInput, dicom: DicomSettings, written_at: datetime) -> ResultSet | None:
    read = [read_source(images) for images in bundle.sources]
    sources = tuple(source for source in read if source is not None)
    if not sources:
        return None
    return ResultSet(
        finding=bundle.finding,
        sources=sources,
        identity=identify(str(sources[0].header.StudyInstanceUID), bundle.sources, bundle.finding.manifest),
        settings=dicom,
        written_at=written_at,
    )


def _make_objects(
    results: ResultSet, series: tuple[AnalysedSeries, ...], settings: Settings, earlier: tuple[Dataset, ...]
) -> dict[str, Dataset]:
    """Every object by its file name."""
    segmentations: dict[str, SegmentationObject] = {}
    for one in series:
        source = results.source(one.volume.series_id)
        made = None if source is None else make_segmentation(results, source, one)
        if made is not None:
            segmentations[one.volume.series_id] = made
    shown = point_out(
        results.finding, results.sources, series, settings.tile_probability, results.settings.most_tiles
    )
    objects = {f"segmentation_{key}.dcm": made.dataset for key, made in segmentations.items()}
    captures = make_captures(results, series, shown, settings)
    objects |= {f"picture_{name}.dcm": dataset for name, dataset in captures.items()}
    key_objects = make_key_objects(results, shown)
    if key_objects is not None:
        objects["key_images.dcm"] = key_objects
    if results.settings.presentation_states:
        states = make_presentation_states(results, shown, settings)
        objects |= {f"lines_{key}.dcm": dataset for key, dataset in states.items()}
    objects[REPORT_FILE] = make_report(
        results,
        _places(results, series, segmentations),
        tuple(made.dataset for made in segmentations.values()),
        earlier,
    )
    return objects


def _places(
    results: ResultSet, series: tuple[AnalysedSeries, ...], segmentations: dict[str, SegmentationObject]
) -> tuple[VertebraPlace | None, ...]:
    """Where each vertebra of the finding is; None where its series has no source to refer to."""
    by_id = {one.volume.series_id: one for one in series}
    places: list[VertebraPlace | None] = []
    for vertebra in results.finding.vertebrae:
        source = results.source(vertebra.series_id)
        if source is None:
            places.append(None)
            continue
        made = segmentations.get(vertebra.series_id)
        segment = None if made is None else made.segments.get(vertebra.level)
        middle = nearest_slice(by_id[vertebra.series_id], np.array(vertebra.centre_lps_mm))
        places.append(
            VertebraPlace(
                source=source, segment=segment, slices=(middle,) if segment is None else segment.slices
            )
        )
    return tuple(places)


def _to_bytes(dataset: Dataset) -> bytes:
    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
