"""The conformance test of segmenters from outside: one that knows the truth, and four that err."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from spondyl.adapters.label_maps import LabelMap
from spondyl.domain.level import Level
from spondyl.domain.volume import CtVolume
from spondyl.synthetic import SyntheticCt, make_ct
from spondyl.trials import segmenter_check
from spondyl.trials.segmenter_check import Checked, check_segmenter

pytestmark = pytest.mark.slow
L1, L2, SACRUM = 20, 21, 26


@lru_cache(maxsize=1)
def made() -> SyntheticCt:
    return make_ct(segmenter_check.SEED, segmenter_check.SPACING_MM, first=Level.T10, last=Level.L4)


class Oracle:
    """Gives the bodies of the synthetic CT that it is tried on."""

    name, version, scheme, licence = "oracle", "1", "verse", "test"

    def __init__(self) -> None:
        self.runs = 0

    def labels(self) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
        return np.where(made().labels > SACRUM, 0, made().labels).astype(np.int16)

    def segment(self, ct: CtVolume) -> LabelMap:
        self.runs += 1
        return LabelMap(labels=self.labels(), affine=ct.affine)


class OneLevelOff(Oracle):
    def labels(self) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
        right = super().labels()
        return np.where((right > 0) & (right < SACRUM - 1), right + 1, 0).astype(np.int16)


class Fickle(Oracle):
    def labels(self) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
        right = super().labels()
        right[self.runs % 2, 0, 0] = L1
        return right


class Stranger(Oracle):
    def labels(self) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
        return np.where(super().labels() == L2, 77, super().labels()).astype(np.int16)


class Cropped(Oracle):
    def labels(self) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
        return super().labels()[1:]


def faults(results: tuple[Checked, ...]) -> list[str]:
    return [result.name for result in results if not result.is_held]


@pytest.fixture(autouse=True)
def _made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segmenter_check, "make_ct", lambda *_args, **_options: made())


def test_who_knows_the_truth_conforms() -> None:
    results = check_segmenter(Oracle())
    assert faults(results) == []
    assert results[-1].seen.startswith(
        results[-2].seen.split(" of ")[0]
    )  # all that was found is rightly named


@pytest.mark.parametrize(
    ("segmenter", "fault"),
    [
        (OneLevelOff(), "names them rightly"),
        (Fickle(), "gives the same map twice"),
        (Stranger(), "is of the scheme verse"),
    ],
    ids=["one level off", "another map each time", "a number of its own"],
)
def test_who_errs_is_told_where(segmenter: Oracle, fault: str) -> None:
    assert fault in faults(check_segmenter(segmenter))


def test_a_map_of_another_size_is_not_looked_at_further() -> None:
    assert faults(check_segmenter(Cropped())) == ["lies on the CT's grid"]
