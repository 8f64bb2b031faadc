"""The fault table of the DICOM route: what a PACS has after each fault.

Every study must have exactly one complete set of results at the PACS (three objects of three kinds; new
UIDs at each analysis, so that an analysis whose results were sent twice would show). With a refused
context the other two must be there. Exits with 1 where that is not so.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import node_faults as faults  # type: ignore[import-not-found]


def main() -> int:
    """Run every fault and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30, help="how often the process is killed")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    arguments = parser.parse_args()
    print(f"{'fault':32} {'studies':>7} {'one set':>7}  {'states':24} {'s':>6}")
    wrong = 0
    for number, fault in enumerate((*faults.FAULTS, None)):
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder) / str(number)
            row = faults.kills(work, arguments.kills, seed=arguments.seed) if fault is None else fault(work)
        print(
            f"{row.fault:32} {row.studies:7} {row.complete_once:7}  {row.state:24} {row.seconds:6.1f}",
            flush=True,
        )
        if row.killed_while:
            print(f"{'':4}killed while: {row.killed_while}", flush=True)
        wanted = 0 if fault is faults.refused_context else row.studies
        wrong += row.complete_once != wanted
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
