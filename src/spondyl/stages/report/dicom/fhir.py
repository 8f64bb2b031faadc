"""FHIR R4: the same content as a bundle of DiagnosticReport, Observations, Device and ImagingStudy."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from spondyl.domain.finding import HeightTriple, VertebraFinding
from spondyl.domain.level import Level
from spondyl.stages.report.dicom import codes
from spondyl.stages.report.dicom.answers import case_presence, presence
from spondyl.stages.report.dicom.codes import HeightCodes
from spondyl.stages.report.dicom.result_set import MANUFACTURER, MODEL, ResultSet
from spondyl.stages.report.wording import grade_words, level_words

_SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "RADELEMENT": "https://radelement.org",
    codes.PRIVATE_SCHEME: "urn:spondyl:codes",
}
_UCUM = "http://unitsofmeasure.org"
_CATEGORY_SYSTEM = "http://terminology.hl7.org/CodeSystem/observation-category"
_DICOM_UID_SYSTEM = "urn:dicom:uid"
_DECIMALS = 4

Resource = dict[str, Any]


def make_bundle(results: ResultSet, report: Dataset) -> bytes:
    """fhir.json: a collection that stands alone; ids follow from the UIDs.

    The patient is referred to by identifier only, as the receiver knows the patient better than we do.
    """
    device, study = _device(results), _study(results)
    observations = [_of_case(results)]
    observations += [_of_vertebra(results, vertebra) for vertebra in results.finding.vertebrae]
    diagnostic = _diagnostic_report(results, report, observations)
    resources = [diagnostic, *observations, device, study]
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": _instant(results),
        "entry": [{"fullUrl": f"urn:uuid:{x['id']}", "resource": x} for x in resources],
    }
    return (json.dumps(bundle, indent=1, ensure_ascii=False) + "\n").encode()


def _diagnostic_report(results: ResultSet, report: Dataset, observations: list[Resource]) -> Resource:
    finding = results.finding
    return {
        "resourceType": "DiagnosticReport",
        "id": _id(results, "report"),
        "identifier": [_uid_identifier(str(report.SOPInstanceUID))],
        "status": "preliminary",
        "code": {
            **_concept(codes.REPORT_TITLE),
            "text": "Vertebral compression fractures on CT, by software",
        },
        "subject": _subject(results),
        "issued": _instant(results),
        "imagingStudy": [_to(results, "study")],
        "result": [{"reference": f"urn:uuid:{x['id']}"} for x in observations],
        "conclusion": " ".join([*(reason.text for reason in finding.reasons), finding.notice]),
        "conclusionCode": [_concept(codes.private_word(finding.state))],
    }


def _of_case(results: ResultSet) -> Resource:
    finding = results.finding
    components = [
        {"code": _concept(codes.REASON), "valueCodeableConcept": _concept(codes.private_word(x.code))}
        for x in finding.reasons
    ]
    if finding.score is not None:
        components.append(_number(codes.CASE_SCORE, finding.score, codes.NO_UNITS))
    return {
        **_observation(results, "case"),
        "bodySite": _concept(codes.VERTEBRAL_COLUMN),
        "valueCodeableConcept": _concept(case_presence(finding)),
        "component": components,
    }


def _of_vertebra(results: ResultSet, vertebra: VertebraFinding) -> Resource:
    level = Level(vertebra.level)
    site = _concept(codes.site_code(level, is_uncertain=vertebra.level_uncertain))
    return {
        **_observation(results, vertebra.series_id, vertebra.level),
        "bodySite": {**site, "text": level_words(vertebra)},
        "valueCodeableConcept": {**_concept(presence(vertebra)), "text": grade_words(vertebra)},
        "component": list(_components(vertebra)),
    }


def _components(vertebra: VertebraFinding) -> Iterable[Resource]:
    certainty = codes.LEVEL_UNCERTAIN if vertebra.level_uncertain else codes.LEVEL_CERTAIN
    answers = [
        (codes.PRESUMED_LEVEL, codes.level_code(Level(vertebra.level))),
        (codes.LEVEL_CERTAINTY, certainty),
    ]
    if vertebra.genant_grade is not None:
        answers.append((codes.GENANT_SCALE, codes.GENANT_GRADES[vertebra.genant_grade]))
    if vertebra.shape is not None:
        answers.append((codes.SHAPE, codes.private_word(vertebra.shape)))
    if vertebra.not_measured is not None:
        answers.append((codes.EVALUATION, codes.private_word(vertebra.not_measured)))
    answers += [(codes.CONFOUNDER, codes.private_word(x.kind)) for x in vertebra.confounders]
    for name, value in answers:
        yield {"code": _concept(name), "valueCodeableConcept": _concept(value)}
    yield from _heights(codes.HEIGHTS, vertebra.heights_mm)
    yield from _heights(codes.EXPECTED_HEIGHTS, vertebra.expected_heights_mm)
    loss = None if vertebra.loss_fraction is None else 100.0 * vertebra.loss_fraction
    for name, number, unit in (
        (codes.HEIGHT_LOSS, loss, codes.PERCENT),
        (codes.FRACTURE_PROBABILITY, vertebra.probability_grade_2_or_more, codes.NO_UNITS),
        (codes.ATTENUATION, vertebra.attenuation_hu, codes.HOUNSFIELD),
        (codes.LEVEL_PROBABILITY, vertebra.level_probability, codes.NO_UNITS),
    ):
        if number is not None:
            yield _number(name, number, unit)


def _heights(names: HeightCodes, values: HeightTriple | None) -> Iterable[Resource]:
    if values is not None:
        yield _number(names.anterior, values.anterior, codes.MILLIMETRE)
        yield _number(names.middle, values.middle, codes.MILLIMETRE)
        yield _number(names.posterior, values.posterior, codes.MILLIMETRE)


def _observation(results: ResultSet, *words: str) -> Resource:
    return {
        "resourceType": "Observation",
        "id": _id(results, "observation", *words),
        "status": "preliminary",
        "category": [{"coding": [{"system": _CATEGORY_SYSTEM, "code": "imaging"}]}],
        "code": _concept(codes.COMPRESSION_FRACTURE),
        "subject": _subject(results),
        "issued": _instant(results),
        "device": _to(results, "device"),
        "derivedFrom": [_to(results, "study")],
    }


def _device(results: ResultSet) -> Resource:
    return {
        "resourceType": "Device",
        "id": _id(results, "device"),
        "identifier": [_uid_identifier(str(results.identity.uid("device")))],
        "manufacturer": MANUFACTURER,
        "deviceName": [{"name": MODEL, "type": "model-name"}],
        "version": [{"value": results.manifest.spondyl_version}],
        "property": [
            {"type": {"text": "algorithm parameter"}, "valueCode": [{"text": text}]}
            for text in results.algorithm_parameters()
        ],
        "note": [{"text": results.finding.notice}],
    }


def _study(results: ResultSet) -> Resource:
    study: Resource = {
        "resourceType": "ImagingStudy",
        "id": _id(results, "study"),
        "identifier": [_uid_identifier(results.identity.study_uid)],
        "status": "available",
        "subject": _subject(results),
        "series": [
            {"uid": source.series_uid, "modality": {"system": _SYSTEMS["DCM"], "code": "CT"}}
            for source in results.sources
        ],
    }
    return study


def _subject(results: ResultSet) -> Resource:
    header = results.header
    identifier: Resource = {"value": str(header.PatientID) or "unknown"}
    if header.get("IssuerOfPatientID"):
        identifier["assigner"] = {"display": str(header.IssuerOfPatientID)}
    return {"type": "Patient", "identifier": identifier}


def _concept(code: Code) -> Resource:
    coding = {"system": _SYSTEMS[code.scheme_designator], "code": code.value, "display": code.meaning}
    return {"coding": [coding]}


def _number(name: Code, value: float, unit: Code) -> Resource:
    quantity = {"value": round(value, _DECIMALS), "unit": unit.meaning, "system": _UCUM, "code": unit.value}
    return {"code": _concept(name), "valueQuantity": quantity}


def _uid_identifier(uid: str) -> Resource:
    return {"system": _DICOM_UID_SYSTEM, "value": f"urn:oid:{uid}"}


def _to(results: ResultSet, *words: str) -> Resource:
    return {"reference": f"urn:uuid:{_id(results, *words)}"}


def _id(results: ResultSet, *words: str) -> str:
    """The UUID within the UID of the same name."""
    return str(uuid.UUID(int=int(str(results.identity.uid("fhir", *words)).removeprefix("2.25."))))


def _instant(results: ResultSet) -> str:
    return results.written_at.isoformat(timespec="seconds")
