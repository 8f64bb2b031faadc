"""Write every kind of DICOM object for studies and print what dciodvfy says of each.

``python scripts/check_dicom_objects.py STUDY...`` reads each study as ``spondyl analyze`` does and writes its
objects three times: as they are; as if its first measured vertebra were broken, so that every kind is there;
and so with the other report class and deflated segmentations.
Ends with 1 where dciodvfy finds an error, or a warning that is not on the list beside this script.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian

from spondyl.domain.finding import State, StudyFinding
from spondyl.domain.report import ReportInput
from spondyl.domain.series import IngestRefused
from spondyl.settings import load
from spondyl.stages.report import DicomSettings, Settings, write_dicom
from spondyl.stages.report.dicom.settings import ReportClass
from spondyl.wiring import open_reader

ALLOWED = Path(__file__).with_name("dciodvfy_allowed.txt")
EVERYTHING = DicomSettings(presentation_states=True, fhir=True)
DEFLATED = replace(EVERYTHING, report_class=ReportClass.COMPREHENSIVE, largest_plain_segmentation_mb=0.0)
_BROKEN = {
    "genant_grade": 3,
    "counted_grade": 3,
    "shape": "wedge",
    "loss_fraction": 0.45,
    "probability_grade_2_or_more": 0.97,
    "not_measured": None,
    "not_measured_text": None,
}


def complaints(path: Path) -> list[str]:
    """Errors, and warnings that are not allowed, of one object.

    dciodvfy does not read Deflated Explicit VR Little Endian: of such an object an inflated copy is looked
    at, which differs in nothing else.
    """
    data = dcmread(path)
    if data.file_meta.TransferSyntaxUID.is_deflated:
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / path.name
            data.save_as(copy, enforce_file_format=True)
            return complaints(copy)
    program = shutil.which("dciodvfy")
    if program is None:
        raise SystemExit("dciodvfy is not installed: apt-get install dicom3tools")
    run = subprocess.run([program, "-new", str(path)], capture_output=True, text=True, check=False)
    allowed = [
        re.compile(line)
        for line in ALLOWED.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    said = [re.sub(r"\[\d+\]", "", line) for line in (run.stderr + run.stdout).splitlines()]
    return [
        line
        for line in said
        if line.startswith(("Error", "Abort"))
        or (line.startswith("Warning") and not any(pattern.search(line) for pattern in allowed))
    ]


def as_if_broken(bundle: ReportInput) -> ReportInput:
    """The same study with a fracture of grade 3 in its first measured vertebra."""
    vertebrae = list(bundle.finding.vertebrae)
    number = next(n for n, vertebra in enumerate(vertebrae) if vertebra.heights_mm is not None)
    vertebrae[number] = vertebrae[number].model_copy(update=_BROKEN)
    finding = bundle.finding.model_copy(update={"vertebrae": tuple(vertebrae), "state": State.FLAG})
    return replace(bundle, finding=StudyFinding.model_validate(finding.model_dump()))


def main(studies: list[str]) -> int:
    """Check all studies; 1 where one object is not in order."""
    reader, bad = open_reader(load()), 0
    for study in studies:
        opened = reader.open(Path(study))
        if isinstance(opened, IngestRefused):
            print(f"{study}: refused, {opened.refusal.code}")
            return 1
        bundle = reader.read_opened(opened)
        broken = as_if_broken(bundle)
        for title, one, settings in (
            ("as read", bundle, EVERYTHING),
            ("as if broken", broken, EVERYTHING),
            ("deflated, Comprehensive SR", broken, DEFLATED),
        ):
            with tempfile.TemporaryDirectory() as folder:
                written = datetime(2026, 1, 1, tzinfo=UTC)
                for path in write_dicom(one, Path(folder), Settings(), settings, written):
                    if path.suffix == ".dcm":
                        found = complaints(path)
                        bad += bool(found)
                        print(f"{Path(study).name}, {title}: {path.name}: {'; '.join(found) or 'in order'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
