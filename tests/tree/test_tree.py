"""The tree keeps what its documents promise."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest
import tree_checks as checks

from spondyl.cli.exit_codes import ExitCode
from spondyl.domain.refusal import NotMeasuredCode, RefusalCode

README = checks.ROOT / "README.md"
DOCS = checks.ROOT / "docs"
TESTS = checks.ROOT / "tests"
# words of the field that have no dimension, each a number that a reader cannot mistake
DIMENSIONLESS = {
    "anterior", "middle", "posterior",  # fixed by the contract of finding.json; the holder's name says mm
    "score", "loss_sd", "value", "threshold",  # the same; a confounder's unit stands beside its value
    "probability", "level_probability", "probability_grade_2_or_more",
    "residual_sd", "at", "sd_at",  # of a fitted plane: in the unit of what it was fitted to
    "overlap_with_mirror",  # a share, 0-1
    "kvp",  # DICOM's own word for the tube voltage; its unit is in it
    "level_estimate", "level_estimate_sd", "rib_evidence", "sacrum_evidence", "outline_quality",
}  # fmt: skip
# front doors with several functions: how many, and why
SEVERAL_FUNCTIONS = {
    "finding": (2, "conclude and refused are the two ways in which a study ends"),
    "report": (
        5,
        "a result is written for people, archives and the reading station; the archive's is read back, and "
        "de-identified",
    ),
}


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_the_order_of_the_stages_is_told_three_times_alike() -> None:
    order = checks.order_in_pipeline(read(checks.PACKAGE / "pipeline.py"))
    assert sorted(order) == checks.stage_names()
    assert order == checks.order_in_arrows(read(checks.STAGES / "__init__.py"))
    assert order == checks.order_in_table(read(README))


def test_the_progress_knows_every_stage() -> None:
    from spondyl.cli.progress import DOING
    from spondyl.pipeline import STAGES

    assert list(STAGES) == checks.order_in_pipeline(read(checks.PACKAGE / "pipeline.py"))
    assert set(DOING) == set(STAGES)


@pytest.mark.parametrize("stage", checks.stage_names())
def test_a_stage_has_one_door_that_says_in_out_refuses(stage: str) -> None:
    source = read(checks.STAGES / stage / "__init__.py")
    allowed, _ = SEVERAL_FUNCTIONS.get(stage, (1, ""))
    assert checks.front_door_faults(source, allowed) == []


@pytest.mark.parametrize("folder", ["domain", "geometry"])
def test_a_number_tells_its_unit(folder: str) -> None:
    for path in checks.python_files(checks.PACKAGE / folder):
        assert checks.unitless_floats(checks.parse(path), DIMENSIONLESS) == [], path


@pytest.mark.parametrize("stage", ["grade", "confounders", "finding"])
def test_a_threshold_has_a_name(stage: str) -> None:
    for path in checks.python_files(checks.STAGES / stage):
        assert checks.bare_numbers(checks.parse(path)) == [], path


def test_every_refusal_code_is_documented() -> None:
    assert checks.undocumented(RefusalCode, read(DOCS / "reference" / "refusal-codes.md")) == []


def test_every_not_measured_code_is_documented() -> None:
    pages = "\n".join(read(path) for path in sorted((DOCS / "reference").glob("*.md")))
    assert checks.undocumented(NotMeasuredCode, pages) == []


@pytest.mark.parametrize("codes", [RefusalCode, NotMeasuredCode])
def test_every_code_is_exercised_by_a_test(codes: type[RefusalCode | NotMeasuredCode]) -> None:
    tests = [read(path) for path in checks.python_files(TESTS) if path.parent.name != "tree"]
    assert checks.unexercised(codes, tests) == []


def test_the_exit_codes_are_documented() -> None:
    rows = re.findall(
        r"^\| `?(\d+)`? \| `(\w+)` \|", read(DOCS / "reference" / "exit-codes.md"), re.MULTILINE
    )
    assert rows == [(str(int(code)), code.name) for code in ExitCode]


def test_a_skip_says_why() -> None:
    for path in checks.python_files(TESTS):
        assert checks.skips_without_reason(checks.parse(path)) == [], path


def test_ci_calls_the_two_commands_of_the_readme() -> None:
    ci, readme = read(checks.ROOT / ".ci" / "run"), read(README)
    makefile = read(checks.ROOT / "Makefile")
    for command in ("make demo", "make test"):
        assert re.search(rf"^{command}$", ci, re.MULTILINE)
        assert re.search(rf"^{command}\b", readme, re.MULTILINE)
    for target in re.findall(r"^make ([a-z-]+)", readme, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_verbs_of_the_readme_are_the_commands_verbs() -> None:
    from spondyl.cli import app

    verbs = {command.callback.__name__ for command in app.registered_commands if command.callback}
    verbs |= {str(group.typer_instance.info.name) for group in app.registered_groups if group.typer_instance}
    told = set(re.findall(r"(?:^|`)spondyl ([a-z]+)", read(README), re.MULTILINE))
    assert {"analyze", "doctor", "train"} <= told <= verbs


def test_the_page_of_the_settings_is_the_one_that_the_types_give() -> None:
    script = runpy.run_path(str(checks.ROOT / "scripts" / "write_settings_reference.py"))
    assert read(DOCS / "reference" / "settings.md") == script["page"]()


def test_every_link_between_the_documents_leads_somewhere() -> None:
    for page in [*checks.ROOT.glob("*.md"), *DOCS.rglob("*.md"), *checks.PACKAGE.rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", read(page)):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page}: {target}"


def test_every_decision_is_listed_and_says_its_five_parts() -> None:
    index = read(DOCS / "decisions" / "README.md")
    pages = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04d}" for number in range(1, len(pages) + 1)]
    for page in pages:
        assert page.name in index
        for part in ("Status", "Context", "Options", "Choice", "Consequences"):
            assert f"**{part}" in read(page), f"{page.name}: {part}"


def test_nothing_is_larger_than_twice_the_hint(capsys: pytest.CaptureFixture[str]) -> None:
    # a migration lists the tables as they were on one day: cutting it up would hide what it does
    written = [path for path in checks.python_files(checks.PACKAGE) if "migrations" not in path.parts]
    found = [size for path in written for size in checks.sizes(path)]
    with capsys.disabled():
        for kind in ("function", "class", "file"):
            longest = sorted((x for x in found if x[0] == kind), key=lambda x: -x[1])[:3]
            sys.stdout.write(
                f"\nlongest {kind}: {', '.join(f'{name} {lines}' for _, lines, name in longest)}"
            )
    assert [size for size in found if size[1] > checks.HINTS[size[0]]] == []


def test_no_ct_and_no_large_file_lies_in_the_package() -> None:
    for path in checks.PACKAGE.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert not path.name.endswith((".dcm", ".nii", ".nii.gz", ".nrrd")), path
    weights = sum(path.stat().st_size for path in (checks.PACKAGE / "weights").rglob("*") if path.is_file())
    assert weights <= 15e6


def test_the_gates_that_run_are_those_that_have_a_canary() -> None:
    gates = runpy.run_path(str(checks.ROOT / "scripts" / "check.py"))["gates"]()
    canaries = read(Path(__file__).with_name("test_canaries.py"))
    assert [gate.name for gate in gates if f'gate("{gate.name}")' not in canaries] == []
    assert "check" not in sys.modules
