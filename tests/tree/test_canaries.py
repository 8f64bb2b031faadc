"""Every gate fails on a planted violation: a gate that is written down but does not bite is none."""

from __future__ import annotations

import ast
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tree_checks as checks

CHECK = runpy.run_path(str(checks.ROOT / "scripts" / "check.py"))


def gate(name: str) -> list[str]:
    """The command of a gate as it is run, without the folders that it looks at."""
    (found,) = [x for x in CHECK["gates"]() if x.name == name]
    program, *arguments = found.command
    kept = [x for x in arguments if x not in {*CHECK["CODE"]}]
    return [str(Path(sys.executable).parent / program), *kept]


def run(command: list[str], folder: Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "NO_COLOR": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, input=stdin, capture_output=True, text=True, check=False
    )


# --------------------------------------------------------------------------------------- ruff
def lint(source: str, place: str = "src/spondyl/domain/canary.py") -> str:
    """What the lint gate says of a file with this text at this place of the tree."""
    done = run(
        [*gate("lint"), "--output-format", "concise", "--stdin-filename", place, "-"], checks.ROOT, source
    )
    return done.stdout


HEAD = '"""A file."""\n\nfrom __future__ import annotations\n'


def test_the_clean_canary_sings() -> None:
    assert "All checks passed" in lint(HEAD)


BRANCHES = "".join(f"    if x == {n}:\n        x += 1\n" for n in range(10))


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("C901", f"def f(x: int) -> int:\n    'F.'\n{BRANCHES}    return x"),
        ("T201", "print(1)"),
        ("PGH003", "x = 1  # type: ignore"),
        ("PGH004", "x = 1  # noqa"),
        ("ANN001", "def f(x) -> int:\n    'F.'\n    return 1"),
        ("D103", "def f() -> int:\n    return 1"),
        ("BLE001", "try:\n    x = 1\nexcept Exception:\n    x = 2"),
        ("ERA001", "# x = compute(1)"),
        ("TID251", "import time\n\nx = time.time()"),
        ("TID251", "import importlib\n\nx = importlib.import_module('torch')"),
        ("NPY002", "import numpy as np\n\nnp.random.seed(1)"),
        ("DTZ005", "import datetime\n\nx = datetime.datetime.now()"),
        ("TID252", "from . import level"),
        ("PTH123", "x = open('a')"),
        ("F401", "import os"),
    ],
    ids=lambda value: value if value.isalnum() else "",
)
def test_lint_sees(code: str, line: str) -> None:
    assert code in lint(f"{HEAD}\n{line}\n")


def test_a_test_without_docstring_is_no_fault() -> None:
    assert "All checks passed" in lint(
        "from __future__ import annotations\n\n\ndef test_it() -> None:\n    assert 1 + 1 == 2\n",
        "tests/unit/test_canary.py",
    )


def test_format_sees_another_layout() -> None:
    command = [*gate("format"), "--stdin-filename", "src/spondyl/canary.py", "-"]
    assert run(command, checks.ROOT, "x = 'a'\n").returncode == 1
    assert run(command, checks.ROOT, 'x = "a"\n').returncode == 0


# --------------------------------------------------------------------------------------- mypy
def types(command: list[str], folder: Path, source: str) -> str:
    (folder / "canary.py").write_text(source, encoding="utf-8")
    shutil.copy(checks.ROOT / "pyproject.toml", folder)
    folders = {"src", "scripts", "benchmarks", "tests"}
    kept = [x for x in command if x not in folders]
    return run([*kept, "--cache-dir", str(folder / "cache"), "canary.py"], folder).stdout


def test_types_sees_what_strict_forbids(tmp_path: Path) -> None:
    said = types(
        gate("types"),
        tmp_path,
        "from typing import Any\n\n\n"
        "def untyped(x):\n    return x\n\n\n"
        "def bare(x: dict) -> int:\n    return 1\n\n\n"
        "def returns_any(x: Any) -> int:\n    return x\n\n\n"
        "def unreachable(x: int) -> int:\n    if isinstance(x, str):\n        return 2\n    return 1\n\n\n"
        "y: int = 1  # type: ignore[assignment]\n"
        "z: str = 1\n",
    )
    for code in ("no-untyped-def", "type-arg", "no-any-return", "unreachable", "unused-ignore", "assignment"):
        assert f"[{code}]" in said, said


