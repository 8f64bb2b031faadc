"""Basic Application Level Confidentiality Profile (PS3.15 Annex E) for what leaves, with keyed pseudonyms.

Which attribute is treated how comes from the table of the library ``dicom-anonymizer`` (PS3.15 2024b), which
its maintainers keep. The library itself treats only the top level and makes random UIDs; here the whole
tree is walked, and identifiers are keyed hashes, so that two runs give the same ones without a list.
Structured reports keep their tree and codes, with each element treated (Clean Structured Content Option), but
no free text. Of a report of ours the finding stays, with new identifiers: it can still be read back.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dicomanonymizer.dicom_anonymization_databases import dicomfields_2024b as table
from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.tag import Tag
from pydicom.uid import UID

from spondyl.domain.finding import StudyFinding
from spondyl.domain.report import NotOurReportError
from spondyl.stages.report import texts_to_keep

SHORTEST_KEY_BYTES = 16
_CONTENT_SEQUENCE = 0x0040A730
_TEXT_VALUE = 0x0040A160  # free text of a structured report: not in the table, and may say anything
_DATE, _TIME, _DATE_TIME = "19000101", "000000", "19000101000000"
_DUMMIES = {"DA": _DATE, "TM": _TIME, "DT": _DATE_TIME, "AS": "000Y", "DS": "0", "IS": "0", "SQ": []}
_TEXT = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"}
_DUMMY_TEXT = "REMOVED"
_SERIES_NAME = 12  # letters of a new name of a series in a finding
_WITHOUT_PIXELS = ("1.2.840.10008.5.1.4.1.1.104.",)  # encapsulated documents: their inside cannot be treated
_BURNED_IN_LIKELY = (
    "1.2.840.10008.5.1.4.1.1.7",  # Secondary Capture and its multi-frame kinds
    "1.2.840.10008.5.1.4.1.1.6.",  # ultrasound
    "1.2.840.10008.5.1.4.1.1.3.",
    "1.2.840.10008.5.1.4.1.1.77.1.",  # visible light, endoscopy, photographs
)
# PS3.16 CID 7050
_METHODS = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113104", "Clean Structured Content Option"),
)


class DeidentifyError(ValueError):
    """A file that cannot leave; the text says why, without a value of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deidentifier:
    """Treats data sets with one secret key. The same key gives the same pseudonyms and UIDs.

    uid_map: old UID to new UID, filled as they are met; whoever has it can undo the pseudonyms.
    """

    key: bytes
    uid_map: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.key) < SHORTEST_KEY_BYTES:
            raise DeidentifyError(
                f"the key has {len(self.key)} bytes; at least {SHORTEST_KEY_BYTES} are needed: "
                "openssl rand -hex 32 > KEYFILE"
            )

    def treat_file(self, source: Path, target: Path) -> None:
        """Write a de-identified copy, whole or not at all.

        Raises:
            DeidentifyError: it is no DICOM file, or a picture that may show a patient's name.
            OSError: it cannot be read or written.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                data = dcmread(source)
                self.treat(data)
                partial = target.with_name(f".{target.name}.part")
                data.save_as(partial, enforce_file_format=True)
        except (InvalidDicomError, AttributeError, ValueError, KeyError, NotImplementedError) as error:
            if isinstance(error, DeidentifyError):
                raise
            raise DeidentifyError(f"it cannot be treated ({type(error).__name__})") from error
        partial.replace(target)

    def treat(self, data: FileDataset) -> None:
        """De-identify a data set in place.

        Raises:
            DeidentifyError: it may show a patient's name in its pixels or in an encapsulated document.
        """
        refuse_burned_in(data)
        pseudonym = self.pseudonym(str(data.get("PatientID", "")), str(data.get("IssuerOfPatientID", "")))
        data.remove_private_tags()
        kept = self._texts_to_keep(data)
        self._treat_tree(data)
        for item, text in kept:
            item.TextValue = text
        data.PatientID = pseudonym
        data.PatientName = pseudonym
        data.PatientIdentityRemoved = "YES"
        data.DeidentificationMethodCodeSequence = [_code(value, meaning) for value, meaning in _METHODS]
        data.LongitudinalTemporalInformationModified = "REMOVED"
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        data.preamble = b"\0" * 128  # may hold a TIFF header with names
        for keyword in ("SourceApplicationEntityTitle", "SendingApplicationEntityTitle",
                        "ReceivingApplicationEntityTitle", "PrivateInformation",
                        "PrivateInformationCreatorUID"):  # fmt: skip
            if keyword in data.file_meta:
                delattr(data.file_meta, keyword)

    def pseudonym(self, patient_id: str, issuer: str) -> str:
        """The name under which a patient leaves: 16 letters and digits."""
        digest = self._digest("patient", f"{issuer}\0{patient_id}")
        return base64.b32encode(digest)[:16].decode()

    def new_uid(self, uid: str) -> str:
        """The UID in whose place another stands (PS3.5 Annex B.2: 2.25 and a 128-bit number)."""
        if uid not in self.uid_map:
            self.uid_map[uid] = f"2.25.{int.from_bytes(self._digest('uid', uid)[:16], 'big')}"
        return self.uid_map[uid]

    def write_uid_map(self, path: Path) -> None:
        """Write the map of UIDs as JSON lines, readable by the owner only.

        Raises:
            OSError: it cannot be written.
        """
        path.touch(mode=0o600, exist_ok=True)
        lines = [json.dumps({"old": old, "new": new}) + "\n" for old, new in sorted(self.uid_map.items())]
        path.write_text("".join(lines), encoding="utf-8")

    def _texts_to_keep(self, data: Dataset) -> list[tuple[Dataset, str]]:
        try:
            return texts_to_keep(data, self._new_finding)
        except NotOurReportError:
            return []

    def _new_finding(self, finding: StudyFinding) -> StudyFinding:
        """A finding without what leads to the patient: names of series and the input's hash are keyed.

        Descriptions and what a refusal got may quote the input; every other text is a sentence of ours.
        """
        series = [
            line.model_copy(update={"description": _DUMMY_TEXT if line.description else ""})
            for line in finding.series
        ]
        update: dict[str, object] = {"series": tuple(series)}
        if finding.refusal is not None:
            update["refusal"] = finding.refusal.model_copy(update={"got": _DUMMY_TEXT})
        text = finding.model_copy(update=update).model_dump_json()
        for old in {line.series_id for line in series}:
            # the hash of a series UID, and the number of the stack within it
            name, dash, number = old.partition("-")
            text = text.replace(old, self._digest("series", name).hex()[:_SERIES_NAME] + dash + number)
        if finding.manifest.input_sha256:
            new_hash = self._digest("input", finding.manifest.input_sha256).hex()
            text = text.replace(finding.manifest.input_sha256, new_hash)
        return StudyFinding.model_validate_json(text)

    def _digest(self, kind: str, value: str) -> bytes:
        return hmac.new(self.key, f"{kind}\0{value}".encode(), hashlib.sha256).digest()

    def _treat_tree(self, data: Dataset) -> None:
        for element in list(data):
            action = _ACTIONS.get(element.tag) or _repeating(element.tag)
            if action is not None and not (element.VR == "SQ" and element.tag == _CONTENT_SEQUENCE):
                action(self, data, element)
            if element.tag in data and element.VR == "SQ":
                for item in element.value:
                    self._treat_tree(item)


def refuse_burned_in(data: Dataset) -> None:
    """Refuse a picture that may show who the patient is.

    Raises:
        DeidentifyError: BurnedInAnnotation is YES, or the object is of a kind that often shows a name and
            does not say NO; or it is an encapsulated document.
    """
    sop_class = str(data.get("SOPClassUID", ""))
    burned_in = str(data.get("BurnedInAnnotation", "")).strip().upper()
    if sop_class.startswith(_WITHOUT_PIXELS):
        raise DeidentifyError(f"{UID(sop_class).name}: the inside of a document cannot be treated")
    if burned_in == "YES" or (burned_in != "NO" and sop_class.startswith(_BURNED_IN_LIKELY)):
        raise DeidentifyError(
            f"{UID(sop_class).name}: a name may be burned into its pixels "
            f"(Burned In Annotation is {burned_in or 'absent'}; NO is needed)"
        )


Action = Callable[[Deidentifier, Dataset, DataElement], None]


def _remove(_: Deidentifier, data: Dataset, element: DataElement) -> None:
    """X."""
    del data[element.tag]


def _empty(_: Deidentifier, data: Dataset, element: DataElement) -> None:
    """Z."""
    element.value = [] if element.VR == "SQ" else None
    data[element.tag] = element


def _dummy(deidentifier: Deidentifier, data: Dataset, element: DataElement) -> None:
    """D: something of the same kind; a sequence keeps its items, which are treated one by one."""
    if element.VR == "SQ":
        return
    if element.VR == "UI":
        _map(deidentifier, data, element)
    elif element.VR in _TEXT:
        element.value = _DUMMY_TEXT
    elif element.VR in _DUMMIES:
        element.value = _DUMMIES[element.VR]
    else:
        element.value = b"" if element.VR in ("OB", "OW", "OF", "UN") else 0


def _map(deidentifier: Deidentifier, _: Dataset, element: DataElement) -> None:
    """U."""
    if element.VR != "UI" or not element.value:
        return
    value = element.value
    element.value = (
        deidentifier.new_uid(str(value))
        if isinstance(value, str)
        else [deidentifier.new_uid(x) for x in value]
    )


def _keep_items(_: Deidentifier, __: Dataset, ___: DataElement) -> None:
    """X/Z/U*: references by UID, which are mapped where the tree is walked."""


# A compound action is taken at its mildest that keeps the object valid: X/D as D, Z/D as D, X/Z as Z
_BY_COLUMN: tuple[tuple[list[tuple[int, ...]], Action], ...] = (
    (table.D_TAGS, _dummy),
    (table.Z_TAGS, _empty),
    (table.X_TAGS, _remove),
    (table.U_TAGS, _map),
    (table.Z_D_TAGS, _dummy),
    (table.X_Z_TAGS, _empty),
    (table.X_D_TAGS, _dummy),
    (table.X_Z_D_TAGS, _dummy),
    (table.X_Z_U_STAR_TAGS, _keep_items),
)
_ACTIONS: dict[int, Action] = {
    int(Tag(*tag)): action for tags, action in _BY_COLUMN for tag in tags if len(tag) == 2
}
_ACTIONS[_TEXT_VALUE] = _dummy
# a group or element that repeats is (group, element, mask of group, mask of element)
_REPEATING = [(tag, action) for tags, action in _BY_COLUMN for tag in tags if len(tag) == 4]


def _repeating(tag: int) -> Action | None:
    group, element = tag >> 16, tag & 0xFFFF
    for (group_0, element_0, group_mask, element_mask), action in _REPEATING:
        if group & group_mask == group_0 & group_mask and element & element_mask == element_0 & element_mask:
            return action
    return None


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = "DCM"
    item.CodeMeaning = meaning
    return item
