"""The reader run over CTs with truth, one after the other; each CT becomes a row of the evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from spondyl.adapters.truth_folders import CaseFiles
from spondyl.domain.finding import VertebraFinding
from spondyl.domain.grading import COUNTED_GRADE
from spondyl.domain.level import Level
from spondyl.domain.report import AnalysedSeries, ReportInput
from spondyl.domain.series import IngestRefused
from spondyl.domain.vertebra import BodyPatch, LabelledSpine
from spondyl.domain.volume import CtVolume
from spondyl.geometry.arrays import Float64Array
from spondyl.study.evaluation.comparing import CaseRow, Overlap, compare, match
from spondyl.study.evaluation.truth import KnownCase
from spondyl.synthetic.insert_place import frame_of
from spondyl.trials.insertion import landmark_array
from spondyl.trials.overlap import overlap
from spondyl.trials.picture import Drawn, Tile, draw
from spondyl.wiring import Reader

LARGE_HEIGHT_ERROR_MM = 3.0  # ours: shown as a failure; twice the worst bar of the mean


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluated:
    """One CT: its row, and pictures of what went wrong in it."""

    row: CaseRow
    failures: tuple[Drawn, ...]


Told = Callable[[str], None]


def evaluate(reader: Reader, cases: Iterable[CaseFiles], tell: Told) -> Iterable[Evaluated]:
    """Read every CT and compare. ``tell`` is told the name before each.

    Raises:
        TruthError: a file of truth is not what it should be.
    """
    for files in cases:
        tell(files.name)
        case, spine = files.read_truth()
        case = KnownCase(name=files.name, vertebrae=case.vertebrae, levels_known=case.levels_known)
        opened = reader.open(files.ct)
        if isinstance(opened, IngestRefused):
            finding = reader.read(files.ct).finding  # refused: everything is missed, and the code says why
            yield Evaluated(row=compare(case, finding, None, {}), failures=())
            continue
        bundle = reader.read_opened(opened)
        shown = _series_of(case, bundle)
        overlaps = {} if spine is None else _overlaps(case, spine, bundle)
        spacing = None if shown is None else shown.spacing_mm[shown.slice_axis]
        row = compare(case, bundle.finding, spacing, overlaps)
        yield Evaluated(
            row=row, failures=() if shown is None else tuple(map(draw, _failures(case, row, bundle, shown)))
        )


def _series_of(case: KnownCase, bundle: ReportInput) -> CtVolume | None:
    """The volume in which the truth lies: of several series that with the nearest bodies."""
    if not bundle.series:
        return None
    middle = np.mean([x.centre_lps_mm for x in case.vertebrae], axis=0)

    def away(series: AnalysedSeries) -> float:
        index = np.linalg.solve(series.volume.affine, np.append(middle, 1.0))[:3]
        last = np.array(series.volume.hu.shape) - 1.0
        outside = np.maximum(np.maximum(-index, index - last), 0.0) * np.array(series.volume.spacing_mm)
        return float(np.linalg.norm(outside))

    return min(bundle.series, key=away).volume


def _patches(bundle: ReportInput) -> dict[tuple[str, str], BodyPatch]:
    return {
        (series.spine.masks.series_id, name.level.value): vertebra.patch
        for series in bundle.series
        for name, vertebra in zip(series.spine.names, series.spine.masks.vertebrae, strict=True)
    }


def _overlaps(case: KnownCase, spine: LabelledSpine, bundle: ReportInput) -> dict[tuple[Level, str], Overlap]:
    """Dice and surface distance of every matched body, by true and read level."""
    patches = _patches(bundle)
    true = {
        name.level: vertebra.patch for name, vertebra in zip(spine.names, spine.masks.vertebrae, strict=True)
    }
    read = list(bundle.finding.vertebrae)
    found: dict[tuple[Level, str], Overlap] = {}
    for number, position in match(case, read).items():
        level, vertebra = case.vertebrae[number].level, read[position]
        patch = patches.get((vertebra.series_id, vertebra.level))
        if patch is None or level not in true:
            continue
        compared = overlap(true[level], patch)
        if compared is not None:
            found[level, vertebra.level] = compared
    return found


def _failures(case: KnownCase, row: CaseRow, bundle: ReportInput, volume: CtVolume) -> Iterable[Tile]:
    """A tile per vertebra that was missed, misnamed, misgraded, far off in height, or invented."""
    read = {x.level: x for x in bundle.finding.vertebrae}
    for known, one in zip(case.vertebrae, row.vertebrae, strict=True):
        wrong = _what_is_wrong(row, one.level)
        if wrong:
            found = None if one.read_level is None else read.get(one.read_level)
            yield Tile(
                volume=volume,
                centre_lps_mm=known.centre_lps_mm,
                frame=_frame(found),
                caption=(f"{case.name} {known.level}", wrong),
                true_points_mm=known.points_lps_mm,
                read_points_mm=None if found is None else landmark_array(found.landmarks_lps_mm),
            )
    for invented in row.invented:
        yield Tile(
            volume=volume,
            centre_lps_mm=np.array(invented.centre_lps_mm),
            frame=np.eye(3),
            caption=(case.name, f"invented: {invented.read_level}"),
        )


def _what_is_wrong(row: CaseRow, level: Level) -> str:
    one = next(x for x in row.vertebrae if x.level is level)
    if not one.is_whole or not level.is_graded:
        return ""
    if not one.is_found:
        return "not found"
    wrong = []
    if row.levels_known and one.read_level != level and not one.level_uncertain:
        wrong.append(f"named {one.read_level}")
    if one.true_grade is not None and one.read_grade is not None:
        crosses = (one.true_grade >= COUNTED_GRADE) != (one.read_grade >= COUNTED_GRADE)
        if crosses:
            wrong.append(f"grade {one.true_grade}, read {one.read_grade}")
    if one.height_errors_mm is not None:
        worst = max(one.height_errors_mm, key=abs)
        if abs(worst) > LARGE_HEIGHT_ERROR_MM:
            wrong.append(f"height off by {worst:+.1f} mm")
    return ", ".join(wrong)


def _frame(found: VertebraFinding | None) -> Float64Array:
    points = None if found is None else landmark_array(found.landmarks_lps_mm)
    if points is None:
        return np.eye(3)
    return frame_of(points)
