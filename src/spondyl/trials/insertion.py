"""Fractures of known loss inserted into real CTs in memory, one at a time, and read.

A CT is opened once; each insertion changes a few centimetres of it and the whole CT is read anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spondyl.domain.finding import (
    POSSIBLE_GRADE_2,
    UNREAD_IN_THE_ROW,
    LandmarkSet,
    State,
    StudyFinding,
    VertebraFinding,
)
from spondyl.domain.grading import COUNTED_GRADE, Shape
from spondyl.domain.level import Level
from spondyl.domain.measurement import LANDMARK_NAMES, Measured
from spondyl.domain.report import AnalysedSeries
from spondyl.domain.series import IngestRefused
from spondyl.domain.volume import CtVolume
from spondyl.geometry.affine import to_index
from spondyl.geometry.arrays import Float64Array
from spondyl.pipeline import Opened
from spondyl.study.evaluation.insertions import InsertionReading, NormalReading
from spondyl.synthetic.insert import Inserted, WantedFracture, insert_fracture
from spondyl.synthetic.insert_place import frame_of, place_among
from spondyl.trials.picture import Drawn, Tile, draw
from spondyl.wiring import Reader

FIRST_LEVEL, LAST_LEVEL = Level.T4, Level.L4
LOSS_RANGE = (0.15, 0.60)
SAME_PLACE_MM = 12.0  # ours: half a thoracic vertebra; the centre of a crushed body moves by up to 4 mm
MUST_BE_SEEN = 0.25  # Genant's lower bound of grade 2: what a missed fracture is
REALISED_WITHIN = 0.03  # an insertion whose realised loss is further from the wanted one is an error
# ours: thin cartilage and wall beyond the points belong to the body too
_MARGIN_MM = 4.0
_SHAPES = (Shape.WEDGE, Shape.BICONCAVE, Shape.CRUSH)


class TrialError(Exception):
    """A CT cannot take part: what was got, what is needed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NormalCt:
    """One CT without fracture, as it was read, with the places where fractures can be put. Holds no pixels.

    series_id: the series that takes the fractures. points_lps_mm: six points per level, given or measured.
    widths_mm: where measured. candidates: the levels that can take a fracture.
    """

    name: str
    path: Path
    series_id: str
    slice_spacing_mm: float
    points_lps_mm: Mapping[Level, Float64Array]
    widths_mm: Mapping[Level, float]
    candidates: tuple[Level, ...]
    finding: StudyFinding

    @property
    def reading(self) -> NormalReading:
        """What was read in it as it is."""
        graded = [x for x in self.finding.vertebrae if x.genant_grade is not None]
        return NormalReading(
            ct=self.name,
            slice_spacing_mm=self.slice_spacing_mm,
            is_flagged=self.finding.state is State.FLAG,
            n_graded=len(graded),
            false_levels=tuple(x.level for x in graded if (x.genant_grade or 0) >= COUNTED_GRADE),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedInsertion:
    """One fracture to be made."""

    ct: str
    level: Level
    shape: Shape
    loss_fraction: float
    top_share: float


def survey(
    reader: Reader, path: Path, name: str, points: Mapping[Level, Float64Array] | None = None
) -> tuple[NormalCt, Opened]:
    """Open a CT, read it as it is, and find where fractures can be put; gives the one series that takes them.

    points: six points per level, (6, 3) LPS mm; without them those of the reading are taken.

    Raises:
        TrialError: the CT is refused, or holds no vertebra that can take a fracture.
    """
    opened = _one_series(_open(reader, path, name), points)
    bundle = reader.read_opened(opened)
    if not bundle.series:
        raise TrialError(f"{name}: not read: {bundle.finding.reasons[0].text}")
    measured = _measured(bundle.series[0])
    places = {x.level: x.landmarks_lps_mm for x in measured} if points is None else dict(points)
    volume = opened.volumes[0]
    candidates = tuple(
        level
        for level in sorted(places, key=lambda x: x.order)
        if FIRST_LEVEL.order <= level.order <= LAST_LEVEL.order and _is_inside(volume, places[level])
    )
    if not candidates:
        raise TrialError(
            f"{name}: no vertebra from {FIRST_LEVEL} to {LAST_LEVEL} was measured; a CT that shows one whole "
            "is needed"
        )
    ct = NormalCt(
        name=name,
        path=path,
        series_id=volume.series_id,
        slice_spacing_mm=volume.spacing_mm[volume.slice_axis],
        points_lps_mm=places,
        widths_mm={x.level: x.width_mm for x in measured},
        candidates=candidates,
        finding=bundle.finding,
    )
    return ct, opened


def reopen(reader: Reader, ct: NormalCt) -> Opened:
    """The series of a surveyed CT, from its files again.

    Raises:
        TrialError: the files are no longer what they were.
    """
    opened = _open(reader, ct.path, ct.name)
    for number, volume in enumerate(opened.volumes):
        if volume.series_id == ct.series_id:
            return _only(opened, number)
    raise TrialError(
        f"{ct.name}: the series that was surveyed is no longer there; leave the files as they are"
    )


def _open(reader: Reader, path: Path, name: str) -> Opened:
    opened = reader.open(path)
    if isinstance(opened, IngestRefused):
        raise TrialError(f"{name}: {opened.refusal.code}: {opened.refusal.text}")
    return opened


def plan(cts: Sequence[NormalCt], number: int, seed: int) -> tuple[PlannedInsertion, ...]:
    """Losses, shapes and places spread evenly: the same seed gives the same plan.

    The losses are a shuffled row of equal steps over LOSS_RANGE; shapes take turns; places are the
    candidates of all CTs in shuffled order, again and again.
    """
    rng = np.random.default_rng(seed)
    places = [(ct.name, level) for ct in cts for level in ct.candidates]
    losses = LOSS_RANGE[0] + (LOSS_RANGE[1] - LOSS_RANGE[0]) * (np.arange(number) + 0.5) / number
    order: list[tuple[str, Level]] = []
    while len(order) < number:
        order += [places[index] for index in rng.permutation(len(places))]
    return tuple(
        PlannedInsertion(
            ct=ct,
            level=level,
            shape=_SHAPES[position % len(_SHAPES)],
            loss_fraction=round(float(loss), 4),
            top_share=round(float(rng.uniform(0.35, 0.85)), 3),
        )
        for position, ((ct, level), loss) in enumerate(
            zip(order[:number], rng.permutation(losses), strict=True)
        )
    )


def make(ct: NormalCt, volume: CtVolume, planned: PlannedInsertion) -> Inserted:
    """The CT with the fracture. volume: of the series that was surveyed.

    Raises:
        TrialError: the warp would fold, or the realised loss is not the wanted one.
    """
    place = place_among(planned.level, ct.points_lps_mm, ct.widths_mm.get(planned.level))
    wanted = WantedFracture(
        shape=planned.shape, loss_fraction=planned.loss_fraction, top_share=planned.top_share
    )
    try:
        inserted = insert_fracture(volume, place, wanted)
    except ValueError as error:
        raise TrialError(f"{planned.level} of {planned.ct}: {error}") from error
    if abs(inserted.loss_fraction - planned.loss_fraction) > REALISED_WITHIN:
        raise TrialError(
            f"{planned.level} of {planned.ct}: a loss of {inserted.loss_fraction:.0%} came about where "
            f"{planned.loss_fraction:.0%} was wanted; the discs beside it leave no room: choose less"
        )
    return inserted


def read_inserted(
    reader: Reader, ct: NormalCt, opened: Opened, planned: PlannedInsertion, inserted: Inserted
) -> tuple[InsertionReading, StudyFinding]:
    """Read the CT with the fracture and compare. opened: the series that was surveyed."""
    finding = reader.read_opened(replace(opened, volumes=(inserted.volume,))).finding
    centre = inserted.landmarks_lps_mm.mean(axis=0)
    here = vertebra_at(finding, centre)
    before = vertebra_at(ct.finding, ct.points_lps_mm[planned.level].mean(axis=0))
    elsewhere = [x for x in finding.vertebrae if here is None or x is not here]
    reading = InsertionReading(
        ct=ct.name,
        level=planned.level,
        shape=planned.shape,
        loss_fraction=inserted.loss_fraction,
        state=finding.state,
        read_level=None if here is None else here.level,
        read_grade=None if here is None else here.genant_grade,
        read_shape=None if here is None else here.shape,
        read_loss_fraction=None if here is None else here.loss_fraction,
        probability=None if here is None else here.probability_grade_2_or_more,
        refused="NOT_FOUND" if here is None else here.not_measured,
        is_asked_for=_is_asked_for(finding, here, planned.level),
        others_flagged=tuple(x.level for x in elsewhere if (x.genant_grade or 0) >= COUNTED_GRADE),
        baseline_loss_fraction=None if before is None else before.loss_fraction,
    )
    return reading, finding


def _is_asked_for(finding: StudyFinding, here: VertebraFinding | None, level: Level) -> bool:
    """Whether the finding asks for a look at this place although no grade 2 was read there."""
    name = level.value if here is None else here.level
    asked = [x.text.split(":")[0] for x in finding.reasons if x.code in {POSSIBLE_GRADE_2, UNREAD_IN_THE_ROW}]
    return any(name in heading.removesuffix(" (level uncertain)").split(", ") for heading in asked)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tried:
    """One planned insertion and what became of it. left_out: why it could not be made. missed: a picture."""

    number: int
    planned: PlannedInsertion
    reading: InsertionReading | None
    left_out: str | None
    missed: Drawn | None


def run(reader: Reader, cts: Sequence[NormalCt], planned: Sequence[PlannedInsertion]) -> Iterator[Tried]:
    """Make and read every planned fracture, CT by CT, so that one CT at a time is in memory.

    Raises:
        TrialError: a CT can no longer be opened.
    """
    for ct in cts:
        mine = [(number, one) for number, one in enumerate(planned) if one.ct == ct.name]
        if not mine:
            continue
        opened = reopen(reader, ct)
        for number, one in mine:
            yield _try(reader, ct, opened, number, one)


def _try(reader: Reader, ct: NormalCt, opened: Opened, number: int, one: PlannedInsertion) -> Tried:
    try:
        inserted = make(ct, opened.volumes[0], one)
    except TrialError as error:
        return Tried(number=number, planned=one, reading=None, left_out=str(error), missed=None)
    reading, finding = read_inserted(reader, ct, opened, one, inserted)
    is_missed = reading.loss_fraction >= MUST_BE_SEEN and not reading.is_seen
    tile = _missed_tile(ct, inserted, reading, finding) if is_missed else None
    return Tried(number=number, planned=one, reading=reading, left_out=None, missed=tile)


def _missed_tile(ct: NormalCt, inserted: Inserted, reading: InsertionReading, finding: StudyFinding) -> Drawn:
    points = inserted.landmarks_lps_mm
    here = vertebra_at(finding, points.mean(axis=0))
    read = "not read" if reading.read_loss_fraction is None else f"read {reading.read_loss_fraction:.0%}"
    tile = Tile(
        volume=inserted.volume,
        centre_lps_mm=points.mean(axis=0),
        frame=frame_of(points),
        caption=(
            f"{ct.name} {reading.level} {reading.shape.value} {reading.loss_fraction:.0%}",
            f"{read}, grade {reading.read_grade}, {reading.state.value}",
        ),
        true_points_mm=points,
        read_points_mm=None if here is None else landmark_array(here.landmarks_lps_mm),
    )
    return draw(tile)


def vertebra_at(finding: StudyFinding, centre_lps_mm: Float64Array) -> VertebraFinding | None:
    """The vertebra whose six points (or centre) lie nearest a place, within SAME_PLACE_MM."""
    best, nearest = None, SAME_PLACE_MM
    for vertebra in finding.vertebrae:
        distance = float(np.linalg.norm(_middle(vertebra) - centre_lps_mm))
        if distance < nearest:
            best, nearest = vertebra, distance
    return best


def landmark_array(landmarks: LandmarkSet | None) -> Float64Array | None:
    """(6, 3) LPS mm in the order of LANDMARK_NAMES; None stays None."""
    if landmarks is None:
        return None
    return np.array([getattr(landmarks, name) for name in LANDMARK_NAMES], dtype=np.float64)


def _middle(vertebra: VertebraFinding) -> Float64Array:
    points = landmark_array(vertebra.landmarks_lps_mm)
    return np.array(vertebra.centre_lps_mm) if points is None else np.asarray(points.mean(axis=0))


def _one_series(opened: Opened, points: Mapping[Level, Float64Array] | None) -> Opened:
    """The best series, or the one in which the given points lie."""
    number = 0
    if points:
        inside = [
            sum(_is_inside(volume, one, margin_mm=0.0) for one in points.values())
            for volume in opened.volumes
        ]
        number = int(np.argmax(inside))
    return _only(opened, number)


def _only(opened: Opened, number: int) -> Opened:
    ingested = replace(opened.ingested, accepted=(opened.ingested.accepted[number],))
    return Opened(ingested=ingested, volumes=(opened.volumes[number],))


def _measured(series: AnalysedSeries) -> list[Measured]:
    return [x for x in series.measurements if isinstance(x, Measured)]


def _is_inside(volume: CtVolume, points: Float64Array, margin_mm: float = _MARGIN_MM) -> bool:
    index = to_index(volume.affine, points)
    margin = margin_mm / np.array(volume.spacing_mm)
    return bool(np.all(index >= margin) and np.all(index <= np.array(volume.hu.shape) - 1 - margin))
