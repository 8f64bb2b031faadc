"""Along the chain: outlines the candidates, drops doubles, looks for bodies missed between and beyond."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spondyl.domain.coarse_maps import UNKNOWN, CoarseMaps
from spondyl.domain.network import Network
from spondyl.domain.spine import BodyCandidate, SpineRegion
from spondyl.domain.volume import CtVolume
from spondyl.geometry.affine import to_index
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.segment.agreement import missed_share
from spondyl.stages.segment.aside import is_aside
from spondyl.stages.segment.field import find_field
from spondyl.stages.segment.outline import Outline, Scan, outline_body
from spondyl.stages.segment.ribs import rib_evidence
from spondyl.stages.segment.settings import Settings

_UNKNOWN_LEVEL_SD = 4.0
_SHORTEST_COLUMN = 4  # points; less has no direction
_ALL_MISSED = 0.3  # an outline that leaves out so much of its body is worth nothing
_MOST_ADDED = 8  # bodies added beyond one end of the chain


def follow_spine(
    volume: CtVolume, region: SpineRegion, refiner: Network, settings: Settings
) -> list[Outline]:
    """Outlines of all bodies, head to foot."""
    scan = Scan(volume=volume, field=find_field(volume), refiner=refiner, settings=settings)
    column = _column(region, settings)
    found = [outline_body(scan, body) for body in _upright(region.bodies, column, settings)]
    outlines = _without_doubles(
        [x for x in found if x is not None and x.certainty >= settings.candidate_certainty], settings
    )
    outlines = outlines or _first_in_column(scan, region.bodies[0], column)
    if not outlines:
        return []
    outlines = _search_column(scan, outlines, column)
    outlines = _fill_gaps(scan, outlines)
    outlines = _extend(scan, outlines, towards_head=True)
    outlines = _extend(scan, outlines, towards_head=False)
    if region.maps is None:
        return _without_trust_aside(outlines)
    outlines = _without_trust_aside(_checked(scan, outlines, region.maps))
    ribs = rib_evidence(outlines, region.maps)
    return [_with_evidence(x, rib, region.maps, settings) for x, rib in zip(outlines, ribs, strict=True)]


def _checked(scan: Scan, outlines: list[Outline], maps: CoarseMaps) -> list[Outline]:
    """Outlines that leave out a part of the body that the finder saw are made anew, else doubted."""
    checked = list(outlines)
    for place, outline in enumerate(outlines):
        others = checked[max(place - 1, 0) : place] + checked[place + 1 : place + 2]
        missed = missed_share(outline, others, maps)
        if missed > scan.settings.largest_missed_share:
            checked[place] = _anew(scan, outline, others, maps, missed)
    return sorted(checked, key=lambda x: -float(x.centre_lps_mm[2]))


def _without_trust_aside(outlines: list[Outline]) -> list[Outline]:
    """Outlines beside the line of their neighbours stay in the chain, but are not to be measured."""
    return [
        replace(outline, certainty=0.0) if is_aside(outlines, place) else outline
        for place, outline in enumerate(outlines)
    ]


def _anew(scan: Scan, outline: Outline, others: list[Outline], maps: CoarseMaps, missed: float) -> Outline:
    """The body outlined from between its neighbours, if the networks then agree; else the doubtful one."""
    if len(others) == 2:
        new = outline_body(scan, _between(others[0], others[1], 0.5), others)
        if new is not None and missed_share(new, others, maps) <= scan.settings.largest_missed_share:
            return replace(new, candidate=outline.candidate)
    return replace(outline, certainty=outline.certainty * max(1.0 - missed / _ALL_MISSED, 0.0))


def _with_evidence(outline: Outline, rib: float, maps: CoarseMaps, settings: Settings) -> Outline:
    """The outline with the evidence for its level at its final place, whoever found it."""
    evidence = maps.evidence_at(outline.centre_lps_mm, outline.frame)
    is_known = evidence.body_probability > settings.known_probability
    candidate = replace(
        outline.candidate,
        rib_evidence=rib,
        sacrum_evidence=evidence.sacrum_evidence,
        level_estimate=evidence.level_estimate if is_known else outline.candidate.level_estimate,
        level_estimate_sd=settings.level_sd if is_known else _UNKNOWN_LEVEL_SD,
    )
    return replace(outline, candidate=candidate)


def _without_doubles(outlines: list[Outline], settings: Settings) -> list[Outline]:
    kept: list[Outline] = []
    for outline in sorted(outlines, key=lambda x: -x.volume_ml * x.certainty):
        distances = [np.linalg.norm(outline.centre_lps_mm - other.centre_lps_mm) for other in kept]
        if not distances or min(distances) > settings.duplicate_mm:
            kept.append(outline)
    return sorted(kept, key=lambda x: -float(x.centre_lps_mm[2]))


def _column(region: SpineRegion, settings: Settings) -> Float64Array:
    """(n, 3) middle of the finder's column of bodies from head to foot; empty where there are no maps."""
    if region.maps is None:
        return np.zeros((0, 3))
    return region.maps.column_lps_mm(settings.column_probability, settings.column_step_mm)


