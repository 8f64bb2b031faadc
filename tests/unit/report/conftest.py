"""A small study made of boxes: four vertebrae of known size in a volume of unequal spacing.

Bodies are 30 x 24 x 20 mm (left, posterior, superior) boxes of 400 HU in 40 HU tissue, 27 mm apart. The
volume's slices are 3 mm apart, its rows 0.9 mm, its columns 0.8 mm and run against x, as in many NIfTI.
The lowest body is cut by the end of the scan.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest

from spondyl.domain.finding import (
    ConfounderFinding,
    HeightTriple,
    LandmarkSet,
    Manifest,
    NetworkManifest,
    Reason,
    RefusalFinding,
    SeriesFinding,
    State,
    StudyFinding,
    VertebraFinding,
)
from spondyl.domain.level import Level
from spondyl.domain.measurement import LANDMARK_NAMES, Heights, Measured, NotMeasured
from spondyl.domain.refusal import NotMeasuredCode
from spondyl.domain.report import AnalysedSeries, ReportInput
from spondyl.domain.spine import BodyCandidate
from spondyl.domain.vertebra import BodyPatch, LabelledSpine, LevelName, Vertebra, VertebraMasks
from spondyl.domain.volume import CtVolume
from spondyl.geometry.affine import patch_affine, to_points
from spondyl.geometry.arrays import Float64Array

HALF_MM = np.array([15.0, 12.0, 10.0])  # half width, depth and height of a body
SHAPE = (38, 90, 80)  # 114 x 81 x 64 mm
LEVELS = (Level.T12, Level.L1, Level.L2, Level.L3)
STUDY_MIDDLE_MM = np.array([20.0, -50.0, -400.0])
DISTANCE_MM = 27.0

AFFINE = np.array(
    [
        [0.0, 0.0, -0.8, 52.0],
        [0.0, 0.9, 0.0, -90.0],
        [3.0, 0.0, 0.0, -457.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
)

BuildSeries = Callable[..., AnalysedSeries]
BuildStudy = Callable[..., ReportInput]


def centre_of(number: int) -> Float64Array:
    """Centre of the n-th body; the last lies 3 mm above the lowest slice."""
    x, y, z = STUDY_MIDDLE_MM.tolist()
    return np.array([x, y, z + (1 - number) * DISTANCE_MM])


def box_patch(centre: Float64Array, frame: Float64Array | None = None, spacing_mm: float = 1.0) -> BodyPatch:
    """A box whose occupancy passes 0.5 exactly on its faces."""
    shape = (40, 44, 48)
    frame = np.eye(3) if frame is None else frame
    affine = patch_affine(centre, frame, shape, spacing_mm)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    local = (index - (np.array(shape) - 1) / 2) * spacing_mm
    inside_mm = (HALF_MM[::-1] - np.abs(local)).min(axis=-1)
    return BodyPatch(
        occupancy=np.clip(0.5 + inside_mm / spacing_mm / 2, 0, 1).astype(np.float32),
        posterior=np.zeros(shape, dtype=np.float32),
        hu=np.where(inside_mm > 0, 400, 40).astype(np.float32),
        in_scan=np.ones(shape, dtype=np.bool_),
        affine=affine,
        slice_spacing_mm=3.0,
    )


def box_landmarks(centre: Float64Array) -> Float64Array:
    """(6, 3) corners and middles of a box's end faces in its mid-sagittal plane."""
    y = np.array([-HALF_MM[1], 0.0, HALF_MM[1]] * 2)
    z = np.array([HALF_MM[2]] * 3 + [-HALF_MM[2]] * 3)
    return np.asarray(centre + np.stack([np.zeros(6), y, z], axis=-1), dtype=np.float64)


def _volume(series_id: str) -> CtVolume:
    index = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), axis=-1).reshape(-1, 3)
    points = to_points(AFFINE, index.astype(np.float64))
    hu = np.full(len(points), 40, dtype=np.int16)
    for number in range(len(LEVELS)):
        hu[np.all(np.abs(points - centre_of(number)) < HALF_MM, axis=1)] = 400
    return CtVolume(hu=hu.reshape(SHAPE), affine=AFFINE.copy(), series_id=series_id)


def _vertebra(number: int) -> Vertebra:
    centre = centre_of(number)
    candidate = BodyCandidate(
        centre_lps_mm=centre,
        frame=np.eye(3),
        body_probability=0.9,
        level_estimate=18.0 + number,
        level_estimate_sd=0.3,
        rib_evidence=0.5,
        sacrum_evidence=0.0,
    )
    return Vertebra(
        candidate=candidate,
        patch=box_patch(centre),
        cut_by_border=number == len(LEVELS) - 1,
        metal_fraction=0.0,
        outline_quality=0.9,
    )


def _measurement(number: int) -> Measured | NotMeasured:
    centre, level = centre_of(number), LEVELS[number]
    if number == len(LEVELS) - 1:
        return NotMeasured(
            level=level, code=NotMeasuredCode.CUT_BY_BORDER, text="The scan ends here.", centre_lps_mm=centre
        )
    heights = Heights(anterior_mm=20.0, middle_mm=20.0, posterior_mm=20.0)
    return Measured(
        level=level,
        heights=heights,
        heights_sd=Heights(anterior_mm=0.5, middle_mm=0.4, posterior_mm=0.6),
        window_heights=heights,
        landmarks_lps_mm=box_landmarks(centre),
        frame=np.eye(3),
        centre_lps_mm=centre,
        depth_mm=24.0,
        width_mm=30.0,
        lateral_heights_mm=np.array([20.0, 20.0]),
        endplate_depression_mm=np.array([0.0, 0.0]),
        attenuation_hu=152.34,
    )


