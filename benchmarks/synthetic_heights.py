"""The whole pipeline on synthetic CTs of known truth: heights, vertebrae, level names and grades.

    python benchmarks/synthetic_heights.py [--number N] [--spacing MM ...] [--weights FOLDER] [--first-seed S]

Each of the N patients is drawn, scanned once for each slice spacing, written as a DICOM series and read
from its files. View (chest, abdomen, both), fractures and scanner setting are drawn anew for each seed. The
seeds lie below 1,000,003: training with seed s draws from s x 1,000,003 upwards: no patient was trained on.
The truth is the six points of the shapes themselves; the code that is tested has no part in it.

A vertebra counts as found where a body lies within 8 mm of its centre; as invented where a body that is said
to be wholly in view lies near no true one. Heights are those of vertebrae wholly in view, found and measured;
what was refused is counted beside them. Kappa is weighted by squares.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from spondyl.domain.finding import State, StudyFinding, VertebraFinding
from spondyl.domain.grading import COUNTED_GRADE
from spondyl.domain.level import Level
from spondyl.settings import load
from spondyl.study.statistics import Weighting, cohen_kappa, cross_table
from spondyl.synthetic import Deformity, SyntheticCt, TrueVertebra, make_ct
from spondyl.synthetic.acquisition import draw_protocol
from spondyl.synthetic.dicom import write_series
from spondyl.synthetic.fracture import draw_deformity
from spondyl.wiring import Reader, open_reader

FIRST_SEED = 500_000
CENTRE_LIMIT_MM = 8.0
PIXEL_MM = 0.8
VIEWS = ((Level.T1, Level.L1), (Level.T9, Level.L5), (Level.T1, Level.L5))  # chest, abdomen, both
VIEW_SHARES = (0.4, 0.4, 0.2)
FRACTURED_PATIENTS = 0.6
MOST_FRACTURES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is drawn of one patient besides the anatomy, which follows from the seed."""

    seed: int
    first: Level
    last: Level
    fractures: tuple[tuple[Level, Deformity], ...]


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts and errors over the patients of one slice spacing. errors_mm, sds_mm: (3,) per measured one."""

    patients: int = 0
    in_view: int = 0
    found: int = 0
    invented: int = 0
    measured: int = 0
    cut_but_graded: int = 0
    named_right: int = 0
    named_wrong_said_so: int = 0
    named_wrong: int = 0
    named_unsure: int = 0
    errors_mm: list[np.ndarray] = field(default_factory=list)
    sds_mm: list[np.ndarray] = field(default_factory=list)
    is_fractured: list[bool] = field(default_factory=list)
    grades: list[tuple[int, int]] = field(default_factory=list)
    broken: int = 0
    broken_found: int = 0
    whole: int = 0
    whole_called_broken: int = 0
    broken_patients: int = 0
    broken_patients_flagged: int = 0
    whole_patients_flagged: int = 0


def draw_patient(seed: int) -> Patient:
    """View and fractures of one patient."""
    rng = np.random.default_rng([seed, 1])
    first, last = VIEWS[int(rng.choice(len(VIEWS), p=VIEW_SHARES))]
    levels = [x for x in Level if first.order <= x.order <= last.order and x != Level.T13]
    number = int(rng.integers(1, MOST_FRACTURES + 1)) if rng.random() < FRACTURED_PATIENTS else 0
    chosen = rng.choice(np.array(levels, dtype=object), size=number, replace=False)
    fractures = tuple((level, draw_deformity(rng)) for level in sorted(chosen, key=lambda x: x.order))
    return Patient(seed=seed, first=first, last=last, fractures=fractures)


def scan(patient: Patient, spacing_mm: float) -> SyntheticCt:
    """The patient's CT; kernel, noise and artefacts are drawn as the training draws them."""
    protocol = draw_protocol(np.random.default_rng([patient.seed, 2]))
    return make_ct(
        patient.seed,
        spacing_mm,
        fractures=patient.fractures,
        first=patient.first,
        last=patient.last,
        pixel_spacing_mm=PIXEL_MM,
        protocol=replace(protocol, slice_thickness_mm=spacing_mm),
    )