def test_types_of_tests_sees_a_wrong_argument_in_an_untyped_test(tmp_path: Path) -> None:
    said = types(
        gate("types-of-tests"),
        tmp_path,
        "def half(x: int) -> float:\n    return x / 2\n\n\ndef test_half():\n    half('one')\n",
    )
    assert "[arg-type]" in said
    assert "no-untyped-def" not in said


# ------------------------------------------------------------------------------- import-linter
TYPING_ONLY = "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import spondyl.pipeline"
LATE = "def late() -> None:\n    import torch"
# contract: (file, its text, what the report must say of it)
PLANTED = {
    "Doors open downwards only": [
        ("domain/canary_up.py", "import spondyl.stages.grade", "domain.canary_up -> spondyl.stages.grade"),
        ("domain/canary_typing.py", TYPING_ONLY, "domain.canary_typing -> spondyl.pipeline"),
        ("adapters/canary_side.py", "import spondyl.settings", "adapters.canary_side -> spondyl.settings"),
        ("utils.py", "", "utils"),
    ],
    "A stage never imports another stage": [
        ("stages/grade/canary.py", "import spondyl.stages.measure", "grade.canary -> spondyl.stages.measure"),
    ],
    "A stage is entered by its front door": [
        ("cli/canary_door.py", "import spondyl.stages.measure.windows", "spondyl.stages.measure.windows"),
    ],
    "Only networks and training know torch": [
        ("synthetic/canary.py", LATE, "spondyl.synthetic.canary -> torch"),
    ],
    "DICOM stays at the two ends": [
        ("cli/canary.py", "import pydicom", "spondyl.cli.canary -> pydicom"),
    ],
    "Inference engines stay behind their adapter": [
        ("stages/segment/canary.py", "import onnxruntime", "segment.canary -> onnxruntime"),
    ],
    "Tables and queues stay behind their adapters": [
        ("study/canary.py", "import duckdb", "spondyl.study.canary -> duckdb"),
    ],
    "The terminal and the settings' files stay outside": [
        ("stages/label/canary.py", "import rich", "label.canary -> rich"),
    ],
    "No cycles between siblings": [
        ("geometry/canary_a.py", "import spondyl.geometry.canary_b", "canary_a"),
        ("geometry/canary_b.py", "import spondyl.geometry.canary_a", "canary_b"),
    ],
}


def layers(folder: Path) -> subprocess.CompletedProcess[str]:
    return run(gate("layers"), folder)


def copied(folder: Path) -> Path:
    """A copy of the package's Python files with the settings of the gates."""
    shutil.copytree(
        checks.PACKAGE, folder / "src" / "spondyl", ignore=shutil.ignore_patterns("__pycache__", "*.onnx")
    )
    shutil.copy(checks.ROOT / "pyproject.toml", folder)
    return folder / "src" / "spondyl"


def test_layers_sees_every_door_that_opens_upwards(tmp_path: Path) -> None:
    package = copied(tmp_path)
    for plants in PLANTED.values():
        for place, line, _ in plants:
            (package / place).write_text(f"{line}\n", encoding="utf-8")
    done = layers(tmp_path)
    said = " ".join(done.stdout.split())
    assert done.returncode == 1
    for contract, plants in PLANTED.items():
        assert f"{contract} BROKEN" in said, done.stdout
        for *_, expected in plants:
            assert expected in said, f"{contract}: {expected}\n{done.stdout}"


