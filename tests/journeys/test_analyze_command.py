"""The command as a program meets it: what it prints where, what it writes, how it ends."""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from blind_networks import write_blind_networks

from spondyl.cli.exit_codes import ExitCode
from spondyl.domain.finding import NOT_FOR_DIAGNOSIS
from spondyl.domain.volume import CtVolume
from spondyl.synthetic.dicom import write_series

Run = Callable[..., subprocess.CompletedProcess[str]]
ANSI = "\x1b["


@pytest.fixture(scope="module")
def weights_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_blind_networks(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DICOM series without a spine: air, fat, muscle and a rod of bone."""
    folder = tmp_path_factory.mktemp("study")
    hu = np.full((40, 48, 56), -1000, np.int16)
    hu[:, 8:40, 8:48] = np.random.default_rng(1).normal(40, 12, (40, 32, 40)).astype(np.int16)
    hu[:, 8:10, 8:48] = -100
    hu[:, 24:36, 20:32] = 400
    affine = np.array([[0, 0, 1.7, -50], [0, 1.7, 0, -40], [2.0, 0, 0, -100], [0, 0, 0, 1]], np.float64)
    write_series(CtVolume(hu=hu, affine=affine, series_id="x"), folder, seed=3)
    return folder


@pytest.fixture
def run(weights_folder: Path, tmp_path: Path) -> Run:
    def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SPONDYL_")},
            "SPONDYL_WEIGHTS_FOLDER": str(weights_folder),
            "SPONDYL_ENGINE": "onnxruntime",
            "SPONDYL_THREADS": "1",
            **options.pop("environment", {}),  # type: ignore[dict-item]
        }
        command = [sys.executable, "-m", "spondyl", *map(str, arguments)]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, **options
        )  # type: ignore[call-overload]

    return run


def schema() -> dict[str, object]:
    return json.loads(resources.files("spondyl.stages.report").joinpath("finding.schema.json").read_text())


def assert_no_traceback(done: subprocess.CompletedProcess[str]) -> None:
    assert "Traceback" not in done.stderr + done.stdout


def test_a_study_without_a_spine_is_an_answer_with_a_code(run: Run, study: Path, tmp_path: Path) -> None:
    done = run("analyze", study, "--out", tmp_path / "results")
    assert done.returncode == ExitCode.NOT_EVALUABLE
    assert "NOT EVALUABLE" in done.stdout
    assert "NO_SPINE_FOUND" in done.stdout
    assert done.stdout.startswith(NOT_FOR_DIAGNOSIS)
    assert f"report: {tmp_path / 'results' / 'report.html'}" in done.stdout
    finding = json.loads((tmp_path / "results" / "finding.json").read_text())
    jsonschema.validate(finding, schema())
    assert finding["refusal"]["code"] == "NO_SPINE_FOUND"
    (series,) = finding["series"]
    assert (series["chosen"], series["reason"]) == (False, "NO_SPINE_FOUND")
    assert NOT_FOR_DIAGNOSIS in (tmp_path / "results" / "report.html").read_text()


def test_progress_goes_to_stderr_in_plain_lines_and_names_each_stage(run: Run, study: Path) -> None:
    done = run("analyze", study)
    assert done.stderr.splitlines() == ["reading the input", "building the volume", "finding the spine"]
    assert ANSI not in done.stdout + done.stderr


def test_with_json_nothing_but_the_finding_is_on_stdout(run: Run, study: Path, tmp_path: Path) -> None:
    done = run("analyze", study, "--json", "--out", tmp_path / "results")
    assert done.stdout == (tmp_path / "results" / "finding.json").read_text()
    jsonschema.validate(json.loads(run("analyze", study, "--json").stdout), schema())


def test_quiet_prints_nothing_at_all(run: Run, study: Path) -> None:
    done = run("analyze", study, "-q")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", ExitCode.NOT_EVALUABLE)


def test_verbose_tells_networks_engine_and_times(run: Run, study: Path) -> None:
    done = run("analyze", study, "-v")
    assert re.search(r"networks: finder blind .*; onnxruntime \S+, 1 threads, f32", done.stdout)
    assert re.search(r"times: ingest \d\.\d\d s, volume", done.stdout)


def test_no_color_is_honoured_on_a_terminal(run: Run, study: Path) -> None:
    forced = {"FORCE_COLOR": "1"}
    assert ANSI in run("analyze", study, environment=forced).stdout
    plain = run("analyze", study, environment={**forced, "NO_COLOR": "1"}).stdout
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", plain)


def test_the_same_input_gives_the_same_finding_but_for_its_timings(
    run: Run, study: Path, tmp_path: Path
) -> None:
    findings = []
    for name in ("first", "second"):
        run("analyze", study, "--out", tmp_path / name)
        finding = json.loads((tmp_path / name / "finding.json").read_text())
        assert finding["manifest"].pop("timings_s")
        findings.append(json.dumps(finding))
    assert findings[0] == findings[1]


def test_the_manifest_names_what_was_read_and_what_read_it(
    run: Run, study: Path, weights_folder: Path
) -> None:
    manifest = json.loads(run("analyze", study, "--json").stdout)["manifest"]
    content = (weights_folder / "finder.onnx").read_bytes()
    assert manifest["networks"][0]["sha256"] == hashlib.sha256(content).hexdigest()
    assert re.fullmatch("[0-9a-f]{64}", manifest["input_sha256"])
    assert manifest["precision"] == "f32"
    assert set(manifest["timings_s"]) == {"ingest", "volume", "localise"}


def test_a_path_that_is_not_there_is_refused_with_its_code(run: Run, tmp_path: Path) -> None:
    done = run("analyze", tmp_path / "nothing", "--out", tmp_path / "results")
    assert done.returncode == ExitCode.NOT_EVALUABLE
    assert "NOT_FOUND" in done.stdout
    assert json.loads((tmp_path / "results" / "finding.json").read_text())["state"] == "NOT_EVALUABLE"


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze",),
        ("analyze", "x", "--no-such-option"),
        ("analyze", "x", "--engine", "abacus"),
        ("analyze", "x", "--threads", "0"),
        ("analyze", "x", "--settings", "/no/such/file.toml"),
        ("no-such-verb",),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_two(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == ExitCode.USAGE
    assert done.stderr
    assert_no_traceback(done)


def test_a_full_disk_is_told_and_leaves_no_half_result(run: Run, study: Path, tmp_path: Path) -> None:
    def small_files_only() -> None:
        # a write beyond the limit fails as it does on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    done = run("analyze", study, "--out", tmp_path / "results", preexec_fn=small_files_only)
    assert done.returncode == ExitCode.ENVIRONMENT
    assert "cannot be written" in done.stderr
    assert_no_traceback(done)
    assert [x for x in (tmp_path / "results").rglob("*") if x.is_file()] == []


def test_results_cannot_go_where_a_file_stands(run: Run, study: Path, tmp_path: Path) -> None:
    (tmp_path / "results").write_text("mine")
    done = run("analyze", study, "--out", tmp_path / "results")
    assert done.returncode == ExitCode.ENVIRONMENT
    assert_no_traceback(done)
    assert (tmp_path / "results").read_text() == "mine"


def test_a_damaged_network_is_told_before_anything_is_read(
    run: Run, study: Path, weights_folder: Path, tmp_path: Path
) -> None:
    for path in weights_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with (tmp_path / "refiner.onnx").open("ab") as stream:
        stream.write(b"x")
    done = run("analyze", study, environment={"SPONDYL_WEIGHTS_FOLDER": str(tmp_path)})
    assert done.returncode == ExitCode.INSTALLATION
    assert "damaged or exchanged" in done.stderr
    assert done.stdout == ""


def test_version_doctor_and_schema_tell_what_they_should(run: Run) -> None:
    version = run("--version")
    assert re.match(r"spondyl \d+\.\d+\.\d+\n", version.stdout)
    assert NOT_FOR_DIAGNOSIS in version.stdout
    doctor = run("doctor")
    assert doctor.returncode == 0
    assert "network finder blind" in doctor.stdout
    assert NOT_FOR_DIAGNOSIS in doctor.stdout
    assert json.loads(run("schema").stdout) == schema()


def test_doctor_ends_with_five_where_a_network_is_missing(run: Run, tmp_path: Path) -> None:
    done = run("doctor", environment={"SPONDYL_WEIGHTS_FOLDER": str(tmp_path)})
    assert done.returncode == ExitCode.INSTALLATION
    assert "FAILED   network finder" in done.stdout


def test_train_without_torch_names_the_extra(run: Run, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util\n\nfound = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'torch' else found(name, *rest)\n"
    )
    done = run("train", "finder", "--folder", tmp_path / "run", environment={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == ExitCode.INSTALLATION
    assert "spondyl[train]" in done.stderr


def test_the_python_of_the_readme_runs(study: Path, weights_folder: Path, tmp_path: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    (tmp_path / "path" / "to").mkdir(parents=True)
    (tmp_path / "path" / "to" / "study").symlink_to(study)
    environment = {**os.environ, "SPONDYL_WEIGHTS_FOLDER": str(weights_folder)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.split() == ["NOT_EVALUABLE", "[]"]
    assert (tmp_path / "results" / "finding.json").exists()


def test_importing_spondyl_imports_nothing_heavy() -> None:
    code = (
        "import sys, spondyl; print([x for x in ('numpy', 'pydantic', 'typer', 'rich') if x in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
