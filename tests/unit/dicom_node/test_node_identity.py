"""The walk over a data set: the same identifiers as a decoder finds, and no way past a lying length."""

from __future__ import annotations

import struct
import zlib

import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from node_peers import ct_object, encoded, uid
from spondyl.adapters.dicom_node import identity
from spondyl.adapters.dicom_node.identity import NotADataSetError, identity_of

SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
UNKNOWN = struct.pack("<HH2sxxL", 0x0009, 0x1001, b"UN", 0xFFFFFFFF)
ITEM, ITEM_END, SEQUENCE_END = (
    struct.pack("<HHL", 0xFFFE, number, length)
    for number, length in ((0xE000, 0xFFFFFFFF), (0xE00D, 0), (0xE0DD, 0))
)


def nested(*, is_undefined: bool) -> Dataset:
    """A CT slice with sequences within sequences, each with UIDs that are not the slice's own."""
    data = ct_object(7, 0)
    inner, middle = Dataset(), Dataset()
    inner.ReferencedSOPInstanceUID = inner.StudyInstanceUID = "9.9"
    middle.ReferencedImageSequence = [inner]
    middle.SOPInstanceUID = "8.8"
    data.ReferencedStudySequence = [middle]
    for holder, keyword in ((data, "ReferencedStudySequence"), (middle, "ReferencedImageSequence")):
        holder[keyword].is_undefined_length = is_undefined
        holder[keyword].value[0].is_undefined_length_sequence_item = is_undefined
    return data


def found(content: bytes, syntax: str = ExplicitVRLittleEndian) -> tuple[str, str, str]:
    walked = identity_of(memoryview(content), syntax)
    return walked.sop_instance_uid, walked.study_instance_uid, walked.series_instance_uid


OF_THE_SLICE = (uid(7, 2, 0), uid(7), uid(7, 1))


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("is_undefined", [True, False])
def test_the_uids_of_the_uppermost_level_are_found(syntax: str, is_undefined: bool) -> None:
    assert found(encoded(nested(is_undefined=is_undefined), syntax), syntax) == OF_THE_SLICE


def test_pixels_in_fragments_are_stepped_over() -> None:
    data = ct_object(7, 0)
    data.PixelData = encapsulate([b"\0" * 70, b"\1" * 30])
    data["PixelData"].is_undefined_length = True
    data["PixelData"].VR = "OB"
    content = encoded(data)
    assert found(content, RLELossless) == OF_THE_SLICE
    with pytest.raises(NotADataSetError, match="cut off"):
        found(content[:-8], RLELossless)  # without the end of the sequence


def test_what_is_in_an_unknown_value_is_implicit() -> None:
    inside = struct.pack("<HHL", 0x0020, 0x000D, 4) + b"9.9\0"
    private = UNKNOWN + ITEM + inside + ITEM_END + SEQUENCE_END
    content = encoded(ct_object(7, 0))
    at = content.index(struct.pack("<HH", 0x0010, 0x0010))
    assert found(content[:at] + private + content[at:]) == OF_THE_SLICE


@pytest.mark.parametrize(
    ("added", "reason"),
    [
        (struct.pack("<HH2sH", 0x0FFF, 1, b"LO", 40), "beyond the end"),
        (struct.pack("<HH2sH", 0x0FFF, 1, b"l\x01", 0), "value representation"),
        (b"\1\2\3", "cut off"),
        (UNKNOWN + struct.pack("<HHL", 8, 8, 0), "other than items"),
        ((UNKNOWN + ITEM) + (struct.pack("<HHL", 9, 9, 0xFFFFFFFF) + ITEM) * 5000, "nested too deeply"),
    ],
    ids=["length", "representation", "rest", "no item", "depth"],
)
def test_an_element_that_is_none_is_refused(added: bytes, reason: str) -> None:
    with pytest.raises(NotADataSetError, match=reason):
        found(encoded(ct_object(7, 0)) + added)


def test_a_byte_that_only_makes_the_length_even_is_no_fault() -> None:
    assert found(encoded(ct_object(7, 0)) + b"\0") == OF_THE_SLICE


def deflated(content: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeeze.compress(content) + squeeze.flush()


def test_a_deflated_object_is_looked_into() -> None:
    content = deflated(encoded(nested(is_undefined=True)))
    assert found(content, DeflatedExplicitVRLittleEndian) == OF_THE_SLICE
    assert found(content + b"\0", DeflatedExplicitVRLittleEndian) == OF_THE_SLICE  # padded to even length
    for wrong in (content[:-20], b"no deflated bytes"):
        with pytest.raises(NotADataSetError, match=r"inflated|no end"):
            found(wrong, DeflatedExplicitVRLittleEndian)


def test_a_small_object_that_inflates_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_LONGEST_INFLATED_BYTES", 1 << 20)
    content = encoded(ct_object(7, 0)) + struct.pack("<HH2sxxL", 0x7FE0, 0x0010, b"OW", 1 << 24)
    with pytest.raises(NotADataSetError, match="too far away"):
        found(deflated(content + bytes(1 << 24)), DeflatedExplicitVRLittleEndian)
