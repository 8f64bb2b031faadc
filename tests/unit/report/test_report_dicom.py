"""The DICOM objects of a study of boxes whose L1 is broken and whose L2 has an uncertain name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from highdicom.color import CIELabColor
from pydicom.dataset import Dataset

from dicom_study import (
    ENHANCED_CT_IMAGE,
    FRAME_UID,
    NAME,
    NOON,
    SERIES_UID,
    STUDY_UID,
    header,
    slice_uid,
    with_source,
)
from spondyl.domain.finding import StudyFinding
from spondyl.domain.report import NotOurReportError, ReportInput
from spondyl.domain.series import SourceImages
from spondyl.stages.report import DicomSettings, Settings, read_report, write_dicom
from spondyl.stages.report.colours import GRADES, NO_GRADE
from spondyl.stages.report.dicom.settings import ReportClass
from spondyl.stages.report.finding_json import to_json

BuildStudy = Callable[..., ReportInput]
T12, L1, L2 = "23215003", "66794005", "14293000"
VERTEBRA = "51282000"
ALL = DicomSettings(presentation_states=True, fhir=True)
# the boxes are 20 mm high, 27 mm apart, on slices 3 mm apart: 7 slices each, or 6
N_SLICES_OF_A_BODY = (6, 7)


@pytest.fixture
def study(build_study: BuildStudy) -> ReportInput:
    return with_source(build_study())


_WRITTEN: dict[str, Dataset] = {}


@pytest.fixture
def objects(study: ReportInput, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dataset]:
    """What is written of the study; written once, for the tests that only look."""
    if not _WRITTEN:
        _WRITTEN.update(write(study, tmp_path_factory.mktemp("dicom")))
    return _WRITTEN


def write(study: ReportInput, out: Path, dicom: DicomSettings = ALL) -> dict[str, Dataset]:
    files = write_dicom(study, out, Settings(), dicom, NOON)
    return {path.name: pydicom.dcmread(path) for path in files if path.suffix == ".dcm"}


def only(objects: dict[str, Dataset], start: str) -> Dataset:
    found = [dataset for name, dataset in objects.items() if name.startswith(start)]
    assert len(found) == 1
    return found[0]


def groups(report: Dataset) -> list[Dataset]:
    measurements = next(x for x in report.ContentSequence if meaning(x) == "Imaging Measurements")
    return list(measurements.ContentSequence)


def meaning(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeMeaning)


def value(group: Dataset, name: str) -> str:
    """The first answer, text or number of that name."""
    item = next(x for x in group.ContentSequence if meaning(x) == name)
    if item.ValueType == "CODE":
        return str(item.ConceptCodeSequence[0].get("CodeValue") or item.ConceptCodeSequence[0].LongCodeValue)
    return str(item.TextValue if item.ValueType == "TEXT" else item.MeasuredValueSequence[0].NumericValue)


def group_of(report: Dataset, identifier: str) -> Dataset:
    return next(x for x in groups(report) if value(x, "Tracking Identifier") == identifier)


def test_every_object_stands_in_the_study_that_was_read(objects: dict[str, Dataset]) -> None:
    assert sorted(name.split("_")[0] for name in objects) == [
        "key", "lines", "picture", "picture", "report.dcm", "segmentation",
    ]  # fmt: skip
    for dataset in objects.values():
        assert dataset.StudyInstanceUID == STUDY_UID
        assert dataset.PatientName == NAME
        assert (dataset.PatientID, dataset.AccessionNumber, dataset.StudyID) == ("P-4711", "A-17", "S1")
        assert "not for diagnosis" in dataset.SeriesDescription
        assert dataset.get("Laterality") is None
        assert dataset.InstanceCreationDate == "20261124"
    uids = [dataset.SOPInstanceUID for dataset in objects.values()]
    assert len(set(uids)) == len(uids)


def test_no_name_of_a_file_or_source_holds_the_patient(
    study: ReportInput, objects: dict[str, Dataset]
) -> None:
    assert not [name for name in objects if "4711" in name or "ller" in name]
    assert "ller" not in repr(study.sources)


def test_the_segments_are_the_boxes(objects: dict[str, Dataset]) -> None:
    segmentation = only(objects, "segmentation")
    assert segmentation.SegmentationType == "BINARY"
    assert segmentation.FrameOfReferenceUID == FRAME_UID
    assert (segmentation.Rows, segmentation.Columns) == (90, 80)
    labels = [x.SegmentLabel for x in segmentation.SegmentSequence]
    types = [x.SegmentedPropertyTypeCodeSequence[0].CodeValue for x in segmentation.SegmentSequence]
    assert labels == ["T12", "L1", "L2?", "L3"]
    assert types == [T12, L1, VERTEBRA, "36470004"]
    pixels = segmentation.pixel_array
    frames = segmentation.PerFrameFunctionalGroupsSequence
    for number in (1, 2, 3):
        mine = [
            n
            for n, x in enumerate(frames)
            if x.SegmentIdentificationSequence[0].ReferencedSegmentNumber == number
        ]
        assert len(mine) in N_SLICES_OF_A_BODY
        # 30 x 24 mm on pixels of 0.8 x 0.9 mm
        assert pixels[mine].sum(axis=(1, 2)).mean() == pytest.approx(30 / 0.8 * 24 / 0.9, rel=0.05)


def test_a_segment_has_the_colour_of_its_grade_in_the_pictures(
    study: ReportInput, objects: dict[str, Dataset]
) -> None:
    segments = only(objects, "segmentation").SegmentSequence
    for segment, vertebra in zip(segments, study.finding.vertebrae, strict=True):
        colour = CIELabColor.from_dicom_value(segment.RecommendedDisplayCIELabValue).to_rgb()
        grade = vertebra.genant_grade
        assert colour == pytest.approx(NO_GRADE if grade is None else GRADES[grade], abs=1)


def test_a_frame_lies_where_its_source_slice_lies(study: ReportInput, objects: dict[str, Dataset]) -> None:
    segmentation = only(objects, "segmentation")
    affine = study.series[0].volume.affine
    for frame in segmentation.PerFrameFunctionalGroupsSequence:
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        source = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        k = int(source.removeprefix("2.25.")) - 1000
        assert np.allclose(np.array(position, float), affine[:3, 3] + k * affine[:3, 0])


def test_report_and_segmentation_call_a_vertebra_the_same(objects: dict[str, Dataset]) -> None:
    segmentation, report = only(objects, "segmentation"), objects["report.dcm"]
    for segment in segmentation.SegmentSequence:
        group = group_of(report, segment.TrackingID)
        uid = next(x for x in group.ContentSequence if meaning(x) == "Tracking Unique Identifier")
        assert segment.TrackingUID == uid.UID
        reference = next(x for x in group.ContentSequence if meaning(x) == "Referenced Segment")
        target = reference.ReferencedSOPSequence[0]
        assert target.ReferencedSOPInstanceUID == segmentation.SOPInstanceUID
        assert target.ReferencedSegmentNumber == segment.SegmentNumber


def test_the_report_says_what_the_finding_says_in_codes(objects: dict[str, Dataset]) -> None:
    report = objects["report.dcm"]
    assert (report.CompletionFlag, report.PreliminaryFlag, report.VerificationFlag) == (
        "COMPLETE", "PRELIMINARY", "UNVERIFIED",
    )  # fmt: skip
    case = group_of(report, "Spondyl case")
    assert value(case, "State of the case") == "FLAG"
    assert value(case, "CAD Processing and Findings Summary") == "111242"
    assert value(case, "Conclusion") == "A reason in words."
    broken = group_of(report, "Spondyl L1")
    assert value(broken, "Finding") == "42942008"
    assert value(broken, "Finding Site") == L1
    assert value(broken, "Genant grading scale for vertebral compression fractures") == "GENANT_2"
    assert value(broken, "Severity") == "6736007"
    assert value(broken, "Shape of the vertebral body") == "WEDGE"
    assert float(value(broken, "Anterior vertebral body height")) == 20.0
    assert float(value(broken, "Expected anterior vertebral body height")) == pytest.approx(27.7778)
    assert float(value(broken, "Largest height loss against the expected heights")) == pytest.approx(28.0)
    assert float(value(broken, "Attenuation Coefficient")) == pytest.approx(152.34)
    assert value(broken, "Confounder") == "SCHMORL_NODE"
    parameters = [x.TextValue for x in broken.ContentSequence if meaning(x) == "Algorithm Parameters"]
    assert any("ab" * 32 in text for text in parameters)
    assert value(group_of(report, "Spondyl L3"), "Evaluation of the vertebra") == "CUT_BY_BORDER"


def test_a_height_carries_its_two_points_in_space(study: ReportInput, tmp_path: Path) -> None:
    report = write(study, tmp_path)["report.dcm"]
    group = group_of(report, "Spondyl L1")
    height = next(x for x in group.ContentSequence if meaning(x) == "Posterior vertebral body height")
    points = np.array(height.ContentSequence[0].GraphicData).reshape(2, 3)
    landmarks = study.finding.vertebrae[1].landmarks_lps_mm
    assert landmarks is not None
    assert np.allclose(points, [landmarks.superior_posterior, landmarks.inferior_posterior], atol=1e-3)
    plain = write(study, tmp_path, DicomSettings(report_class=ReportClass.COMPREHENSIVE))["report.dcm"]
    assert plain.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.33"
    assert "SCOORD3D" not in str(plain)
    assert plain.SOPInstanceUID != report.SOPInstanceUID


def test_an_uncertain_level_is_no_site_but_a_presumed_level(objects: dict[str, Dataset]) -> None:
    group = group_of(objects["report.dcm"], "Spondyl L2?")
    assert value(group, "Finding Site") == VERTEBRA
    assert value(group, "Certainty of the level name") == "LEVEL_UNCERTAIN"
    assert value(group, "Presumed level") == L2


def test_a_level_without_a_public_code_is_a_vertebra_with_ours(study: ReportInput, tmp_path: Path) -> None:
    first = study.finding.vertebrae[0].model_copy(update={"level": "T13", "label": 28})
    finding = study.finding.model_copy(update={"vertebrae": (first, *study.finding.vertebrae[1:])})
    group = group_of(write(replace(study, finding=finding), tmp_path)["report.dcm"], "Spondyl T13")
    assert value(group, "Finding Site") == VERTEBRA
    assert value(group, "Certainty of the level name") == "LEVEL_CERTAIN"
    assert value(group, "Presumed level") == "LEVEL_T13"


def test_the_key_images_are_the_slices_of_the_broken_vertebra(objects: dict[str, Dataset]) -> None:
    document = objects["key_images.dcm"]
    images = [x.ReferencedSOPSequence[0] for x in document.ContentSequence if x.ValueType == "IMAGE"]
    # L1 lies 27 mm above the middle of the boxes' centres, z = -400: slices 16, 19 (middle) and 22
    assert {x.ReferencedSOPInstanceUID for x in images} == {slice_uid(k) for k in (16, 19, 22)}
    assert document.ConceptNameCodeSequence[0].CodeValue == "113000"
    evidence = document.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    assert evidence.SeriesInstanceUID == SERIES_UID


def test_pictures_are_an_overview_and_a_tile_and_do_not_identify(objects: dict[str, Dataset]) -> None:
    overview, tile = objects["picture_overview_0a1b2c-1.dcm"], objects["picture_vertebra_L1.dcm"]
    assert (overview.InstanceNumber, tile.InstanceNumber) == (1, 2)
    assert overview.SeriesInstanceUID == tile.SeriesInstanceUID
    for picture in (overview, tile):
        assert picture.BurnedInAnnotation == "NO"
        band = picture.pixel_array[:44]
        assert band.max() > 200  # the words that it is not for diagnosis


def test_lines_lie_on_the_body(objects: dict[str, Dataset]) -> None:
    state = only(objects, "lines")
    lines = [
        np.array(graphic.GraphicData).reshape(-1, 2)
        for annotation in state.GraphicAnnotationSequence
        for graphic in annotation.get("GraphicObjectSequence", ())
    ]
    assert len(lines) == 3
    # centre (20, -50): column (52 - 20) / 0.8, row (-50 + 90) / 0.9, from the first pixel's corner
    for line in lines:
        assert np.allclose(line[1], [40.5, 40 / 0.9 + 0.5], atol=0.01)
        assert np.linalg.norm(line[2] - line[0]) == pytest.approx(24 / 0.9, abs=0.01)


def test_a_study_without_fracture_has_no_key_images_and_no_tile(
    build_study: BuildStudy, tmp_path: Path
) -> None:
    objects = write(with_source(build_study(losses=(0.0, 0.1, 0.0))), tmp_path)
    assert sorted(objects) == [
        "picture_overview_0a1b2c-1.dcm", "report.dcm", "segmentation_0a1b2c-1.dcm",
    ]  # fmt: skip


def test_the_same_again_has_the_same_uids_whatever_the_clock(study: ReportInput, tmp_path: Path) -> None:
    first = write(study, tmp_path / "a")
    slower = study.finding.manifest.model_copy(update={"timings_s": {"ingest": 9.0}, "machine": "other"})
    again = replace(study, finding=study.finding.model_copy(update={"manifest": slower}))
    second = write(again, tmp_path / "b")
    for name, dataset in first.items():
        assert second[name].SOPInstanceUID == dataset.SOPInstanceUID
        assert second[name].SeriesInstanceUID == dataset.SeriesInstanceUID


def newer(study: ReportInput) -> ReportInput:
    manifest = study.finding.manifest.model_copy(update={"spondyl_version": "0.2.0"})
    return replace(study, finding=study.finding.model_copy(update={"manifest": manifest}))


def test_a_new_version_names_its_predecessor_and_keeps_the_tracking(
    study: ReportInput, tmp_path: Path
) -> None:
    old = write(study, tmp_path)
    new = write(newer(study), tmp_path)
    again = write(newer(study), tmp_path)
    for report in (new["report.dcm"], again["report.dcm"]):
        assert report.SOPInstanceUID != old["report.dcm"].SOPInstanceUID
        named = report.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence
        assert [x.ReferencedSOPInstanceUID for x in named] == [old["report.dcm"].SOPInstanceUID]
    before, after = (only(x, "segmentation").SegmentSequence for x in (old, new))
    assert [x.TrackingUID for x in before] == [x.TrackingUID for x in after]
    assert "PredecessorDocumentsSequence" not in old["report.dcm"]


def test_a_report_of_another_study_is_no_predecessor(study: ReportInput, tmp_path: Path) -> None:
    write(study, tmp_path)
    other = with_source(study, StudyInstanceUID="2.25.99")
    assert "PredecessorDocumentsSequence" not in write(newer(other), tmp_path)["report.dcm"]


def test_files_of_an_earlier_result_do_not_stay(
    study: ReportInput, build_study: BuildStudy, tmp_path: Path
) -> None:
    write(study, tmp_path)
    write(with_source(build_study(losses=(0.0, 0.1, 0.0))), tmp_path, DicomSettings())
    assert not (tmp_path / "key_images.dcm").exists()
    assert not (tmp_path / "fhir.json").exists()


def test_a_refused_study_gets_a_report_that_says_why(refused_study: ReportInput, tmp_path: Path) -> None:
    source = SourceImages(series_id="x-1", header_json=header(), sop_instance_uids=(slice_uid(0),))
    study = replace(refused_study, sources=(source,))
    objects = write(study, tmp_path)
    assert list(objects) == ["report.dcm"]
    case = group_of(objects["report.dcm"], "Spondyl case")
    assert value(case, "State of the case") == "NOT_EVALUABLE"
    assert value(case, "Reason of the state") == "TOO_FEW_SLICES"
    assert value(case, "CAD Processing and Findings Summary") == "111245"
    assert read_report(tmp_path / "report.dcm")[1] == to_json(study.finding)


def test_no_dicom_study_no_objects(build_study: BuildStudy, tmp_path: Path) -> None:
    assert write_dicom(build_study(), tmp_path, Settings(), ALL, NOON) == ()
    for broken in ({"StudyInstanceUID": None}, {"SeriesInstanceUID": "../../etc"}):
        assert write_dicom(with_source(build_study(), **broken), tmp_path, Settings(), ALL, NOON) == ()
    assert list(tmp_path.iterdir()) == []


def test_values_that_break_the_standard_are_left_out(build_study: BuildStudy, tmp_path: Path) -> None:
    study = with_source(build_study(), PatientSex="X", PatientAge="old", StudyDate="2026-01-02")
    for dataset in write(study, tmp_path).values():
        assert dataset.PatientSex == ""
        assert dataset.StudyDate == ""
        assert "PatientAge" not in dataset


def test_an_interpolated_slice_is_not_referred_to(study: ReportInput, tmp_path: Path) -> None:
    uids = list(study.sources[0].sop_instance_uids)
    uids[19] = ""
    objects = write(
        replace(study, sources=(replace(study.sources[0], sop_instance_uids=tuple(uids)),)), tmp_path
    )
    segmentation = only(objects, "segmentation")
    named = {x.ReferencedSOPInstanceUID for x in segmentation.SourceImageSequence}
    assert named <= {uid for uid in uids if uid}
    without = [
        x for x in segmentation.PerFrameFunctionalGroupsSequence if not x.get("DerivationImageSequence")
    ]
    assert len(without) == 1
    images = objects["key_images.dcm"].ContentSequence
    assert len([x for x in images if x.ValueType == "IMAGE"]) == 2


def test_frames_of_a_multi_frame_image_are_named_by_their_number(study: ReportInput, tmp_path: Path) -> None:
    n_slices = study.series[0].volume.hu.shape[0]
    source = SourceImages(
        series_id=study.series[0].volume.series_id,
        header_json=header(SOPClassUID=ENHANCED_CT_IMAGE),
        sop_instance_uids=(slice_uid(0),) * n_slices,
        frame_numbers=tuple(range(n_slices, 0, -1)),
    )
    objects = write(replace(study, sources=(source,)), tmp_path)
    affine = study.series[0].volume.affine
    for frame in only(objects, "segmentation").PerFrameFunctionalGroupsSequence:
        image = frame.DerivationImageSequence[0].SourceImageSequence[0]
        assert image.ReferencedSOPClassUID == ENHANCED_CT_IMAGE
        assert image.ReferencedSOPInstanceUID == slice_uid(0)
        k = n_slices - image.ReferencedFrameNumber
        z = float(frame.PlanePositionSequence[0].ImagePositionPatient[2])
        assert z == pytest.approx(affine[2, 3] + 3.0 * k)
    images = [x for x in objects["key_images.dcm"].ContentSequence if x.ValueType == "IMAGE"]
    assert [list(x.ReferencedSOPSequence[0].ReferencedFrameNumber) for x in images] == [[16, 19, 22]]


@pytest.mark.parametrize("report_class", list(ReportClass))
def test_the_report_gives_back_the_finding_to_the_byte(
    study: ReportInput, tmp_path: Path, report_class: ReportClass
) -> None:
    write(study, tmp_path, DicomSettings(report_class=report_class))
    finding, document = read_report(tmp_path / "report.dcm")
    assert document == to_json(study.finding)
    assert finding == StudyFinding.model_validate_json(document)


def test_a_report_of_an_older_version_with_fewer_fields_is_read(study: ReportInput, tmp_path: Path) -> None:
    path = tmp_path / "report.dcm"
    report = write(study, tmp_path, DicomSettings())["report.dcm"]
    older = json.loads(to_json(study.finding))
    del older["bone_density"]
    document = (json.dumps(older, indent=1, ensure_ascii=False) + "\n").encode()
    for item in report.ContentSequence:
        if meaning(item) == "The whole finding as JSON":
            item.TextValue = json.dumps(older)
        elif meaning(item) == "SHA-256 of finding.json":
            item.TextValue = hashlib.sha256(document).hexdigest()
    report.save_as(path)
    assert read_report(path)[1] == document


def change(item: Dataset, name: str, **values: object) -> None:
    for inner in item.get("ContentSequence", ()):
        if meaning(inner) == name and inner.ValueType == "NUM":
            for keyword, new in values.items():
                setattr(inner.MeasuredValueSequence[0], keyword, new)
        change(inner, name, **values)


def test_a_report_whose_codes_were_changed_is_not_believed(study: ReportInput, tmp_path: Path) -> None:
    path = tmp_path / "report.dcm"
    report = write(study, tmp_path)["report.dcm"]
    change(report, "Largest height loss against the expected heights", NumericValue="5")
    report.save_as(path)
    with pytest.raises(NotOurReportError, match="T12, Largest height loss"):
        read_report(path)


def test_a_report_whose_finding_was_changed_is_not_believed(study: ReportInput, tmp_path: Path) -> None:
    path = tmp_path / "report.dcm"
    report = write(study, tmp_path)["report.dcm"]
    carrier = next(x for x in report.ContentSequence if meaning(x) == "The whole finding as JSON")
    carrier.TextValue = carrier.TextValue.replace('"score":0.9', '"score":0.1')
    report.save_as(path)
    with pytest.raises(NotOurReportError, match="SHA-256"):
        read_report(path)


def test_other_files_are_no_report_of_ours(study: ReportInput, tmp_path: Path) -> None:
    objects = write(study, tmp_path)
    assert "key_images.dcm" in objects
    (tmp_path / "text.dcm").write_text("no DICOM")
    for name in ("key_images.dcm", "picture_vertebra_L1.dcm", "text.dcm"):
        with pytest.raises(NotOurReportError):
            read_report(tmp_path / name)


def test_a_large_segmentation_is_deflated_and_says_the_same(study: ReportInput, tmp_path: Path) -> None:
    plain = only(write(study, tmp_path / "a"), "segmentation")
    deflated = only(
        write(study, tmp_path / "b", DicomSettings(largest_plain_segmentation_mb=0.0)), "segmentation"
    )
    assert plain.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert deflated.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1.99"
    assert np.array_equal(plain.pixel_array, deflated.pixel_array)
