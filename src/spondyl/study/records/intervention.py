"""InterventionalReview: an interventional radiologist's form for a fracture; a row of interventions.parquet.

The form is clinical-methods 4.5. Suitability without pain and MRI is technical suitability only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.study.records.reading import Age, Nature, Role, check_change
from spondyl.study.tables import ColumnError, check_bounds, column


class PosteriorWall(StrEnum):
    """State of the posterior wall; a retropulsion is given in mm beside it."""

    INTACT = "intact"
    FRACTURE_UNDISPLACED = "fracture_undisplaced"
    RETROPULSION = "retropulsion"
    DESTROYED = "destroyed"


class Canal(StrEnum):
    """How far the canal is narrowed."""

    NONE = "none"
    BELOW_QUARTER = "below_25_percent"
    QUARTER_TO_HALF = "25_to_50_percent"
    ABOVE_HALF = "above_50_percent"
    EPIDURAL_MASS = "epidural_mass"


class NeurologicalRisk(StrEnum):
    """What a fragment, a mass or cement could reach."""

    NONE = "none"
    FORAMINAL = "foraminal"
    CORD = "cord"


class Pedicles(StrEnum):
    """Which pedicles are destroyed."""

    BOTH_INTACT = "both_intact"
    LEFT_DESTROYED = "left_destroyed"
    RIGHT_DESTROYED = "right_destroyed"
    BOTH_DESTROYED = "both_destroyed"


class Access(StrEnum):
    """The way of the needle."""

    TRANSPEDICULAR = "transpedicular"
    PARAPEDICULAR = "parapedicular"
    DIFFICULT = "difficult"


class Sign(StrEnum):
    """Signs for a benign or a malignant collapse; clinical-methods 4.1."""

    CORTICAL_FRACTURE_LINES = "cortical_fracture_lines"
    RETROPULSED_FRAGMENT = "retropulsed_fragment"
    CANCELLOUS_FRACTURE_LINES = "cancellous_fracture_lines"
    INTRAVERTEBRAL_VACUUM = "intravertebral_vacuum"
    THIN_PARASPINAL_THICKENING = "thin_paraspinal_thickening"
    CORTICAL_DESTRUCTION = "cortical_destruction"
    CANCELLOUS_DESTRUCTION = "cancellous_destruction"
    PEDICLE_DESTRUCTION = "pedicle_destruction"
    PARASPINAL_MASS = "paraspinal_mass"
    EPIDURAL_MASS = "epidural_mass"


class Suitability(StrEnum):
    """The answer of the review."""

    SUITABLE = "suitable"
    SUITABLE_AFTER_CHECK = "suitable_after_mri_or_clinical"
    NOT_SUITABLE = "not_suitable"
    CANNOT_JUDGE = "cannot_judge"


class Technique(StrEnum):
    """What would be done."""

    VERTEBROPLASTY = "vertebroplasty"
    KYPHOPLASTY_OR_IMPLANT = "kyphoplasty_or_implant"
    CEMENT_AND_FIXATION = "cement_and_fixation"
    CEMENT_AND_ABLATION = "cement_and_ablation"
    NONE = "none"


class SuitabilityReason(StrEnum):
    """What decided; ours, from the guidelines of clinical-methods 4.4."""

    SEVERE_COLLAPSE = "severe_collapse"
    VERTEBRA_PLANA = "vertebra_plana"
    POSTERIOR_WALL = "posterior_wall"
    CANAL_NARROWED = "canal_narrowed"
    EPIDURAL_MASS = "epidural_mass"
    NEUROLOGICAL_DEFICIT = "neurological_deficit"
    NO_SAFE_ACCESS = "no_safe_access"
    INFECTION = "infection"
    COAGULOPATHY = "coagulopathy"
    CEMENT_ALLERGY = "cement_allergy"
    CHRONIC_REMODELLED = "chronic_remodelled"
    NO_PAIN = "no_pain"
    ALREADY_TREATED = "already_treated"
    SURGERY_PREFERRED = "surgery_preferred"
    RADIOTHERAPY_PREFERRED = "radiotherapy_preferred"
    SHORT_LIFE_EXPECTANCY = "short_life_expectancy"
    PAIN = "pain"
    UNSTABLE = "unstable"
    PROPHYLACTIC = "prophylactic"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class InterventionalReview:
    """One review, written once and never changed; a later one may supersede it.

    Role reader: one of the independent interventional readers; adjudicator: who decides where they differ.
    What is not known is left empty: pain and other clinical facts are not on the CT.

    Raises:
        ColumnError: a value that contradicts another one.
    """

    record_id: str = column("key of the record, never used twice")
    case_id: str = column("case, as in studies.parquet")
    reader: str = column("pseudonym of the interventional radiologist")
    role: Role = column("independent reader, or adjudicator")
    decided_at: datetime = column("when the answer was locked")
    saw_other_reader: bool = column("whether another reader's review was seen before this one")
    saw_report: bool = column("whether the radiology report was seen before this review")
    level: Level = column("vertebra")
    suitability: Suitability = column("suitability; technical only, where pain and MRI are not known")
    seconds_spent: float | None = column("time spent", default=None, low=0.0)
    grade: int | None = column("Genant grade by this reader", default=None, low=1, high=3)
    shape: Shape | None = column("shape", default=None)
    loss_anterior_fraction: float | None = column("loss of anterior height", default=None, low=0.0, high=1.0)
    loss_middle_fraction: float | None = column("loss of middle height", default=None, low=0.0, high=1.0)
    loss_posterior_fraction: float | None = column(
        "loss of posterior height", default=None, low=0.0, high=1.0
    )
    posterior_wall: PosteriorWall | None = column("posterior wall", default=None)
    retropulsion_mm: float | None = column(
        "how far it reaches; only with retropulsion", default=None, low=0.0, high=40.0
    )
    canal: Canal | None = column("narrowing of the canal", default=None)
    neurological_risk: NeurologicalRisk | None = column("what is at risk", default=None)
    pedicles: Pedicles | None = column("pedicles", default=None)
    access: Access | None = column("way of the needle", default=None)
    nature: Nature | None = column("cause", default=None)
    signs: tuple[Sign, ...] = column("signs of the cause", default=())
    age: Age | None = column("acuity", default=None)
    mri_needed: bool | None = column("whether MRI is needed before", default=None)
    vacuum_cleft: bool | None = column("gas in the vertebra", default=None)
    vertebra_plana: bool | None = column("nothing left of the height", default=None)
    adjacent_fractures: int | None = column("fractured neighbours", default=None, low=0, high=24)
    levels_to_treat: tuple[Level, ...] = column("levels that would be treated", default=())
    sins_location: int | None = column("SINS: location", default=None, low=0, high=3)
    sins_pain: int | None = column("SINS: pain; empty where it is not known", default=None, low=0, high=3)
    sins_lesion: int | None = column("SINS: bone lesion", default=None, low=0, high=2)
    sins_alignment: int | None = column("SINS: alignment", default=None, low=0, high=4)
    sins_collapse: int | None = column("SINS: collapse", default=None, low=0, high=3)
    sins_posterolateral: int | None = column("SINS: posterolateral elements", default=None, low=0, high=3)
    infection_signs: bool | None = column("signs of infection on the CT", default=None)
    hardware_or_cement: bool | None = column("metal or cement at the level", default=None)
    pain_vas: float | None = column("pain on the visual scale", default=None, low=0.0, high=10.0)
    pain_mechanical: bool | None = column("pain on load", default=None)
    focal_tenderness: bool | None = column("tender at the level", default=None)
    pain_weeks: float | None = column("how long, in weeks", default=None, low=0.0)
    analgesics_failed: bool | None = column("medical treatment failed", default=None)
    neurological_deficit: bool | None = column("neurological deficit", default=None)
    inr: float | None = column("international normalised ratio", default=None, low=0.0, high=20.0)
    platelets_per_nl: float | None = column("platelets, 10^9 per litre", default=None, low=0.0, high=5000.0)
    anticoagulated: bool | None = column("takes anticoagulants", default=None)
    systemic_infection: bool | None = column("infection elsewhere or of the blood", default=None)
    cement_allergy: bool | None = column("allergy to cement", default=None)
    life_expectancy_weeks: float | None = column("life expectancy", default=None, low=0.0)
    radiotherapy_planned: bool | None = column("radiotherapy is planned", default=None)
    surgery_possible: bool | None = column("surgery is an option", default=None)
    technique: Technique | None = column("what would be done", default=None)
    reasons: tuple[SuitabilityReason, ...] = column("what decided", default=())
    confidence: int | None = column("from 1 (guess) to 5 (sure)", default=None, low=1, high=5)
    supersedes: str | None = column("record that this one replaces", default=None)
    change_reason: str | None = column("why; needed with supersedes", default=None)
    comment: str = column("free text", default="")

    def __post_init__(self) -> None:
        check_bounds(self)
        is_retropulsed = self.posterior_wall is PosteriorWall.RETROPULSION
        if self.retropulsion_mm is not None and not is_retropulsed:
            raise ColumnError("retropulsion_mm", str(self.retropulsion_mm), "empty without retropulsion")
        if self.shape is Shape.NORMAL:
            raise ColumnError("shape", "normal", "wedge, biconcave or crush")
        if not self.level.is_graded:
            raise ColumnError("level", str(self.level), "T1 to L6")
        check_change(self.record_id, self.supersedes, self.change_reason)

    @property
    def sins_range(self) -> tuple[int, int] | None:
        """Lowest and highest SINS total (0-18): one number where pain is known; None while an item is open.

        Source: clinical-methods 4.3.
        """
        items = (
            self.sins_location,
            self.sins_lesion,
            self.sins_alignment,
            self.sins_collapse,
            self.sins_posterolateral,
        )
        known = [item for item in items if item is not None]
        if len(known) < len(items):
            return None
        total = sum(known)
        return (
            (total, total + _MOST_PAIN_POINTS)
            if self.sins_pain is None
            else (total + self.sins_pain, total + self.sins_pain)
        )


_MOST_PAIN_POINTS = 3  # SINS: mechanical pain
