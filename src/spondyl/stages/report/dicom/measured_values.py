"""Numbers, answers and comments of one vertebra or case as content items (TID 300, TID 1501)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import highdicom
import numpy as np
from highdicom.sr import RelationshipTypeValues, TextContentItem
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from spondyl.domain.finding import HeightTriple, LandmarkSet, SignsFinding, VertebraFinding
from spondyl.stages.report.dicom import codes
from spondyl.stages.report.dicom.codes import HeightCodes

Group: TypeAlias = (
    highdicom.sr.VolumetricROIMeasurementsAndQualitativeEvaluations
    | highdicom.sr.MeasurementsAndQualitativeEvaluations
)

_PARTS = ("anterior", "middle", "posterior")
_DECIMALS = 4  # as in finding.json; nothing of ours is known more exactly


def measurements_of(vertebra: VertebraFinding) -> list[highdicom.sr.Measurement]:
    """Every number of one vertebra."""
    measured = [
        *_triple(codes.HEIGHTS, vertebra.heights_mm),
        *_triple(codes.HEIGHTS, vertebra.height_sd_mm, codes.STANDARD_DEVIATION),
        *_triple(codes.WINDOW_HEIGHTS, vertebra.window_heights_mm),
        *_triple(codes.EXPECTED_HEIGHTS, vertebra.expected_heights_mm),
    ]
    percent = {"loss": vertebra.loss_fraction, "sd": vertebra.loss_sd}
    scaled = {name: None if value is None else 100.0 * value for name, value in percent.items()}
    single = (
        (codes.HEIGHT_LOSS, scaled["loss"], codes.PERCENT, None),
        (codes.HEIGHT_LOSS, scaled["sd"], codes.PERCENT, codes.STANDARD_DEVIATION),
        (codes.FRACTURE_PROBABILITY, vertebra.probability_grade_2_or_more, codes.NO_UNITS, None),
        (codes.ATTENUATION, vertebra.attenuation_hu, codes.HOUNSFIELD, codes.MEDIAN),
        (codes.DEPTH, vertebra.depth_mm, codes.MILLIMETRE, None),
        (codes.LEVEL_PROBABILITY, vertebra.level_probability, codes.NO_UNITS, None),
    )
    measured += [
        measure(name, value, unit, derivation)
        for name, value, unit, derivation in single
        if value is not None
    ]
    return measured


def signs_of(signs: SignsFinding | None) -> list[highdicom.sr.Measurement]:
    """What the vertebra shows beside its heights, as far as it is a number."""
    if signs is None:
        return []
    measured = [
        measure(name, factor * value, unit)
        for field, (name, unit, factor) in codes.SIGNS.items()
        if (value := getattr(signs, field)) is not None
    ]
    if signs.sins is not None:
        measured.append(measure(codes.SINS_LOW, signs.sins.low, codes.NO_UNITS))
        measured.append(measure(codes.SINS_HIGH, signs.sins.high, codes.NO_UNITS))
    return measured


def measure(name: Code, value: float, unit: Code, derivation: Code | None = None) -> highdicom.sr.Measurement:
    """One number."""
    return highdicom.sr.Measurement(
        name=name, value=round(float(value), _DECIMALS) + 0.0, unit=unit, derivation=derivation
    )


def answer(name: Code, value: Code) -> highdicom.sr.QualitativeEvaluation:
    """One question with its coded answer."""
    return highdicom.sr.QualitativeEvaluation(name=name, value=value)


def text(name: Code, value: str) -> Dataset:
    """One sentence within a container."""
    return TextContentItem(name=name, value=value, relationship_type=RelationshipTypeValues.CONTAINS)


def with_texts(group: Group, texts: Iterable[Dataset]) -> None:
    """Add sentences to the end of a measurement group, which its template allows."""
    for item in texts:
        group[0].ContentSequence.append(item)


def add_lines(
    group: Group,
    landmarks: LandmarkSet,
    frame_of_reference_uid: str,
) -> None:
    """Give each height the two points in space between which it was measured.

    The template of a volumetric region (TID 1419) is extensible, but highdicom takes no coordinates for
    it, so they are added to the finished group.
    """
    parts = {getattr(codes.HEIGHTS, part).value: part for part in _PARTS}
    for item in group[0].ContentSequence:
        if item.ValueType != "NUM" or _is_derived(item):
            continue
        part = parts.get(item.ConceptNameCodeSequence[0].get("CodeValue"))
        if part is not None:
            points = [getattr(landmarks, f"{end}_{part}") for end in ("superior", "inferior")]
            line = highdicom.sr.CoordinatesForMeasurement3D(
                graphic_type="POLYLINE",
                graphic_data=np.array(points, dtype=np.float64),
                frame_of_reference_uid=frame_of_reference_uid,
            )
            item.ContentSequence = [*item.get("ContentSequence", ()), line]


def _is_derived(number: Dataset) -> bool:
    """Whether a number is the standard deviation of one and not the measurement itself."""
    names = [item.ConceptNameCodeSequence[0].CodeValue for item in number.get("ContentSequence", ())]
    return codes.DERIVATION.value in names


def _triple(
    names: HeightCodes, values: HeightTriple | None, derivation: Code | None = None
) -> list[highdicom.sr.Measurement]:
    if values is None:
        return []
    return [
        measure(getattr(names, part), getattr(values, part), codes.MILLIMETRE, derivation) for part in _PARTS
    ]
