from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from spondyl.adapters.report_texts import ReportTextError, decode, read_report_texts

if TYPE_CHECKING:
    from pathlib import Path

FRENCH = "Résultats : tassement sévère de L1, œdème – récent."


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_encodings(encoding: str) -> None:
    assert decode(FRENCH.encode(encoding)) == FRENCH


def test_line_ends_become_one_kind() -> None:
    assert decode(b"a\r\nb\rc\n") == "a\nb\nc\n"


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, b"\x00\x01\x02\x03" * 50])
def test_binary_is_refused(content: bytes) -> None:
    with pytest.raises(ReportTextError, match="binary file"):
        decode(content)


def test_a_broken_utf16_is_told() -> None:
    with pytest.raises(ReportTextError, match="breaks off at byte"):
        decode("ab".encode("utf-16") + b"\xd8")


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_plain_text_is_one_report(tmp_path: Path) -> None:
    (report,) = read_report_texts(write(tmp_path / "a.txt", "Fracture of L1."))
    assert (report.id, report.text, report.lang) == ("a", "Fracture of L1.", None)


def test_json_lines(tmp_path: Path) -> None:
    lines = '{"id": "a", "text": "x", "lang": "EN"}\n\n{"id": 7, "text": ""}\n'
    first, second = read_report_texts(write(tmp_path / "a.jsonl", lines))
    assert (first.id, first.lang, first.row) == ("a", "en", 1)
    assert (second.id, second.lang, second.row) == ("7", None, 3)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('{"id": "a", "text": "x"}\n{"id": "b", "text": 5}', "row 2, column text: got int"),
        ('{"id": "a"}', "row 1, column text: got nothing"),
        ('{"text": "x"}', "row 1, column id: got nothing"),
        ('{"id": "", "text": "x"}', "row 1, column id: it is empty"),
        ('{"id": "a", "text": "x", "lang": 3}', "row 1, column lang: got int"),
        (
            '{"id": "a", "text": "x"}\n{"id": "a", "text": "y"}',
            "row 2, column id: the same id stands in row 1",
        ),
        ('{"id": "a", "text": "x"}\n{"id": ', "row 2, column 8: not JSON"),
        ('["a"]', "row 1: got list"),
        ("\n", "the file is empty"),
    ],
)
def test_faults_of_json_lines_name_row_and_column(lines: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ReportTextError, match=message):
        read_report_texts(write(tmp_path / "a.jsonl", lines))


def test_csv_with_semicolons_quotes_and_line_breaks(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes('ID;Texte;Langue\n1;"Tassement\nde ""L1""";fr\n2;RAS;fr\n'.encode("cp1252"))
    first, second = read_report_texts(path)
    assert (first.id, first.text, first.lang) == ("1", 'Tassement\nde "L1"', "fr")
    assert second.row == 3


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("id,words\n1,x\n", "row 1: column text is missing"),
        ("name,text\n1,x\n", "row 1: column id is missing"),
        ("id,text\n1\n", "row 2, column text: got nothing"),
        ("id,text\n1,x\n1,y\n", "row 3, column id"),
        ("id,text\n", "no rows"),
        ('id,text\n1,"x\n', "not CSV"),
    ],
)
def test_faults_of_csv_name_row_and_column(table: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ReportTextError, match=message):
        read_report_texts(write(tmp_path / "a.csv", table))


def test_fhir_attachment_and_conclusion(tmp_path: Path) -> None:
    resource = {
        "resourceType": "DiagnosticReport", "id": "r1", "language": "fr-FR", "conclusion": "Tassement de L1.",
        "presentedForm": [
            {"contentType": "application/pdf", "data": "AAAA"},
            {"contentType": "text/plain", "data": base64.b64encode(FRENCH.encode("cp1252")).decode()},
        ],
    }  # fmt: skip
    bundle = {
        "resourceType": "Bundle",
        "entry": [{"resource": {"resourceType": "Patient"}}, {"resource": resource}],
    }
    (report,) = read_report_texts(write(tmp_path / "a.json", json.dumps(bundle)))
    assert (report.id, report.lang) == ("r1", "fr")
    assert report.text == f"{FRENCH}\nConclusion:\nTassement de L1."


