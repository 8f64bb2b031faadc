"""Score the regular stacks and choose those to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spondyl.stages.ingest.kernel import KernelKind, classify_kernel
from spondyl.stages.ingest.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What the choice needs to know of one stack."""

    series_id: str
    spacing_mm: float
    z_range_mm: tuple[float, float]
    kernel: str | None
    is_original: bool


def score_candidate(candidate: Candidate, settings: Settings) -> float:
    """Millimetres of body covered times the quality of spacing, kernel and origin; higher is better."""
    low, high = candidate.z_range_mm
    kernel = {
        KernelKind.SOFT: 1.0,
        KernelKind.SHARP: settings.sharp_kernel_quality,
        KernelKind.UNKNOWN: settings.unknown_kernel_quality,
    }[classify_kernel(candidate.kernel)]
    origin = 1.0 if candidate.is_original else settings.derived_quality
    return round((high - low) * _spacing_quality(candidate.spacing_mm, settings) * kernel * origin, 3)


def _spacing_quality(spacing_mm: float, settings: Settings) -> float:
    """1 up to the best spacing, then falling on a straight line to the worst that is accepted."""
    excess = (spacing_mm - settings.best_spacing_mm) / (settings.max_spacing_mm - settings.best_spacing_mm)
    return 1.0 - (1.0 - settings.worst_spacing_quality) * min(max(excess, 0.0), 1.0)


def choose(candidates: Sequence[Candidate], settings: Settings) -> list[Candidate]:
    """The stacks to read, best first: the best, then each that adds enough of the body to those chosen.

    Positions of different frames of reference are compared as they stand: PET/CT studies exist whose
    two halves of the body each have a frame of their own.
    """
    ranked = sorted(
        candidates, key=lambda item: (-score_candidate(item, settings), item.spacing_mm, item.series_id)
    )
    chosen: list[Candidate] = []
    for candidate in ranked:
        if not chosen or uncovered_mm(candidate, chosen) >= settings.added_coverage_mm:
            chosen.append(candidate)
    return chosen


def uncovered_mm(candidate: Candidate, chosen: Sequence[Candidate]) -> float:
    """Length of a stack's z range that no chosen stack covers."""
    low, high = candidate.z_range_mm
    uncovered, reached = 0.0, low
    for start, end in sorted(item.z_range_mm for item in chosen):
        if end <= reached or start >= high:
            continue
        uncovered += max(start - reached, 0.0)
        reached = end
    return round(uncovered + max(high - reached, 0.0), 6)  # rounding noise must not decide
