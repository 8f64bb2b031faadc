"""Report texts from the files that hospitals keep them in.

Read are plain text, JSON lines, CSV, FHIR DiagnosticReport (JSON), HL7 v2 ORU and DICOM SR. An input is read
whole or not at all; an error names the row and the column. Messages hold no report text and no identifier.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import csv
import html
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MOST_CONTROL_FRACTION = 0.02  # of a text's characters; more is a binary file
_NULL_FRACTION = 0.3  # of the even or odd bytes of a UTF-16 text without a mark
_SAMPLE_BYTES = 65536
_TEXT_COLUMNS = ("text", "report", "report_text", "compte_rendu", "texte")
_ID_COLUMNS = ("id", "report_id", "case", "case_id", "accession")
_LANG_COLUMNS = ("lang", "language", "langue")
_HL7_TEXT_TYPES = frozenset({"TX", "FT", "ST", "CE", "CWE"})
_HL7_ESCAPES = {".br": "\n", ".sp": "\n", "F": "|", "S": "^", "T": "&", "R": "~", "E": "\\"}
_TAG = re.compile(r"<[^>]+>")
_BREAK = re.compile(r"<\s*(?:br|/p|/div|/li|/tr|/h\d)\b[^>]*>", re.IGNORECASE)


class ReportTextError(ValueError):
    """Reports that cannot be read; the message tells where and how to put it right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportText:
    """A report as given: id, text, and the code of its language where it was told.

    row: its line or row in the file, from 1.
    """

    id: str
    text: str
    lang: str | None
    row: int


def read_report_texts(path: Path) -> list[ReportText]:
    """Read every report of a file, by its ending: .jsonl, .csv, .tsv, .json, .hl7, .dcm; else plain text.

    Raises:
        ReportTextError: what the file holds cannot be read; nothing of it is used then.
        OSError: the file cannot be opened.
    """
    content = path.read_bytes()
    if path.suffix.lower() == ".dcm" or content[128:132] == b"DICM":
        return [_dicom_report(path)]
    text = decode(content)
    readers: Mapping[str, Callable[[str], list[ReportText]]] = {
        ".jsonl": _json_lines,
        ".ndjson": _json_lines,
        ".csv": _csv_rows,
        ".tsv": _csv_rows,
        ".json": _fhir_reports,
        ".hl7": _hl7_reports,
    }
    reader = readers.get(path.suffix.lower())
    if reader is not None:
        return _unique(reader(text))
    if not text.strip():
        raise ReportTextError("the file is empty; expected is the text of a report")
    return [ReportText(id=path.stem, text=text, lang=None, row=1)]


def decode(content: bytes) -> str:
    """Bytes as text: by byte order mark, as UTF-8, as UTF-16 without a mark, else as Windows-1252.

    Raises:
        ReportTextError: the bytes are no text.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return _checked(content, encoding)
    wide = _wide_encoding(content[:_SAMPLE_BYTES])
    if wide is not None:
        return _checked(content, wide)
    try:
        return _refuse_binary(content.decode("utf-8"))
    except UnicodeDecodeError:
        return _refuse_binary(content.decode("cp1252", errors="replace"))


def _checked(content: bytes, encoding: str) -> str:
    try:
        return _refuse_binary(content.decode(encoding))
    except UnicodeDecodeError as error:
        raise ReportTextError(
            f"the file begins as {encoding} and breaks off at byte {error.start}; save it again as UTF-8"
        ) from error


def _wide_encoding(sample: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of a western text is null."""
    if len(sample) < len("ab") or len(sample) % 2:
        return None
    even, odd = sample[0::2], sample[1::2]
    if odd.count(0) >= _NULL_FRACTION * len(odd) and even.count(0) == 0:
        return "utf-16-le"
    if even.count(0) >= _NULL_FRACTION * len(even) and odd.count(0) == 0:
        return "utf-16-be"
    return None


