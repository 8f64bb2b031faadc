"""Every threshold of this room, with its source: a section of clinical-methods.md, or "ours"."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How height loss is judged. All losses are fractions of the expected height.

    Grades (Genant; clinical-methods §1.4, lower bounds inclusive)
        grade_1, grade_2, grade_3.
    Reference (clinical-methods §1.2; distances and the weights of the third and fourth neighbour: ours)
        suspicious_loss: a vertebra that lost more is nobody's reference (borderline of §10).
        neighbour_weights: by distance in levels, 1 to 4. end_weight: factor for T1, L5 and L6, whose
            shape varies most (ours). fewest_references: below it the patient's size stands in.
        shift_prior_count, largest_shift: the patient's own ratios move the norm by their median,
            shrunken as if that many normal vertebrae had been seen, and never further (ours).
    Two criteria (after McCloskey-Kanis, clinical-methods §1.5; values ours)
        crush_ignored, crush_counted: posterior losses below the first leave the anterior and middle
            loss to the vertebra's own ratio; above the second they count in full; a ramp between.
        own_allowance: how far the loss against the neighbours may exceed the vertebra's own shape.
        corner_allowance, lowest_allowance: how far the corner points, or the lowest place, may exceed
            the loss of the window averages.
    Shape (clinical-methods §1.4)
        crush_posterior_loss, crush_posterior_share: crush where the posterior height lost at least
            this much, and at least this share of the largest loss.
    Uncertainty (ours, from the spread of anatomy-and-norms §4.1 after the patient's own shift)
        anatomy_sd: anterior, middle, posterior. thick_sd: added where slices exceed largest_graded_mm.
    Slice spacing (clinical-methods §1.8, §10)
        largest_graded_mm with spacing_tolerance_mm: above it no grade, but for certain severe loss.
    """

    grade_1: float = 0.20
    grade_2: float = 0.25
    grade_3: float = 0.40

    suspicious_loss: float = 0.15
    neighbour_weights: tuple[float, ...] = (2.0, 1.0, 0.5, 0.25)
    end_weight: float = 0.5
    fewest_references: int = 2
    shift_prior_count: float = 3.0
    largest_shift: float = 0.12

    crush_ignored: float = 0.05
    crush_counted: float = 0.15
    own_allowance: float = 0.05
    corner_allowance: float = 0.06
    lowest_allowance: float = 0.08

    crush_posterior_loss: float = 0.15
    crush_posterior_share: float = 0.5

    anatomy_sd: tuple[float, float, float] = (0.06, 0.05, 0.05)
    thick_sd: float = 0.06

    largest_graded_mm: float = 3.0
    spacing_tolerance_mm: float = 0.1
