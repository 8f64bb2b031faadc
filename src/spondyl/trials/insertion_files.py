"""One inserted fracture as files: the CT, its truth, and a picture of before and after."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from spondyl.adapters.ct_files import write_derived_series, write_nifti
from spondyl.adapters.truth_points import POINT_NAMES
from spondyl.domain.finding import NOT_FOR_DIAGNOSIS
from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float64Array
from spondyl.pipeline import Opened
from spondyl.synthetic.insert import Inserted
from spondyl.synthetic.insert_place import frame_of
from spondyl.synthetic.truth import GRADE_BOUNDS
from spondyl.trials.insertion import NormalCt, PlannedInsertion
from spondyl.trials.picture import Tile, draw, write_sheet

_DESCRIPTION = "Fracture inserted by Spondyl; not a patient's state"


def write_inserted(
    ct: NormalCt,
    opened: Opened,
    planned: PlannedInsertion,
    inserted: Inserted,
    out: Path,
    *,
    points_are_given: bool,
) -> tuple[Path, ...]:
    """Write ``ct.nii.gz`` or ``dicom/`` (as the input was), ``truth.json`` and ``before-after.png``.

    Raises:
        OSError: the folder cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    series = opened.ingested.accepted[0]
    if series.sop_instance_uids:
        image = out / "dicom"
        write_derived_series(
            inserted.volume,
            image,
            attributes=series.attributes,
            description=f"{_DESCRIPTION}: {planned.level}, {planned.shape.value}",
            seed=_seed(opened, planned),
        )
    else:
        image = out / "ct.nii.gz"
        write_nifti(inserted.volume, image)
    truth = out / "truth.json"
    document = truth_document(ct, planned, inserted, points_are_given=points_are_given)
    truth.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    picture = out / "before-after.png"
    write_sheet([draw(tile) for tile in _tiles(ct, opened, planned, inserted)], picture)
    return image, truth, picture


def truth_document(
    ct: NormalCt, planned: PlannedInsertion, inserted: Inserted, *, points_are_given: bool
) -> dict[str, object]:
    """The truth in the form of a six-point annotation, which ``spondyl evaluate`` reads.

    The other vertebrae carry their points only where these were given: points that Spondyl measured
    itself are no truth to measure it by.
    """
    vertebrae = []
    for level in sorted(ct.points_lps_mm, key=lambda x: x.order):
        is_inserted = level is planned.level
        points = inserted.landmarks_lps_mm if is_inserted else ct.points_lps_mm[level]
        vertebrae.append(
            {
                "level": level.value,
                "level_confidence": "sure" if points_are_given else "as read",
                "center_mm": _rounded(points.mean(axis=0)),
                "points_mm": _named(points) if is_inserted or points_are_given else {},
                "genant": _grade(inserted.loss_fraction) if is_inserted else None,
                "shape": planned.shape.value if is_inserted else None,
                "loss_fraction": round(inserted.loss_fraction, 4) if is_inserted else None,
                "partial": False,
            }
        )
    return {
        "name": ct.name,
        "notice": NOT_FOR_DIAGNOSIS,
        "frame": "LPS mm",
        "vertebrae": vertebrae,
        "inserted": {
            "level": planned.level.value,
            "shape": planned.shape.value,
            "loss_fraction": round(inserted.loss_fraction, 4),
            "loss_fractions": _rounded(inserted.loss_fractions, 4),
            "heights_before_mm": _rounded(inserted.heights_before_mm),
            "heights_after_mm": _rounded(inserted.heights_after_mm),
            "points": "given" if points_are_given else "measured by spondyl before the insertion",
        },
    }


def _seed(opened: Opened, planned: PlannedInsertion) -> int:
    """Decides the UIDs: equal inputs give equal files, another fracture another study."""
    text = f"{opened.ingested.input_sha256} {planned}"
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)


def _grade(loss_fraction: float) -> int:
    return sum(loss_fraction >= bound for bound in GRADE_BOUNDS)


def _named(points: Float64Array) -> Mapping[str, list[float]]:
    return {name: _rounded(point) for name, point in zip(POINT_NAMES, points, strict=True)}


def _rounded(values: Float64Array, decimals: int = 3) -> list[float]:
    return [round(float(x), decimals) for x in values]


def _tiles(ct: NormalCt, opened: Opened, planned: PlannedInsertion, inserted: Inserted) -> list[Tile]:
    before = ct.points_lps_mm[planned.level]
    level: Level = planned.level
    losses = ", ".join(f"{x:.0%}" for x in inserted.loss_fractions)
    common = {"centre_lps_mm": before.mean(axis=0), "frame": frame_of(before)}
    return [
        Tile(volume=opened.volumes[0], caption=(f"{level} as it is",), true_points_mm=before, **common),
        Tile(
            volume=inserted.volume,
            caption=(
                f"{level} {planned.shape.value}, loss {inserted.loss_fraction:.0%}",
                f"a, m, p: {losses}",
            ),
            true_points_mm=inserted.landmarks_lps_mm,
            **common,
        ),
    ]
