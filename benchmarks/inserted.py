"""Fractures of known loss inserted into real CTs and read: sensitivity, error of the loss, false alarms.

    python benchmarks/inserted.py [--number 150] [--weights FOLDER] [--data ../shared/data] [--out FOLDER]
        [--seed 1] [NAME ...]

Only CTs of 3 mm slices or less that show vertebrae from T4 to L4. Where a reader's six points are at hand
they say where the bone is; else the analysis' own points do. One insertion per reading; the whole CT is read
anew each time. A fracture counts as seen when the study is flagged AND that very vertebra has grade >= 2.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from spondyl.adapters import demo_ct
from spondyl.adapters.truth_points import read_points
from spondyl.domain.finding import State
from spondyl.settings import load
from spondyl.study.evaluation.insertions import InsertionReading
from spondyl.trials.insertion import MUST_BE_SEEN, NormalCt, plan, run, survey
from spondyl.trials.insertion_text import insertion_table, normal_table, trial_document
from spondyl.trials.picture import Drawn, write_sheet
from spondyl.wiring import Reader, open_reader

# name -> input under the data folder (None: the demo CT out of the wheel), annotation where there is one
INPUTS: dict[str, tuple[str | None, str | None]] = {
    "demo_chest": (None, "demo_chest"),
    "nsclcrg_R01-001": ("ct/nsclcrg_R01-001.nii.gz", "nsclcrg_R01-001"),
    "cmbcrc_01068": ("ct/cmbcrc_01068.nii.gz", "cmbcrc_01068"),
    "totalseg-example": ("masks/totalseg-example/ct.nii.gz", "totalseg-example"),
    "totalseg-aorta": ("masks/totalseg-aorta/ct.nii.gz", None),
}


def main() -> None:
    """Insert, read, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=list(INPUTS))
    parser.add_argument("--number", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--weights", type=Path, default=None)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SPONDYL_DATA", "../shared/data")))
    parser.add_argument("--out", type=Path, default=None, help="folder for site-test.json and missed.png")
    parser.add_argument("--threads", type=int, default=None)
    arguments = parser.parse_args()
    reader = open_reader(load(weights_folder=arguments.weights, threads=arguments.threads))
    cts = [_survey(reader, name, arguments.data) for name in arguments.names]
    readings: list[InsertionReading] = []
    tiles: list[Drawn] = []
    left_out: list[str] = []
    began = time.perf_counter()
    for tried in run(reader, cts, plan(cts, arguments.number, arguments.seed)):
        if tried.reading is None:
            left_out.append(tried.left_out or "")
            print(f"left out: {tried.left_out}", flush=True)
            continue
        readings.append(tried.reading)
        _print_line(tried.number, tried.reading)
        if tried.missed is not None:
            tiles.append(tried.missed)
    seconds = (time.perf_counter() - began) / max(len(readings), 1)
    print(f"\n{len(readings)} insertions, {seconds:.1f} s each\n")
    print(insertion_table(readings))
    print(normal_table([ct.reading for ct in cts]))
    if arguments.out is not None:
        _write(arguments.out, trial_document(reader.manifest, readings, [ct.reading for ct in cts], left_out))
        if tiles:
            write_sheet(tiles, arguments.out / "missed.png")


def _write(out: Path, document: dict[str, object]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "site-test.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _survey(reader: Reader, name: str, data: Path) -> NormalCt:
    relative, annotation = INPUTS[name]
    path = demo_ct.fetch(demo_ct.cache_folder()) if relative is None else data / relative
    points = None
    if annotation is not None:
        points = read_points(data / "annotations" / f"{annotation}.json").points_by_level
    ct, _ = survey(reader, path, name, points)
    print(f"{name}: {', '.join(x.value for x in ct.candidates)}; as it is: {ct.finding.state}", flush=True)
    return ct


def _print_line(number: int, x: InsertionReading) -> None:
    verdict = "seen" if x.is_seen else "MISSED" if x.loss_fraction >= MUST_BE_SEEN else "not"
    read = "–" if x.read_loss_fraction is None else f"{x.read_loss_fraction:.0%}"
    state = "" if x.state in (State.FLAG, State.NO_FLAG) else x.state
    others = f"others: {' '.join(x.others_flagged)}" if x.others_flagged else ""
    print(
        f"{number:3d} {verdict:6s} {x.ct:18s} {x.level:4s} {x.shape:10s} {x.loss_fraction:4.0%} "
        f"read {read:>4s} grade {x.read_grade} {x.read_shape} {x.refused or ''} {state} {others}".rstrip(),
        flush=True,
    )


if __name__ == "__main__":
    main()
