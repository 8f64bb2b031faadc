"""Every numbering that fits the number of bodies, scored by ribs, sacrum, running numbers, steps."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from spondyl.domain.level import STANDARD_LEVELS, Level
from spondyl.domain.vertebra import LevelName, Vertebra
from spondyl.geometry.arrays import Float64Array
from spondyl.stages.label.curve import curve_score, lean_deg
from spondyl.stages.label.gaps import gap_choices
from spondyl.stages.label.outline_ratio import depth_to_width, ratio_score
from spondyl.stages.label.settings import Settings

# distance to the next lower body's centre, mm (ImFusion VID; above C7 and below L4 our estimate)
PITCH_MM: dict[Level, float] = {
    Level.C1: 16.0, Level.C2: 18.5, Level.C3: 17.0, Level.C4: 17.0, Level.C5: 17.2, Level.C6: 18.0,
    Level.C7: 19.8, Level.T1: 20.7, Level.T2: 21.0, Level.T3: 21.0, Level.T4: 21.6, Level.T5: 22.1,
    Level.T6: 22.6, Level.T7: 23.3, Level.T8: 24.0, Level.T9: 25.4, Level.T10: 27.3, Level.T11: 29.7,
    Level.T12: 32.3, Level.T13: 33.0, Level.L1: 34.5, Level.L2: 35.8, Level.L3: 36.5, Level.L4: 36.3,
    Level.L5: 34.0, Level.L6: 32.0,
}  # fmt: skip
MOST_BODIES = len(STANDARD_LEVELS) + 1  # the longest column: C1 to S1 with T13 or L6


# ours, in squared spreads: more misfit of one step than this says no more
_MOST_TOO_SHORT, _MOST_TOO_LONG = 9.0, 25.0
_DOUBT_POWER = 1.7  # ours: evidence between 0.25 and 0.75 hardly counts, it was wrong as often as right


@dataclass(frozen=True, slots=True)
class _Anatomy:
    """A column of levels from head to foot, and how often it occurs."""

    levels: tuple[Level, ...]
    prior: float


def name_sequence(
    vertebrae: tuple[Vertebra, ...], settings: Settings, *, is_doubtful: bool = False
) -> tuple[LevelName, ...]:
    """The most probable numbering, each name with its own probability.

    ``vertebrae``: at most MOST_BODIES. ``is_doubtful``: no name is to be certain, whatever fits.
    """
    steps = _steps_mm(vertebrae)
    numberings, scores = _numberings(vertebrae, steps, gap_choices(steps), settings)
    if not numberings:  # gaps that hide more bodies than a spine has: do not believe them, nor the names
        is_doubtful = True
        numberings, scores = _numberings(vertebrae, steps, [(0,) * len(steps)], settings)
    posterior = np.exp(scores - scores.max())
    posterior /= posterior.sum()
    best = numberings[int(np.argmax(posterior))]
    can_be_certain = not is_doubtful and _has_anchor(vertebrae, best, settings)
    names = []
    for place, level in enumerate(best):
        agreeing = [p for levels, p in zip(numberings, posterior, strict=True) if levels[place] == level]
        probability = float(np.clip(np.sum(agreeing), 0.0, 1.0))
        is_uncertain = not can_be_certain or probability < settings.certain_probability
        names.append(LevelName(level=level, probability=probability, is_uncertain=is_uncertain))
    return tuple(names)


def without_excess(vertebrae: tuple[Vertebra, ...]) -> tuple[Vertebra, ...]:
    """As many as there are names for: of more, the worst outlines are doubles or false and are left out."""
    by_quality = sorted(range(len(vertebrae)), key=lambda place: -vertebrae[place].outline_quality)
    kept = sorted(by_quality[:MOST_BODIES])
    return tuple(vertebrae[place] for place in kept)


def _anatomies(settings: Settings) -> list[_Anatomy]:
    standard = list(STANDARD_LEVELS)
    usual = 1.0 - (
        settings.eleven_thoracic_prior
        + settings.thirteen_thoracic_prior
        + settings.four_lumbar_prior
        + settings.six_lumbar_prior
    )
    thirteen = standard.copy()
    thirteen.insert(standard.index(Level.L1), Level.T13)
    six = standard.copy()
    six.insert(standard.index(Level.S1), Level.L6)
    return [
        _Anatomy(tuple(standard), usual),
        _Anatomy(tuple(x for x in standard if x != Level.T12), settings.eleven_thoracic_prior),
        _Anatomy(tuple(thirteen), settings.thirteen_thoracic_prior),
        _Anatomy(tuple(x for x in standard if x != Level.L5), settings.four_lumbar_prior),
        _Anatomy(tuple(six), settings.six_lumbar_prior),
    ]


def _steps_mm(vertebrae: tuple[Vertebra, ...]) -> Float64Array:
    centres = np.array([x.candidate.centre_lps_mm for x in vertebrae])
    return np.asarray(np.linalg.norm(np.diff(centres, axis=0), axis=1))


def _usable_steps(vertebrae: tuple[Vertebra, ...]) -> list[bool]:
    """Steps between neighbours that are both whole: of a cut body the centre is not known."""
    whole = [not x.cut_by_border for x in vertebrae]
    return [upper and lower for upper, lower in itertools.pairwise(whole)]


def _leans(vertebrae: tuple[Vertebra, ...], usable: list[bool]) -> tuple[float | None, ...]:
    leans = lean_deg(np.array([x.candidate.centre_lps_mm for x in vertebrae]))
    return tuple(float(x) if is_usable else None for x, is_usable in zip(leans, usable, strict=True))


def _numberings(
    vertebrae: tuple[Vertebra, ...],
    steps_mm: Float64Array,
    choices: list[tuple[int, ...]],
    settings: Settings,
) -> tuple[list[tuple[Level, ...]], Float64Array]:
    """Every way to lay the bodies onto an anatomy, with its log score."""
    ratios = tuple(depth_to_width(x) for x in vertebrae)
    usable = _usable_steps(vertebrae)
    leans = _leans(vertebrae, usable)
    numberings, scores = [], []
    for gaps, anatomy in itertools.product(choices, _anatomies(settings)):
        offsets = np.concatenate([[0], np.cumsum(np.array(gaps, dtype=int) + 1)]).astype(int)
        prior = np.log(anatomy.prior) + sum(gaps) * np.log(settings.missed_prior)
        next_to = tuple(lean if gap == 0 else None for lean, gap in zip(leans, gaps, strict=True))
        for first in range(len(anatomy.levels) - int(offsets[-1])):
            levels = tuple(anatomy.levels[first + int(offset)] for offset in offsets)
            numberings.append(levels)
            score = _score(vertebrae, levels, anatomy, settings)
            pitch = _pitch_score(steps_mm, levels, anatomy, usable, settings)
            shape = ratio_score(ratios, levels, settings) + curve_score(next_to, levels, settings)
            scores.append(prior + score + pitch + shape)
    return numberings, np.array(scores)


def _score(
    vertebrae: tuple[Vertebra, ...],
    levels: tuple[Level, ...],
    anatomy: _Anatomy,
    settings: Settings,
) -> float:
    total = _number_score(vertebrae, levels, settings)
    for vertebra, level in zip(vertebrae, levels, strict=True):
        seen = vertebra.candidate.rib_evidence
        total += _evidence(seen, settings.rib_certainty, is_there=_has_rib(level))
    last = anatomy.levels[anatomy.levels.index(Level.S1) - 1]
    for vertebra, level in zip(vertebrae, levels, strict=True):
        evidence = vertebra.candidate.sacrum_evidence
        is_above_sacrum = level in (last, Level.S1)
        if evidence > 0.0 and not vertebra.cut_by_border:
            total += _evidence(evidence, settings.sacrum_certainty, is_there=is_above_sacrum)
    if levels[-1] == Level.S1:
        total += float(np.log(settings.outlined_sacrum_prior))
    return total


def _number_score(vertebrae: tuple[Vertebra, ...], levels: tuple[Level, ...], settings: Settings) -> float:
    """The network's running numbers against the names.

    All numbers of one spine err together (a network that counts one too few does so everywhere): their
    common offset, a weighted median, has a spread of its own, so that many bodies do not make a wrong count
    certain, and one number far off moves nothing.
    """
    numbers = np.array([x.candidate.level_estimate for x in vertebrae])
    weights = np.array([x.candidate.level_estimate_sd for x in vertebrae]) ** -2.0
    off = numbers - np.array([_running_number(level) for level in levels])
    common = _weighted_median(off, weights)
    variance = settings.number_bias_sd**2 + 1.0 / float(weights.sum())
    own = np.minimum(weights * (off - common) ** 2, 9.0).sum()
    return float(-0.5 * common**2 / variance - 0.5 * settings.level_weight * own)


def _weighted_median(values: Float64Array, weights: Float64Array) -> float:
    """The value with half of the weight on either side, between two values where they share it."""
    order = np.argsort(values)
    middle = np.cumsum(weights[order]) - 0.5 * weights[order]
    return float(np.interp(0.5 * weights.sum(), middle, values[order]))


def _running_number(level: Level) -> float:
    if level == Level.T13:
        return STANDARD_LEVELS.index(Level.T12) + 0.5
    if level == Level.L6:
        return STANDARD_LEVELS.index(Level.L5) + 0.5
    return float(STANDARD_LEVELS.index(level))


def _has_rib(level: Level) -> bool:
    return Level.T1.order <= level.order <= Level.T13.order


def _evidence(seen: float, certainty: float, *, is_there: bool) -> float:
    """Log likelihood of a graded observation: certain ones count fully, 0.5 and near it not at all."""
    right, wrong = np.log(certainty), np.log(1.0 - certainty)
    doubt = 2.0 * seen - 1.0
    sure = float(np.sign(doubt)) * abs(doubt) ** _DOUBT_POWER
    return float(0.5 * (right + wrong) + 0.5 * (right - wrong) * (sure if is_there else -sure))


def _pitch_score(
    steps_mm: Float64Array,
    levels: tuple[Level, ...],
    anatomy: _Anatomy,
    usable: list[bool],
    settings: Settings,
) -> float:
    """Steps against the norm: one size for the whole spine, then each step's own spread.

    A step can fall short of its norm by any length (a body is crushed), but hardly exceed it.
    """
    ratios = [
        float(np.log(step / _norm_mm(anatomy, upper, lower)))
        for step, upper, lower, is_usable in zip(steps_mm, levels[:-1], levels[1:], usable, strict=True)
        if is_usable
    ]
    if not ratios:
        return 0.0
    values = np.array(ratios)
    size = (
        float(np.median(values)) * len(values) / (len(values) + (settings.pitch_sd / settings.size_sd) ** 2)
    )
    off = (values - size) / settings.pitch_sd
    misfit = np.minimum(off**2, np.where(off > 0.0, _MOST_TOO_LONG, _MOST_TOO_SHORT)).sum()
    return float(-0.5 * settings.pitch_weight * (misfit + (size / settings.size_sd) ** 2))


def _norm_mm(anatomy: _Anatomy, upper: Level, lower: Level) -> float:
    """Usual distance of two levels' centres, over the levels between them where any were missed."""
    first, last = anatomy.levels.index(upper), anatomy.levels.index(lower)
    return sum(PITCH_MM[level] for level in anatomy.levels[first:last])


def _has_anchor(vertebrae: tuple[Vertebra, ...], levels: tuple[Level, ...], settings: Settings) -> bool:
    """Whether ribs are seen to begin or end where the names say so, or the sacrum below the last body."""
    seen = [(_has_rib(level), x.candidate.rib_evidence) for x, level in zip(vertebrae, levels, strict=True)]
    neighbours = [*itertools.pairwise(seen), *zip(seen, seen[2:], strict=False)]
    last = vertebrae[-1]
    is_sacrum_seen = last.candidate.sacrum_evidence > settings.anchor_margin and not last.cut_by_border
    return any(_is_rib_border(a, b, settings) for a, b in neighbours) or (
        is_sacrum_seen and levels[-1].order >= Level.L4.order
    )


def _is_rib_border(one: tuple[bool, float], other: tuple[bool, float], settings: Settings) -> bool:
    """A body named with a rib beside one named without, and the evidence says the same (0.5: unknown)."""
    (_, without), (_, with_rib) = sorted([one, other])
    return one[0] != other[0] and without < 0.5 < with_rib and with_rib - without > settings.anchor_margin
