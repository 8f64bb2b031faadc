"""The published study again: simulated records through the real import, report reader and statistics."""

from __future__ import annotations

import csv
import re
import zlib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import spondyl
from spondyl.cli import app

NOTICE = "Not a medical device"
# Mniai et al., Radiol Med 2025, abstract; exact intervals to the digits of clinical-methods 5.4
PUBLISHED = {
    "flag_rate": (501, 1556, 0.3220, 0.2988, 0.3458),
    "ppv": (436, 501, 0.8703, 0.8376, 0.8984),
    "confirmed_rate": (436, 1556, 0.2802, 0.2580, 0.3032),
    "non_report_rate": (364, 436, 0.8349, 0.7966, 0.8685),
    "interventional_suitable": (9, 10, 0.900, 0.555, 0.997),
    "false_positives_per_100": (65, 1556, 4.18, 3.24, 5.29),
    "scans_per_extra_patient": (1556, 364, 4.27, None, None),
    "alerts_per_extra_patient": (501, 364, 1.38, None, None),
}
WILSON_PPV = (0.8380, 0.8969)
runner = CliRunner()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example")
    result = runner.invoke(app, ["study", "example", "mniai2025", "--out", str(folder), "--no-pdf"])
    assert result.exit_code == 0, result.output
    assert NOTICE in result.output
    return folder


def inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def decimals(value: float) -> int:
    return len(f"{value!r}".split(".")[1])


@pytest.mark.slow
@pytest.mark.parametrize("measure", PUBLISHED)
def test_each_published_figure_comes_out(example: Path, measure: str) -> None:
    found = {row["measure"]: row for row in rows(example / "tables" / "headline.csv")}[measure]
    numerator, denominator, value, low, high = PUBLISHED[measure]
    assert (int(found["numerator"]), int(found["denominator"])) == (numerator, denominator)
    for name, told in (("value", value), ("low", low), ("high", high)):
        if told is not None:
            assert float(found[name]) == pytest.approx(told, abs=0.5001 * 10 ** -decimals(told))
    assert found["method"].startswith("Clopper-Pearson exact")


@pytest.mark.slow
def test_wilson_stands_beside_the_exact_interval(example: Path) -> None:
    found = rows(example / "tables" / "headline_by_method.csv")
    wilson = next(x for x in found if (x["measure"], x["interval"]) == ("ppv", "Wilson"))
    assert (round(float(wilson["low"]), 4), round(float(wilson["high"]), 4)) == WILSON_PPV


@pytest.mark.slow
def test_the_named_causes_are_the_first_of_the_false_positives(example: Path) -> None:
    causes = rows(example / "tables" / "false_positive_causes.csv")
    assert {x["cause"] for x in causes[:3]} == {"sclerotic_metastasis", "scoliosis", "misidentification"}
    assert sum(int(x["numerator"]) for x in causes) == 65


@pytest.mark.slow
def test_the_reports_are_in_both_languages_and_readers_differ(example: Path) -> None:
    text = (example / "received" / "reports.csv").read_bytes().decode("cp1252")
    reports = list(csv.DictReader(text.splitlines(keepends=True), delimiter=";"))
    assert len(reports) == 1556
    assert min(sum(x["lang"] == lang for x in reports) for lang in ("fr", "en")) > 400
    assert len({x["compte_rendu"] for x in reports}) > 1400
    cases = rows(example / "tables" / "cases.csv")
    assert sum(x["adjudicated"] == "yes" for x in cases) > 20


@pytest.mark.slow
def test_the_page_needs_nothing_else_and_says_what_it_is(example: Path) -> None:
    page = (example / "report.html").read_text(encoding="utf-8")
    assert NOTICE in page
    assert not re.findall(r"""(?:src|href)=["'](?!\#)""", page)
    assert "url(" not in page
    for words in ("Flow of cases", "Table 1", "Interventional review", "Checklist", "nobody in it exists"):
        assert words in page
    for figure in (example / "figures").glob("*.svg"):
        assert NOTICE in figure.read_text(encoding="utf-8")


@pytest.mark.slow
def test_another_seed_makes_other_records_and_the_same_figures(example: Path, tmp_path: Path) -> None:
    result = runner.invoke(
        app, ["study", "example", "mniai2025", "--out", str(tmp_path), "--no-pdf", "--seed", "7"]
    )
    assert result.exit_code == 0, result.output
    assert (tmp_path / "readings.parquet").read_bytes() != (example / "readings.parquet").read_bytes()
    headline = Path("tables") / "headline.csv"
    assert (tmp_path / headline).read_bytes() == (example / headline).read_bytes()


def test_an_example_is_not_written_over_another_study(tmp_path: Path) -> None:
    (tmp_path / "readings.parquet").write_bytes(b"of a real study")
    result = runner.invoke(app, ["study", "example", "mniai2025", "--out", str(tmp_path)])
    assert result.exit_code == 3
    assert "another study" in result.output
    assert (tmp_path / "readings.parquet").read_bytes() == b"of a real study"


@pytest.mark.slow
def test_the_same_seed_makes_the_same_report(example: Path) -> None:
    before = (example / "report.html").read_bytes()
    result = runner.invoke(app, ["study", "report", str(example), "--no-pdf"])
    assert result.exit_code == 0, result.output
    assert (example / "report.html").read_bytes() == before


@pytest.mark.slow
def test_the_pdf_has_pages_of_text(example: Path) -> None:
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError) as error:
        pytest.skip(f"WeasyPrint or Pango is not installed: {type(error).__name__}")
    from spondyl.adapters.study_pages import to_pdf

    content = to_pdf((example / "report.html").read_text(encoding="utf-8"))
    assert content.startswith(b"%PDF-")
    streams = (inflated(x) for x in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL))
    objects = b"".join(x for x in streams if b"/Type" in x)
    assert len(re.findall(rb"/Type\s*/Page\b", objects)) >= 10


@pytest.mark.slow
def test_a_wrong_record_gives_one_sentence_and_leaves_the_report_as_it_was(
    example: Path, tmp_path: Path
) -> None:
    for name in ("protocol.toml", "studies.parquet", "vertebrae.parquet"):
        (tmp_path / name).write_bytes((example / name).read_bytes())
    text = (
        (example / "received" / "readings.csv").read_text(encoding="utf-8").replace("confirmed", "maybe", 1)
    )
    (tmp_path / "readings.csv").write_text(text, encoding="utf-8")
    result = runner.invoke(app, ["study", "report", str(tmp_path)])
    assert result.exit_code == 3
    assert "column decision" in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "report.html").exists()


def test_no_published_number_is_typed_into_the_report_code() -> None:
    package = Path(spondyl.__file__).parent
    sources = [
        path
        for part in (package / "study" / "report", package / "adapters" / "study_pages")
        for path in part.rglob("*")
    ]
    numbers = re.compile(r"(?<![\d.])(?:1556|1055|501|436|364|65|72|87\.0|83\.5|0\.87|0\.835)(?![\d.])")
    for path in sources:
        if path.suffix in {".py", ".toml", ".html"}:
            assert not numbers.findall(path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("arguments", [["example", "other", "--out", "x"], ["protocol", "other"]])
def test_an_unknown_study_is_told_with_those_that_there_are(arguments: list[str]) -> None:
    result = runner.invoke(app, ["study", *arguments])
    assert result.exit_code == 2
    assert "mniai2025" in result.output
