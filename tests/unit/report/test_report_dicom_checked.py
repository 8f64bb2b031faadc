"""Our objects before strict readers: dciodvfy, dsrdump, fhir.resources, and the tables of PS3.16."""

from __future__ import annotations

import gzip
import json
import runpy
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.sr._concepts_dict import concepts

from dicom_study import NOON, with_source
from spondyl.domain.report import ReportInput
from spondyl.domain.series import Ingested
from spondyl.stages import ingest
from spondyl.stages.report import DicomSettings, Settings, write_dicom
from spondyl.stages.report.dicom import codes
from spondyl.stages.report.dicom.settings import ReportClass

ROOT = Path(__file__).resolve().parents[3]
BuildStudy = Callable[..., ReportInput]
ALL = DicomSettings(presentation_states=True, fhir=True)
needs_dciodvfy = pytest.mark.skipif(
    shutil.which("dciodvfy") is None, reason="dciodvfy is not installed: apt-get install dicom3tools"
)
needs_dcmtk = pytest.mark.skipif(
    shutil.which("dsrdump") is None, reason="dsrdump is not installed: apt-get install dcmtk"
)


def complaints(path: Path) -> list[str]:
    script = runpy.run_path(str(ROOT / "scripts" / "check_dicom_objects.py"))
    found: list[str] = script["complaints"](path)
    return found


def from_real_headers(study: ReportInput, folder: Path) -> ReportInput:
    """The study of boxes as if it had been read from the slices of a real study."""
    ingested = ingest.ingest(folder, ingest.Settings())
    assert isinstance(ingested, Ingested)
    source = ingested.accepted[0].source
    assert source is not None
    n_slices = study.series[0].volume.hu.shape[0]
    uids = [*source.sop_instance_uids, *(f"2.25.{k + 1}" for k in range(n_slices))]
    moved = replace(
        source, series_id=study.series[0].volume.series_id, sop_instance_uids=tuple(uids[:n_slices])
    )
    return replace(study, sources=(moved,))


@needs_dciodvfy
@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["crlm_1006", "cptac_C3L-00189", "acrinflt_001"])
def test_every_kind_of_object_is_in_order_with_the_header_of_a_real_study(
    name: str, build_study: BuildStudy, real_data: Path, tmp_path: Path
) -> None:
    study = from_real_headers(build_study(), real_data / "dicom" / name)
    kinds = set()
    for report_class in ReportClass:
        # with the second class the segmentation is deflated
        limit_mb = 1e6 if report_class is ReportClass.COMPREHENSIVE_3D else 0.0
        settings = replace(ALL, report_class=report_class, largest_plain_segmentation_mb=limit_mb)
        for path in write_dicom(study, tmp_path, Settings(), settings, NOON):
            if path.suffix == ".dcm":
                kinds.add(path.name.split("_")[0])
                assert complaints(path) == [], path.name
    assert kinds == {"segmentation", "report.dcm", "key", "picture", "lines"}


@needs_dciodvfy
def test_the_checker_finds_what_is_wrong(build_study: BuildStudy, tmp_path: Path) -> None:
    study = with_source(build_study())
    path = next(x for x in write_dicom(study, tmp_path, Settings(), ALL, NOON) if x.name == "key_images.dcm")
    assert complaints(path) == []
    dataset = pydicom.dcmread(path)
    del dataset.Modality
    dataset.save_as(path)
    assert any("Modality" in line for line in complaints(path))


@needs_dcmtk
def test_dsrdump_prints_the_report(build_study: BuildStudy, tmp_path: Path) -> None:
    study = with_source(build_study())
    path = write_dicom(study, tmp_path, Settings(), DicomSettings(), NOON)[-1]
    printed = subprocess.run(["dsrdump", str(path)], capture_output=True, text=True, check=True).stdout
    assert "Comprehensive 3D SR Document" in printed
    assert '(14293000,SCT,"L2 vertebra")' in printed
    assert '(GENANT_2,99SPONDYL,"Genant grade 2")' in printed