def test_every_contract_has_its_canary() -> None:
    import tomllib

    contracts = tomllib.loads((checks.ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    assert sorted(contract["name"] for contract in contracts) == sorted(PLANTED)


# -------------------------------------------------------------------------------------- pytest
def test_tests_sees_a_warning_a_wrong_mark_and_an_xfail_that_passes(tmp_path: Path) -> None:
    (tmp_path / "test_canary.py").write_text(
        "import warnings\n\nimport pytest\n\n\n"
        "def test_warns():\n    warnings.warn('old', DeprecationWarning)\n\n\n"
        "@pytest.mark.xfail(reason='mended')\ndef test_mended():\n    pass\n\n\n"
        "def test_quiet():\n    pass\n"
    )
    (tmp_path / "test_mark.py").write_text(
        "import pytest\n\n\n@pytest.mark.sloow\ndef test_it():\n    pass\n"
    )
    command = [*gate("tests"), "-c", str(checks.ROOT / "pyproject.toml"), "--rootdir", str(tmp_path)]
    command += ["-p", "no:cacheprovider", "--durations=0"]
    warned = run([*command, "test_canary.py"], tmp_path)
    assert warned.returncode == 1
    assert "2 failed, 1 passed" in warned.stdout
    assert run([*command, "test_mark.py"], tmp_path).returncode == 2


HIDE_TORCH = """
import importlib.util, sys
sys.modules["torch"] = None
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name.split(".")[0] == "torch" else found(name, *rest)
"""


def test_without_torch_nothing_breaks_and_its_tests_are_not_run(tmp_path: Path) -> None:
    (tmp_path / "no_torch.py").write_text(HIDE_TORCH)
    mention = [
        str(path)
        for path in checks.python_files(checks.ROOT / "tests")
        if path.name.startswith("test_") and path.parent.name != "tree" and "torch" in path.read_text()
    ]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [*gate("tests"), "-p", "no_torch", "-p", "no:cacheprovider", "-m", "torch", *mention]
    done = subprocess.run(
        command, cwd=checks.ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in {0, 5}, done.stdout  # 5: every module with such tests was skipped as a whole
    assert " passed" not in done.stdout.splitlines()[-1]


# ---------------------------------------------------------------------------- our own tree tests
def test_the_order_is_read_from_the_calls() -> None:
    source = (
        "from spondyl.stages import a, b, c, d\n\n"
        "def read_study():\n    a.go()\n    if 1:\n        return d.refused()\n    inner()\n    c.go()\n\n"
        "def inner():\n    b.go()\n\n"
        "def write_study():\n    d.go()\n"
    )
    assert checks.order_in_pipeline(source) == ["a", "b", "c", "d"]


def test_a_table_in_another_order_is_another_order() -> None:
    table = "| stage | gives |\n|---|---|\n| `b` | x |\n| a | y |\n\n| c | z |\n"
    assert checks.order_in_table(table) == ["b", "a"]


def test_a_door_that_tells_too_little_or_opens_too_wide_is_seen() -> None:
    source = '"""In: x. Out: y."""\n__all__ = ["Settings", "one", "two"]\n'
    assert checks.front_door_faults(source) == [
        "the docstring does not say Refuses:",
        "2 public functions (one, two)",
    ]


def test_a_number_without_unit_is_seen() -> None:
    tree = ast.parse("class A:\n    height: float\n    depth_mm: float\ndef area() -> float: ...\n")
    assert checks.unitless_floats(tree, {"area"}) == ["height"]


def test_a_bare_number_is_seen() -> None:
    tree = ast.parse("if loss >= 0.25 or x > 0 or y < -30: pass\n")
    assert checks.bare_numbers(tree) == ["line 1: loss >= 0.25", "line 1: y < -30"]


def test_a_code_that_is_not_documented_or_not_tested_is_seen() -> None:
    assert checks.undocumented(["A_CODE", "B_CODE"], "| `A_CODE` | said |") == ["B_CODE"]
    assert checks.unexercised(["A_CODE", "B_CODE"], ["assert code == X.B_CODE", "A_CODES"]) == ["A_CODE"]


def test_a_silent_skip_is_seen() -> None:
    tree = ast.parse("pytest.skip()\npytest.skip('why')\npytest.importorskip('torch')\n")
    assert checks.skips_without_reason(tree) == ["line 1: pytest.skip", "line 3: pytest.importorskip"]
