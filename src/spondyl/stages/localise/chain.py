"""The heaviest plausible chain of bodies: dynamic programming from head to foot; the rest is dropped."""

from __future__ import annotations

import numpy as np

from spondyl.domain.spine import BodyCandidate
from spondyl.stages.localise.settings import Settings


def best_chain(candidates: list[BodyCandidate], settings: Settings) -> list[BodyCandidate]:
    """Bodies in order from head to foot. A lone body counts as a chain."""
    ordered = sorted(candidates, key=lambda body: -float(body.centre_lps_mm[2]))
    best = [body.body_probability for body in ordered]
    before: list[int | None] = [None] * len(ordered)
    for lower in range(len(ordered)):
        for upper in range(lower):
            cost = _step_cost(ordered[upper], ordered[lower], settings)
            if cost is None:
                continue
            weight = best[upper] + ordered[lower].body_probability - cost
            if weight > best[lower]:
                best[lower], before[lower] = weight, upper
    if not ordered:
        return []
    chain: list[BodyCandidate] = []
    place: int | None = int(np.argmax(best))
    while place is not None:
        chain.append(ordered[place])
        place = before[place]
    return chain[::-1]


def _step_cost(upper: BodyCandidate, lower: BodyCandidate, settings: Settings) -> float | None:
    """None where the step is not possible; more for bends and for gaps of a missing body."""
    step = upper.centre_lps_mm - lower.centre_lps_mm
    distance = float(np.linalg.norm(step))
    nearest, farthest = settings.chain_spacing_mm
    if not nearest <= distance <= farthest * 1.6 or step[2] <= 0:
        return None
    direction = step / distance
    axis = upper.frame[:, 2] + lower.frame[:, 2]
    cosine = float(direction @ axis / np.linalg.norm(axis))
    bend = float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
    if bend > settings.chain_bend_deg:
        return None
    gap = max(distance - 0.75 * farthest, 0.0) / farthest
    return 0.3 * (bend / settings.chain_bend_deg) ** 2 + gap
