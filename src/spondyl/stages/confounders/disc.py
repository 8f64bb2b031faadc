"""The discs: how high they are, and whether they are chalky (§2)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spondyl.domain.body_view import BodyView
from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.domain.level import Level
from spondyl.domain.volume import HU_FLOOR
from spondyl.geometry.resample import sample
from spondyl.stages.confounders.case import Case

_SHARES = (np.linspace(-0.2, 0.2, 7), np.linspace(0.3, 0.7, 7), np.linspace(0.4, 0.6, 3))
_LEAST_GAP_MM = 3.0
_LEAST_GAP_SPACINGS = 2.0


def disc_heights_mm(case: Case) -> dict[tuple[Level, Level], float]:
    """Height of each disc between measured neighbours, at its middle."""
    return {(upper.level, lower.level): _height_mm(upper, lower) for upper, lower in case.pairs()}


def find(case: Case) -> Iterator[Confounder]:
    """Discs that are as bright as bone; both bodies beside them are named."""
    settings = case.settings
    for upper, lower in case.pairs():
        # the endplates' blur must not reach the middle of the disc
        if _height_mm(upper, lower) < max(_LEAST_GAP_MM, _LEAST_GAP_SPACINGS * upper.spacing_mm):
            continue
        hu = _inside(case, upper, lower)
        median_hu, hard = float(np.median(hu)), float(np.mean(hu > settings.disc_hard_hu))
        if median_hu <= settings.disc_hu and hard < settings.disc_hard_fraction:
            continue
        for view in (upper, lower):
            yield Confounder(
                kind=Kind.CALCIFIED_DISC,
                level=view.level,
                value=median_hu,
                threshold=settings.disc_hu,
                unit="HU",
                effect=Effect.FLAG,
                text=f"Calcified disc {upper.level}/{lower.level} (median {median_hu:.0f} HU, "
                f"{hard:.0%} above "
                f"{settings.disc_hard_hu:.0f} HU): the endplates beside it are not sharply seen.",
            )


def _height_mm(upper: BodyView, lower: BodyView) -> float:
    one, other = upper.measured, lower.measured
    assert one is not None
    assert other is not None
    axis = one.frame[:, 2] + other.frame[:, 2]
    step = one.landmarks_lps_mm[3:].mean(axis=0) - other.landmarks_lps_mm[:3].mean(axis=0)
    return float(step @ axis / np.linalg.norm(axis))


def _inside(
    case: Case, upper: BodyView, lower: BodyView
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """HU of the middle of a disc."""
    one, other = upper.measured, lower.measured
    assert one is not None
    assert other is not None
    above, below = one.landmarks_lps_mm[3:], other.landmarks_lps_mm[:3]
    left = one.frame[:, 0] + other.frame[:, 0]
    left = left / np.linalg.norm(left)
    x, u, t = np.meshgrid(*_SHARES, indexing="ij")
    rims = [plate[0] + u[..., None] * (plate[2] - plate[0]) for plate in (above, below)]
    # the endplates are hollow: the disc reaches to the middle points
    for n, plate in enumerate((above, below)):
        sag = plate[1] - 0.5 * (plate[0] + plate[2])
        rims[n] = rims[n] + (4.0 * u * (1.0 - u))[..., None] * sag
    points = rims[0] + t[..., None] * (rims[1] - rims[0]) + (x * one.width_mm)[..., None] * left
    return sample(case.ct.hu, case.ct.affine, points, order=1, outside=float(HU_FLOOR))