def test_fhir_narrative(tmp_path: Path) -> None:
    resource = {
        "resourceType": "DiagnosticReport",
        "text": {"div": "<div><p>Findings:</p>Fracture of L1 &amp; L2<br/>Old.</div>"},
    }
    (report,) = read_report_texts(write(tmp_path / "a.json", json.dumps(resource)))
    assert report.text == "Findings:\nFracture of L1 & L2\nOld."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "row 1, column 2: not JSON"),
        ('{"resourceType": "Patient"}', "no DiagnosticReport"),
        ('{"resourceType": "DiagnosticReport"}', "entry 1: the DiagnosticReport has no text"),
        (
            '{"resourceType": "DiagnosticReport", "presentedForm": [{"data": "*"}]}',
            "presentedForm.data: not base64",
        ),
    ],
)
def test_faults_of_fhir_are_told(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ReportTextError, match=message):
        read_report_texts(write(tmp_path / "a.json", text))


def test_hl7_reports_by_order(tmp_path: Path) -> None:
    message = (
        "MSH|^~\\&|RIS|H|||2020||ORU^R01|1|P|2.5\rPID|1||secret\rOBR|1|P1|F1^RIS\r"
        "OBX|1|TX|1^TEXT||Findings:\\.br\\Fracture of L1 \\T\\ L2~Old.\r"
        "OBX|2|NM|x||5\rOBR|2|P2\rOBX|1|FT|1||Normal.\r"
    )
    first, second = read_report_texts(write(tmp_path / "a.hl7", message))
    assert (first.id, first.text) == ("F1", "Findings:\nFracture of L1 & L2\nOld.")
    assert (second.id, second.text) == ("P2", "Normal.")
    assert "secret" not in first.text


def test_faults_of_hl7_are_told(tmp_path: Path) -> None:
    with pytest.raises(ReportTextError, match="no OBX segment"):
        read_report_texts(write(tmp_path / "a.hl7", "MSH|^~\\&|x\nPID|1\n"))
    with pytest.raises(ReportTextError, match="row 2, field OBX-5"):
        read_report_texts(write(tmp_path / "b.hl7", "MSH|^~\\&|x\nOBX|1|TX\n"))


def item(kind: str, name: str, **values: object) -> Dataset:
    code = Dataset()
    code.CodeMeaning = name
    dataset = Dataset()
    dataset.ValueType, dataset.ConceptNameCodeSequence = kind, [code]
    for key, value in values.items():
        setattr(dataset, key, value)
    return dataset


def dicom(path: Path, content: list[Dataset] | None) -> Path:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.88.11")
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.Modality = "SR"
    if content is not None:
        dataset.ContentSequence = content
    dataset.save_as(path, enforce_file_format=True)
    return path


def test_structured_report_names_become_headings(tmp_path: Path) -> None:
    findings = item(
        "CONTAINER", "Findings", ContentSequence=[item("TEXT", "Finding", TextValue="Fracture of L1.")]
    )
    (report,) = read_report_texts(dicom(tmp_path / "a.dcm", [findings]))
    assert report.text == "Findings:\nFinding: Fracture of L1."


def test_dicom_without_a_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReportTextError, match="has no content tree"):
        read_report_texts(dicom(tmp_path / "a.dcm", None))
    with pytest.raises(ReportTextError, match="no text items"):
        read_report_texts(dicom(tmp_path / "b.dcm", [item("NUM", "Length")]))
    with pytest.raises(ReportTextError, match="no DICOM file"):
        read_report_texts(write(tmp_path / "c.dcm", "text"))
