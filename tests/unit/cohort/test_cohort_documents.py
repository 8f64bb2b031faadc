"""What the documents and templates say of cohorts is what the code does."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
from pathlib import Path

import pytest

from spondyl.study.tables import FailureCode

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_of_the_tables_is_the_one_that_the_types_give() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "write_tables_reference.py"))
    assert (ROOT / "docs/reference/study-tables.md").read_text(encoding="utf-8") == script["page"]()


def test_every_failure_code_is_explained() -> None:
    page = (ROOT / "docs/reference/cohort.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)) == set(FailureCode)


@pytest.mark.parametrize(
    ("first", "number", "ends", "share"),
    [("1", "3", 0, "3/20"), ("0", "0", 6, "1/20"), ("5", "7", 4, "3/20")],
)
def test_a_slurm_task_reads_its_share(tmp_path: Path, first: str, number: str, ends: int, share: str) -> None:
    fake = tmp_path / "spondyl"
    fake.write_text(f'#!/bin/sh\necho "$@"\nexit {ends}\n')
    fake.chmod(0o755)
    task = {
        "SLURM_ARRAY_TASK_ID": number,
        "SLURM_ARRAY_TASK_MIN": first,
        "SLURM_ARRAY_TASK_COUNT": "20",
        "SLURM_CPUS_PER_TASK": "2",
    }
    environment = {**os.environ, **task, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = ["bash", str(ROOT / "deploy/slurm/cohort.sbatch"), "m 1.csv", "out"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == f"cohort run m 1.csv --out out --shard {share} --threads 2\n"
    assert done.returncode == (ends if ends == 4 else 0)  # some failed: the task has done its work


def test_the_kubernetes_template_runs_our_commands() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML comes with DBOS, the extra cohort")
    text = (ROOT / "deploy/kubernetes/cohort.yaml").read_text(encoding="utf-8")
    workers, job = yaml.safe_load_all(text)
    (worker,) = workers["spec"]["template"]["spec"]["containers"]
    assert worker["command"][:2] == ["spondyl", "worker"]
    (cohort,) = job["spec"]["template"]["spec"]["containers"]
    assert "spondyl cohort run /shared/manifest.csv" in cohort["args"][0]
    for container in (worker, cohort):
        (database,) = container["env"]
        assert database["valueFrom"]["secretKeyRef"] == {"name": "spondyl-database", "key": "url"}
