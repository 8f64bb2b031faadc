"""A volume read by the whole pipeline from DICOM files, and two such readings of one patient compared."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation

from spondyl.domain.finding import StudyFinding, VertebraFinding
from spondyl.domain.volume import HU_FLOOR, CtVolume
from spondyl.geometry.affine import to_points
from spondyl.settings import load
from spondyl.synthetic.dicom import write_series
from spondyl.wiring import Reader, open_reader

SAME_BODY_MM = 5.0


@lru_cache(maxsize=1)
def shipped_reader() -> Reader:
    """The shipped networks and settings."""
    return open_reader(load())


def read_volume(volume: CtVolume) -> StudyFinding:
    """Write the volume as a DICOM series and read it as a user would."""
    with tempfile.TemporaryDirectory() as folder:
        write_series(volume, Path(folder))
        return shipped_reader().read(Path(folder)).finding


def turn_about_middle(volume: CtVolume, degrees: tuple[float, float, float]) -> np.ndarray:
    """(4, 4) LPS mm: a turn about the left, posterior and superior axis through the volume's middle."""
    motion = np.eye(4)
    motion[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    middle = to_points(volume.affine, (np.array([volume.hu.shape]) - 1.0) / 2.0)[0]
    motion[:3, 3] = middle - motion[:3, :3] @ middle
    return motion


def moved(volume: CtVolume, motion: np.ndarray) -> CtVolume:
    """The patient moved on the table by a (4, 4) rigid motion: resampled on the same grid, padded."""
    to_old = np.linalg.inv(volume.affine) @ np.linalg.inv(motion) @ volume.affine
    hu = ndimage.affine_transform(
        volume.hu.astype(np.float32), to_old[:3, :3], to_old[:3, 3], order=1, cval=float(HU_FLOOR)
    )
    return CtVolume(hu=np.rint(hu).astype(np.int16), affine=volume.affine.copy(), series_id=volume.series_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How one reading differs from another of the same patient.

    levels: names in the first reading of the bodies measured in both.
    mean_mm: mean of the absolute differences of all their anterior, middle and posterior heights.
    lost: measured in the first; in the second wholly in view, but not measured.
    renamed: named otherwise in the second, and sure of it in both.
    """

    levels: tuple[str, ...]
    mean_mm: float
    lost: tuple[str, ...]
    renamed: tuple[str, ...]


def change_between(first: StudyFinding, second: StudyFinding, motion: np.ndarray | None = None) -> Change:
    """Compare body by body; ``motion`` (4, 4) takes a place in the first patient to the second."""
    pairs = list(_pairs(first, second, np.eye(4) if motion is None else motion))
    both = [(a, b) for a, b in pairs if a.heights_mm is not None and b.heights_mm is not None]
    differences = [np.abs(heights_of(a) - heights_of(b)) for a, b in both]
    return Change(
        levels=tuple(a.level for a, _ in both),
        mean_mm=float(np.mean(differences)) if differences else float("nan"),
        lost=tuple(a.level for a, b in pairs if a.heights_mm and b.in_view == "full" and not b.heights_mm),
        renamed=tuple(
            a.level for a, b in pairs if a.level != b.level and not (a.level_uncertain or b.level_uncertain)
        ),
    )


def _pairs(
    first: StudyFinding, second: StudyFinding, motion: np.ndarray
) -> Iterator[tuple[VertebraFinding, VertebraFinding]]:
    for one in first.vertebrae:
        place = motion[:3, :3] @ np.array(one.centre_lps_mm) + motion[:3, 3]
        distances = [float(np.linalg.norm(place - np.array(x.centre_lps_mm))) for x in second.vertebrae]
        if distances and min(distances) < SAME_BODY_MM:
            yield one, second.vertebrae[int(np.argmin(distances))]


def heights_of(vertebra: VertebraFinding) -> np.ndarray:
    """(3,) anterior, middle, posterior."""
    assert vertebra.heights_mm is not None
    heights = vertebra.heights_mm
    return np.array([heights.anterior, heights.middle, heights.posterior])