def _first_in_column(scan: Scan, like: BodyCandidate, column: Float64Array) -> list[Outline]:
    """One body to begin with, where none of the candidates was one: the nearest to the column's middle."""
    settings = scan.settings
    if len(column) < _SHORTEST_COLUMN:
        return []
    low, high = settings.first_volume_ml
    for place in sorted(range(len(column)), key=lambda n: abs(n - len(column) // 2)):
        guess = _guess(like, column[place], _frame_along(_direction(column, place)), like.level_estimate)
        new = outline_body(scan, guess)
        if new is not None and new.certainty >= settings.smallest_certainty and low < new.volume_ml < high:
            return [new]
    return []


def _search_column(scan: Scan, outlines: list[Outline], column: Float64Array) -> list[Outline]:
    """Look where the finder saw a column of bodies but no single one: it cannot always part neighbours."""
    settings = scan.settings
    places = list(range(len(column)))
    while places:
        centres = np.array([x.centre_lps_mm for x in outlines])
        reach = np.array([x.half_height_mm + settings.column_margin_mm for x in outlines])
        distances = np.linalg.norm(column[places][:, None] - centres[None], axis=2)
        is_free = (distances > reach).all(axis=1)
        if not is_free.any():
            break
        # the place next to what is known comes first: sizes are compared with neighbours
        place = places.pop(int(np.argmin(np.where(is_free, distances.min(axis=1), np.inf))))
        nearest = outlines[int(np.argmin(np.linalg.norm(centres - column[place], axis=1)))]
        frame = _frame_along(_direction(column, place))
        guess = _guess(nearest.candidate, column[place], frame, nearest.candidate.level_estimate)
        new = _accepted(scan, guess, outlines)
        if new is not None:
            outlines = sorted([*outlines, new], key=lambda x: -float(x.centre_lps_mm[2]))
    return outlines


def _upright(
    bodies: tuple[BodyCandidate, ...], column: Float64Array, settings: Settings
) -> list[BodyCandidate]:
    """Candidates aslant to the column are merged neighbours: they are looked for along the column."""
    if len(column) < _SHORTEST_COLUMN:
        return list(bodies)
    upright = []
    for body in bodies:
        distances = np.linalg.norm(column - body.centre_lps_mm, axis=1)
        place = int(np.argmin(distances))
        frame = _frame_along(_direction(column, place))
        cosine = float(frame[:, 2] @ body.frame[:, 2])
        is_aslant = cosine < np.cos(np.radians(settings.largest_slant_deg))
        # far from the column its direction says nothing: the spine bends
        is_in_column = distances[place] < settings.column_reach_mm
        upright.append(replace(body, frame=frame) if is_aslant and is_in_column else body)
    return upright


def _direction(column: Float64Array, place: int) -> Float64Array:
    """From foot to head along the column, over a vertebra's height at that place."""
    return np.asarray(column[max(place - 3, 0)] - column[min(place + 3, len(column) - 1)])


def _frame_along(direction: Float64Array) -> Float64Array:
    """(3, 3) frame with its superior axis along a direction, posterior as near to the patient's as can be."""
    superior = direction / np.linalg.norm(direction)
    posterior = np.array([0.0, 1.0, 0.0]) - superior * superior[1]
    posterior /= np.linalg.norm(posterior)
    return np.stack([np.cross(posterior, superior), posterior, superior], axis=1)


def _fill_gaps(scan: Scan, outlines: list[Outline]) -> list[Outline]:
    """Look half-way (or at thirds) in steps that are too long for their neighbourhood."""
    centres = np.array([x.centre_lps_mm for x in outlines])
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    added: list[Outline] = []
    for place in range(len(steps)):
        near = np.concatenate([steps[max(place - 2, 0) : place], steps[place + 1 : place + 3]])
        usual = float(np.median(near)) if len(near) else 25.0
        missing = round(float(steps[place]) / usual) - 1
        if steps[place] < scan.settings.gap_factor * usual or missing < 1:
            continue
        for part in range(1, missing + 1):
            guess = _between(outlines[place], outlines[place + 1], part / (missing + 1))
            new = _accepted(scan, guess, outlines + added)
            if new is not None:
                added.append(new)
    return sorted(outlines + added, key=lambda x: -float(x.centre_lps_mm[2]))


def _extend(scan: Scan, outlines: list[Outline], *, towards_head: bool) -> list[Outline]:
    """Go on from one end, a body at a time, as long as bodies are found."""
    for _ in range(_MOST_ADDED):
        guess = _beyond(outlines if towards_head else outlines[::-1], towards_head=towards_head)
        if guess is None or not _is_inside(scan.volume, guess.centre_lps_mm):
            break
        new = _accepted(scan, guess, outlines)
        if new is None:
            break
        outlines = [new, *outlines] if towards_head else [*outlines, new]
    return outlines


def _accepted(scan: Scan, guess: BodyCandidate, known: list[Outline]) -> Outline | None:
    """An outline at a guessed place, if it is certain, of the neighbours' size, and not one of them."""
    settings = scan.settings
    new = outline_body(scan, guess, known)
    if new is None or new.certainty < settings.smallest_certainty:
        return None
    distances = np.array([np.linalg.norm(new.centre_lps_mm - x.centre_lps_mm) for x in known])
    nearest = np.argsort(distances)[:3]
    usual = float(np.median([known[int(n)].volume_ml for n in nearest]))
    low, high = settings.volume_share
    if distances.min() < settings.duplicate_mm or not low * usual < new.volume_ml < high * usual:
        return None
    return new


def _between(upper: Outline, lower: Outline, share: float) -> BodyCandidate:
    centre = upper.centre_lps_mm * (1 - share) + lower.centre_lps_mm * share
    level = upper.candidate.level_estimate * (1 - share) + lower.candidate.level_estimate * share
    return _guess(upper.candidate, centre, upper.frame * (1 - share) + lower.frame * share, level)


def _beyond(outlines: list[Outline], *, towards_head: bool) -> BodyCandidate | None:
    """One step further, along the last body's axis, bending on as the last step did."""
    if len(outlines) < 2:
        return None
    last, before = outlines[0], outlines[1]
    step = last.centre_lps_mm - before.centre_lps_mm
    length = float(np.linalg.norm(step)) * (0.97 if towards_head else 1.02)
    axis = last.frame[:, 2] * (1.0 if towards_head else -1.0)
    direction = 2.0 * axis - step / np.linalg.norm(step) + 1.0 * axis
    centre = last.centre_lps_mm + direction / np.linalg.norm(direction) * length
    return _guess(
        last.candidate, centre, last.frame, last.candidate.level_estimate + (-1 if towards_head else 1)
    )


def _guess(like: BodyCandidate, centre: Float64Array, frame: Float64Array, level: float) -> BodyCandidate:
    left, _, right = np.linalg.svd(frame)
    return replace(
        like,
        centre_lps_mm=centre,
        frame=left @ right,
        body_probability=UNKNOWN,
        level_estimate=level,
        level_estimate_sd=_UNKNOWN_LEVEL_SD,
        rib_evidence=UNKNOWN,
        sacrum_evidence=0.0,
    )


def _is_inside(volume: CtVolume, point: Float64Array) -> bool:
    index = to_index(volume.affine, point[None])[0]
    return bool(np.all(index > 0) and np.all(index < np.array(volume.hu.shape) - 1))