def read(made: SyntheticCt, reader: Reader, seed: int) -> StudyFinding:
    """Through files, as a user would."""
    with tempfile.TemporaryDirectory() as folder:
        write_series(made.volume, Path(folder), seed=seed)
        return reader.read(Path(folder)).finding


def count(tally: Tally, made: SyntheticCt, finding: StudyFinding) -> None:
    """Add one patient."""
    tally.patients += 1
    pairs = match(made.truth, finding.vertebrae)
    seen = {number for number, _ in pairs}
    for number, vertebra in enumerate(finding.vertebrae):
        tally.invented += number not in seen and vertebra.in_view == "full"
    partner = {id(truth): finding.vertebrae[number] for number, truth in pairs}
    for truth in made.truth:
        mate = partner.get(id(truth))
        if truth.is_cut:
            tally.cut_but_graded += mate is not None and mate.genant_grade is not None
        elif truth.level.is_graded:
            _count_vertebra(tally, truth, mate)
    _count_names(tally, [(truth, finding.vertebrae[number]) for number, truth in pairs])
    is_broken = any(x.grade >= COUNTED_GRADE and x.level.is_graded and not x.is_cut for x in made.truth)
    is_flagged = finding.state == State.FLAG
    tally.broken_patients += is_broken
    tally.broken_patients_flagged += is_broken and is_flagged
    tally.whole_patients_flagged += not is_broken and is_flagged


def match(
    truths: Sequence[TrueVertebra], vertebrae: Sequence[VertebraFinding]
) -> list[tuple[int, TrueVertebra]]:
    """Pairs of a body's place in the finding and the true vertebra, nearest first, each used once."""
    distances = [
        (float(np.linalg.norm(truth.centre_lps_mm - np.array(vertebra.centre_lps_mm))), number, place)
        for number, vertebra in enumerate(vertebrae)
        for place, truth in enumerate(truths)
    ]
    pairs: list[tuple[int, int]] = []
    for distance, number, place in sorted(distances):
        is_free = all(number != a and place != b for a, b in pairs)
        if distance <= CENTRE_LIMIT_MM and is_free:
            pairs.append((number, place))
    return [(number, truths[place]) for number, place in pairs]


def _count_vertebra(tally: Tally, truth: TrueVertebra, mate: VertebraFinding | None) -> None:
    tally.in_view += 1
    grade = None if mate is None else mate.genant_grade
    is_called_broken = grade is not None and grade >= COUNTED_GRADE
    if truth.grade >= COUNTED_GRADE:
        tally.broken += 1
        tally.broken_found += is_called_broken
    elif truth.grade == 0:
        tally.whole += 1
        tally.whole_called_broken += is_called_broken
    if mate is None:
        return
    tally.found += 1
    if grade is not None:
        tally.grades.append((truth.grade, grade))
    if mate.heights_mm is not None and mate.height_sd_mm is not None:
        tally.measured += 1
        heights = mate.heights_mm
        read_mm = np.array([heights.anterior, heights.middle, heights.posterior])
        tally.errors_mm.append(read_mm - truth.heights.as_array())
        sd = mate.height_sd_mm
        tally.sds_mm.append(np.array([sd.anterior, sd.middle, sd.posterior]))
        tally.is_fractured.append(truth.grade > 0)


def _count_names(tally: Tally, pairs: list[tuple[TrueVertebra, VertebraFinding]]) -> None:
    wrong = [mate for truth, mate in pairs if mate.level != truth.level]
    if not wrong:
        tally.named_right += 1
        tally.named_unsure += any(mate.level_uncertain for _, mate in pairs)
    elif all(mate.level_uncertain for mate in wrong):
        tally.named_wrong_said_so += 1
    else:
        tally.named_wrong += 1


