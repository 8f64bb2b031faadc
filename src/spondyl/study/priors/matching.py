"""Which vertebra of one scan is which of the other: by names and by shape together.

Names may be off by one in either scan. Every shift of the numbers is tried; the shapes (heights, depth,
steps between the centres) say how well the spines then agree, the names how likely such a slip is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.domain.finding import HeightTriple, StudyFinding, VertebraFinding
from spondyl.domain.level import Level
from spondyl.geometry.arrays import Float64Array
from spondyl.study.priors.model import Limits

_HEIGHT_SD_MM = 0.9  # ours: between two readings of one body, besides the stated uncertainty
_DEPTH_SD_MM = 1.2
_STEP_SD_MM = 1.6  # a disc moves with posture
_MOST = 9.0  # of a squared deviation: a fracture is no proof of another vertebra
_FEWEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Pairs (current, prior) of indices into the findings' vertebrae, the slip and its probability."""

    pairs: tuple[tuple[int, int], ...]
    slip: int
    probability: float


def match_spines(current: StudyFinding, prior: StudyFinding, limits: Limits) -> Matching:
    """Match two spines; without any common vertebra there are no pairs."""
    shifts = range(-limits.largest_slip, limits.largest_slip + 1)
    named = _name_log_probabilities(current, prior, limits)
    scores, pairs = [], []
    for shift in shifts:
        found = _pairs(current, prior, shift)
        pairs.append(found)
        scores.append(_shape_log_likelihood(current, prior, found) + named[abs(shift)])
    best = int(np.argmax(scores))
    if not pairs[best]:
        return Matching(pairs=(), slip=0, probability=0.0)
    weights = np.exp(np.array(scores) - scores[best])
    return Matching(pairs=pairs[best], slip=list(shifts)[best], probability=float(1.0 / np.sum(weights)))


def _name_log_probabilities(current: StudyFinding, prior: StudyFinding, limits: Limits) -> list[float]:
    """Log probability of each size of slip, from how sure the names are."""
    is_unsure = any(v.level_uncertain for finding in (current, prior) for v in finding.vertebrae)
    same = limits.unsure_probability if is_unsure else limits.same_name_probability
    rest = (1.0 - same) / 2.0
    # half of what is left for each side; each further level a tenth of the one before
    return [float(np.log(same)), *(float(np.log(rest * 0.1**n)) for n in range(limits.largest_slip))]


def _places(finding: StudyFinding) -> dict[int, int]:
    """Place on the ladder of names to index; a T13 takes a place only where there is one."""
    levels = [Level(vertebra.level) for vertebra in finding.vertebrae]
    has_t13 = Level.T13 in levels
    return {
        level.order - (not has_t13 and level.order > Level.T13.order): n for n, level in enumerate(levels)
    }


def _pairs(current: StudyFinding, prior: StudyFinding, shift: int) -> tuple[tuple[int, int], ...]:
    here, there = _places(current), _places(prior)
    return tuple((n, there[place + shift]) for place, n in here.items() if place + shift in there)


def _shape_log_likelihood(
    current: StudyFinding, prior: StudyFinding, pairs: tuple[tuple[int, int], ...]
) -> float:
    """Half the negative mean squared deviation, for as many vertebrae as the shorter spine has.

    The mean, not the sum: a shift that leaves fewer pairs must not win by having less to explain.
    """
    deviations = [_deviations(current.vertebrae, prior.vertebrae, one, other) for one, other in pairs]
    every = np.concatenate(deviations) if deviations else np.zeros(0)
    if len([x for x in deviations if x.size]) < _FEWEST:
        return -_MOST * 0.5 * min(len(current.vertebrae), len(prior.vertebrae))
    n_common = min(len(current.vertebrae), len(prior.vertebrae))
    return -0.5 * float(np.mean(every)) * n_common


def _deviations(
    here: tuple[VertebraFinding, ...], there: tuple[VertebraFinding, ...], one: int, other: int
) -> Float64Array:
    """Squared deviations of one pair, each at most _MOST."""
    values: list[float] = []
    a, b = here[one], there[other]
    if a.heights_mm is not None and b.heights_mm is not None:
        sd = np.hypot(triple(a.height_sd_mm), triple(b.height_sd_mm))
        difference = triple(a.heights_mm) - triple(b.heights_mm)
        values += list((difference / np.hypot(sd, _HEIGHT_SD_MM)) ** 2)
    if a.depth_mm is not None and b.depth_mm is not None:
        values.append(((a.depth_mm - b.depth_mm) / _DEPTH_SD_MM) ** 2)
    if one + 1 < len(here) and other + 1 < len(there):
        steps = [
            float(np.linalg.norm(np.subtract(spine[n].centre_lps_mm, spine[n + 1].centre_lps_mm)))
            for spine, n in ((here, one), (there, other))
        ]
        values.append(((steps[0] - steps[1]) / _STEP_SD_MM) ** 2)
    return np.asarray(np.minimum(np.array(values), _MOST), dtype=np.float64)


def triple(heights: HeightTriple | None) -> Float64Array:
    """(3,) anterior, middle, posterior; zeros where there are none."""
    return np.zeros(3) if heights is None else np.array([heights.anterior, heights.middle, heights.posterior])