def _refuse_binary(text: str) -> str:
    sample = text[:_SAMPLE_BYTES]
    controls = sum(character < " " and character not in "\t\n\r\f\v" for character in sample)
    unreadable = controls + sample.count("\ufffd")
    if "\x00" in sample or unreadable > _MOST_CONTROL_FRACTION * len(sample):
        raise ReportTextError(
            "this is a binary file, not text; expected is text, JSON lines, CSV, FHIR, HL7 or DICOM SR"
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


# ------------------------------------------------------------------------------------------- tables
def _json_lines(text: str) -> list[ReportText]:
    reports = []
    for row, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise ReportTextError(
                f"row {row}, column {error.colno}: not JSON ({error.msg}); expected is one object a row"
            ) from error
        if not isinstance(value, dict):
            raise ReportTextError(
                f"row {row}: got {type(value).__name__}; expected is an object with id and text"
            )
        reports.append(_from_columns(row, value, id_name="id", text_name="text", lang_name="lang"))
    if not reports:
        raise ReportTextError("the file is empty; expected is one JSON object a row, with id and text")
    return reports


def _csv_rows(text: str) -> list[ReportText]:
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t|", key=header.count)
    csv.field_size_limit(1 << 30)  # a report may be long
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter, strict=True)
    names = [name.strip().lower() for name in rows.fieldnames or []]
    rows.fieldnames = names
    text_name, id_name = _column(names, _TEXT_COLUMNS), _column(names, _ID_COLUMNS)
    lang_name = next((name for name in _LANG_COLUMNS if name in names), "lang")
    try:
        reports = [
            _from_columns(row, values, id_name=id_name, text_name=text_name, lang_name=lang_name)
            for row, values in enumerate(rows, start=2)
        ]
    except csv.Error as error:
        raise ReportTextError(
            f"row {rows.line_num}: not CSV ({error}); put a text with line breaks in quotes"
        ) from error
    if not reports:
        raise ReportTextError("the table has no rows; expected is one report a row")
    return reports


def _column(names: list[str], allowed: tuple[str, ...]) -> str:
    found = next((name for name in allowed if name in names), None)
    if found is None:
        raise ReportTextError(
            f"row 1: column {allowed[0]} is missing; there are {names}; allowed are {list(allowed)}"
        )
    return found


def _from_columns(
    row: int, values: Mapping[str, Any], *, id_name: str, text_name: str, lang_name: str
) -> ReportText:
    identifier, text, lang = values.get(id_name), values.get(text_name), values.get(lang_name)
    if isinstance(identifier, int) and not isinstance(identifier, bool):
        identifier = str(identifier)
    for name, value in ((id_name, identifier), (text_name, text)):
        if not isinstance(value, str):
            got = "nothing" if value is None else type(value).__name__
            raise ReportTextError(f"row {row}, column {name}: got {got}; expected is text")
    if not identifier:
        raise ReportTextError(f"row {row}, column {id_name}: it is empty; every report needs its own id")
    if lang is not None and not isinstance(lang, str):
        raise ReportTextError(
            f"row {row}, column {lang_name}: got {type(lang).__name__}; expected is a code such as en"
        )
    return ReportText(
        id=str(identifier), text=str(text), lang=lang.strip().lower() if lang else None, row=row
    )


def _unique(reports: list[ReportText]) -> list[ReportText]:
    first: dict[str, int] = {}
    for report in reports:
        if report.id in first:
            raise ReportTextError(
                f"row {report.row}, column id: the same id stands in row {first[report.id]}; ids must differ"
            )
        first[report.id] = report.row
    return reports


