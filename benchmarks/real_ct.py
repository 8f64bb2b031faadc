"""Detection, level names and heights on real CTs with six-point annotations, one command, one table.

    python benchmarks/real_ct.py [--data ../shared/data] [--weights FOLDER] [--out FOLDER] [NAME ...]

The annotations are one careful lay reader's points (see the data's README), not clinical truth. A vertebra
counts as found when a measured or refused body lies within 8 mm of its annotated centre.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spondyl.adapters import demo_ct
from spondyl.domain.finding import StudyFinding, VertebraFinding
from spondyl.domain.level import Level
from spondyl.settings import load
from spondyl.wiring import open_reader

CENTRE_LIMIT_MM = 8.0

# annotation -> input under the data folder; None is the demo CT out of the wheel
INPUTS: dict[str, str | None] = {
    "demo_chest": None,
    "nsclcrg_R01-001": "ct/nsclcrg_R01-001.nii.gz",
    "cmbcrc_01068": "ct/cmbcrc_01068.nii.gz",
    "totalseg-example": "masks/totalseg-example/ct.nii.gz",
    "acrinflt_001_lower": "dicom/acrinflt_001",
    "crlm_1006": "dicom/crlm_1006",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One CT: counts, and the signed height errors (n, 3) in mm."""

    name: str
    spacing_mm: float
    n_truth: int
    n_found: int
    n_invented: int
    n_levels_right: int
    n_levels_uncertain: int
    errors_mm: np.ndarray
    worst_grade: int
    seconds: float


def compare(name: str, finding: StudyFinding, annotation: dict[str, object], seconds: float) -> Row:
    """Match the finding to the annotation by nearest centre."""
    truths = annotation["vertebrae"]
    assert isinstance(truths, list)
    centres = np.array([x["center_mm"] for x in truths])
    found: dict[int, VertebraFinding] = {}
    invented = 0
    for vertebra in finding.vertebrae:
        if not _is_near_annotated_range(vertebra, centres):
            continue
        distances = np.linalg.norm(centres - np.array(vertebra.centre_lps_mm), axis=1)
        nearest = int(np.argmin(distances))
        if distances[nearest] <= CENTRE_LIMIT_MM and nearest not in found:
            found[nearest] = vertebra
        elif vertebra.in_view == "full":
            invented += 1
            print(f"    not annotated here: {vertebra.level} at {vertebra.centre_lps_mm}")
    wanted = [n for n, x in enumerate(truths) if x["ha_mm"] is not None and Level(x["level"]).is_graded]
    hits = [n for n in wanted if n in found]
    for n in sorted(set(wanted) - set(hits)):
        print(f"    missed: {truths[n]['level']}")
    errors = []
    for n in hits:
        heights = found[n].heights_mm
        if heights is not None:
            truth = [truths[n][key] for key in ("ha_mm", "hm_mm", "hp_mm")]
            errors.append(
                [heights.anterior - truth[0], heights.middle - truth[1], heights.posterior - truth[2]]
            )
    return Row(
        name=name,
        spacing_mm=float(str(annotation["slice_spacing_mm"])),
        n_truth=len(wanted),
        n_found=len(hits),
        n_invented=invented,
        n_levels_right=sum(found[n].level == truths[n]["level"] for n in hits),
        n_levels_uncertain=sum(found[n].level_uncertain for n in hits),
        errors_mm=np.array(errors).reshape(-1, 3),
        worst_grade=max((x.genant_grade or 0 for x in finding.vertebrae), default=0),
        seconds=seconds,
    )


def _is_near_annotated_range(vertebra: VertebraFinding, centres: np.ndarray) -> bool:
    """A body above or below everything that was annotated cannot be judged."""
    z = vertebra.centre_lps_mm[2]
    return bool(centres[:, 2].min() - 12.0 <= z <= centres[:, 2].max() + 12.0)


def print_row(row: Row) -> None:
    """One line of the table."""
    errors = row.errors_mm
    mean = np.abs(errors).mean() if len(errors) else float("nan")
    bias = errors.mean(axis=0) if len(errors) else np.full(3, np.nan)
    print(
        f"{row.name:20s} {row.spacing_mm:5.2f} mm  found {row.n_found:2d}/{row.n_truth:2d}"
        f"  invented {row.n_invented}  level right {row.n_levels_right:2d}"
        f" (uncertain {row.n_levels_uncertain:2d})"
        f"  height MAE {mean:4.2f} mm (bias {bias[0]:+.2f} {bias[1]:+.2f} {bias[2]:+.2f}, n={len(errors)})"
        f"  worst grade {row.worst_grade}  {row.seconds:5.1f} s",
        flush=True,
    )


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=list(INPUTS))
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SPONDYL_DATA", "../shared/data")))
    parser.add_argument("--weights", type=Path, default=None)
    parser.add_argument("--out", type=Path, default=None, help="also write every report here")
    arguments = parser.parse_args()
    reader = open_reader(load(weights_folder=arguments.weights))
    rows = []
    for name in arguments.names:
        relative = INPUTS[name]
        path = demo_ct.fetch(demo_ct.cache_folder()) if relative is None else arguments.data / relative
        annotation = json.loads((arguments.data / "annotations" / f"{name}.json").read_text(encoding="utf-8"))
        began = time.perf_counter()
        out = None if arguments.out is None else arguments.out / name
        finding = reader.read(path, out).finding
        rows.append(compare(name, finding, annotation, time.perf_counter() - began))
        print_row(rows[-1])
    total, found = sum(x.n_truth for x in rows), sum(x.n_found for x in rows)
    print(f"all: found {found}/{total} = {found / total:.3f}, invented {sum(x.n_invented for x in rows)}")


if __name__ == "__main__":
    main()
