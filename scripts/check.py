"""Run every gate and tell which failed: ``python scripts/check.py [NAME ...]``.

The gates are this list and nothing else: ``make test`` and CI run this file, and
tests/tree/test_canaries.py shows for each that it fails on a planted violation.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = ("src", "tests", "scripts", "benchmarks")
# what needs torch is type-checked only where torch is installed; silent: not through others' imports either
WITHOUT_TORCH = ("--exclude", "(networks|training)/", "--follow-imports", "silent")
# tests may leave fixtures and fakes without annotations; what they have is still checked
LENIENT = (
    "--allow-untyped-defs", "--allow-incomplete-defs", "--allow-untyped-calls", "--allow-untyped-decorators",
    "--allow-any-generics", "--no-warn-return-any", "--no-warn-unreachable", "--allow-subclassing-any",
    "--no-warn-unused-ignores", "--implicit-reexport", "--check-untyped-defs",
    "--exclude", r"(^|/)conftest\.py$",  # several files of one name, which no module imports
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One check: its name, what it keeps, and its command, whose program lies beside this Python."""

    name: str
    keeps: str
    command: tuple[str, ...]


def has_torch() -> bool:
    """Whether the train extra is installed here."""
    return find_spec("torch") is not None


def gates() -> tuple[Gate, ...]:
    """Every gate, the quick ones first."""
    torch_part = () if has_torch() else WITHOUT_TORCH
    return (
        Gate(name="format", keeps="one layout", command=("ruff", "format", "--check", *CODE)),
        Gate(name="lint", keeps="house style, complexity, no dead code", command=("ruff", "check", *CODE)),
        Gate(name="layers", keeps="who may import whom", command=("lint-imports", "--no-cache")),
        Gate(
            name="types",
            keeps="strict types",
            command=("mypy", *torch_part, "src", "scripts", "benchmarks"),
        ),
        Gate(
            name="types-of-tests",
            keeps="types in the tests",
            command=("mypy", *torch_part, *LENIENT, "--cache-dir", ".mypy_cache_tests", "tests"),
        ),
        Gate(name="tests", keeps="behaviour; warnings are errors", command=("pytest",)),
    )


def main(names: Sequence[str]) -> int:
    """Run the named gates (all without names); 0 when all passed."""
    chosen = [gate for gate in gates() if not names or gate.name in names]
    unknown = set(names) - {gate.name for gate in chosen}
    if unknown:
        print(f"no gate named {', '.join(sorted(unknown))}; there are {', '.join(g.name for g in gates())}")
        return 2
    lines, failed = [], False
    for gate in chosen:
        print(f"── {gate.name}: {gate.keeps}", flush=True)
        started = time.perf_counter()
        passed = _run(gate)
        failed = failed or not passed
        lines.append(
            f"{'passed' if passed else 'FAILED'}  {gate.name} ({time.perf_counter() - started:.0f} s)"
        )
    print("\n".join(["", *lines]))
    if not has_torch():
        print(
            "\nPyTorch is not installed: the tests and types of networks/ and training/ were skipped.\n"
            "`make train-extra` installs it; then `make test` runs them too."
        )
    return int(failed)


def _run(gate: Gate) -> bool:
    # one thread per library: the tests measure nothing, and two cores are soon taken
    environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **os.environ}
    program, *arguments = gate.command
    command = [str(Path(sys.executable).parent / program), *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
