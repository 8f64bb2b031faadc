"""The rows of studies.parquet, vertebrae.parquet and reports.parquet; column names here, types from them.

No clock and no host stands in them: the same cases, settings, networks and engine give the same tables,
however many machines they were read on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from spondyl.domain.finding import State
from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.study.tables.columns import ColumnError, check_bounds, column

_FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_FOLDER_NAME_WORDS = "letters, digits and . _ - (not first), up to 100 of them"


class Sex(StrEnum):
    """Sex of the patient as the manifest of the cohort tells it."""

    FEMALE = "F"
    MALE = "M"
    OTHER = "O"


class View(StrEnum):
    """Whether the whole vertebra lies in the scan."""

    FULL = "full"
    PARTIAL = "partial"


class FailureCode(StrEnum):
    """Why the analysis of a case broke off. Each code stands in docs/reference/cohort.md and in a test."""

    ANALYSIS_BROKE = "ANALYSIS_BROKE"  # an error in spondyl or in a library
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    PROCESS_DIED = "PROCESS_DIED"  # the process that read the case ended, and so did those that tried again
    TIMED_OUT = "TIMED_OUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One case of the manifest: what is to be read, and what is known of the patient.

    Raises:
        ColumnError: an id that cannot be the name of a folder.
    """

    case_id: str = column("case; letters, digits and . _ - only: it becomes the name of a folder")
    path: str = column("input of the case; relative to the folder of the manifest")
    patient_id: str | None = column("pseudonym of the patient", default=None)
    age_years: float | None = column("age at the scan", default=None, low=0.0, high=130.0)
    sex: Sex | None = column("sex", default=None)
    site: str | None = column("hospital or scanner group", default=None)

    def __post_init__(self) -> None:
        check_bounds(self)
        if not _FOLDER_NAME.fullmatch(self.case_id):
            raise ColumnError("case_id", "a name that no folder may have", _FOLDER_NAME_WORDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRow:
    """One case of the cohort. Every case of the manifest has one, also a refused one and one that failed.

    A case that failed (a crash, not a refusal) is NOT_EVALUABLE with its ``failure_code``.
    """

    case_id: str = column("case")
    patient_id: str = column("pseudonym of the patient; the case's own id where the manifest tells none")
    state: State = column("answer of the software")
    score_probability: float | None = column(
        "probability of a fracture of grade 2 or more in the case", default=None, low=0.0, high=1.0
    )
    reasons: str = column("codes of the reasons, a space between them", default="")
    refusal_code: str | None = column("why the study was refused", default=None)
    failure_code: FailureCode | None = column(
        "why the analysis broke off; docs/reference/cohort.md", default=None
    )
    vertebrae: int = column("vertebrae found", default=0, low=0)
    vertebrae_graded: int = column("of these, with a grade", default=0, low=0)
    highest_grade: int | None = column(
        "highest `counted_grade` of its vertebrae: the grade that answers, not the one measured",
        default=None,
        low=0,
        high=3,
    )
    age_years: float | None = column("age at the scan, from the manifest", default=None, low=0.0, high=130.0)
    sex: Sex | None = column("sex, from the manifest", default=None)
    site: str | None = column("hospital or scanner group, from the manifest", default=None)
    slice_spacing_mm: float | None = column("of the series that was read", default=None, low=0.0)
    pixel_spacing_mm: float | None = column("of the series that was read", default=None, low=0.0)
    kernel: str | None = column("of the series that was read", default=None)
    input_sha256: str = column("fingerprint of the pixels and headers that were read", default="")
    settings_sha256: str = column("fingerprint of the settings", default="")
    networks_sha256: str = column("fingerprint of the networks", default="")
    spondyl_version: str = column("version", default="")
    engine: str = column("inference engine and its version", default="")

    def __post_init__(self) -> None:
        check_bounds(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class VertebraRow:
    """One vertebra as the software saw it, head to foot within a case; figures as in finding.json."""

    case_id: str = column("case")
    series_id: str = column("series within the case")
    level: Level = column("name of the vertebra")
    label: int = column("number in segmentation.nii.gz (VerSe)")
    level_probability: float = column("probability of the name", low=0.0, high=1.0)
    level_uncertain: bool = column("whether the name is in doubt")
    in_view: View = column("whether the scan cuts it")
    centre_x_lps_mm: float = column("centre of the body, towards the left")
    centre_y_lps_mm: float = column("centre of the body, towards the back")
    centre_z_lps_mm: float = column("centre of the body, towards the head")
    anterior_height_mm: float | None = column("anterior height", default=None, low=0.0)
    middle_height_mm: float | None = column("middle height", default=None, low=0.0)
    posterior_height_mm: float | None = column("posterior height", default=None, low=0.0)
    anterior_height_sd_mm: float | None = column("its standard deviation", default=None, low=0.0)
    middle_height_sd_mm: float | None = column("its standard deviation", default=None, low=0.0)
    posterior_height_sd_mm: float | None = column("its standard deviation", default=None, low=0.0)
    expected_anterior_height_mm: float | None = column("expected anterior height", default=None, low=0.0)
    expected_middle_height_mm: float | None = column("expected middle height", default=None, low=0.0)
    expected_posterior_height_mm: float | None = column("expected posterior height", default=None, low=0.0)
    depth_mm: float | None = column("antero-posterior depth", default=None, low=0.0)
    loss_fraction: float | None = column("largest loss of the three heights", default=None)
    loss_sd: float | None = column("its standard deviation", default=None, low=0.0)
    genant_grade: int | None = column("Genant grade", default=None, low=0, high=3)
    counted_grade: int | None = column(
        "what the confounders leave of it, which may flag the case; empty: all of it",
        default=None,
        low=0,
        high=3,
    )
    shape: Shape | None = column("shape", default=None)
    probability_grade_2_or_more: float | None = column(
        "probability of grade 2 or more", default=None, low=0.0, high=1.0
    )
    attenuation_hu: float | None = column("median of the trabecular core", default=None)
    not_measured: str | None = column("code of why there is no grade", default=None)
    confounders: str = column("kinds of confounders, a space between them", default="")

    def __post_init__(self) -> None:
        check_bounds(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """The radiology report of one case."""

    case_id: str = column("case, as in studies.parquet")
    text: str = column("the report")
    lang: str | None = column("code of its language, where it was told", default=None)

    def __post_init__(self) -> None:
        check_bounds(self)
