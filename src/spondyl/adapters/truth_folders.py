"""Which CTs of a folder have which truth: four layouts, found by their files.

- ``cases.json``: a list of {"name", "ct", "points", "masks", "bodies", "scheme", "centroids", "grades"},
  points or masks or both, paths relative to it;
- one folder per case with ``truth.json`` beside ``ct.nii.gz`` or ``dicom/`` (as insert-fracture writes);
  or ``NAME.json`` beside ``NAME.nii.gz`` or ``NAME/``;
- VerSe: ``*_ct.nii.gz`` (rawdata) with ``*_seg-vert_msk.nii.gz`` and ``*_ctd.json`` (derivatives), or the
  older ``NAME.nii.gz``, ``NAME_seg.nii.gz``, ``NAME_ctd.json``; ``grades.csv`` at the top where at hand;
- TotalSegmentator's data set: ``NAME/ct.nii.gz`` with ``NAME/segmentations/vertebrae_*.nii.gz``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from spondyl.adapters.label_schemes import Scheme
from spondyl.adapters.truth_error import TruthError
from spondyl.adapters.truth_masks import known_case, read_grades, read_masks, read_verse_centroids
from spondyl.adapters.truth_points import read_points
from spondyl.domain.level import Level
from spondyl.domain.vertebra import LabelledSpine
from spondyl.study.evaluation.truth import KnownCase

LIST_NAME = "cases.json"
GRADES_NAME = "grades.csv"
_NIFTI = (".nii.gz", ".nii")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFiles:
    """One CT and where its truth lies. points: a six-point JSON; masks: a label map or a folder of masks.

    bodies: a map that is 1 in vertebral bodies, where another tool tells them apart.
    """

    name: str
    ct: Path
    points: Path | None = None
    masks: Path | None = None
    bodies: Path | None = None
    scheme: Scheme = Scheme.VERSE
    centroids: Path | None = None
    grades: dict[Level, int] = field(default_factory=dict)

    def read_truth(self) -> tuple[KnownCase, LabelledSpine | None]:
        """The truth, and the outlines where it has any.

        Raises:
            TruthError: a file is not what it should be.
        """
        spine = None if self.masks is None else read_masks(self.masks, self.scheme, self.name, self.bodies)
        if self.points is not None:
            return read_points(self.points), spine
        if spine is None:
            raise TruthError(f"{self.name}: neither points nor masks are given")
        centres = None
        if self.centroids is not None and self.masks is not None:
            centres = read_verse_centroids(self.centroids, self.masks)
        return known_case(self.name, spine, centres, self.grades), spine


def find_cases(folder: Path) -> list[CaseFiles]:
    """All CTs with truth in a folder, by name.

    Raises:
        TruthError: there is none, or the list is not one.
    """
    if (folder / LIST_NAME).is_file():
        cases = _listed(folder / LIST_NAME)
    else:
        cases = [*_point_cases(folder), *_verse_cases(folder), *_totalsegmentator_cases(folder)]
    if not cases:
        raise TruthError(
            f"no CT with truth in {folder}: {LIST_NAME}, six-point JSON beside CTs, VerSe's layout or "
            "TotalSegmentator's is needed"
        )
    return sorted(cases, key=lambda x: x.name)


class _Listed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    ct: Path
    points: Path | None = None
    masks: Path | None = None
    bodies: Path | None = None
    scheme: Scheme = Scheme.VERSE
    centroids: Path | None = None
    grades: dict[Level, int] = {}


def _listed(path: Path) -> list[CaseFiles]:
    try:
        rows = TypeAdapter(list[_Listed]).validate_python(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        detail = error.errors(include_url=False)[0]["msg"] if isinstance(error, ValidationError) else error
        raise TruthError(f"{path.name} is no list of cases: {detail}") from error
    base = path.parent
    return [
        CaseFiles(
            name=row.name,
            ct=base / row.ct,
            points=None if row.points is None else base / row.points,
            masks=None if row.masks is None else base / row.masks,
            bodies=None if row.bodies is None else base / row.bodies,
            scheme=row.scheme,
            centroids=None if row.centroids is None else base / row.centroids,
            grades=row.grades,
        )
        for row in rows
    ]


def _point_cases(folder: Path) -> list[CaseFiles]:
    cases = []
    for truth in sorted(folder.rglob("truth.json")):
        ct = _first(truth.parent / "ct.nii.gz", truth.parent / "ct.nii", truth.parent / "dicom")
        if ct is not None:
            name = str(truth.parent.relative_to(folder)) if truth.parent != folder else folder.name
            cases.append(CaseFiles(name=name, ct=ct, points=truth))
    for truth in sorted(folder.glob("*.json")):
        ct = _first(*(folder / f"{truth.stem}{end}" for end in (*_NIFTI, "", ".zip")))
        if ct is not None and truth.name != "truth.json":
            cases.append(CaseFiles(name=truth.stem, ct=ct, points=truth))
    return cases


def _verse_cases(folder: Path) -> list[CaseFiles]:
    table = folder / GRADES_NAME
    grades = read_grades(table) if table.is_file() else {}
    masks = [*folder.rglob("*_seg-vert_msk.nii.gz"), *folder.rglob("*_seg.nii.gz")]
    cts = {path.name: path for path in folder.rglob("*.nii.gz") if path not in masks}
    centroids = {path.name: path for path in folder.rglob("*_ctd.json")}
    cases = []
    for mask in sorted(masks):
        stem = mask.name.removesuffix("_seg-vert_msk.nii.gz").removesuffix("_seg.nii.gz")
        ct = cts.get(f"{stem}_ct.nii.gz") or cts.get(f"{stem}.nii.gz")
        if ct is None:
            continue
        near = [centroids[name] for name in sorted(centroids) if name.startswith(f"{stem}_")]
        subject = stem.split("_")[0]
        cases.append(
            CaseFiles(
                name=stem,
                ct=ct,
                masks=mask,
                centroids=near[0] if near else None,
                grades=grades.get(stem) or grades.get(subject) or {},
            )
        )
    return cases


def _totalsegmentator_cases(folder: Path) -> list[CaseFiles]:
    return [
        CaseFiles(name=parts.parent.name, ct=parts.parent / "ct.nii.gz", masks=parts)
        for parts in sorted(folder.rglob("segmentations"))
        if (parts.parent / "ct.nii.gz").is_file() and any(parts.glob("vertebrae_*.nii.gz"))
    ]


def _first(*paths: Path) -> Path | None:
    return next((path for path in paths if path.exists()), None)
