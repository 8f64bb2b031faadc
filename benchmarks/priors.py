"""Pairs of CTs of one spine: is the new fracture found, and is no other level called changed?

    python benchmarks/priors.py [--patients 8]

The prior is a synthetic CT with its true outlines; the current one shows the same spine turned, on other
slices, with another kernel and other noise, and with one vertebra broken since. In two of five pairs the
current names are moved by
one level, as a scan without an anchor may be numbered. Outlines are true, so this measures the comparison.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from spondyl.adapters.label_maps import VERSE, LabelMap, labelled_spine
from spondyl.domain.finding import GradedSeries, Manifest, StudyFinding
from spondyl.domain.grading import Shape
from spondyl.domain.level import STANDARD_LEVELS, Level
from spondyl.domain.measurement import Measured, NotMeasured
from spondyl.domain.series import StackSummary
from spondyl.domain.vertebra import LabelledSpine
from spondyl.pipeline import StageSettings
from spondyl.stages.finding import conclude
from spondyl.stages.grade import grade
from spondyl.stages.measure import measure
from spondyl.study.priors import Comparison, Status, compare
from spondyl.synthetic import SyntheticCt, make_ct
from spondyl.synthetic.acquisition import CLEAN
from spondyl.synthetic.paint_confounder import Painter, broken, painted, place_of

SETTINGS = StageSettings()
FIRST, LAST = Level.T9, Level.L3
BROKEN = (Level.T10, Level.T11, Level.T12, Level.L1, Level.L2)
MANIFEST = Manifest(
    spondyl_version="0", input_sha256="0", settings_sha256="0", networks=(), engine="none", precision="none",
    packages={}, python="0", machine="none", timings_s={},
)  # fmt: skip
STACK = StackSummary(
    series_id="synthetic", modality="CT", description="", n_slices=1, slice_spacing_mm=1.0,
    pixel_spacing_mm=(0.8, 0.8), kernel=None, z_range_mm=None, chosen=True, reason="CHOSEN",
    text="", score=1.0,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scan:
    """A synthetic CT read with its true outlines."""

    made: SyntheticCt
    spine: LabelledSpine
    measurements: tuple[Measured | NotMeasured, ...]


def scan_of(made: SyntheticCt) -> Scan:
    """Outlines and heights of what is wholly in view."""
    spine = labelled_spine(
        LabelMap(labels=made.labels.astype(np.int16), affine=made.volume.affine),
        VERSE,
        series_id=made.volume.series_id,
        body=made.labels > 0,
        hu=made.volume.hu.astype(np.float32),
    )
    whole = {x.level for x in made.truth if not x.is_cut}
    kept = [n for n, name in enumerate(spine.names) if name.level in whole]
    spine = LabelledSpine(
        masks=replace(spine.masks, vertebrae=tuple(spine.masks.vertebrae[n] for n in kept)),
        names=tuple(spine.names[n] for n in kept),
    )
    return Scan(made=made, spine=spine, measurements=measure(spine, SETTINGS.measure))


def with_fracture(scan: Scan, level: Level, painter: Painter) -> Scan:
    """One vertebra of a scan broken, and measured anew."""
    number = [name.level for name in scan.spine.names].index(level)
    vertebra = scan.spine.masks.vertebrae[number]
    place = place_of(next(x for x in scan.made.truth if x.level == level))
    hu, left = painted(vertebra.patch.hu, vertebra.patch.affine, place, (painter,))
    patch = replace(vertebra.patch, hu=hu, occupancy=(vertebra.patch.occupancy * left).astype(np.float32))
    vertebrae = list(scan.spine.masks.vertebrae)
    vertebrae[number] = replace(vertebra, patch=patch)
    alone = LabelledSpine(
        masks=replace(scan.spine.masks, vertebrae=(vertebrae[number],)), names=(scan.spine.names[number],)
    )
    measurements = list(scan.measurements)
    measurements[number] = measure(alone, SETTINGS.measure)[0]
    masks = replace(scan.spine.masks, vertebrae=tuple(vertebrae))
    return replace(scan, spine=replace(scan.spine, masks=masks), measurements=tuple(measurements))


def finding_of(scan: Scan, shift: int = 0) -> StudyFinding:
    """The finding of a scan, names moved by ``shift`` levels."""
    names = tuple(
        replace(name, level=_moved(name.level, shift), is_uncertain=shift != 0) for name in scan.spine.names
    )
    measurements = tuple(
        replace(one, level=name.level) for one, name in zip(scan.measurements, names, strict=True)
    )
    graded = GradedSeries(
        spine=replace(scan.spine, names=names),
        measurements=measurements,
        grades=grade(measurements, SETTINGS.grade),
        slice_spacing_mm=scan.made.volume.spacing_mm[0],
    )
    return conclude((graded,), (STACK,), (), MANIFEST, SETTINGS.finding)


def _moved(level: Level, shift: int) -> Level:
    return STANDARD_LEVELS[STANDARD_LEVELS.index(level) + shift]


def make_scans(number: int) -> tuple[Scan, Scan]:
    """One spine scanned twice: turned, on other slices, with another kernel and other noise."""
    rng = np.random.default_rng(number)
    quiet = replace(CLEAN, noise_hu=12.0, slice_thickness_mm=1.0)
    other = replace(CLEAN, noise_hu=float(rng.uniform(15, 35)), slice_thickness_mm=1.5, sharpness=0.6)
    turned = tuple(float(x) for x in rng.uniform(-8, 8, 3))
    prior = make_ct(number, 1.0, first=FIRST, last=LAST, field_of_view_mm=150.0, protocol=quiet)
    current = make_ct(
        number,
        float(rng.choice([1.25, 1.5, 2.0])),
        first=FIRST,
        last=LAST,
        field_of_view_mm=150.0,
        protocol=other,
        rotation_deg=(turned[0], turned[1], turned[2]),
    )
    return scan_of(prior), scan_of(current)


def main() -> None:
    """Print the rates."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=8)
    arguments = parser.parse_args()
    began = time.perf_counter()
    count = dict.fromkeys(("pairs", "found", "others", "changed", "slips", "slips found", "invented"), 0)
    for number in range(arguments.patients):
        prior, current = make_scans(number)
        before = finding_of(prior)
        rng = np.random.default_rng(1000 + number)
        for turn, (level, shape) in enumerate(product(BROKEN, (Shape.WEDGE, Shape.BICONCAVE, Shape.CRUSH))):
            shift = (0, 0, 1, 0, -1)[turn % 5]
            loss = float(rng.uniform(0.28, 0.55))
            now = finding_of(with_fracture(current, level, broken(shape, loss)), shift)
            tell(count, compare(now, before), _moved(level, shift), shift, f"{number} {shape} {loss:.2f}")
    print(f"new fracture found: {count['found']}/{count['pairs']} = {count['found'] / count['pairs']:.3f}")
    left = count["others"] - count["changed"]
    print(f"other levels left unchanged: {left}/{count['others']} = {left / count['others']:.4f}")
    print(f"slips of the numbers found: {count['slips found']}/{count['slips']}")
    print(f"slips invented: {count['invented']}/{count['pairs'] - count['slips']}")
    print(f"{time.perf_counter() - began:.0f} s")


def tell(count: dict[str, int], comparison: Comparison, level: Level, shift: int, words: str) -> None:
    """Count one pair, and say what went wrong."""
    hit = {x.level for x in comparison.changes if x.status in {Status.NEW, Status.WORSE}}
    others = [x for x in comparison.changes if x.status != Status.NOT_COMPARABLE and x.level != level]
    count["pairs"] += 1
    count["found"] += level.value in hit
    count["others"] += len(others)
    count["changed"] += len([x for x in others if x.level in hit])
    count["slips"] += shift != 0
    count["slips found"] += shift != 0 and comparison.slip == -shift
    count["invented"] += shift == 0 and comparison.slip != 0
    if level.value not in hit or len(hit) > 1 or comparison.slip != -shift:
        row = next((x.text for x in comparison.changes if x.level == level.value), "not in view")
        print(
            f"  {words}: broke {level}, called {sorted(hit)}, slip {comparison.slip} for {-shift}: {row}",
            flush=True,
        )


if __name__ == "__main__":
    main()