@pytest.fixture
def build_series() -> BuildSeries:
    """Build the analysed series, under a series_id."""

    def build(series_id: str = "0a1b2c-1") -> AnalysedSeries:
        return AnalysedSeries(
            volume=_volume(series_id),
            spine=LabelledSpine(
                masks=VertebraMasks(
                    vertebrae=tuple(_vertebra(n) for n in range(len(LEVELS))), series_id=series_id
                ),
                names=tuple(
                    LevelName(level=level, probability=0.97, is_uncertain=level == Level.L2)
                    for level in LEVELS
                ),
            ),
            measurements=tuple(_measurement(n) for n in range(len(LEVELS))),
        )

    return build


def vertebra_finding(number: int, series_id: str, loss_fraction: float = 0.04) -> VertebraFinding:
    """The n-th vertebra; the last is not measured."""
    level, centre = LEVELS[number], centre_of(number)
    is_cut = number == len(LEVELS) - 1
    grade: Literal[0, 1, 2] = 2 if loss_fraction >= 0.25 else 1 if loss_fraction >= 0.20 else 0
    twenty = HeightTriple(anterior=20.0, middle=20.0, posterior=20.0)
    landmarks = {
        name: tuple(point) for name, point in zip(LANDMARK_NAMES, box_landmarks(centre).tolist(), strict=True)
    }
    return VertebraFinding(
        level=level.value,
        level_probability=0.97,
        level_uncertain=level == Level.L2,
        in_view="partial" if is_cut else "full",
        series_id=series_id,
        label=level.verse_label,
        centre_lps_mm=tuple(centre.tolist()),
        heights_mm=None if is_cut else twenty,
        height_sd_mm=None if is_cut else HeightTriple(anterior=0.5, middle=0.4, posterior=0.6),
        window_heights_mm=None if is_cut else twenty,
        expected_heights_mm=None
        if is_cut
        else HeightTriple(anterior=20.0 / (1 - loss_fraction), middle=20.0, posterior=21.0),
        landmarks_lps_mm=None if is_cut else LandmarkSet.model_validate(landmarks),
        depth_mm=None if is_cut else 24.0,
        loss_fraction=None if is_cut else loss_fraction,
        loss_sd=None if is_cut else 0.03,
        genant_grade=None if is_cut else grade,
        shape=None if is_cut else ("wedge" if grade else "normal"),
        probability_grade_2_or_more=None if is_cut else (0.9 if grade >= 2 else 0.01),
        attenuation_hu=None if is_cut else 152.34,
        neighbours_used=() if is_cut else ("T11", "L2"),
        not_measured="CUT_BY_BORDER" if is_cut else None,
        not_measured_text="The scan ends here." if is_cut else None,
        confounders=(
            ConfounderFinding(
                kind="SCHMORL_NODE", value=3.0, threshold=2.5, unit="mm", effect="flag", text="A dent <3 mm."
            ),
        )
        if grade
        else (),
    )


def manifest() -> Manifest:
    """A manifest whose timings come out of order of the alphabet."""
    return Manifest(
        spondyl_version="0.1.0",
        input_sha256="9f" * 32,
        settings_sha256="1c" * 32,
        networks=(NetworkManifest(name="finder", version="1", sha256="ab" * 32),),
        engine="onnxruntime",
        precision="float32",
        packages={"numpy": "2.0.0"},
        python="3.11.0",
        machine="x86_64",
        timings_s={"volume": 0.12345, "ingest": 1.5},
    )


def series_finding(series_id: str) -> SeriesFinding:
    """A chosen stack with a description that must not become markup."""
    return SeriesFinding(
        series_id=series_id,
        modality="CT",
        description="CHEST <b>& ABDOMEN</b>",
        n_slices=38,
        slice_spacing_mm=3.0,
        pixel_spacing_mm=(0.9, 0.8),
        kernel="B30f",
        z_range_mm=(-457.0, -346.0),
        chosen=True,
        reason="CHOSEN",
        text="The only stack.",
        score=0.8,
        repairs=("Slices sorted by position.",),
    )


@pytest.fixture
def build_study(build_series: BuildSeries) -> BuildStudy:
    """Build a study: ``losses`` of T12, L1, L2; one or more series that all hold the same."""

    def build(
        losses: tuple[float, float, float] = (0.04, 0.28, 0.02), series_ids: tuple[str, ...] = ("0a1b2c-1",)
    ) -> ReportInput:
        vertebrae = tuple(
            vertebra_finding(number, series_id, loss)
            for series_id in series_ids
            for number, loss in enumerate((*losses, 0.0))
        )
        is_flag = max(losses) >= 0.25
        finding = StudyFinding(
            state=State.FLAG if is_flag else State.NO_FLAG,
            reasons=(Reason(code="FIRST_CODE", text="A reason in words."),),
            score=0.9 if is_flag else 0.02,
            vertebrae=vertebrae,
            series=tuple(series_finding(series_id) for series_id in series_ids),
            refusal=None,
            manifest=manifest(),
        )
        return ReportInput(finding=finding, series=tuple(build_series(series_id) for series_id in series_ids))

    return build


@pytest.fixture
def refused_study() -> ReportInput:
    """A study that ingest refused."""
    return ReportInput(
        finding=StudyFinding(
            state=State.NOT_EVALUABLE,
            reasons=(Reason(code="TOO_FEW_SLICES", text="One slice."),),
            score=None,
            vertebrae=(),
            series=(),
            refusal=RefusalFinding(
                stage="ingest", code="TOO_FEW_SLICES", got="One slice.", needed="A stack of slices."
            ),
            manifest=manifest(),
        )
    )
