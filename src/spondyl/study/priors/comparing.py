"""Height by height: what was lost since the prior, beyond what two readings differ by."""

from __future__ import annotations

import numpy as np

from spondyl.domain.finding import StudyFinding, VertebraFinding
from spondyl.geometry.arrays import Float64Array
from spondyl.study.priors.matching import Matching, match_spines, triple
from spondyl.study.priors.model import Change, Comparison, Limits, Status, TrajectoryPoint

_FEWEST_FOR_SCALE = 3


def compare(current: StudyFinding, prior: StudyFinding, limits: Limits | None = None) -> Comparison:
    """Compare a scan with an earlier one of the same patient."""
    limits = limits or Limits()
    matching = match_spines(current, prior, limits)
    partners = dict(matching.pairs)
    scale = _scale(current, prior, matching, limits)
    changes = tuple(
        _change(vertebra, None if n not in partners else prior.vertebrae[partners[n]], scale, limits)
        for n, vertebra in enumerate(current.vertebrae)
    )
    return Comparison(
        slip=matching.slip,
        slip_probability=matching.probability,
        scale=scale,
        n_matched=len(matching.pairs),
        changes=changes,
        reasons=_reasons(changes, matching),
    )


def _scale(current: StudyFinding, prior: StudyFinding, matching: Matching, limits: Limits) -> float:
    """Median ratio of current to prior heights: what slices, kernel and pixel size do to a whole scan."""
    ratios = [
        triple(current.vertebrae[one].window_heights_mm) / triple(prior.vertebrae[other].window_heights_mm)
        for one, other in matching.pairs
        if current.vertebrae[one].window_heights_mm and prior.vertebrae[other].window_heights_mm
    ]
    if len(ratios) < _FEWEST_FOR_SCALE:
        return 1.0
    return float(np.clip(np.median(np.concatenate(ratios)), *limits.scale_range))


def _change(vertebra: VertebraFinding, prior: VertebraFinding | None, scale: float, limits: Limits) -> Change:
    losses = None if prior is None else _losses_mm(vertebra, prior, scale)
    sd = None if prior is None else np.hypot(triple(vertebra.height_sd_mm), triple(prior.height_sd_mm))
    before = None if prior is None or losses is None else scale * triple(prior.heights_mm)
    status, text = _status(prior, losses, sd, before, limits)
    hu = (
        None
        if prior is None or vertebra.attenuation_hu is None or prior.attenuation_hu is None
        else vertebra.attenuation_hu - prior.attenuation_hu
    )
    return Change(
        level=vertebra.level,
        prior_level=None if prior is None else prior.level,
        status=status,
        loss_fractions=None if losses is None or before is None else _three(losses / before),
        loss_mm=None if losses is None else _three(losses),
        sd_mm=None if losses is None or sd is None else _three(sd),
        prior_loss_fraction=None if prior is None else prior.loss_fraction,
        loss_fraction=vertebra.loss_fraction,
        prior_grade=None if prior is None else prior.genant_grade,
        grade=vertebra.genant_grade,
        attenuation_change_hu=hu,
        text=text,
    )


def _losses_mm(vertebra: VertebraFinding, prior: VertebraFinding, scale: float) -> Float64Array | None:
    """(3,) mm lost since the prior: the smaller of the loss by six points and by averaged heights.

    A single corner may slip; a real loss shows in both.
    """
    if vertebra.heights_mm is None or prior.heights_mm is None:
        return None
    points = scale * triple(prior.heights_mm) - triple(vertebra.heights_mm)
    windows = scale * triple(prior.window_heights_mm) - triple(vertebra.window_heights_mm)
    agree = np.sign(points) == np.sign(windows)
    smaller = np.where(np.abs(points) < np.abs(windows), points, windows)
    return np.asarray(np.where(agree, smaller, 0.0))


