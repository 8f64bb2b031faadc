"""Time and memory of the whole demo CT, from its file to the written results, on two cores.

``make benchmark`` or ``python benchmarks/demo_ct.py [--repeat N] [--input PATH]``: for each engine that is
installed, the median over the runs of wall time per stage, and the largest peak memory; beside it the
time that nibabel takes to read and decode the same file and do nothing else. Every run is a new process.
CPU time is the sum over both cores; where it is far below the wall time, other programs had the cores.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

N_CORES = 2
AIM_S, AIM_GIB = 15.0, 2.0


def read_alone(study: Path) -> dict[str, float]:
    """Seconds to read and decode the file, and nothing else."""
    import numpy as np
    from nibabel import Nifti1Image

    started = time.perf_counter()
    np.asarray(Nifti1Image.from_filename(study).dataobj)
    return {"read and decode alone": time.perf_counter() - started}


def whole(study: Path, engine: str) -> dict[str, float]:
    """Seconds per stage from an open process to written results, and the peak memory in GiB."""
    started = time.perf_counter()
    from spondyl.settings import load
    from spondyl.wiring import open_reader

    reader = open_reader(load(engine=engine, threads=N_CORES))
    opened = time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        answer = reader.read(study, Path(out))
    ended = time.perf_counter()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "imports, networks": opened - started,
        **answer.timings_s,
        "whole": ended - started,
        "CPU time": usage.ru_utime + usage.ru_stime,
        "peak GiB": usage.ru_maxrss / 2**20,  # Linux gives KiB
    }


def in_new_processes(mode: str, study: Path, repeat: int) -> dict[str, float]:
    """Median of each figure over the runs (of the memory: the largest)."""
    command = [sys.executable, __file__, "--run", mode, "--input", str(study)]
    runs: list[dict[str, float]] = []
    for _ in range(repeat):
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ourselves
        runs.append(json.loads(done.stdout))
    return {
        name: max(run[name] for run in runs)
        if name == "peak GiB"
        else statistics.median(run[name] for run in runs)
        for name in runs[0]
    }


def print_comparison(study: Path, repeat: int) -> None:
    """Measure, and print the table."""
    print(f"{study.name}, {N_CORES} cores, median of {repeat} runs; load average {os.getloadavg()[0]:.1f}")
    alone = in_new_processes("read", study, repeat)["read and decode alone"]
    print(f"{alone:8.2f} s  reading and decoding the file alone (nibabel)")
    for engine in ("onnxruntime", "openvino"):
        if find_spec(engine) is None:
            print(f"\n{engine}: not installed")
            continue
        figures = in_new_processes(engine, study, repeat)
        peak_gib = figures.pop("peak GiB")
        print(f"\n{engine}")
        for name, seconds in figures.items():
            print(f"{seconds:8.2f} s  {name}")
        print(f"{figures['whole'] / alone:8.1f} ×  reading and decoding alone")
        print(f"{peak_gib:8.2f} GiB peak memory (aims: {AIM_S:.0f} s and {AIM_GIB:.0f} GiB with OpenVINO)")


def demo_ct() -> Path:
    """The path of the demo CT, fetched where it is not yet there."""
    from spondyl.adapters.demo_ct import cache_folder, fetch

    return fetch(cache_folder())


def main() -> None:
    """Print the comparison, or (in a new process) one run's figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, help="another study than the demo CT (one file)")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--run", choices=["read", "onnxruntime", "openvino"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    study = arguments.input or demo_ct()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:N_CORES])
    if arguments.run == "read":
        print(json.dumps(read_alone(study)))
    elif arguments.run:
        print(json.dumps(whole(study, arguments.run)))
    else:
        print_comparison(study, arguments.repeat)


if __name__ == "__main__":
    main()
