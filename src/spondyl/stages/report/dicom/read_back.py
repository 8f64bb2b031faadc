"""The finding out of one of our structured reports: the inverse of ``report_object``."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
from pydantic import ValidationError
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.sr.coding import Code

from spondyl.domain.finding import SCHEMA, StudyFinding, VertebraFinding
from spondyl.domain.report import NotOurReportError
from spondyl.stages.report.dicom import codes
from spondyl.stages.report.dicom.result_set import MANUFACTURER, MODEL
from spondyl.stages.report.dicom.segmentation_object import tracking_identifier
from spondyl.stages.report.finding_json import format_document, pack_document, to_json

_PARSE_ERRORS = (
    InvalidDicomError,
    AttributeError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
    NotImplementedError,
)
# numbers of the coded content are rounded when they are written
_TOLERANCE = 1e-3


def read_report(path: Path) -> tuple[StudyFinding, bytes]:
    """The finding that wrote a report and its finding.json, checked against hash and coded content.

    Raises:
        NotOurReportError: no DICOM file, no structured report of ours, damaged, or its coded content says
            something else than the finding it carries.
        OSError: the file cannot be read.
    """
    try:
        report = pydicom.dcmread(path, stop_before_pixels=True)
    except _PARSE_ERRORS as error:
        raise NotOurReportError("The file is no readable DICOM structured report.") from error
    return _carried(report)


def texts_to_keep(
    report: Dataset, rewrite: Callable[[StudyFinding], StudyFinding]
) -> list[tuple[Dataset, str]]:
    """The text items of a report of ours that a de-identified copy may keep, and what they then say.

    These are the finding as ``rewrite`` gives it back, its hash, every text that stands word for word in
    it (sentences, versions), names of ours and tracking identifiers. Any other text may say anything.

    Raises:
        NotOurReportError: it is no report of ours, or was changed.
    """
    finding, _ = _carried(report)
    document = to_json(rewrite(finding))
    own = dict(
        zip((codes.FINDING_JSON.value, codes.FINDING_SHA256.value), pack_document(document), strict=True)
    )
    harmless = {
        *_strings(json.loads(document)),
        *(tracking_identifier(vertebra) for vertebra in finding.vertebrae),
        MODEL,
        MANUFACTURER,
    }
    texts = ((item, own.get(_name(item), str(item.TextValue))) for item in _text_items(report))
    return [(item, said) for item, said in texts if _name(item) in own or said in harmless]


def _text_items(item: Dataset) -> Iterator[Dataset]:
    """All text items under an item."""
    for child in _items(item):
        if child.ValueType == "TEXT":
            yield child
        yield from _text_items(child)


def _strings(value: object) -> Iterator[str]:
    """All texts in a JSON document, without its keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def _carried(report: Dataset) -> tuple[StudyFinding, bytes]:
    try:
        texts = {_name(item): str(item.TextValue) for item in _items(report) if item.ValueType == "TEXT"}
    except _PARSE_ERRORS as error:
        raise NotOurReportError("The file is no readable DICOM structured report.") from error
    packed, digest = texts.get(codes.FINDING_JSON.value), texts.get(codes.FINDING_SHA256.value)
    if packed is None or digest is None:
        raise NotOurReportError("The structured report carries no finding of Spondyl.")
    finding, document = _unpack(packed, digest)
    contradiction = _contradiction(report, finding)
    if contradiction is not None:
        raise NotOurReportError(f"The coded content of the report was changed: {contradiction}.")
    return finding, document


def _unpack(packed: str, digest: str) -> tuple[StudyFinding, bytes]:
    try:
        # not by way of the type: that would add the fields of later versions
        document = format_document(json.loads(packed))
        finding = StudyFinding.model_validate_json(document)
    except (json.JSONDecodeError, ValidationError) as error:
        raise NotOurReportError(
            f"The finding in the report is damaged, or written by a newer version; this one reads {SCHEMA}."
        ) from error
    if hashlib.sha256(document).hexdigest() != digest:
        raise NotOurReportError("The finding in the report is damaged: its SHA-256 does not agree.")
    return finding, document


def _contradiction(report: Dataset, finding: StudyFinding) -> str | None:
    """What the coded content says otherwise than the finding; None where they agree."""
    by_identifier: dict[str, list[Dataset]] = defaultdict(list)
    for group in _groups(report):
        by_identifier[_text(group, codes.TRACKING_IDENTIFIER)].append(group)
    for vertebra in finding.vertebrae:
        # two series may hold the same level: their groups stand in the order of the finding
        same = by_identifier[tracking_identifier(vertebra)]
        if same and (found := _differs(same.pop(0), vertebra)):
            return f"{vertebra.level}, {found}"
    return None


def _differs(group: Dataset, vertebra: VertebraFinding) -> str | None:
    grade = None if vertebra.genant_grade is None else codes.GENANT_GRADES[vertebra.genant_grade].value
    if _answer(group, codes.GENANT_SCALE) != grade:
        return "grade"
    loss = None if vertebra.loss_fraction is None else 100.0 * vertebra.loss_fraction
    expected = {codes.HEIGHT_LOSS: loss, codes.FRACTURE_PROBABILITY: vertebra.probability_grade_2_or_more}
    if vertebra.heights_mm is not None:
        for part in ("anterior", "middle", "posterior"):
            expected[getattr(codes.HEIGHTS, part)] = getattr(vertebra.heights_mm, part)
    for name, value in expected.items():
        found = _number(group, name)
        if (found is None) != (value is None) or abs((found or 0.0) - (value or 0.0)) > _TOLERANCE:
            return name.meaning
    return None


def _items(item: Dataset) -> list[Dataset]:
    return list(item.get("ContentSequence", ()))


def _name(item: Dataset) -> str:
    names = item.get("ConceptNameCodeSequence")
    return "" if not names else str(names[0].get("CodeValue") or names[0].get("LongCodeValue"))


def _groups(report: Dataset) -> list[Dataset]:
    return [group for container in _items(report) for group in _items(container) if _is_group(group)]


def _is_group(item: Dataset) -> bool:
    return item.ValueType == "CONTAINER" and _name(item) == codes.MEASUREMENT_GROUP.value


def _text(group: Dataset, name: Code) -> str:
    return next(
        (str(x.TextValue) for x in _items(group) if _name(x) == name.value and x.ValueType == "TEXT"), ""
    )


def _answer(group: Dataset, name: Code) -> str | None:
    found = (x for x in _items(group) if x.ValueType == "CODE" and _name(x) == name.value)
    item = next(found, None)
    return None if item is None else str(item.ConceptCodeSequence[0].CodeValue)


def _number(group: Dataset, name: Code) -> float | None:
    """A measurement that is not derived (the standard deviation has the same name)."""
    for item in _items(group):
        if item.ValueType == "NUM" and _name(item) == name.value:
            derived = [_name(x) for x in _items(item)]
            if codes.DERIVATION.value not in derived:
                return float(item.MeasuredValueSequence[0].NumericValue)
    return None
