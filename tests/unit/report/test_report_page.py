"""report.html: complete, self-contained, safe, readable without pictures and scripts."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from spondyl.domain.finding import NOT_FOR_DIAGNOSIS
from spondyl.domain.report import ReportInput
from spondyl.stages.report.page import to_html
from spondyl.stages.report.table_csv import to_csv

BuildStudy = Callable[..., ReportInput]
_VOID = {"meta", "img", "br", "link"}


class _Outline(HTMLParser):
    """Collects tags and text; fails where a tag is closed that is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)


def _read(html: bytes) -> tuple[_Outline, str]:
    outline = _Outline()
    outline.feed(html.decode())
    outline.close()
    assert outline.open == []
    return outline, " ".join(" ".join(outline.words).split())


def _page(study: ReportInput) -> bytes:
    key = "0a1b2c-1"
    return to_html(study.finding, {key: b"spine"}, {(key, "L1"): b"tile", (key, "L2"): b"tile"}, 0.2)


def test_the_state_its_reasons_and_the_notice_stand_on_the_page(build_study: BuildStudy) -> None:
    _, words = _read(_page(build_study()))
    assert "FLAG A height loss of Genant grade 2 or more stands or may well stand," in words
    assert "A reason in words. FIRST_CODE" in words
    assert words.count(NOT_FOR_DIAGNOSIS) >= 2


def test_the_notice_is_printed_on_every_page(build_study: BuildStudy) -> None:
    assert f'@bottom-center {{ content: "{NOT_FOR_DIAGNOSIS}"' in _page(build_study()).decode()


def test_nothing_is_loaded_and_nothing_runs(build_study: BuildStudy) -> None:
    html = _page(build_study())
    outline, _ = _read(html)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in outline.tags}
    assert b"http" not in html
    assert b"@import" not in html
    sources = [attributes["src"] for tag, attributes in outline.tags if tag == "img"]
    assert sources
    assert all(str(source).startswith("data:image/png;base64,") for source in sources)


def test_every_picture_has_words_for_those_who_do_not_see_it(build_study: BuildStudy) -> None:
    outline, _ = _read(_page(build_study()))
    words = [str(attributes.get("alt")) for tag, attributes in outline.tags if tag == "img"]
    assert "L1 G2 · 28 %" in words[0]
    assert "L2? G0 · 2 %" in words[0]
    assert "L3 cut" in words[0]
    assert "six points" in words[1]


def test_words_from_the_input_do_not_become_markup(build_study: BuildStudy) -> None:
    outline, words = _read(_page(build_study()))
    assert "CHEST <b>& ABDOMEN</b>" in words
    assert "A dent <3 mm." in words
    assert "b" not in {tag for tag, _ in outline.tags}


def test_the_table_tells_each_vertebra(build_study: BuildStudy) -> None:
    _, words = _read(_page(build_study()))
    assert "L1 97 % 20.0 ± 0.5 27.8 20.0 ± 0.4 20.0 20.0 ± 0.6 21.0 28 ± 3 % G2 wedge 0.90 152" in words
    assert "L2? 97 % 20.0 ± 0.5 20.4" in words
    assert "L3 97 % – – – – cut – – – Partly outside the scan. The scan ends here." in words


def test_only_the_suspicious_vertebra_has_a_tile(build_study: BuildStudy) -> None:
    outline, words = _read(_page(build_study()))
    assert sum(tag == "article" for tag, _ in outline.tags) == 1
    assert "anterior 20.0 ± 0.5 20.0 27.8 72 %" in words
    assert "Compared with T11, L2" in words


def test_without_suspicion_the_page_says_what_the_tile_is(build_study: BuildStudy) -> None:
    outline, words = _read(_page(build_study(losses=(0.02, 0.03, 0.1))))
    assert "This does not exclude a fracture." in words
    assert "No vertebra has grade 1 or more" in words
    assert sum(tag == "article" for tag, _ in outline.tags) == 1


def test_what_could_not_be_judged_is_listed_with_its_code(build_study: BuildStudy) -> None:
    _, words = _read(_page(build_study()))
    assert "L3 The scan ends here. CUT_BY_BORDER" in words
    assert "T1 to T11, L4 to L5 Not found in the stacks that were read." in words


def test_stacks_and_manifest_stand_on_the_page(build_study: BuildStudy) -> None:
    _, words = _read(_page(build_study()))
    assert "CT, 38 slices, every 3.00 mm, pixels 0.90 × 0.80 mm, kernel B30f, z -457 to -346 mm" in words
    assert "Repaired: Slices sorted by position." in words
    assert f"Network finder version 1, SHA-256 {'ab' * 32}" in words
    assert "volume 0.12 s, ingest 1.50 s" in words


def test_a_refused_study_says_code_what_was_got_and_what_is_needed(refused_study: ReportInput) -> None:
    outline, words = _read(to_html(refused_study.finding, {}, {}, 0.2))
    assert "NOT EVALUABLE" in words
    assert "Code TOO_FEW_SLICES" in words
    assert "What was got One slice. What is needed A stack of slices." in words
    assert NOT_FOR_DIAGNOSIS in words
    assert "img" not in {tag for tag, _ in outline.tags}


def test_the_csv_has_one_row_per_vertebra_and_the_notice_in_each(build_study: BuildStudy) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(build_study().finding).decode())))
    assert [row["level"] for row in rows] == ["T12", "L1", "L2", "L3"]
    assert rows[1]["genant_grade"] == "2"
    assert rows[1]["expected_anterior_height_mm"] == "27.78"
    assert rows[1]["confounders"] == "SCHMORL_NODE"
    assert rows[2]["level_uncertain"] == "true"
    assert rows[3]["anterior_height_mm"] == ""
    assert rows[3]["not_measured"] == "CUT_BY_BORDER"
    assert {row["notice"] for row in rows} == {NOT_FOR_DIAGNOSIS}


@pytest.mark.parametrize("column", ["posterior_height_sd_mm", "loss_sd", "label", "centre_z_lps_mm"])
def test_the_csv_header_names_units(build_study: BuildStudy, column: str) -> None:
    header = to_csv(build_study().finding).decode().splitlines()[0].split(",")
    assert column in header
    assert len(header) == len(set(header))
