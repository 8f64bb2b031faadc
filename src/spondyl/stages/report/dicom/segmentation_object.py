"""SEG: one binary segment per vertebra of one series, on the grid of its slices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import highdicom
import numpy as np
from highdicom.color import CIELabColor
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian
from scipy import ndimage

from spondyl.domain.finding import VertebraFinding
from spondyl.domain.level import Level
from spondyl.domain.report import AnalysedSeries
from spondyl.geometry.arrays import UInt8Array
from spondyl.stages.report.dicom import codes
from spondyl.stages.report.dicom.result_set import MANUFACTURER, MODEL, ResultSet, mark_spine
from spondyl.stages.report.dicom.source import Reference, Source, slices_of, stand_in_uid, with_attributes
from spondyl.stages.report.segmentation import compose_labels
from spondyl.stages.report.wording import level_words, style_of

_KIND = "segmentation"
_MEGABYTE = 1_000_000
Box: TypeAlias = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One segment as the report refers to it.

    slices: indices of the source slices that it covers.
    """

    sop_class_uid: str
    sop_instance_uid: str
    number: int
    slices: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SegmentationObject:
    """The object, and its segments by level."""

    dataset: Dataset
    segments: dict[str, Segment]


def tracking_identifier(vertebra: VertebraFinding) -> str:
    """What segment and report call one vertebra."""
    return f"{MODEL} {level_words(vertebra)}"


def make_segmentation(
    results: ResultSet, source: Source, series: AnalysedSeries
) -> SegmentationObject | None:
    """The segmentation of one series; None where no vertebra of the finding has a voxel in it."""
    labels = compose_labels(series)
    boxes = dict(enumerate(ndimage.find_objects(labels), start=1))
    vertebrae = [
        vertebra
        for vertebra in results.finding.vertebrae
        if vertebra.series_id == source.series_id and boxes.get(vertebra.label) is not None
    ]
    if not vertebrae:
        return None
    box = _around([boxes[vertebra.label] for vertebra in vertebrae])
    span = box[0]
    numbered = np.zeros((span.stop - span.start, *labels.shape[1:]), dtype=np.uint8)
    # a table over the bodies' box: over whole slices it would take longer than all the rest
    numbered[:, box[1], box[2]] = _renumber(labels[box], [vertebra.label for vertebra in vertebrae])
    frame_of_reference = results.frame_of_reference(source)
    dataset = highdicom.seg.Segmentation(
        source_images=slices_of(source, series.volume, frame_of_reference)[span],
        pixel_array=numbered,
        segmentation_type="BINARY",
        segment_descriptions=[
            _describe(number, vertebra, results, source) for number, vertebra in enumerate(vertebrae, start=1)
        ],
        content_label="VERTEBRAE",
        content_description=f"Vertebral bodies ({results.finding.notice})"[:64],
        **results.place(_KIND, 0, source.series_id),
    )
    _refer_truly(dataset, source)
    mark_spine(dataset)
    if len(dataset.PixelData) > results.settings.largest_plain_segmentation_mb * _MEGABYTE:
        dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    results.finish(dataset)
    segments = {
        vertebra.level: Segment(
            sop_class_uid=str(dataset.SOPClassUID),
            sop_instance_uid=str(dataset.SOPInstanceUID),
            number=number,
            slices=_slices_with(labels, vertebra.label, boxes[vertebra.label]),
        )
        for number, vertebra in enumerate(vertebrae, start=1)
    }
    return SegmentationObject(dataset=dataset, segments=segments)


def _renumber(labels: UInt8Array, wanted: list[int]) -> UInt8Array:
    """Labels as segment numbers 1, 2, ... in the order wanted; everything else 0."""
    table = np.zeros(256, dtype=np.uint8)
    table[wanted] = np.arange(1, len(wanted) + 1)
    return table[labels]


def _around(boxes: list[Box]) -> Box:
    """The smallest box that holds all boxes."""
    k, j, i = (
        slice(min(x.start for x in axis), max(x.stop for x in axis)) for axis in zip(*boxes, strict=True)
    )
    return k, j, i


def _slices_with(labels: UInt8Array, label: int, box: Box) -> tuple[int, ...]:
    """Indices of the slices that hold a label, which lies within the box."""
    found = np.flatnonzero((labels[box] == label).any(axis=(1, 2)))
    return tuple((box[0].start + found).tolist())


def _describe(
    number: int, vertebra: VertebraFinding, results: ResultSet, source: Source
) -> highdicom.seg.SegmentDescription:
    level = Level(vertebra.level)
    return highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=level_words(vertebra),
        segmented_property_category=codes.ANATOMICAL_STRUCTURE,
        segmented_property_type=codes.site_code(level, is_uncertain=vertebra.level_uncertain),
        algorithm_type="AUTOMATIC",
        algorithm_identification=highdicom.AlgorithmIdentificationSequence(
            name=MODEL,
            family=codes.ARTIFICIAL_INTELLIGENCE,
            version=results.manifest.spondyl_version,
            source=MANUFACTURER,
            parameters={f"p{n}": text for n, text in enumerate(results.algorithm_parameters(), start=1)},
        ),
        tracking_uid=results.identity.tracking_uid(source.series_uid, vertebra.level),
        tracking_id=tracking_identifier(vertebra),
        # without one a viewer gives all segments one colour; this is the grade's in the pictures
        display_color=CIELabColor.from_rgb(*style_of(vertebra).colour),
    )


def _refer_truly(dataset: Dataset, source: Source) -> None:
    """Replace references to the stand-ins of ``slices_of`` by the instances and frames they stand for."""
    if "" not in source.images.sop_instance_uids and not source.images.frame_numbers:
        return
    true = {stand_in_uid(source, k): source.reference(k) for k in range(source.n_slices)}
    dataset.SourceImageSequence = _replaced(dataset.SourceImageSequence, true)
    for series in dataset.ReferencedSeriesSequence:
        items = _replaced(series.ReferencedInstanceSequence, true)
        # here an instance is listed once, whatever frames of it were used
        once = {x.ReferencedSOPInstanceUID: x for x in items}
        for item in once.values():
            item.pop("ReferencedFrameNumber", None)
        series.ReferencedInstanceSequence = list(once.values())
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        for derivation in frame.get("DerivationImageSequence", ()):
            derivation.SourceImageSequence = _replaced(derivation.SourceImageSequence, true)
        if not all(x.SourceImageSequence for x in frame.get("DerivationImageSequence", ())):
            frame.DerivationImageSequence = []


def _replaced(items: Sequence, true: dict[str, Reference | None]) -> list[Dataset]:
    replaced = []
    for item in items:
        reference = true[str(item.ReferencedSOPInstanceUID)]
        if reference is None:
            continue
        # a new item: highdicom puts the same one into several sequences
        changed = with_attributes(
            item,
            ReferencedSOPClassUID=reference.sop_class_uid,
            ReferencedSOPInstanceUID=reference.sop_instance_uid,
        )
        if reference.frame_number is not None:
            changed.ReferencedFrameNumber = reference.frame_number
        replaced.append(changed)
    return replaced
