"""De-identification: no trace of a name at any depth, one pseudonym per key, pictures refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("dicomanonymizer", reason="the extra node is not installed")

from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset

from node_peers import SC, ct_object, uid
from spondyl.adapters.deidentify import Deidentifier, DeidentifyError

KEY = b"0123456789abcdef"
SECRETS = ("Secret", "ID7", "19500102", "20260102", "101112", "Dr^Who", "Clinic", uid(7))


def with_traces() -> FileDataset:
    """A CT object with identifying values at the top, in items, in overlays and in private elements."""
    data = ct_object(7, 0)
    data.InstitutionName = "Clinic"
    data.ReferringPhysicianName = "Dr^Who"
    data.StudyDescription = "Secret wish"
    item, inner = Dataset(), Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = data.SOPClassUID, uid(7, 2, 9)
    inner.PersonName = "Dr^Who"
    inner.TextValue = "Secret wish"
    inner.ReferencedSOPInstanceUID = uid(7, 2, 9)
    item.ContentSequence = [inner]
    data.ReferencedImageSequence = [item]
    data.add_new(0x60003000, "OW", b"Secret")
    data.private_block(0x0009, "Clinic", create=True).add_new(1, "LO", "Secret")
    data.preamble = b"Secret".ljust(128, b"\0")
    data.file_meta.SourceApplicationEntityTitle = "Clinic"
    return data


def treated(tmp_path: Path, data: FileDataset, key: bytes = KEY) -> FileDataset:
    data.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    Deidentifier(key=key).treat_file(tmp_path / "in.dcm", tmp_path / "out.dcm")
    return dcmread(tmp_path / "out.dcm")


def test_no_secret_is_left_anywhere_in_the_file(tmp_path: Path) -> None:
    treated(tmp_path, with_traces())
    content = (tmp_path / "out.dcm").read_bytes()
    assert not [secret for secret in SECRETS if secret.encode() in content]


def test_pixels_and_geometry_stay(tmp_path: Path) -> None:
    before = ct_object(7, 3)
    after = treated(tmp_path, ct_object(7, 3))
    for keyword in ("PixelData", "ImagePositionPatient", "PixelSpacing", "RescaleIntercept", "SOPClassUID"):
        assert after[keyword].value == before[keyword].value


def test_it_says_how_it_was_treated(tmp_path: Path) -> None:
    after = treated(tmp_path, ct_object(7, 0))
    assert after.PatientIdentityRemoved == "YES"
    assert [x.CodeValue for x in after.DeidentificationMethodCodeSequence] == ["113100", "113104"]


def test_references_still_point_to_their_objects(tmp_path: Path) -> None:
    data = with_traces()
    data.ReferencedImageSequence[0].ReferencedSOPInstanceUID = data.SOPInstanceUID
    after = treated(tmp_path, data)
    assert after.ReferencedImageSequence[0].ReferencedSOPInstanceUID == after.SOPInstanceUID
    assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID
    assert after.SOPInstanceUID.is_valid


def test_one_key_gives_one_pseudonym_and_another_key_another(tmp_path: Path) -> None:
    first, again = (treated(tmp_path, ct_object(7, number)) for number in (0, 1))
    other = treated(tmp_path, ct_object(7, 0), key=KEY[::-1])
    assert (first.PatientID, first.StudyInstanceUID) == (again.PatientID, again.StudyInstanceUID)
    assert first.SOPInstanceUID != again.SOPInstanceUID
    assert other.PatientID != first.PatientID
    assert other.StudyInstanceUID != first.StudyInstanceUID


@pytest.mark.parametrize(
    ("sop_class", "burned_in", "is_refused"),
    [
        (SC, None, True), (SC, "YES", True), (SC, "NO", False),
        ("1.2.840.10008.5.1.4.1.1.2", "YES", True), ("1.2.840.10008.5.1.4.1.1.2", None, False),
        ("1.2.840.10008.5.1.4.1.1.6.1", None, True), ("1.2.840.10008.5.1.4.1.1.104.1", "NO", True),
    ],
)  # fmt: skip
def test_pictures_that_may_show_a_name_are_refused(
    tmp_path: Path, sop_class: str, burned_in: str | None, is_refused: bool
) -> None:
    data = ct_object(7, 0, sop_class=sop_class)
    if burned_in is not None:
        data.BurnedInAnnotation = burned_in
    if not is_refused:
        assert treated(tmp_path, data).PatientIdentityRemoved == "YES"
        return
    with pytest.raises(DeidentifyError, match=r"burned into its pixels|inside of a document"):
        treated(tmp_path, data)
    assert not (tmp_path / "out.dcm").exists()


def test_a_short_key_and_a_file_that_is_no_dicom_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DeidentifyError, match="at least 16"):
        Deidentifier(key=b"short")
    (tmp_path / "in.dcm").write_bytes(b"Secret")
    with pytest.raises(DeidentifyError, match="cannot be treated"):
        Deidentifier(key=KEY).treat_file(tmp_path / "in.dcm", tmp_path / "out.dcm")


def test_the_map_of_uids_is_for_the_owner_only(tmp_path: Path) -> None:
    deidentifier = Deidentifier(key=KEY)
    deidentifier.treat(ct_object(7, 0))
    deidentifier.write_uid_map(tmp_path / "map")
    assert (tmp_path / "map").stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in (tmp_path / "map").read_text().splitlines()]
    assert {line["old"] for line in lines} == {uid(7), uid(7, 1), uid(7, 3), uid(7, 2, 0)}
