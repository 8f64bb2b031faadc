"""How surely each confounder is seen, and how often it is seen where there is none, on synthetic bodies.

    python benchmarks/confounders.py [--patients 12] [--cases 50] [--only KIND ...] [--out FILE]

Synthetic spines (T10 to L2 whole, soft and sharp pictures, noise 8 to 40 HU) with their true outlines; each
confounder is painted at strengths from weak to strong, each strength as often. A case counts as seen when
the kind is named at its level, or for the scan. False alarms: the same kind on vertebrae (or scans) with
nothing painted. Outlines are true, so this measures the rules and not the networks.
"""

# ruff: noqa: ARG001 - every maker takes the same arguments, whether it needs them or not
from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from spondyl.adapters.label_maps import VERSE, LabelMap, labelled_spine
from spondyl.domain.body_view import see_bodies
from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.domain.grading import Graded, NotGraded
from spondyl.domain.level import Level
from spondyl.domain.measurement import Measured, NotMeasured
from spondyl.domain.vertebra import BodyPatch, LabelledSpine, Vertebra, VertebraMasks
from spondyl.domain.volume import CtVolume
from spondyl.geometry.affine import to_index
from spondyl.pipeline import StageSettings
from spondyl.stages.confounders import find_confounders
from spondyl.stages.grade import grade
from spondyl.stages.measure import measure
from spondyl.stages.signs import read_signs
from spondyl.synthetic import SyntheticCt, TrueVertebra, make_ct
from spondyl.synthetic import paint_confounder as paint
from spondyl.synthetic.acquisition import CLEAN

SETTINGS = StageSettings()
FIRST, LAST = Level.T9, Level.L3
LEVELS = (Level.T10, Level.T11, Level.T12, Level.L1, Level.L2)
NOISES_HU = (8.0, 15.0, 25.0, 40.0)
STRENGTHS = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patient:
    """A spine read with its true outlines, nothing painted."""

    made: SyntheticCt
    spine: LabelledSpine
    measurements: tuple[Measured | NotMeasured, ...]

    def truth(self, level: Level) -> TrueVertebra:
        """How a vertebra was made."""
        return next(x for x in self.made.truth if x.level == level)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """What the stages are given: a CT and a spine, changed or not."""

    ct: CtVolume
    spine: LabelledSpine
    measurements: tuple[Measured | NotMeasured, ...]


def draw_patient(seed: int) -> Patient:
    """One synthetic spine with its true outlines."""
    noise = NOISES_HU[seed % len(NOISES_HU)]
    protocol = replace(CLEAN, noise_hu=noise, slice_thickness_mm=1.0, sharpness=0.8 * (seed % 3 == 2))
    made = make_ct(seed, 1.0, first=FIRST, last=LAST, field_of_view_mm=150.0, protocol=protocol)
    spine = labelled_spine(
        LabelMap(labels=made.labels.astype(np.int16), affine=made.volume.affine),
        VERSE,
        series_id=made.volume.series_id,
        body=made.labels > 0,
        hu=made.volume.hu.astype(np.float32),
    )
    kept = [n for n, name in enumerate(spine.names) if FIRST.order <= name.level.order <= LAST.order]
    # a label map tells nothing of ribs: say what is true, so that numbering is not doubted for it
    vertebrae = tuple(_with_ribs(spine.masks.vertebrae[n], spine.names[n].level) for n in kept)
    spine = LabelledSpine(
        masks=VertebraMasks(vertebrae=vertebrae, series_id=spine.masks.series_id),
        names=tuple(spine.names[n] for n in kept),
    )
    return Patient(made=made, spine=spine, measurements=measure(spine, SETTINGS.measure))


def _with_ribs(vertebra: Vertebra, level: Level) -> Vertebra:
    has_rib = level.order <= Level.T12.order
    return replace(vertebra, candidate=replace(vertebra.candidate, rib_evidence=0.9 if has_rib else 0.05))


def look(picture: Picture) -> tuple[tuple[Confounder, ...], tuple[Graded | NotGraded, ...]]:
    """Grades and confounders as the pipeline finds them."""
    grades = grade(picture.measurements, SETTINGS.grade)
    views = see_bodies(picture.spine, picture.measurements)
    signs = read_signs(picture.ct, views, grades, SETTINGS.signs)

    def once(graded: tuple[Graded | NotGraded, ...]) -> tuple[Confounder, ...]:
        return find_confounders(picture.ct, picture.spine, views, graded, signs, SETTINGS.confounders)

    found = once(grades)
    barred = frozenset(x.level for x in found if x.level is not None and x.bars_reference)
    if barred:
        grades = grade(picture.measurements, SETTINGS.grade, barred)
        found = once(grades)
    return found, grades


