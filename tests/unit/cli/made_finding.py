"""A small finding, made by hand: one normal, one fractured, one cut vertebra."""

from __future__ import annotations

from spondyl.domain.finding import (
    HeightTriple,
    Manifest,
    NetworkManifest,
    Reason,
    SeriesFinding,
    State,
    StudyFinding,
    VertebraFinding,
)


def triple(anterior: float, middle: float, posterior: float) -> HeightTriple:
    return HeightTriple(anterior=anterior, middle=middle, posterior=posterior)


def vertebra(level: str, **changes: object) -> VertebraFinding:
    values: dict[str, object] = {
        "level": level,
        "level_probability": 0.97,
        "level_uncertain": False,
        "in_view": "full",
        "series_id": "a1",
        "label": 20,
        "centre_lps_mm": (0.0, 0.0, 0.0),
        "heights_mm": triple(24.04, 22.96, 26.5),
        "height_sd_mm": triple(0.4, 0.55, 0.4),
        "window_heights_mm": None,
        "expected_heights_mm": triple(24.5, 23.0, 26.4),
        "landmarks_lps_mm": None,
        "depth_mm": 30.0,
        "loss_fraction": 0.02,
        "loss_sd": 0.03,
        "genant_grade": 0,
        "shape": "normal",
        "probability_grade_2_or_more": 0.0,
        "attenuation_hu": 141.6,
        "not_measured": None,
    }
    return VertebraFinding.model_validate({**values, **changes})


def cut(level: str) -> VertebraFinding:
    nothing = dict.fromkeys(
        (
            "heights_mm", "height_sd_mm", "expected_heights_mm", "depth_mm", "loss_fraction", "loss_sd",
            "genant_grade", "shape", "probability_grade_2_or_more", "attenuation_hu",
        )
    )  # fmt: skip
    return vertebra(
        level, **nothing, in_view="partial", level_uncertain=True, not_measured="CUT_BY_BORDER",
        not_measured_text="The scan ends within it.",
    )  # fmt: skip


def finding(state: State = State.FLAG, **changes: object) -> StudyFinding:
    broken = vertebra(
        "L1", heights_mm=triple(13.9, 15.2, 25.8), loss_fraction=0.456, genant_grade=3, shape="wedge",
        probability_grade_2_or_more=0.994,
    )  # fmt: skip
    values: dict[str, object] = {
        "state": state,
        "reasons": (Reason(code="GRADE_2_OR_MORE", text="L1: 46 % loss of anterior height, grade 3."),),
        "score": 0.994,
        "vertebrae": (vertebra("T12"), broken, cut("L2")),
        "series": (
            SeriesFinding(
                series_id="a1", modality="CT", description="[red]chest[/red]", n_slices=133,
                slice_spacing_mm=2.5, pixel_spacing_mm=(0.7, 0.7), kernel="B30f", z_range_mm=(-300.0, 30.0),
                chosen=True, reason="CHOSEN", text="best score", score=0.9,
            ),
        ),
        "refusal": None,
        "manifest": Manifest(
            spondyl_version="0.1.0", input_sha256="0" * 64, settings_sha256="1" * 64,
            networks=(NetworkManifest(name="finder", version="1", sha256="2" * 64),),
            engine="onnxruntime 1.32.0, 2 threads", precision="f32", packages={}, python="3.11.7",
            machine="Linux x86_64", timings_s={"ingest": 0.51},
        ),
    }  # fmt: skip
    return StudyFinding.model_validate({**values, **changes})
