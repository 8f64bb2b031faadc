"""Heights on masks beside the published spine report of TotalSegmentator, and beside its method.

    python benchmarks/measure_on_masks.py [--data ../shared/data] [--bodies 40]

Part 1 reads the example's own masks and prints our heights and losses beside the heights printed by the
report and beside the six points placed by a reader. Part 2 makes tilted vertebrae of known heights, cuts
them into voxels, and measures the same masks by both methods: ours, and voxel counts in one sagittal slice
at 15, 50 and 85 % of the depth (the slice of largest spread, as the report does). Each method is held
against the true heights at its own places.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spondyl.adapters.label_maps import TOTALSEGMENTATOR, VERSE, LabelMap, labelled_spine, read_label_map
from spondyl.domain.grading import Graded
from spondyl.domain.measurement import Measured
from spondyl.geometry.affine import to_points
from spondyl.geometry.arrays import BoolArray, Float64Array
from spondyl.geometry.planes import rotation_about
from spondyl.stages.grade import Settings as GradeSettings
from spondyl.stages.grade import grade
from spondyl.stages.measure import Settings as MeasureSettings
from spondyl.stages.measure import measure
from spondyl.synthetic.plain_body import PlainBody

COLUMNS = ("anterior", "middle", "posterior")
REPORT_DEPTHS = (0.15, 0.50, 0.85)
SPACINGS_MM = ((1.5, 1.5, 1.5), (3.0, 1.0, 1.0), (3.0, 3.0, 3.0))
REACH_MM = 62.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """One body of known heights in voxels. frame: (3, 3) its axes in LPS; the centre is the origin."""

    body: PlainBody
    frame: Float64Array
    label_map: LabelMap
    is_body: BoolArray


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="Heights on masks beside another method.")
    beside = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=beside, help="folder with masks/ and annotations/")
    parser.add_argument("--bodies", type=int, default=40, help="synthetic bodies per spacing")
    arguments = parser.parse_args()
    if (arguments.data / "masks" / "totalseg-example").is_dir():
        print_side_by_side(arguments.data)
    else:
        print(f"Part 1 left out: no masks/totalseg-example in {arguments.data}; give --data.")
    print_known_truth(arguments.bodies)


def print_side_by_side(data: Path) -> None:
    """Our heights, the report's and a reader's on the five lumbar vertebrae of the example."""
    folder = data / "masks" / "totalseg-example"
    report = json.loads((folder / "spine_report.json").read_text())["results"]
    annotated = json.loads((data / "annotations" / "totalseg-example.json").read_text())["vertebrae"]
    reader = {
        one["level"]: (one["ha_mm"], one["hm_mm"], one["hp_mm"]) for one in annotated if one["points_mm"]
    }
    spine = labelled_spine(read_label_map(folder / "totalseg.nii.gz"), TOTALSEGMENTATOR, series_id="example")
    measurements = measure(spine, MeasureSettings())
    print("Part 1. Anterior / middle / posterior height in mm, and the loss by which a fracture is called")
    print(f"{'':4}{'TotalSegmentator report':>32}{'ours':>36}{'reader':>22}")
    errors: dict[str, list[Float64Array]] = {"report": [], "ours": []}
    for one, graded in zip(measurements, grade(measurements, GradeSettings()), strict=True):
        if not isinstance(one, Measured) or not isinstance(graded, Graded):
            continue
        level = one.level.value
        theirs = np.array([report[f"vertebrae_{level}_height_{column}_mm"] for column in COLUMNS])
        bare = report[f"vertebrae_{level}_height_difference"]
        ours, truth = one.heights.as_array(), np.array(reader[level])
        errors["report"].append(theirs - truth)
        errors["ours"].append(ours - truth)
        print(
            f"{level:4}{_triple(theirs)}  loss {bare:.2f}{' CALLED' if bare > 0.20 else '':7}"
            f"{_triple(ours)}  loss {graded.loss_fraction:.2f} ± {graded.loss_sd:.2f}"
            f"{' CALLED' if graded.loss_fraction > 0.20 else '':7}{_triple(truth)}"
        )
    for name, values in errors.items():
        bias, mean = np.mean(values, axis=0), np.mean(np.abs(values), axis=0)
        print(f"against the reader, {name:6}: bias {_triple(bias)}   mean absolute {_triple(mean)}")


def print_known_truth(n_bodies: int) -> None:
    """Errors of both methods on the same masks."""
    print(f"\nPart 2. {n_bodies} tilted bodies of known heights; mean absolute error in mm")
    print(f"{'voxels (k, j, i) mm':22}{'voxel counts':>24}{'ours':>24}   ratio")
    for spacing_mm in SPACINGS_MM:
        rng = np.random.default_rng(20240501)
        theirs, ours = [], []
        for _ in range(n_bodies):
            case = draw_case(rng, spacing_mm)
            (result,) = measure(labelled_spine(case.label_map, VERSE, series_id="x"), MeasureSettings())
            if not isinstance(result, Measured):
                print(f"  not measured: {result.text}")
                continue
            ours.append(np.abs(result.heights.as_array() - case.body.heights_mm()))
            theirs.append(np.abs(count_voxels(case) - true_heights_at(case.body, REPORT_DEPTHS)))
        theirs_mm, ours_mm = np.mean(theirs, axis=0), np.mean(ours, axis=0)
        ratio = ours_mm.mean() / theirs_mm.mean()
        print(f"{spacing_mm!s:22}{_triple(theirs_mm):>24}{_triple(ours_mm):>24}   {ratio:.2f}")


def draw_case(rng: np.random.Generator, spacing_mm: tuple[float, float, float]) -> Case:
    """Draw a body between small thoracic and large lumbar, one in two fractured, tilted up to 20 degrees."""
    posterior = rng.uniform(17.0, 29.0)
    anterior = posterior * rng.uniform(0.88, 1.08)
    middle = 0.5 * (anterior + posterior) * rng.uniform(0.88, 0.97)
    if rng.random() < 0.5:
        anterior *= rng.uniform(0.55, 1.0)
        middle *= rng.uniform(0.6, 1.0)
        middle = min(middle, 0.5 * (anterior + posterior))
    depth = posterior * rng.uniform(1.05, 1.3)
    body = PlainBody(
        anterior_mm=float(anterior),
        middle_mm=float(middle),
        posterior_mm=float(posterior),
        depth_mm=float(depth),
        width_mm=float(depth * rng.uniform(1.2, 1.35)),
        cup_exponent=float(rng.uniform(1.5, 4.0)),
        top_share=float(rng.uniform(0.4, 0.75)),
        waist_fraction=float(rng.uniform(0.0, 0.1)),
        rim_radius_mm=float(rng.uniform(0.0, 1.5)),
    )
    frame = np.eye(3)
    for axis, largest_deg in ((0, 20.0), (1, 8.0), (2, 8.0)):
        frame = frame @ rotation_about(np.eye(3)[axis], np.radians(rng.uniform(-largest_deg, largest_deg)))
    k, j, i = spacing_mm
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, i], [0, j, 0], [k, 0, 0]])
    affine[:3, 3] = -REACH_MM + rng.uniform(0.0, 1.0, 3) * np.array([i, j, k])
    shape = tuple(int(n) for n in np.ceil(2 * REACH_MM / np.array(spacing_mm)))
    local = to_points(affine, np.indices(shape).reshape(3, -1).T.astype(np.float64)) @ frame
    is_body = body.is_body(local)
    labels = (is_body | body.is_posterior(local)).astype(np.int16) * 20
    return Case(
        body=body,
        frame=frame,
        label_map=LabelMap(labels=labels.reshape(shape), affine=affine),
        is_body=is_body.reshape(shape),
    )


def true_heights_at(body: PlainBody, depths: tuple[float, ...]) -> Float64Array:
    """(n,) true heights of the mid-sagittal plane at shares of the depth."""
    y = (np.array(depths) - 0.5) * body.depth_mm
    bottom, top = body.surfaces_mm(np.zeros(len(depths)), y)
    return top - bottom


def count_voxels(case: Case) -> Float64Array:
    """(3,) anterior, middle, posterior height by voxel counts along the slices, in one sagittal slice.

    Sagittal slices every 5 mm are tried, a quarter of the width left out at each side; the one of largest
    spread counts (as ``totalseg_spine_report`` does, written anew from its description).
    """
    spacing_mm = np.linalg.norm(case.label_map.affine[:3, :3], axis=0)
    seen = np.flatnonzero(np.any(case.is_body, axis=(0, 1)))
    margin = (seen[-1] - seen[0]) // 4
    step = max(1, round(5.0 / float(spacing_mm[2])))
    best = np.zeros(3)
    for sagittal in range(seen[0] + margin, seen[-1] - margin + 1, step):
        counts = np.count_nonzero(case.is_body[:, :, sagittal], axis=0)
        rows = np.flatnonzero(counts)
        at = [rows[0] + round(share * (rows[-1] - rows[0])) for share in REPORT_DEPTHS]
        heights = counts[at] * spacing_mm[0]
        if np.ptp(heights) >= np.ptp(best):
            best = heights
    return np.asarray(best, dtype=np.float64)


def _triple(values: Float64Array) -> str:
    return " ".join(f"{value:6.2f}" for value in values)


if __name__ == "__main__":
    main()
