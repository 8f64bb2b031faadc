"""Thresholds of the segment stage. All are our choices, set on synthetic CT."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How outlines are made, accepted and judged.

    most_passes: how often a patch is cut at most.
    still_mm, still_deg: it is not cut anew when centre and axes moved by less.
    smallest_volume_ml: a body smaller than this is not one.
    largest_shift_mm: a body further from where it was looked for is another one.
    duplicate_mm: two outlines whose centres are nearer than this are one body.
    column_probability, column_step_mm: the finder's column of bodies is where it is as sure as this; it is
        looked at in such steps.
    column_margin_mm: a place of the column further than this above or below every outline holds another
        body.
    column_reach_mm: a candidate nearer than this to the column has its direction.
    first_volume_ml: a first body found in the column, without neighbours to compare, lies between these.
    gap_factor: a step this many times its neighbours' holds a missed body.
    largest_slant_deg: a candidate that lies further than this from the column's direction is turned upright.
    candidate_certainty: mean certainty of an outline at a place that the finder gave.
    smallest_certainty: mean certainty of an outline that was looked for without a candidate.
    largest_missed_share: an outline that leaves out more than this share of what the finder saw of its body
        is made anew, or doubted.
    volume_share: smallest and largest share of the neighbours' volume for such an outline.
    border_mm: a body whose outline ends nearer than this to the end of the scan counts as cut (next to that
        end the network may give a body up too early); with thick slices, a slice and two voxels.
    border_body_mm: a body whose centre lies nearer than this to the end of the scan cannot be whole.
    known_probability: the finder's running number counts where it saw a body with at least this probability.
    level_sd: spread of that number.
    metal_hu: above this a voxel is metal (clipped scanners end at 3071).
    metal_reach_mm: how far round the body metal counts.
    """

    most_passes: int = 4
    still_mm: float = 1.0
    still_deg: float = 4.0
    smallest_volume_ml: float = 1.2
    largest_shift_mm: float = 14.0
    duplicate_mm: float = 9.0
    column_probability: float = 0.5
    column_step_mm: float = 5.0
    column_margin_mm: float = 5.0
    column_reach_mm: float = 12.0
    first_volume_ml: tuple[float, float] = (3.0, 90.0)
    gap_factor: float = 1.6
    largest_slant_deg: float = 22.0
    candidate_certainty: float = 0.66
    smallest_certainty: float = 0.80
    largest_missed_share: float = 0.15
    volume_share: tuple[float, float] = (0.4, 1.7)
    border_mm: float = 4.0
    border_body_mm: float = 14.0
    known_probability: float = 0.3
    level_sd: float = 1.3
    metal_hu: float = 2200.0
    metal_reach_mm: float = 5.0