def _status(
    prior: VertebraFinding | None,
    losses: Float64Array | None,
    sd: Float64Array | None,
    before: Float64Array | None,
    limits: Limits,
) -> tuple[Status, str]:
    if prior is None:
        return Status.NOT_COMPARABLE, "Not in the prior scan."
    if losses is None or sd is None or before is None:
        return Status.NOT_COMPARABLE, "Not measured in both scans."
    fractions = losses / before
    if np.min(fractions) < -limits.gain_fraction:
        return Status.NOT_COMPARABLE, "Higher than in the prior scan: one of the two outlines is wrong."
    worst = int(np.argmax(fractions))
    name = ("anterior", "middle", "posterior")[worst]
    told = f"{name} height {losses[worst]:+.1f} ± {sd[worst]:.1f} mm less ({fractions[worst]:.0%})"
    was_broken = (prior.loss_fraction or 0.0) >= limits.broken_loss
    is_lost = _is_lost(losses, fractions, sd, limits)
    words = {
        (False, True): (Status.NEW, f"New since the prior scan: {told}."),
        (True, True): (Status.WORSE, f"Broken before, and lost more: {told}."),
        (True, False): (
            Status.OLD,
            "Broken in the prior scan already: known to the scans, whether reported or not.",
        ),
        (False, False): (Status.STABLE, f"No change beyond the uncertainty: {told}."),
    }
    return words[(was_broken, is_lost)]


def _is_lost(losses: Float64Array, fractions: Float64Array, sd: Float64Array, limits: Limits) -> bool:
    by_size = (fractions >= limits.loss_fraction) & (losses >= limits.loss_mm)
    by_certainty = (
        (losses >= limits.sds * sd) & (fractions >= limits.least_fraction) & (losses >= limits.least_mm)
    )
    return bool(np.any(by_size | by_certainty))


def _reasons(changes: tuple[Change, ...], matching: Matching) -> tuple[str, ...]:
    if not matching.pairs:
        return ("The two scans have no vertebra in common.",)
    reasons = []
    if matching.slip:
        reasons.append(
            f"The scans are numbered differently: {abs(matching.slip)} level(s) apart (probability "
            f"{matching.probability:.2f}); vertebrae are matched by shape."
        )
    for status, words in (
        (Status.NEW, "New"),
        (Status.WORSE, "Worse"),
        (Status.OLD, "Known to the scans"),
    ):
        levels = [change.level for change in changes if change.status == status]
        if levels:
            reasons.append(f"{words}: {', '.join(levels)}.")
    if not any(change.status in {Status.NEW, Status.WORSE} for change in changes):
        reasons.append("No vertebra that could be compared has lost height since the prior scan.")
    return tuple(reasons)


def trajectory(scans: tuple[StudyFinding, ...], limits: Limits | None = None) -> tuple[TrajectoryPoint, ...]:
    """Every vertebra of the latest scan through all scans, latest first; each is matched to the latest.

    Raises:
        ValueError: no scan is given.
    """
    if not scans:
        raise ValueError("no scan was given; at least the current one is needed")
    limits = limits or Limits()
    latest = scans[0]
    points = [_point(vertebra, vertebra, 0) for vertebra in latest.vertebrae]
    for number, scan in enumerate(scans[1:], start=1):
        partners = dict(match_spines(latest, scan, limits).pairs)
        points += [
            _point(latest.vertebrae[one], scan.vertebrae[other], number) for one, other in partners.items()
        ]
    return tuple(points)


def _point(named: VertebraFinding, seen: VertebraFinding, scan: int) -> TrajectoryPoint:
    heights = seen.heights_mm
    return TrajectoryPoint(
        level=named.level,
        scan=scan,
        anterior_mm=None if heights is None else heights.anterior,
        middle_mm=None if heights is None else heights.middle,
        posterior_mm=None if heights is None else heights.posterior,
        loss_fraction=seen.loss_fraction,
        grade=seen.genant_grade,
        attenuation_hu=seen.attenuation_hu,
    )


def _three(values: Float64Array) -> tuple[float, float, float]:
    anterior, middle, posterior = (float(x) for x in values)
    return anterior, middle, posterior
