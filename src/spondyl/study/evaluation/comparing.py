"""A finding held against the truth of its CT: who is who, and what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from spondyl.domain.finding import HeightTriple, StudyFinding, VertebraFinding
from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float64Array
from spondyl.study.evaluation.truth import KnownCase, KnownVertebra

FOUND_WITHIN_MM = 8.0  # ours: below half the least distance of two thoracic bodies (17 mm)
IDENTIFIED_WITHIN_MM = 20.0  # VerSe's identification rate (Sekuboyina 2021, task description)
_BEYOND_TRUTH_MM = 12.0  # a body further above or below all that is known cannot be judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """How two outlines of one body agree. surface_mm: mean distance of the surfaces, both ways."""

    dice: float
    surface_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VertebraRow:
    """One vertebra of the truth and what was read of it; read_* are None where nothing was found.

    height_errors_mm: read minus true, anterior, middle, posterior. is_identified: by VerSe's rule.
    """

    case: str
    level: Level
    is_whole: bool
    is_found: bool
    is_identified: bool
    read_level: str | None
    level_uncertain: bool | None
    height_errors_mm: tuple[float, float, float] | None
    height_sd_mm: tuple[float, float, float] | None
    true_grade: int | None
    read_grade: int | None
    true_shape: str | None
    read_shape: str | None
    true_loss_fraction: float | None
    read_loss_fraction: float | None
    probability: float | None
    refused: str | None
    overlap: Overlap | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InventedRow:
    """A whole body that was read where the truth has none."""

    read_level: str
    read_grade: int | None
    probability: float | None
    centre_lps_mm: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One CT. slice_spacing_mm: None where it was refused. is_positive: grade 2 or more in the truth."""

    name: str
    slice_spacing_mm: float | None
    state: str
    refusal: str | None
    score: float | None
    is_positive: bool | None
    levels_known: bool
    vertebrae: tuple[VertebraRow, ...]
    invented: tuple[InventedRow, ...]

    @property
    def named(self) -> tuple[VertebraRow, ...]:
        """The vertebrae whose names can be compared."""
        return tuple(x for x in self.vertebrae if x.is_found and self.levels_known)

    @property
    def is_every_level_right(self) -> bool | None:
        """None where nothing can be compared."""
        return all(x.read_level == x.level for x in self.named) if self.named else None

    @property
    def is_confidently_wrong(self) -> bool:
        """Whether a wrong name was given without marking it as uncertain."""
        return any(x.read_level != x.level and not x.level_uncertain for x in self.named)


def compare(
    case: KnownCase,
    finding: StudyFinding,
    slice_spacing_mm: float | None,
    overlaps: Mapping[tuple[Level, str], Overlap],
) -> CaseRow:
    """Match one-to-one by distance, and set every vertebra of the truth beside what was read of it.

    overlaps: by (true level, read level) of matched vertebrae, where the truth has outlines.
    """
    judged = [x for x in finding.vertebrae if _can_be_judged(x, case)]
    pairs = match(case, judged)
    invented = [x for number, x in enumerate(judged) if number not in pairs.values() and x.in_view == "full"]
    rows = []
    for number, known in enumerate(case.vertebrae):
        read = judged[pairs[number]] if number in pairs else None
        overlap = None if read is None else overlaps.get((known.level, read.level))
        rows.append(_row(case.name, known, read, overlap, is_identified=_is_identified(known, judged)))
    return CaseRow(
        name=case.name,
        slice_spacing_mm=slice_spacing_mm,
        state=finding.state.value,
        refusal=None if finding.refusal is None else finding.refusal.code,
        score=finding.score,
        is_positive=case.is_positive,
        levels_known=case.levels_known,
        vertebrae=tuple(rows),
        invented=tuple(
            InventedRow(
                read_level=x.level,
                read_grade=x.genant_grade,
                probability=x.probability_grade_2_or_more,
                centre_lps_mm=x.centre_lps_mm,
            )
            for x in invented
        ),
    )


def match(case: KnownCase, read: list[VertebraFinding]) -> dict[int, int]:
    """Number of a true vertebra → number of a read one: nearest pairs, each once, within FOUND_WITHIN_MM."""
    if not read or not case.vertebrae:
        return {}
    true = np.array([x.centre_lps_mm for x in case.vertebrae])
    ours = np.array([x.centre_lps_mm for x in read])
    distance = np.linalg.norm(true[:, None] - ours[None], axis=2)
    # a far pair costs as much as any other far pair, so that it never displaces a near one
    rows, columns = linear_sum_assignment(np.minimum(distance, FOUND_WITHIN_MM))
    return {int(i): int(j) for i, j in zip(rows, columns, strict=True) if distance[i, j] < FOUND_WITHIN_MM}


def _can_be_judged(vertebra: VertebraFinding, case: KnownCase) -> bool:
    heights = [float(x.centre_lps_mm[2]) for x in case.vertebrae]
    z = vertebra.centre_lps_mm[2]
    return bool(heights) and min(heights) - _BEYOND_TRUTH_MM <= z <= max(heights) + _BEYOND_TRUTH_MM


def _is_identified(known: KnownVertebra, read: list[VertebraFinding]) -> bool:
    """The nearest read centre lies within 20 mm and carries the right name."""
    if not read:
        return False
    distance = [float(np.linalg.norm(np.array(x.centre_lps_mm) - known.centre_lps_mm)) for x in read]
    nearest = int(np.argmin(distance))
    return distance[nearest] < IDENTIFIED_WITHIN_MM and read[nearest].level == known.level


def _row(
    case: str,
    known: KnownVertebra,
    read: VertebraFinding | None,
    overlap: Overlap | None,
    *,
    is_identified: bool,
) -> VertebraRow:
    heights = None if read is None else _array(read.heights_mm)
    errors = None
    if heights is not None and known.heights_mm is not None:
        errors = heights - known.heights_mm
    return VertebraRow(
        case=case,
        level=known.level,
        is_whole=known.is_whole,
        is_found=read is not None,
        is_identified=is_identified,
        read_level=None if read is None else read.level,
        level_uncertain=None if read is None else read.level_uncertain,
        height_errors_mm=_triple(errors),
        height_sd_mm=None if read is None else _triple(_array(read.height_sd_mm)),
        true_grade=known.grade,
        read_grade=None if read is None else read.genant_grade,
        true_shape=None if known.shape is None else known.shape.value,
        read_shape=None if read is None else read.shape,
        true_loss_fraction=known.loss_fraction,
        read_loss_fraction=None if read is None else read.loss_fraction,
        probability=None if read is None else read.probability_grade_2_or_more,
        refused=None if read is None else read.not_measured,
        overlap=overlap,
    )


def _array(triple: HeightTriple | None) -> Float64Array | None:
    return None if triple is None else np.array([triple.anterior, triple.middle, triple.posterior])


def _triple(values: Float64Array | None) -> tuple[float, float, float] | None:
    if values is None:
        return None
    anterior, middle, posterior = (float(x) for x in values)
    return anterior, middle, posterior