def plain(patient: Patient) -> Picture:
    """Nothing painted."""
    return Picture(ct=patient.made.volume, spine=patient.spine, measurements=patient.measurements)


def with_coats(patient: Patient, level: Level, painters: tuple[paint.Painter, ...]) -> Picture:
    """The patient with something painted on one vertebra: on its patch, its outline and the CT."""
    number = [name.level for name in patient.spine.names].index(level)
    place = paint.place_of(patient.truth(level))
    vertebra = patient.spine.masks.vertebrae[number]
    patch = vertebra.patch
    hu, left = paint.painted(patch.hu, patch.affine, place, painters)
    changed = replace(vertebra, patch=_patch(patch, hu, patch.occupancy * left))
    vertebrae = (
        *patient.spine.masks.vertebrae[:number],
        changed,
        *patient.spine.masks.vertebrae[number + 1 :],
    )
    spine = replace(patient.spine, masks=replace(patient.spine.masks, vertebrae=vertebrae))
    alone = LabelledSpine(
        masks=VertebraMasks(vertebrae=(changed,), series_id=spine.masks.series_id),
        names=(patient.spine.names[number],),
    )
    again = measure(alone, SETTINGS.measure)[0]
    measurements = (*patient.measurements[:number], again, *patient.measurements[number + 1 :])
    ct = on_ct(patient.made.volume, place, painters)
    return Picture(ct=ct, spine=spine, measurements=measurements)


def _patch(patch: BodyPatch, hu: np.ndarray, occupancy: np.ndarray) -> BodyPatch:
    return replace(patch, hu=hu, occupancy=occupancy.astype(np.float32))


def on_ct(ct: CtVolume, place: paint.Place, painters: tuple[paint.Painter, ...]) -> CtVolume:
    """The same on the CT, within reach of the vertebra."""
    centre = to_index(ct.affine, place.centre_lps_mm[None])[0]
    reach = 45.0 / np.array(ct.spacing_mm)
    low = np.maximum(np.floor(centre - reach), 0).astype(int)
    high = np.minimum(np.ceil(centre + reach), np.array(ct.hu.shape)).astype(int)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    affine = ct.affine.copy()
    affine[:3, 3] += ct.affine[:3, :3] @ low
    hu = ct.hu.copy()
    hu[box] = np.rint(paint.painted(ct.hu[box].astype(np.float32), affine, place, painters)[0])
    return replace(ct, hu=hu)


# ------------------------------------------------------------------------------------ what is painted
Maker = Callable[[Patient, Level, float, np.random.Generator], Picture]


def _strong(strength: float, low: float, high: float) -> float:
    """A value between weak and strong; strength 0-1."""
    return low + (high - low) * strength


def _aside(rng: np.random.Generator, place: paint.Place, share: float = 0.3) -> tuple[float, float, float]:
    """A random place well inside a body."""
    half = 0.5 * (place.back_mm - place.front_mm)
    x, y, z = rng.uniform(-share, share, 3)
    return float(x * place.half_width_mm), float(y * half - 2.0), float(z * place.top_mm)


def _sclerotic(patient: Patient, level: Level, strength: float, rng: np.random.Generator) -> Picture:
    place = paint.place_of(patient.truth(level))
    lesion = paint.ball(_aside(rng, place), _strong(strength, 5.0, 11.0), _strong(strength, 380.0, 750.0))
    return with_coats(patient, level, (lesion,))


def _mixed(patient: Patient, level: Level, strength: float, rng: np.random.Generator) -> Picture:
    place = paint.place_of(patient.truth(level))
    aside, radius = 0.35 * place.half_width_mm, _strong(strength, 5.5, 8.5)
    dense = paint.ball((aside, -3.0, 0.0), radius, _strong(strength, 420.0, 700.0))
    hole = paint.ball((-aside, -5.0, 0.0), radius, 35.0)
    return with_coats(patient, level, (dense, hole))


def _lytic(patient: Patient, level: Level, strength: float, rng: np.random.Generator) -> Picture:
    place = paint.place_of(patient.truth(level))
    side = rng.choice([-1.0, 1.0])
    radius = _strong(strength, 8.0, 14.0)
    hole = paint.ball(
        (float(side * 0.75 * place.half_width_mm), -4.0, 0.0), radius, float(rng.uniform(30, 60))
    )
    return with_coats(patient, level, (hole,))


