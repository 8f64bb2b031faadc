"""Segmenters from outside: a program of its own, a plug-in, and everything that can go wrong with them."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from plain_spine import label_map_of
from spondyl.adapters import segmenters
from spondyl.adapters.label_maps import LabelMap
from spondyl.adapters.segmenters import (
    CommandSegmenter,
    SegmenterError,
    open_segmenter,
    segment_with,
)
from spondyl.domain.level import Level
from spondyl.domain.refusal import Refusal, RefusalCode
from spondyl.domain.segmenter import SegmenterSettings
from spondyl.domain.vertebra import LabelledSpine
from spondyl.domain.volume import CtVolume
from spondyl.synthetic.plain_body import PlainBody

BODY = PlainBody(anterior_mm=24.0, middle_mm=23.0, posterior_mm=25.0)
CODED_HU = 1000  # the made CT holds 1000 + label, so that a program of three lines can be a segmenter
PROGRAM = """
import sys, nibabel, numpy
image = nibabel.load(sys.argv[1])
labels = numpy.clip(numpy.asarray(image.dataobj) - 1000, 0, 255).astype(numpy.uint8)
nibabel.save(nibabel.Nifti1Image(labels, image.affine), sys.argv[2])
"""


@pytest.fixture(scope="module")
def truth() -> LabelMap:
    bodies = [(20 + n, BODY, np.array([0.0, 0.0, -34.0 * n])) for n in range(3)]
    return label_map_of(bodies, np.eye(3), (2.0, 2.0, 2.0))


@pytest.fixture(scope="module")
def ct(truth: LabelMap) -> CtVolume:
    hu = np.where(truth.labels > 0, truth.labels + CODED_HU, 0).astype(np.int16)
    return CtVolume(hu=hu, affine=truth.affine.copy(), series_id="made")


def program(tmp_path: Path, text: str = PROGRAM, **settings: object) -> CommandSegmenter:
    script = tmp_path / "segment.py"
    script.write_text(text)
    command = (sys.executable, str(script), "{input}", "{output}")
    return CommandSegmenter(settings=SegmenterSettings(command=command, **settings))  # type: ignore[arg-type]


def test_a_program_takes_a_nifti_and_its_labels_become_vertebrae(
    tmp_path: Path, ct: CtVolume, truth: LabelMap
) -> None:
    segmenter = program(tmp_path)
    assert np.array_equal(segmenter.segment(ct).labels, truth.labels)
    spine = segment_with(segmenter, ct)
    assert isinstance(spine, LabelledSpine)
    assert [name.level for name in spine.names] == [Level.L1, Level.L2, Level.L3]
    assert spine.masks.series_id == "made"


def test_the_output_may_be_a_pattern(tmp_path: Path, ct: CtVolume) -> None:
    text = PROGRAM.replace("sys.argv[2]", "'out/sub_vert_msk.nii.gz'").replace(
        "import sys,", "import os; os.mkdir('out')\nimport sys,"
    )
    assert program(tmp_path, text, output="**/*_msk.nii.gz").segment(ct).labels.max() == 22


def test_an_empty_map_is_a_refusal_with_its_code(tmp_path: Path, ct: CtVolume) -> None:
    nothing = CtVolume(hu=np.zeros_like(ct.hu), affine=ct.affine.copy(), series_id="made")
    refused = segment_with(program(tmp_path), nothing)
    assert isinstance(refused, Refusal)
    assert refused.code is RefusalCode.NO_SPINE_FOUND


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import sys; sys.exit('no licence')", "ended with 1: no licence"),
        ("pass", "wrote 0 files that match labels.nii.gz"),
        ("import sys; open(sys.argv[2], 'w').write('x')", "no label map"),
    ],
)
def test_a_program_that_fails_says_why(tmp_path: Path, ct: CtVolume, text: str, message: str) -> None:
    with pytest.raises(SegmenterError, match=message):
        program(tmp_path, text).segment(ct)


def test_a_program_that_takes_too_long_is_stopped(tmp_path: Path, ct: CtVolume) -> None:
    with pytest.raises(SegmenterError, match=r"longer than timeout_s = 0\.2"):
        program(tmp_path, "import time; time.sleep(30)", timeout_s=0.2).segment(ct)


def test_a_program_that_is_not_there_is_named(ct: CtVolume) -> None:
    settings = SegmenterSettings(command=("no-such-program-of-ours",))
    with pytest.raises(SegmenterError, match="no program no-such-program-of-ours"):
        CommandSegmenter(settings=settings).segment(ct)


def test_a_map_beside_the_ct_is_refused(tmp_path: Path, ct: CtVolume) -> None:
    moved = PROGRAM.replace("image.affine", "image.affine + numpy.eye(4)[:, [0, 1, 3, 2]] * 0.5")
    with pytest.raises(SegmenterError, match="beside the CT"):
        segment_with(program(tmp_path, moved), ct)
    cropped = PROGRAM.replace("Nifti1Image(labels,", "Nifti1Image(labels[1:],")
    with pytest.raises(SegmenterError, match="voxels"):
        segment_with(program(tmp_path, cropped), ct)


def test_a_wrong_scheme_is_refused(tmp_path: Path, ct: CtVolume) -> None:
    with pytest.raises(SegmenterError, match="bids"):
        open_segmenter(SegmenterSettings(command=("x",), scheme="bids"))
    refused = segment_with(program(tmp_path, scheme="totalsegmentator"), ct)
    assert isinstance(refused, Refusal)  # its vertebrae are numbered 27 to 50: there is none here


class Oracle:
    """A plug-in as its author would write it."""

    name, version, scheme, licence = "oracle", "1", "verse", "test"

    def segment(self, ct: CtVolume) -> LabelMap:
        return LabelMap(labels=np.clip(ct.hu - CODED_HU, 0, None).astype(np.int16), affine=ct.affine)


def test_an_installed_plug_in_is_opened_by_its_name(monkeypatch: pytest.MonkeyPatch, ct: CtVolume) -> None:
    entry = metadata.EntryPoint("oracle", f"{__name__}:Oracle", segmenters.GROUP)
    monkeypatch.setattr(segmenters, "installed", lambda: {"oracle": entry})
    spine = segment_with(open_segmenter(SegmenterSettings(name="oracle")), ct)
    assert isinstance(spine, LabelledSpine)
    assert len(spine.names) == 3
    with pytest.raises(SegmenterError, match="no segmenter 'other' is installed; there are: oracle"):
        open_segmenter(SegmenterSettings(name="other"))


def test_what_is_no_segmenter_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = metadata.EntryPoint("thing", "builtins:object", segmenters.GROUP)
    monkeypatch.setattr(segmenters, "installed", lambda: {"thing": entry})
    with pytest.raises(SegmenterError, match="gives no segmenter"):
        open_segmenter(SegmenterSettings(name="thing"))


def test_settings_name_one_segmenter_at_most() -> None:
    with pytest.raises(ValueError, match="not both"):
        SegmenterSettings(name="a", command=("b",))
    with pytest.raises(ValueError, match="more than 0"):
        SegmenterSettings(name="a", timeout_s=0.0)
    assert not SegmenterSettings().is_used
