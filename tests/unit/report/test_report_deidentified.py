"""Of a de-identified report of ours the finding stays, and nothing that leads to the patient."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest

pytest.importorskip("dicomanonymizer", reason="the extra node is not installed")

from pydicom.dataset import Dataset

from dicom_study import NAME, NOON, SERIES_UID, STUDY_UID, with_source
from spondyl.adapters.deidentify import Deidentifier
from spondyl.domain.finding import NOT_FOR_DIAGNOSIS, StudyFinding
from spondyl.domain.report import NotOurReportError, ReportInput
from spondyl.stages.report import DicomSettings, Settings, read_report, write_dicom

BuildStudy = Callable[..., ReportInput]
SECRET = "Secret wish of the patient"
INPUT_HASH = "ab" * 32


@pytest.fixture
def study(build_study: BuildStudy) -> ReportInput:
    """A study whose series has a description, and whose input has a hash."""
    study = with_source(build_study())
    finding = study.finding
    series = tuple(line.model_copy(update={"description": SECRET}) for line in finding.series)
    manifest = finding.manifest.model_copy(update={"input_sha256": INPUT_HASH})
    changed = finding.model_copy(update={"series": series, "manifest": manifest})
    return ReportInput(finding=changed, series=study.series, sources=study.sources)


@pytest.fixture
def written(study: ReportInput, tmp_path: Path) -> Path:
    write_dicom(study, tmp_path / "plain", Settings(), DicomSettings(), NOON)
    return tmp_path / "plain"


def treat(path: Path, key: bytes = b"0123456789abcdef") -> Path:
    target = path.parent.parent / f"treated-{path.name}"
    Deidentifier(key=key).treat_file(path, target)
    return target


def without_identifiers(finding: StudyFinding) -> dict[str, object]:
    """The finding with one and the same in place of what is replaced."""
    text = finding.model_dump_json().replace(finding.manifest.input_sha256, "HASH").replace(SECRET, "REMOVED")
    for line in finding.series:
        text = text.replace(line.series_id, "SERIES")
    return dict(json.loads(text))


def test_the_finding_is_read_back_and_only_its_identifiers_are_others(written: Path) -> None:
    before, _ = read_report(written / "report.dcm")
    after, _ = read_report(treat(written / "report.dcm"))
    assert without_identifiers(after) == without_identifiers(before)
    assert {line.series_id for line in after.series}.isdisjoint(line.series_id for line in before.series)
    assert after.manifest.input_sha256 != before.manifest.input_sha256


def test_nothing_that_leads_to_the_patient_is_in_the_file(study: ReportInput, written: Path) -> None:
    path = written / "report.dcm"
    report = pydicom.dcmread(path)
    report.ContentSequence[-1].ContentSequence = [_comment(SECRET), _comment(NOT_FOR_DIAGNOSIS)]
    report.save_as(path)
    content = treat(path).read_bytes()
    secrets = [SECRET, str(NAME), STUDY_UID, SERIES_UID, INPUT_HASH]
    secrets += [line.series_id for line in study.finding.series]
    # a short UID may be the beginning of another
    assert not [secret for secret in secrets if re.search(re.escape(secret).encode() + rb"(?!\d)", content)]
    assert NOT_FOR_DIAGNOSIS.encode() in content


def test_one_key_gives_one_finding_and_its_objects_one_study(written: Path) -> None:
    first, again = (read_report(treat(written / "report.dcm"))[1] for _ in range(2))
    assert first == again
    assert read_report(treat(written / "report.dcm", b"f" * 16))[1] != first
    treated = [pydicom.dcmread(treat(path)) for path in written.glob("*.dcm")]
    assert len(treated) > 3
    assert len({data.StudyInstanceUID for data in treated}) == 1
    report = next(data for data in treated if data.Modality == "SR")
    referred = {
        str(item.ReferencedSOPInstanceUID)
        for study in report.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    assert {str(data.SOPInstanceUID) for data in treated if data.Modality == "SEG"} <= referred


def test_of_a_report_that_was_changed_no_text_stays(written: Path) -> None:
    path = written / "report.dcm"
    report = pydicom.dcmread(path)
    for item in report.ContentSequence:
        if item.ValueType == "TEXT" and item.TextValue.startswith("{"):
            item.TextValue = item.TextValue.replace('"score":0.9', '"score":0.1')
    report.save_as(path)
    with pytest.raises(NotOurReportError, match="damaged"):
        read_report(treat(path))
    assert NOT_FOR_DIAGNOSIS.encode() not in treat(path).read_bytes()


def _comment(value: str) -> Dataset:
    item, name = Dataset(), Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = "121106", "DCM", "Comment"
    item.RelationshipType, item.ValueType, item.TextValue = "CONTAINS", "TEXT", value
    item.ConceptNameCodeSequence = [name]
    return item