def _island(patient: Patient, level: Level, strength: float, rng: np.random.Generator) -> Picture:
    place = paint.place_of(patient.truth(level))
    island = paint.ball(_aside(rng, place), _strong(strength, 5.0, 7.5), _strong(strength, 1050.0, 1350.0))
    return with_coats(patient, level, (island,))


def _haemangioma(patient: Patient, level: Level, strength: float, rng: np.random.Generator) -> Picture:
    radius = _strong(strength, 9.0, 14.0)
    return with_coats(patient, level, (paint.haemangioma(radius, _strong(strength, 120.0, 260.0)),))


def _gas(patient: Patient, level: Level, strength: float, rng: np.random.Generator) -> Picture:
    return with_coats(patient, level, (paint.gas(_strong(strength, 0.12, 0.9)),))


def _cement(patient: Patient, level: Level, strength: float, rng: np.random.Generator) -> Picture:
    place = paint.place_of(patient.truth(level))
    radius, hu = _strong(strength, 5.0, 9.0), _strong(strength, 1700.0, 2300.0)
    blobs = tuple(paint.ball(_aside(rng, place), radius * float(rng.uniform(0.7, 1.0)), hu) for _ in range(2))
    return with_coats(patient, level, blobs)


def _metal(patient: Patient, level: Level, strength: float, rng: np.random.Generator) -> Picture:
    return with_coats(patient, level, (paint.screws(_strong(strength, 2.0, 3.5)),))


def _schmorl(patient: Patient, level: Level, strength: float, rng: np.random.Generator) -> Picture:
    depth, radius = _strong(strength, 3.0, 7.0), float(rng.uniform(3.5, 5.0))
    pit = paint.node(depth, radius, float(rng.uniform(-6, 6)), is_top=bool(rng.random() < 0.5))
    return with_coats(patient, level, (pit,))


def _limbus(patient: Patient, level: Level, strength: float, rng: np.random.Generator) -> Picture:
    return with_coats(patient, level, (paint.fragment(_strong(strength, 5.0, 9.0)),))


def _hemivertebra(patient: Patient, level: Level, strength: float, rng: np.random.Generator) -> Picture:
    return with_coats(patient, level, (paint.half_body(_strong(strength, 0.30, 0.45)),))


def _chalk(patient: Patient, level: Level, strength: float, rng: np.random.Generator) -> Picture:
    return with_coats(patient, level, (paint.chalk(_strong(strength, 180.0, 450.0)),))


def _bridge(patient: Patient, level: Level, strength: float, rng: np.random.Generator) -> Picture:
    picture = plain(patient)
    thickness, angle = _strong(strength, 3.5, 7.0), float(rng.uniform(-0.7, 0.0))
    ct = picture.ct
    for other in LEVELS:
        ct = on_ct(ct, paint.place_of(patient.truth(other)), (paint.bridge(thickness, angle),))
    return replace(picture, ct=ct)


def _short_outline(patient: Patient, level: Level, strength: float, rng: np.random.Generator) -> Picture:
    place = paint.place_of(patient.truth(level))
    height = place.top_mm - place.bottom_mm
    gap = paint.short_outline(_strong(strength, 0.27, 0.33) * height, is_top=bool(rng.random() < 0.5))
    dense = paint.ball((0.0, 0.0, 0.0), 0.9 * place.half_width_mm, _strong(strength, 420.0, 700.0))
    within = _within_body(dense, place)
    return with_coats(patient, level, (within, gap))


def _within_body(painter: paint.Painter, place: paint.Place) -> paint.Painter:
    """The same paint, but only between the endplates."""

    def clipped(x: np.ndarray, y: np.ndarray, z: np.ndarray, at: paint.Place) -> paint.Coat:
        coat = painter(x, y, z, at)
        inside = np.clip(place.top_mm - z + 0.5, 0, 1) * np.clip(z - place.bottom_mm + 0.5, 0, 1)
        wall = (
            np.hypot(
                x / place.half_width_mm,
                (2 * y - place.front_mm - place.back_mm) / (place.back_mm - place.front_mm),
            )
            < 0.95
        )
        return replace(coat, share=coat.share * inside * wall)

    return clipped