def test_the_readers_in_3d_slicer_see_the_same_bodies_and_heights(
    build_study: BuildStudy, tmp_path: Path
) -> None:
    """dcmqi is what its extension QuantitativeReporting reads SEG and SR with."""
    pytest.importorskip("dcmqi", reason="dcmqi is not installed: the extra `test` has it on x86_64")
    study = with_source(build_study())
    paths = {path.name.split("_")[0]: path for path in write_dicom(study, tmp_path, Settings(), ALL, NOON)}
    programs = Path(sys.executable).parent
    command: list[str | Path] = [programs / "segimage2itkimage", "--inputDICOM", paths["segmentation"]]
    command += ["--outputDirectory", tmp_path, "--outputType", "nrrd", "--mergeSegments"]
    subprocess.run(command, check=True, capture_output=True)
    segments = json.loads((tmp_path / "meta.json").read_text())["segmentAttributes"][0]
    header, pixels = (tmp_path / "1.nrrd").read_bytes().split(b"\n\n", 1)
    labels = np.frombuffer(gzip.decompress(pixels) if b"gzip" in header else pixels, "<i2")
    seen = {x["TrackingIdentifier"]: int((labels == x["labelID"]).sum()) for x in segments}
    assert seen == _voxels_by_segment(paths["segmentation"])

    read = tmp_path / "read.json"
    command = [programs / "tid1500reader", "--inputDICOM", paths["report.dcm"], "--outputMetadata", read]
    subprocess.run(command, check=True, capture_output=True)
    groups = {x["TrackingIdentifier"]: x for x in json.loads(read.read_text())["Measurements"]}
    measured = {x.level: x.heights_mm for x in study.finding.vertebrae if x.heights_mm is not None}
    for level in ("T12", "L1"):
        heights = {
            item["quantity"]["CodeValue"]: float(item["value"])
            for item in groups[f"Spondyl {level}"]["measurementItems"]
            if "derivationModifier" not in item  # the standard deviations have the same names
        }
        said = [heights[name] for name in ("HEIGHT_ANT", "HEIGHT_MID", "HEIGHT_POST")]
        triple = measured[level]
        assert said == pytest.approx([triple.anterior, triple.middle, triple.posterior], abs=1e-3)


def _voxels_by_segment(path: Path) -> dict[str, int]:
    data = pydicom.dcmread(path)
    names = {x.SegmentNumber: str(x.TrackingID) for x in data.SegmentSequence}
    counts = Counter[str]()
    for frame, place in zip(data.pixel_array, data.PerFrameFunctionalGroupsSequence, strict=True):
        counts[names[place.SegmentIdentificationSequence[0].ReferencedSegmentNumber]] += int(frame.sum())
    return dict(counts)


def test_the_bundle_is_fhir_r4_and_points_within_itself(build_study: BuildStudy, tmp_path: Path) -> None:
    bundle_type: Any = pytest.importorskip(
        "fhir.resources.R4B.bundle", reason="fhir.resources is not installed: the extra `test` has it"
    )
    study = with_source(build_study())
    write_dicom(study, tmp_path, Settings(), ALL, NOON)
    text = (tmp_path / "fhir.json").read_text(encoding="utf-8")
    bundle_type.Bundle.model_validate_json(text)
    bundle = json.loads(text)
    urls = {entry["fullUrl"] for entry in bundle["entry"]}
    report = bundle["entry"][0]["resource"]
    assert report["status"] == "preliminary"
    assert {x["reference"] for x in report["result"]} <= urls
    broken = next(
        x["resource"] for x in bundle["entry"] if x["resource"].get("bodySite", {}).get("text") == "L1"
    )
    assert broken["valueCodeableConcept"]["coding"][0]["display"] == "Present"
    assert broken["subject"]["identifier"]["value"] == "P-4711"
    assert "Möller" not in text


def test_levels_are_those_of_the_standard() -> None:
    table: Any = concepts["SCT"]
    by_value = {value: keyword for keyword, found in table.items() for value in found}
    for level, code in codes.LEVELS.items():
        if level != "S1":  # not in the tables
            assert by_value[code.value] == f"{level}Vertebra"
    assert len({code.value for code in codes.LEVELS.values()}) == len(codes.LEVELS)


def test_the_page_of_the_codes_is_the_one_that_the_source_gives() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "write_code_table.py"))
    page = (ROOT / "docs" / "reference" / "dicom-objects.md").read_text(encoding="utf-8")
    assert page == script["page"]()
    assert "| LEVEL_T13 | 99SPONDYL |" in page
