"""The grade that flags a case, from the finding to the vertebra table."""

from __future__ import annotations

import pytest

from spondyl.domain.confounder import Effect
from spondyl.domain.finding import ConfounderFinding, Manifest, Reason, State, StudyFinding, VertebraFinding
from spondyl.study.tables import CaseRow, study_of, vertebrae_of


def finding(**changes: object) -> StudyFinding:
    vertebra = VertebraFinding(
        level="L1", level_probability=0.99, level_uncertain=False, in_view="full", series_id="s", label=20,
        centre_lps_mm=(0.0, 0.0, 0.0), heights_mm=None, height_sd_mm=None, window_heights_mm=None,
        expected_heights_mm=None, landmarks_lps_mm=None, depth_mm=None, loss_fraction=0.3, loss_sd=0.05,
        genant_grade=2, shape="wedge", probability_grade_2_or_more=0.8, attenuation_hu=None,
        not_measured=None,
    )  # fmt: skip
    manifest = Manifest(
        spondyl_version="0", input_sha256="0", settings_sha256="0", networks=(), engine="none",
        precision="none", packages={}, python="3", machine="none", timings_s={},
    )  # fmt: skip
    return StudyFinding(
        state=State.FLAG, reasons=(Reason(code="MADE", text="Made for a test."),), score=0.8,
        vertebrae=(vertebra.model_copy(update=changes),), series=(), refusal=None, manifest=manifest,
    )  # fmt: skip


def confounder(effect: Effect) -> ConfounderFinding:
    return ConfounderFinding(kind="x", value=1.0, threshold=0.5, unit="mm", effect=effect.value, text="Made.")


@pytest.mark.parametrize(
    ("changes", "counted"),
    [
        ({}, 2),
        ({"counted_grade": 1}, 1),
        ({"confounders": (confounder(Effect.REJECT),)}, 0),
        ({"confounders": (confounder(Effect.EXCLUDE),)}, 0),
        ({"counted_grade": 2, "confounders": (confounder(Effect.EXCLUDE),)}, 0),
        ({"confounders": (confounder(Effect.DOWNGRADE),)}, 1),
        ({"confounders": (confounder(Effect.FLAG),)}, 2),
        ({"genant_grade": None}, None),
    ],
)
def test_the_table_tells_what_the_confounders_leave(changes: dict[str, object], counted: int | None) -> None:
    case = CaseRow(case_id="c1", path="x")
    (row,) = vertebrae_of(case, finding(**changes))
    assert row.counted_grade == counted
    study = study_of(case, finding(**changes))
    assert study.highest_grade == counted  # the case's grade is that which answers, as its state is
    assert study.vertebrae_graded == (0 if row.genant_grade is None else 1)