def _merged(patient: Patient, level: Level, strength: float, rng: np.random.Generator) -> Picture:
    """The outline runs on into the vertebra above: two as one."""
    names = [name.level for name in patient.spine.names]
    number = names.index(level)
    vertebra = patient.spine.masks.vertebrae[number]
    place = paint.place_of(patient.truth(level))
    patch = vertebra.patch
    index = np.indices(patch.hu.shape).reshape(3, -1).T.astype(np.float64)
    local = ((index @ patch.affine[:3, :3].T + patch.affine[:3, 3]) - place.centre_lps_mm) @ place.frame
    x, y, z = (local[:, axis].reshape(patch.hu.shape) for axis in range(3))
    extra = _strong(strength, 0.6, 1.0) * (place.top_mm - place.bottom_mm)
    out = np.hypot(
        x / place.half_width_mm, (2 * y - place.front_mm - place.back_mm) / (place.back_mm - place.front_mm)
    )
    added = (out < 0.97) & (z > 0) & (z < place.top_mm + extra)
    occupancy = np.maximum(patch.occupancy, added.astype(np.float32))
    return _with_occupancy(patient, number, occupancy)


def _with_occupancy(patient: Patient, number: int, occupancy: np.ndarray) -> Picture:
    vertebra = patient.spine.masks.vertebrae[number]
    changed = replace(vertebra, patch=_patch(vertebra.patch, vertebra.patch.hu, occupancy))
    vertebrae = (
        *patient.spine.masks.vertebrae[:number],
        changed,
        *patient.spine.masks.vertebrae[number + 1 :],
    )
    spine = replace(patient.spine, masks=replace(patient.spine.masks, vertebrae=vertebrae))
    alone = LabelledSpine(
        masks=VertebraMasks(vertebrae=(changed,), series_id=spine.masks.series_id),
        names=(patient.spine.names[number],),
    )
    again = measure(alone, SETTINGS.measure)[0]
    measurements = (*patient.measurements[:number], again, *patient.measurements[number + 1 :])
    return Picture(ct=patient.made.volume, spine=spine, measurements=measurements)


def _numbering(patient: Patient, level: Level, strength: float, rng: np.random.Generator) -> Picture:
    """One body was not found at all."""
    number = [name.level for name in patient.spine.names].index(level)
    keep = [n for n in range(len(patient.spine.names)) if n != number]
    spine = LabelledSpine(
        masks=replace(patient.spine.masks, vertebrae=tuple(patient.spine.masks.vertebrae[n] for n in keep)),
        names=tuple(patient.spine.names[n] for n in keep),
    )
    return Picture(
        ct=patient.made.volume, spine=spine, measurements=tuple(patient.measurements[n] for n in keep)
    )


def _transitional(patient: Patient, level: Level, strength: float, rng: np.random.Generator) -> Picture:
    """Ribs that end one too soon or too late."""
    wanted, rib = (Level.T12, 0.12) if rng.random() < 0.5 else (Level.L1, 0.9)
    vertebrae = tuple(
        replace(vertebra, candidate=replace(vertebra.candidate, rib_evidence=rib))
        if name.level == wanted
        else vertebra
        for vertebra, name in zip(patient.spine.masks.vertebrae, patient.spine.names, strict=True)
    )
    picture = plain(patient)
    return replace(
        picture, spine=replace(picture.spine, masks=replace(picture.spine.masks, vertebrae=vertebrae))
    )