def print_tally(spacing_mm: float, tally: Tally) -> None:
    """One block of figures."""
    print(f"\nslices of {spacing_mm:g} mm, {tally.patients} CTs")
    print(
        f"  vertebrae  {_share(tally.found, tally.in_view)} found, {tally.invented} invented,"
        f" {_share(tally.measured, tally.found)} measured, {tally.cut_but_graded} cut but graded"
    )
    errors = np.array(tally.errors_mm).reshape(-1, 3)
    fractured = np.array(tally.is_fractured, np.bool_)
    for name, chosen in (("all", errors), ("grade 0", errors[~fractured]), ("grade 1-3", errors[fractured])):
        print(f"  heights    {_errors(name, chosen)}")
    within = np.abs(errors) <= 1.96 * np.array(tally.sds_mm).reshape(-1, 3)
    print(f"  stated SD  {_share(int(within.sum()), within.size)} heights within 1.96 SD")
    print(
        f"  levels     {_share(tally.named_right, tally.patients)} CTs all right ({tally.named_unsure} of"
        f" them marked uncertain), {tally.named_wrong_said_so} wrong but marked,"
        f" {tally.named_wrong} wrong and sure"
    )
    print(
        f"  fractures  grade >= 2 found {_share(tally.broken_found, tally.broken)};"
        f" grade 0 called >= 2 {_share(tally.whole_called_broken, tally.whole)}"
    )
    print(
        "  patients   flagged with grade >= 2"
        f" {_share(tally.broken_patients_flagged, tally.broken_patients)},"
        f" without {_share(tally.whole_patients_flagged, tally.patients - tally.broken_patients)}"
    )
    truth, read_grades = [a for a, _ in tally.grades], [b for _, b in tally.grades]
    table = cross_table(truth, read_grades, (0, 1, 2, 3))
    kappa = cohen_kappa("Genant grade", table, weighting=Weighting.QUADRATIC)
    print(f"  grades     {kappa}")
    print("             rows: true grade 0-3, columns: read", *table.tolist(), flush=True)


def _errors(name: str, errors_mm: np.ndarray) -> str:
    if not len(errors_mm):
        return f"{name}: none"
    size, bias = np.abs(errors_mm), errors_mm.mean(axis=0)
    return (
        f"{name:9s} MAE {size.mean():.2f} mm, bias {bias[0]:+.2f} {bias[1]:+.2f} {bias[2]:+.2f},"
        f" P95 {np.percentile(size, 95):.2f}, median {np.median(size):.2f} (n={len(errors_mm)})"
    )


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole}" + (f" = {part / whole:.3f}" if whole else "")


def run(
    reader: Reader, seeds: Sequence[int], spacings_mm: Sequence[float], *, says_each: bool = True
) -> dict[float, Tally]:
    """Read every patient at every spacing."""
    tallies = {spacing: Tally() for spacing in spacings_mm}
    for seed in seeds:
        patient = draw_patient(seed)
        for spacing, tally in tallies.items():
            made = scan(patient, spacing)
            finding = read(made, reader, seed)
            before = len(tally.errors_mm)
            count(tally, made, finding)
            if says_each:
                errors = np.abs(np.array(tally.errors_mm[before:]))
                mean = float(errors.mean()) if errors.size else float("nan")
                said = " ".join(x.level + "?" * x.level_uncertain for x in finding.vertebrae)
                print(
                    f"{seed} {spacing:g} mm {patient.first}-{patient.last} MAE {mean:.2f}: {said}", flush=True
                )
    return tallies


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--number", type=int, default=10, help="patients")
    parser.add_argument("--spacing", type=float, nargs="*", default=[1.0, 3.0], help="slice spacings, mm")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--weights", type=Path, default=None)
    arguments = parser.parse_args()
    reader = open_reader(load(weights_folder=arguments.weights))
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.number)
    for spacing, tally in run(reader, seeds, arguments.spacing).items():
        print_tally(spacing, tally)


if __name__ == "__main__":
    main()
