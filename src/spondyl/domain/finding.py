"""StudyFinding: the answer for one study, and the contract of finding.json (``spondyl.finding/1``).

Other programs read these names; fields may be added, never renamed or removed. All lengths are mm,
all coordinates LPS mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from spondyl.domain.confounder import Confounder
from spondyl.domain.density import BoneDensity
from spondyl.domain.grading import Graded, NotGraded
from spondyl.domain.measurement import Measured, NotMeasured
from spondyl.domain.signs import Signs
from spondyl.domain.vertebra import LabelledSpine

SCHEMA: Literal["spondyl.finding/1"] = "spondyl.finding/1"
NOT_FOR_DIAGNOSIS = "Research use only. Not a medical device, not for diagnosis."
# codes of the reasons that flag a study: a loss of grade 2 or more as read, one that may be, one unreadable
GRADE_2_OR_MORE = "GRADE_2_OR_MORE"
POSSIBLE_GRADE_2 = "POSSIBLE_GRADE_2"
UNREAD_IN_THE_ROW = "UNREAD_IN_THE_ROW"

Point = tuple[float, float, float]
Probability = float


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class State(StrEnum):
    """The three answers a study can have."""

    FLAG = "FLAG"
    NO_FLAG = "NO_FLAG"
    NOT_EVALUABLE = "NOT_EVALUABLE"


class Reason(_Frozen):
    """Why the state is what it is: a code for programs, a sentence for people."""

    code: str
    text: str


class HeightTriple(_Frozen):
    """Anterior, middle and posterior value in mm."""

    anterior: float
    middle: float
    posterior: float


class LandmarkSet(_Frozen):
    """The six endplate points, LPS mm."""

    superior_anterior: Point
    superior_middle: Point
    superior_posterior: Point
    inferior_anterior: Point
    inferior_middle: Point
    inferior_posterior: Point


class ConfounderFinding(_Frozen):
    """Something that changes how the grade is read; ``place_lps_mm`` where it was seen, if in one place."""

    kind: str
    value: float
    threshold: float
    unit: str
    effect: str
    text: str
    excludes_from_references: bool = False
    place_lps_mm: Point | None = None


class SinsFinding(_Frozen):
    """Points of the Spinal Instability Neoplastic Score that CT can tell; pain (0 to 3) is the clinician's.

    ``low`` is their sum, ``high`` the sum with the most pain.
    """

    location: int
    lesion: int
    alignment: int
    collapse: int
    posterolateral: int
    low: int
    high: int


class SignsFinding(_Frozen):
    """What matters to whoever may treat the vertebra; proposals from CT, for a reader to confirm."""

    evidence: tuple[str, ...]
    superior_depression_mm: float
    inferior_depression_mm: float
    retropulsion_mm: float | None
    translation_mm: float | None
    canal_mm: float | None
    canal_narrowing_fraction: float | None
    right_pedicle_fraction: float | None
    left_pedicle_fraction: float | None
    cortex_gap_mm2: float
    cleft_ml: float
    compaction_hu: float | None
    kyphosis_deg: float | None
    own_wedge_deg: float
    adjacent_fractures: int
    is_plana: bool
    sins: SinsFinding | None = None


class LevelDensityFinding(_Frozen):
    """Trabecular attenuation of one level; ``left_out`` says why there is none."""

    level: str
    attenuation_hu: float | None
    noise_hu: float | None
    standard_error_hu: float | None
    volume_ml: float
    left_out: str | None


class DensityFinding(_Frozen):
    """Bone attenuation of the study: numbers and the published band, never a diagnosis."""

    series_id: str
    representative: str | None
    attenuation_hu: float | None
    converted_hu: float | None = Field(description="as at 120 kVp; None where no conversion is known")
    low_hu: float | None = Field(description="what it may be without contrast")
    phase: str
    aorta_hu: float | None
    kvp: float | None
    band: str | None
    remarks: tuple[str, ...]
    levels: tuple[LevelDensityFinding, ...]


class VertebraFinding(_Frozen):
    """One vertebra. ``not_measured`` is a code where heights or grade are missing."""

    level: str
    level_probability: Probability = Field(ge=0, le=1)
    level_uncertain: bool
    in_view: Literal["full", "partial"]
    series_id: str
    label: int = Field(description="number in segmentation.nii.gz (VerSe scheme)")
    centre_lps_mm: Point
    heights_mm: HeightTriple | None
    height_sd_mm: HeightTriple | None
    window_heights_mm: HeightTriple | None
    expected_heights_mm: HeightTriple | None
    landmarks_lps_mm: LandmarkSet | None
    depth_mm: float | None
    loss_fraction: float | None
    loss_sd: float | None
    genant_grade: Literal[0, 1, 2, 3] | None
    shape: Literal["normal", "wedge", "biconcave", "crush"] | None
    probability_grade_2_or_more: Probability | None = Field(ge=0, le=1)
    attenuation_hu: float | None
    neighbours_used: tuple[str, ...] = ()
    not_measured: str | None
    not_measured_text: str | None = None
    confounders: tuple[ConfounderFinding, ...] = ()
    counted_grade: Literal[0, 1, 2, 3] | None = Field(
        default=None, description="genant_grade as the confounders leave it; only this may flag the study"
    )
    counted_text: str | None = Field(
        default=None, description="where the two differ: what the grade was, and what changed it"
    )
    signs: SignsFinding | None = None


class SeriesFinding(_Frozen):
    """One stack seen in the input, analysed or not, and why."""

    series_id: str
    modality: str
    description: str
    n_slices: int
    slice_spacing_mm: float | None
    pixel_spacing_mm: tuple[float, float] | None
    kernel: str | None
    z_range_mm: tuple[float, float] | None
    chosen: bool
    reason: str
    text: str
    score: float | None
    repairs: tuple[str, ...] = ()


class RefusalFinding(_Frozen):
    """Why the study was not analysed."""

    stage: str
    code: str
    got: str
    needed: str


class NetworkManifest(_Frozen):
    """One network file that was used."""

    name: str
    version: str
    sha256: str


class Manifest(_Frozen):
    """What made this result. ``timings_s`` is the only part that differs between equal runs."""

    spondyl_version: str
    input_sha256: str
    settings_sha256: str
    networks: tuple[NetworkManifest, ...]
    engine: str
    precision: str
    packages: dict[str, str]
    python: str
    machine: str
    timings_s: dict[str, float]


class StudyFinding(_Frozen):
    """The answer for one study; written as finding.json."""

    schema_: Literal["spondyl.finding/1"] = Field(default=SCHEMA, alias="schema")
    notice: str = NOT_FOR_DIAGNOSIS
    state: State
    reasons: tuple[Reason, ...] = Field(min_length=1)
    score: Probability | None = Field(
        ge=0, le=1, description="probability that the case holds a fracture of grade 2 or more"
    )
    vertebrae: tuple[VertebraFinding, ...]
    series: tuple[SeriesFinding, ...]
    refusal: RefusalFinding | None
    manifest: Manifest
    confounders: tuple[ConfounderFinding, ...] = Field(default=(), description="of the scan as a whole")
    bone_density: DensityFinding | None = None

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True, serialize_by_alias=True
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GradedSeries:
    """One stack of slices read to the end: what the finding is concluded from.

    measurements, grades: one per vertebra of ``spine``, same order, head to foot.
    confounders: of single levels and of the whole series. signs: of the measured vertebrae.
    """

    spine: LabelledSpine
    measurements: tuple[Measured | NotMeasured, ...]
    grades: tuple[Graded | NotGraded, ...]
    slice_spacing_mm: float
    confounders: tuple[Confounder, ...] = ()
    signs: tuple[Signs, ...] = ()
    density: BoneDensity | None = None

    def __post_init__(self) -> None:
        levels = [name.level for name in self.spine.names]
        for kind, items in (("measurements", self.measurements), ("grades", self.grades)):
            if [item.level for item in items] != levels:
                raise ValueError(f"the {kind} are not one per vertebra in the order of the spine")