def _motion(patient: Patient, level: Level, strength: float, rng: np.random.Generator) -> Picture:
    """Everything above a slice lies aside."""
    picture = plain(patient)
    hu = picture.ct.hu.copy()
    at = int(rng.integers(len(hu) // 4, 3 * len(hu) // 4))
    pixels = max(1, round(_strong(strength, 3.0, 8.0) / picture.ct.spacing_mm[2]))
    hu[at:] = np.roll(hu[at:], pixels, axis=int(rng.integers(1, 3)))
    return replace(picture, ct=replace(picture.ct, hu=hu))


def _noise(patient: Patient, level: Level, strength: float, rng: np.random.Generator) -> Picture:
    picture = plain(patient)
    more = rng.normal(0.0, _strong(strength, 42.0, 90.0), picture.ct.hu.shape)
    hu = np.clip(picture.ct.hu + more, -1024, 3071).astype(np.int16)
    return replace(picture, ct=replace(picture.ct, hu=hu))


MAKERS: dict[Kind, Maker] = {
    Kind.SCLEROTIC_LESION: _sclerotic,
    Kind.MIXED_LESION: _mixed,
    Kind.LYTIC_LESION: _lytic,
    Kind.BONE_ISLAND: _island,
    Kind.HAEMANGIOMA: _haemangioma,
    Kind.GAS: _gas,
    Kind.CEMENT: _cement,
    Kind.METAL: _metal,
    Kind.METAL_STREAK: _metal,
    Kind.SCHMORL: _schmorl,
    Kind.LIMBUS: _limbus,
    Kind.HEMIVERTEBRA: _hemivertebra,
    Kind.CALCIFIED_DISC: _chalk,
    Kind.BRIDGING: _bridge,
    Kind.OUTLINE_SHORT: _short_outline,
    Kind.MERGED: _merged,
    Kind.NUMBERING_DOUBT: _numbering,
    Kind.TRANSITIONAL: _transitional,
    Kind.MOTION: _motion,
    Kind.NOISE: _noise,
}
# a missed outline of a dense body is told as the lesion's doing
SAME = {Kind.OUTLINE_SHORT: {Kind.OUTLINE_SHORT, Kind.SCLEROTIC_LESION}}
OF_SCAN = {Kind.BRIDGING, Kind.NUMBERING_DOUBT, Kind.MOTION, Kind.NOISE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind: how many were seen by strength, and false alarms where nothing was painted."""

    kind: str
    n: int
    seen: int
    by_strength: tuple[float, ...]
    n_plain: int
    false_alarms: int


def cases(
    patients: list[Patient], n_cases: int, seed: int
) -> Iterator[tuple[Patient, Level, float, np.random.Generator]]:
    """Patients, levels and strengths in turn."""
    for number in range(n_cases):
        rng = np.random.default_rng(1000 * seed + number)
        strength = (number % STRENGTHS) / (STRENGTHS - 1)
        yield patients[number % len(patients)], LEVELS[(number // STRENGTHS) % len(LEVELS)], strength, rng


def measure_kind(
    kind: Kind, patients: list[Patient], baseline: list[tuple[Confounder, ...]], n_cases: int
) -> Row:
    """Paint and look."""
    hits: dict[float, list[bool]] = {}
    for patient, level, strength, rng in cases(patients, n_cases, list(Kind).index(kind)):
        found, _ = look(MAKERS[kind](patient, level, strength, rng))
        names = SAME.get(kind, {kind})
        changing = {Effect.REJECT, Effect.DOWNGRADE} if kind == Kind.OUTLINE_SHORT else set(Effect)
        hit = any(x.kind in names and x.effect in changing and _is_here(x, kind, level) for x in found)
        hits.setdefault(strength, []).append(hit)
    of_level = [x for found in baseline for x in found if x.kind == kind]
    n_plain = len(baseline) if kind in OF_SCAN else len(baseline) * len(LEVELS)
    if kind == Kind.NOISE:  # a base picture of 40 HU is noisy: those are no false alarms
        of_level = [x for x in of_level if x.value < SETTINGS.confounders.noise_hu]
    return Row(
        kind=kind.value,
        n=n_cases,
        seen=sum(sum(x) for x in hits.values()),
        by_strength=tuple(float(np.mean(hits[s])) for s in sorted(hits)),
        n_plain=n_plain,
        false_alarms=len([x for x in of_level if x.level is None or x.level in LEVELS]),
    )


def _is_here(found: Confounder, kind: Kind, level: Level) -> bool:
    if kind in OF_SCAN or kind == Kind.TRANSITIONAL:
        return True
    return found.level == level


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=12)
    parser.add_argument("--cases", type=int, default=50)
    parser.add_argument("--only", nargs="*", default=[kind.value for kind in MAKERS])
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    began = time.perf_counter()
    patients = [draw_patient(seed) for seed in range(arguments.patients)]
    baseline = [look(plain(patient))[0] for patient in patients]
    print(f"{len(patients)} patients in {time.perf_counter() - began:.0f} s", flush=True)
    print(f"{'kind':20} {'seen':>8}  weak ... strong                 false alarms")
    rows = []
    for name in arguments.only:
        row = measure_kind(Kind(name), patients, baseline, arguments.cases)
        rows.append(row)
        strengths = " ".join(f"{x:4.2f}" for x in row.by_strength)
        print(
            f"{row.kind:20} {row.seen:3d}/{row.n:3d}  {strengths}   {row.false_alarms}/{row.n_plain}",
            flush=True,
        )
    others = sorted({str(x.kind) for found in baseline for x in found} - {row.kind for row in rows})
    for other in others:
        n = sum(any(x.kind == other for x in found) for found in baseline)
        print(f"{other:20} named in {n} of {len(baseline)} scans with nothing painted")
    if arguments.out is not None:
        arguments.out.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
