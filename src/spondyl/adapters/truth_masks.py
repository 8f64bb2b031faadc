"""Truth out of label maps: VerSe masks with centroids, TotalSegmentator's maps, one file per vertebra."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from spondyl.adapters.label_maps import VERSE, LabelMap, labelled_spine, read_label_map
from spondyl.adapters.label_schemes import Scheme
from spondyl.adapters.truth_error import TruthError
from spondyl.domain.level import Level
from spondyl.domain.vertebra import LabelledSpine
from spondyl.geometry.arrays import BoolArray, Float64Array
from spondyl.study.evaluation.truth import KnownCase, KnownVertebra

_VERTEBRA_FILE = "vertebrae_{level}.nii.gz"  # TotalSegmentator's data set: one binary file per structure
_BODY = 1  # TotalSegmentator's vertebrae_body: 1 bodies, 2 discs
_GENANT = {"0": 0, "1": 1, "2": 2, "3": 3}


def read_masks(path: Path, scheme: Scheme, name: str, bodies: Path | None = None) -> LabelledSpine:
    """The vertebrae of a label map, or of a folder with one binary file per vertebra.

    bodies: a map that is 1 in vertebral bodies (TotalSegmentator's ``vertebrae_body``), on the same grid.

    Raises:
        TruthError: no such file, or no vertebra of the scheme in it.
    """
    try:
        if path.is_dir():
            return labelled_spine(_merged(path), VERSE, series_id=name)
        label_map = read_label_map(path)
        body = None if bodies is None else _bodies(bodies, label_map)
        return labelled_spine(label_map, scheme.levels, series_id=name, body=body)
    except (OSError, ValueError, nibabel.filebasedimages.ImageFileError) as error:
        raise TruthError(f"{name}: the label map {path.name} cannot be used: {error}") from error


def _bodies(path: Path, label_map: LabelMap) -> BoolArray:
    body = np.asarray(read_label_map(path).labels == _BODY)
    if body.shape != label_map.labels.shape:
        raise ValueError(f"{path.name} has another size than the map of the vertebrae")
    return body


def known_case(
    name: str,
    spine: LabelledSpine,
    centres: Mapping[Level, Float64Array] | None = None,
    grades: Mapping[Level, int] | None = None,
) -> KnownCase:
    """The truth that outlines give; centroids and readers' grades are taken where they are at hand."""
    vertebrae = []
    for name_, vertebra in zip(spine.names, spine.masks.vertebrae, strict=True):
        centre = (centres or {}).get(name_.level, vertebra.candidate.centre_lps_mm)
        vertebrae.append(
            KnownVertebra(
                level=name_.level,
                centre_lps_mm=centre,
                grade=(grades or {}).get(name_.level),
                is_whole=not vertebra.cut_by_border,
            )
        )
    return KnownCase(name=name, vertebrae=tuple(vertebrae))


def read_verse_centroids(path: Path, image: Path) -> dict[Level, Float64Array]:
    """Body centres (3,) LPS mm of a VerSe ``*_ctd.json``.

    The file gives voxels of the image turned to ``direction`` (three letters of L R P A S I, toward which
    the axes run).

    Raises:
        TruthError: not such a file, or an unknown label.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        opened = nibabel.load(image)
        assert isinstance(opened, nibabel.spatialimages.SpatialImage)
        to_ras = _turned(np.asarray(opened.affine, dtype=np.float64), opened.shape, entries[0]["direction"])
        centres = {}
        for entry in entries[1:]:
            level = VERSE.get(int(entry["label"]))
            if level is not None:  # the sacrum and below carry centroids in some files
                x, y, z = (to_ras @ np.array([entry["X"], entry["Y"], entry["Z"], 1.0]))[:3]
                centres[level] = np.array([-x, -y, z])
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise TruthError(f"{path.name} is no VerSe centroid file: {error!r}") from error
    return centres


def _turned(affine: Float64Array, shape: tuple[int, ...], direction: list[str]) -> Float64Array:
    """(4, 4) voxels of the image turned to ``direction`` → RAS mm."""
    turning: Any = nibabel.orientations  # nibabel is not annotated
    turn = turning.ornt_transform(turning.io_orientation(affine), turning.axcodes2ornt(tuple(direction)))
    back = turning.inv_ornt_aff(turn, shape[:3])
    return np.asarray(affine @ back, dtype=np.float64)


def read_grades(path: Path) -> dict[str, dict[Level, int]]:
    """Readers' grades by subject: a CSV with the columns subject, level, genant.

    Raises:
        TruthError: other columns, or a value that is not allowed.
    """
    grades: dict[str, dict[Level, int]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                grade = _GENANT[row["genant"].strip()]
                grades.setdefault(row["subject"], {})[Level(row["level"])] = grade
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise TruthError(
            f"{path.name}: columns subject, level, genant (0-3) are needed: {error!r}"
        ) from error
    return grades


def _merged(folder: Path) -> LabelMap:
    """One label map in the VerSe scheme out of a file per vertebra."""
    merged: LabelMap | None = None
    for level in VERSE.values():
        file = folder / _VERTEBRA_FILE.format(level=level.value)
        if not file.is_file():
            continue
        one = read_label_map(file)
        if merged is None:
            merged = LabelMap(labels=np.zeros_like(one.labels), affine=one.affine)
        elif one.labels.shape != merged.labels.shape:
            raise ValueError(f"{file.name} has another size than the others")
        merged.labels[one.labels > 0] = level.verse_label
    if merged is None:
        raise ValueError("it holds no file vertebrae_*.nii.gz")
    return merged
