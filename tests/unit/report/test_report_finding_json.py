"""finding.json: names, order, rounding, schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from spondyl.domain.finding import NOT_FOR_DIAGNOSIS, HeightTriple
from spondyl.domain.report import ReportInput
from spondyl.stages.report.finding_json import to_json
from spondyl.stages.report.schema import generate_schema, validate

ROOT = Path(__file__).resolve().parents[3]
PUBLISHED = (
    ROOT / "docs" / "reference" / "finding.schema.json",
    ROOT / "src" / "spondyl" / "stages" / "report" / "finding.schema.json",
)
BuildStudy = Callable[..., ReportInput]


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.parent.name)
def test_the_published_schema_is_that_of_the_type(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generate_schema(), (
        f"write it anew: python -m spondyl.stages.report.publish_schema {path}"
    )


def test_the_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(generate_schema()))


def _field_names(schema: object) -> set[str]:
    if isinstance(schema, list):
        return set().union(*(_field_names(item) for item in schema))
    if not isinstance(schema, dict):
        return set()
    own = set(schema.get("properties", {}))
    return own.union(*(_field_names(item) for item in schema.values()))


def test_every_field_is_explained_in_the_reference() -> None:
    text = (ROOT / "docs" / "reference" / "finding-json.md").read_text(encoding="utf-8")
    names = _field_names(json.loads(generate_schema()))
    assert {"heights_mm", "superior_anterior", "sha256", "repairs"} < names
    assert sorted(name for name in names if f"`{name}`" not in text) == []


def test_equal_findings_give_equal_bytes(build_study: BuildStudy) -> None:
    assert to_json(build_study().finding) == to_json(build_study().finding)


def test_the_contract_names_stand_first_and_in_order(build_study: BuildStudy) -> None:
    document = json.loads(to_json(build_study().finding))
    assert list(document) == [
        *("schema", "notice", "state", "reasons", "score", "vertebrae", "series", "refusal", "manifest"),
        *("confounders", "bone_density"),  # added later: behind what was there
    ]
    assert document["schema"] == "spondyl.finding/1"
    assert document["notice"] == NOT_FOR_DIAGNOSIS
    vertebra = document["vertebrae"][1]
    assert vertebra["genant_grade"] == 2
    assert vertebra["landmarks_lps_mm"]["superior_anterior"] == [20.0, -62.0, -390.0]
    assert list(document["manifest"]["timings_s"]) == ["volume", "ingest"]


def test_numbers_are_rounded_by_their_unit(build_study: BuildStudy) -> None:
    finding = build_study().finding
    third = 1.0 / 3.0
    vertebra = finding.vertebrae[0].model_copy(
        update={
            "heights_mm": HeightTriple(anterior=20.0 + third, middle=20.0, posterior=20.0),
            "centre_lps_mm": (-0.0001, third, 1.0),
            "loss_fraction": third,
            "attenuation_hu": 152.34,
        }
    )
    document = json.loads(to_json(finding.model_copy(update={"vertebrae": (vertebra,)})))
    written = document["vertebrae"][0]
    assert written["heights_mm"]["anterior"] == 20.333
    assert written["loss_fraction"] == 0.3333
    assert written["attenuation_hu"] == 152.3
    assert document["manifest"]["timings_s"]["volume"] == 0.123
    assert document["series"][0]["pixel_spacing_mm"] == [0.9, 0.8]


def test_a_coordinate_just_below_zero_is_not_written_as_minus_zero(build_study: BuildStudy) -> None:
    finding = build_study().finding
    vertebra = finding.vertebrae[0].model_copy(update={"centre_lps_mm": (-0.0001, -0.0, 1.0)})
    text = to_json(finding.model_copy(update={"vertebrae": (vertebra,)})).decode()
    assert "-0.0" not in text


def test_a_document_that_breaks_the_schema_is_told_with_its_place(build_study: BuildStudy) -> None:
    document = json.loads(to_json(build_study().finding))
    document["vertebrae"][2]["genant_grade"] = 4
    with pytest.raises(ValueError, match=r"vertebrae\[2\]\.genant_grade"):
        validate(document)


@pytest.mark.parametrize("key", ["schema", "notice", "state", "manifest"])
def test_a_document_without_a_contract_name_is_refused(build_study: BuildStudy, key: str) -> None:
    document = json.loads(to_json(build_study().finding))
    del document[key]
    with pytest.raises(ValueError, match=f"'{key}' is a required property"):
        validate(document)


def test_a_finding_with_a_value_out_of_range_is_not_written(build_study: BuildStudy) -> None:
    finding = build_study().finding.model_copy(update={"score": 1.5})
    with pytest.raises(ValueError, match=r"\$\.score"):
        to_json(finding)


def test_a_refused_study_has_its_refusal(refused_study: ReportInput) -> None:
    document = json.loads(to_json(refused_study.finding))
    assert document["state"] == "NOT_EVALUABLE"
    assert document["refusal"]["code"] == "TOO_FEW_SLICES"
    assert document["vertebrae"] == []