# --------------------------------------------------------------------------------------------- FHIR
def _fhir_reports(text: str) -> list[ReportText]:
    """The DiagnosticReport resources of a JSON file, alone or in a Bundle."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ReportTextError(f"row {error.lineno}, column {error.colno}: not JSON ({error.msg})") from error
    entries = (
        value.get("entry", [])
        if isinstance(value, dict) and value.get("resourceType") == "Bundle"
        else [{"resource": value}]
    )
    found = [
        (number, entry["resource"])
        for number, entry in enumerate(entries, start=1)
        if isinstance(entry, dict) and isinstance(entry.get("resource"), dict)
    ]
    reports = [
        _fhir_report(number, resource)
        for number, resource in found
        if resource.get("resourceType") == "DiagnosticReport"
    ]
    if not reports:
        raise ReportTextError(
            "no DiagnosticReport in the file; expected is one FHIR resource, or a Bundle of them"
        )
    return reports


def _fhir_report(number: int, resource: Mapping[str, Any]) -> ReportText:
    """The attached plain text, else the narrative; the conclusion under a heading of its own."""
    parts = [_fhir_attachment(number, form) for form in resource.get("presentedForm", [])]
    parts = [part for part in parts if part]
    narrative = resource.get("text", {}).get("div") if isinstance(resource.get("text"), dict) else None
    if not parts and isinstance(narrative, str):
        parts.append(_plain(narrative))
    conclusion = resource.get("conclusion")
    if isinstance(conclusion, str) and conclusion.strip() and not any(conclusion in part for part in parts):
        parts.append(f"Conclusion:\n{conclusion}")
    if not parts:
        raise ReportTextError(
            f"entry {number}: the DiagnosticReport has no text; expected is presentedForm, text or conclusion"
        )
    language = resource.get("language")
    lang = language.split("-")[0].lower() if isinstance(language, str) else None
    return ReportText(id=str(resource.get("id") or number), text="\n".join(parts), lang=lang, row=number)


def _fhir_attachment(number: int, form: Mapping[str, Any]) -> str:
    kind = str(form.get("contentType", "text/plain"))
    if not kind.startswith("text/") or not isinstance(form.get("data"), str):
        return ""
    try:
        text = decode(base64.b64decode(form["data"], validate=True))
    except binascii.Error as error:
        raise ReportTextError(f"entry {number}, presentedForm.data: not base64 ({error})") from error
    return _plain(text) if "html" in kind else text


def _plain(markup: str) -> str:
    """The text of a piece of HTML."""
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", markup))).strip()


# ---------------------------------------------------------------------------------------------- HL7
def _hl7_reports(text: str) -> list[ReportText]:
    """The observation texts (OBX-5) of each ORU message; one report per OBR segment."""
    reports: list[ReportText] = []
    lines: list[str] = []
    separator, identifier, row = "|", "", 1
    for number, segment in enumerate(text.split("\n"), start=1):
        segment = segment.strip("\x0b\x1c ")  # noqa: PLW2901 - the frame of a network message
        name = segment[:3]
        if name == "MSH":
            separator = segment[3:4] or "|"
        if name in {"MSH", "OBR"}:
            reports.extend(_hl7_report(lines, identifier or str(len(reports) + 1), row))
            lines, row = [], number
            identifier = _hl7_identifier(segment.split(separator)) if name == "OBR" else ""
        elif name == "OBX":
            lines.append(_hl7_text(segment.split(separator), number))
    reports.extend(_hl7_report(lines, identifier or str(len(reports) + 1), row))
    if not reports:
        raise ReportTextError("no OBX segment with text in the file; expected are HL7 v2 ORU messages")
    return reports


def _hl7_report(lines: list[str], identifier: str, row: int) -> Iterator[ReportText]:
    text = "\n".join(line for line in lines if line)
    if text:
        yield ReportText(id=identifier, text=text, lang=None, row=row)


def _hl7_identifier(fields: list[str]) -> str:
    """Filler order number, else placer order number (OBR-3, OBR-2)."""
    for place in (3, 2):
        if len(fields) > place and fields[place]:
            return fields[place].split("^")[0]
    return ""


def _hl7_text(fields: list[str], row: int) -> str:
    if len(fields) <= len(("OBX", "1", "type", "code", "sub")):
        raise ReportTextError(
            f"row {row}, field OBX-5: it is missing; expected is an observation with its value"
        )
    if fields[2] not in _HL7_TEXT_TYPES:
        return ""
    values = fields[5].split("~")
    if fields[2] in {"CE", "CWE"}:
        values = [[*value.split("^"), ""][1] for value in values]
    return "\n".join(_hl7_unescaped(value) for value in values)


def _hl7_unescaped(value: str) -> str:
    return re.sub(
        r"\\([^\\]{1,6})\\",
        lambda found: _HL7_ESCAPES.get(found[1], _HL7_ESCAPES.get(found[1][:3], "")),
        value,
    )


# -------------------------------------------------------------------------------------------- DICOM
def _dicom_report(path: Path) -> ReportText:
    """The text of a structured report: each container's and text item's name as a heading."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        dataset = pydicom.dcmread(path)
    except InvalidDicomError as error:
        raise ReportTextError("this is no DICOM file; give a text report the ending .txt") from error
    if "ContentSequence" not in dataset:
        modality = dataset.get("Modality", "unknown")
        raise ReportTextError(
            f"the DICOM object (modality {modality}) has no content tree; expected is a structured report"
        )
    text = "\n".join(_dicom_lines(dataset.ContentSequence))
    if not text.strip():
        raise ReportTextError("the structured report has no text items; expected are items of type TEXT")
    return ReportText(id=path.stem, text=text, lang=None, row=1)


def _dicom_lines(items: Any) -> Iterator[str]:  # noqa: ANN401 - a pydicom Sequence is untyped
    for item in items:
        names = item.get("ConceptNameCodeSequence") or []
        name = str(names[0].get("CodeMeaning", "")) if names else ""
        kind = item.get("ValueType", "")
        if kind == "CONTAINER" and name:
            yield f"{name}:"
        elif kind == "TEXT":
            yield f"{name}: {item.get('TextValue', '')}" if name else str(item.get("TextValue", ""))
        if "ContentSequence" in item:
            yield from _dicom_lines(item.ContentSequence)
